//! Questions to the warehouse through the Data API, as an administrator asks them.

use anyhow::{Context, Result, bail};
use aws_config::{BehaviorVersion, Region};
use aws_sdk_redshiftdata::config::Credentials;
use aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementOutput;
use aws_sdk_redshiftdata::types::{ExecutionMode, Field, StatementStatusString, StatusString};

/// The database that the local stack uses.
pub const DATABASE: &str = "dev";
/// The workgroup's name in the local stack.
pub const WORKGROUP: &str = "local";

/// A client that logs in as the administrator.
#[derive(Clone)]
pub struct Administrator {
    client: aws_sdk_redshiftdata::Client,
}

/// Rows as text; `None` is NULL.
pub type TextRows = Vec<Vec<Option<String>>>;

impl Administrator {
    /// A client for the endpoint, with one access key of the stack's identities.
    #[must_use]
    pub fn new(endpoint: &str, region: &str, access_key_id: &str, secret_access_key: &str) -> Self {
        let config = aws_sdk_redshiftdata::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .endpoint_url(endpoint)
            .credentials_provider(Credentials::new(access_key_id, secret_access_key, None, None, "local-stack"))
            .build();
        Self { client: aws_sdk_redshiftdata::Client::from_conf(config) }
    }

    /// Runs one statement and gives all its rows; none for a statement without a result.
    ///
    /// # Errors
    /// If the Data API refuses the call or the statement fails; the statement's own text is not
    /// part of the message, the warehouse's is.
    pub async fn query(&self, sql: &str) -> Result<TextRows> {
        let submitted = self
            .client
            .execute_statement()
            .database(DATABASE)
            .workgroup_name(WORKGROUP)
            .sql(sql)
            .wait_time_seconds(30)
            .send()
            .await
            .context("submitting a statement to the warehouse")?;
        let id = submitted.id().context("the Data API gave no statement id")?.to_owned();
        let described = self.settled(&id).await?;
        if described.has_result_set() != Some(true) {
            return Ok(Vec::new());
        }
        self.rows(&id).await
    }

    /// Runs statements one after another in one session, each committing alone, and fails if
    /// one of them does.
    ///
    /// # Errors
    /// As [`Administrator::query`]; the first failed statement's message.
    pub async fn batch(&self, statements: &[&str]) -> Result<()> {
        let submitted = self
            .client
            .batch_execute_statement()
            .database(DATABASE)
            .workgroup_name(WORKGROUP)
            .set_sqls(Some(statements.iter().map(|sql| (*sql).to_owned()).collect()))
            .execution_mode(ExecutionMode::AutoCommit)
            .wait_time_seconds(30)
            .send()
            .await
            .context("submitting a batch to the warehouse")?;
        let id = submitted.id().context("the Data API gave no statement id")?.to_owned();
        let described = self.settled(&id).await?;
        for statement in described.sub_statements() {
            if statement.status() != Some(&StatementStatusString::Finished) {
                bail!("statement {} failed: {}", statement.id(), statement.error().unwrap_or("no reason given"));
            }
        }
        Ok(())
    }

    async fn settled(&self, id: &str) -> Result<DescribeStatementOutput> {
        loop {
            let described = self
                .client
                .describe_statement()
                .id(id)
                .wait_time_seconds(30)
                .send()
                .await
                .with_context(|| format!("describing statement {id}"))?;
            match described.status() {
                Some(StatusString::Finished) => return Ok(described),
                Some(StatusString::Failed | StatusString::Aborted) => {
                    bail!("statement {id} failed: {}", described.error().unwrap_or("no reason given"))
                }
                _ => {}
            }
        }
    }

    async fn rows(&self, id: &str) -> Result<TextRows> {
        let mut rows = Vec::new();
        let mut token = None;
        loop {
            let page = self
                .client
                .get_statement_result()
                .id(id)
                .set_next_token(token)
                .send()
                .await
                .with_context(|| format!("reading the result of statement {id}"))?;
            rows.extend(page.records().iter().map(|record| record.iter().map(text).collect()));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(rows);
            }
        }
    }
}

/// A field as text. Booleans are `t` and `f`, as in the databases' own text form.
fn text(field: &Field) -> Option<String> {
    match field {
        Field::StringValue(text) => Some(text.clone()),
        Field::LongValue(number) => Some(number.to_string()),
        Field::DoubleValue(number) => Some(number.to_string()),
        Field::BooleanValue(value) => Some(if *value { "t" } else { "f" }.to_owned()),
        Field::BlobValue(bytes) => Some(bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()),
        _ => None,
    }
}
