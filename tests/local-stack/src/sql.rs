//! Every statement that provisioning would send to an empty warehouse, as one script.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use cdc_core::pipeline::{Authentication, KafkaCluster, Pipeline};
use cdc_core::plan::provision::{Observed, plan};
use cdc_core::sql::grants;
use function_kit::pipeline_file::Loaded;
use msk_client::Login;
use msk_client::fake::FakeCluster;
use provisioner::Inputs;

use crate::recording;
use crate::stack::PROVISIONER_ROLE;
use crate::warehouse::DATABASE;

/// Renders the script. Topics and columns come from the pipeline file, the dumps that it names
/// and the recordings; nothing is asked of Kafka or a warehouse.
///
/// # Errors
/// If a file is wrong, or the brokers of the external schema are not known.
pub fn render(pipeline_file: &Path, records: &[PathBuf], brokers: &[String]) -> Result<String> {
    let Loaded { pipeline, dumps } = function_kit::pipeline_file::load(pipeline_file)?;
    let kafka = cluster(&pipeline, records, &addresses(&pipeline, brokers)?)?;
    let login = match pipeline.kafka().map(|section| section.authentication) {
        Some(Authentication::None) => Login::None,
        Some(Authentication::Mtls) => Login::Mtls,
        Some(Authentication::Iam) | None => Login::Iam,
    };
    let inputs = Inputs {
        pipeline: &pipeline,
        dumps: &dumps,
        redshift_role: None,
        login,
        records: provisioner::Records::default(),
    };
    let declared = tokio::task::block_in_place(|| {
        tokio::runtime::Handle::current().block_on(async {
            let deadline = tokio::time::Instant::now() + Duration::from_secs(600);
            provisioner::declare(&inputs, &kafka, deadline).await
        })
    })
    .map_err(|error| anyhow::anyhow!(error.whole()))?;
    let plan = plan(&declared.declaration, &Observed::default());
    let mut script = format!(
        "-- Pipeline {}: what provisioning sends to a warehouse that has nothing of it yet, in order.\n\
         -- Run each statement by itself, outside a transaction, in one session.\n\
         --\n\
         -- Before that an administrator runs once, with the names of your database and of the provisioner's role:\n",
        pipeline.name()
    );
    for statement in bootstrap(&pipeline) {
        script.push_str(&format!("--     {statement};\n"));
    }
    for waiting in &plan.waiting {
        script.push_str(&comment(&format!("waiting: topic {}: {}", waiting.topic, waiting.reason)));
    }
    for warning in declared.warnings.iter().chain(&plan.warnings) {
        script.push_str(&comment(&format!("warning: {warning}")));
    }
    script.push_str(&format!("\n{};\n", grants::CASE_SENSITIVE));
    for step in &plan.steps {
        script.push_str(&format!("\n{}", comment(&format!("{} {}: {}", step.kind.as_str(), step.object, step.why))));
        for statement in &step.statements {
            script.push_str(&format!("{statement};\n"));
        }
    }
    Ok(script)
}

/// What an administrator runs once, for the local stack's names.
#[must_use]
pub fn bootstrap(pipeline: &Pipeline) -> Vec<String> {
    let access = provisioner::access(pipeline);
    let (role, users) = access.as_ref().map_or((None, &[][..]), |one| (Some(one.role.as_str()), &one.users[..]));
    grants::bootstrap(DATABASE, &format!("IAMR:{PROVISIONER_ROLE}"), role, users)
}

fn comment(text: &str) -> String {
    format!("-- {}\n", text.replace(['\n', '\r'], " "))
}

fn addresses(pipeline: &Pipeline, given: &[String]) -> Result<Vec<String>> {
    if !given.is_empty() {
        return Ok(given.to_vec());
    }
    match pipeline.kafka().map(|section| &section.cluster) {
        Some(KafkaCluster::Brokers(brokers)) => Ok(brokers.clone()),
        Some(KafkaCluster::Msk { arn }) => bail!(
            "the external schema needs the bootstrap brokers of {arn}; give them with --brokers \
             (aws kafka get-bootstrap-brokers --cluster-arn {arn})"
        ),
        None => bail!("the pipeline file names no Kafka cluster; give its bootstrap brokers with --brokers"),
    }
}

/// What Kafka would hold: the recordings' records, or empty topics of the declared names.
fn cluster(pipeline: &Pipeline, records: &[PathBuf], brokers: &[String]) -> Result<FakeCluster> {
    let names: Vec<&str> = brokers.iter().map(String::as_str).collect();
    let kafka = FakeCluster::new(&names);
    let mut topics: BTreeSet<String> = pipeline.declared_topics().into_iter().map(str::to_owned).collect();
    let mut all = Vec::new();
    for path in records {
        all.extend(recording::read(path)?);
    }
    topics.extend(all.iter().map(|record| record.topic.clone()));
    for topic in &topics {
        kafka.create_topic(topic, 1);
    }
    for record in &all {
        let value = record.value.as_ref().map(String::as_bytes);
        kafka.append(&record.topic, 0, record.timestamp, record.key.as_ref().map(String::as_bytes), value);
    }
    Ok(kafka)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deployments_readme_has_what_an_administrator_runs() {
        let infra = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra"));
        let loaded =
            function_kit::pipeline_file::load(&infra.join("pipeline/pipeline.yaml")).expect("the example loads");
        let wanted: String = bootstrap(&loaded.pipeline).iter().map(|statement| format!("   {statement};\n")).collect();
        let readme = std::fs::read_to_string(infra.join("README.md")).expect("the README is there");
        assert!(readme.contains(&format!("```sql\n{wanted}   ```\n")), "infra/README.md should have\n{wanted}");
        assert!(!wanted.contains("CREATEUSER"), "the provisioner would be a superuser");
    }
}
