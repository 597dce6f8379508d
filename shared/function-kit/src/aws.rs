//! The AWS configuration, loaded once per process: region, credentials and endpoints, from where
//! every SDK takes them. Endpoints for tests are the SDK's own variables
//! (`AWS_ENDPOINT_URL_REDSHIFT_DATA` and so on); there is no code for them.

use aws_config::{BehaviorVersion, SdkConfig};

/// Loads it.
pub async fn config() -> SdkConfig {
    aws_config::load_defaults(BehaviorVersion::latest()).await
}
