//! The journey: request in, declaration, observation, plan, and, if asked for, application.
//!
//! A request of CloudFormation is answered whatever happens: with broken settings, after a
//! panic, and when time is nearly up. Its answer goes to CloudFormation's URL; what the function
//! itself returns is only seen in its log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cdc_core::catalog::TableId;
use cdc_core::pipeline::Pipeline;
use cdc_core::plan::provision::{self, Declaration, Observed, ProvisionPlan};
use cdc_core::sql::layout::{CATALOG, Layout};
use msk_client::{Deadline, KafkaCluster, Login};
use redshift_data::Warehouse;
use serde_json::{Value, json};

use crate::custom_resource::{OnDelete, Outcome, ResourceRequest, Wish};
use crate::declare::{self, Inputs};
use crate::error::ProvisionError;
use crate::report::{self, Answer};
use crate::request::{Direct, Request, Said};
use crate::respond::Responder;
use crate::{apply, attached, observe};

/// What the journey needs of the world.
pub struct Deps {
    /// The pipeline file.
    pub pipeline: Pipeline,
    /// Its dumps: name as the file writes it, and text.
    pub dumps: BTreeMap<String, String>,
    /// Goes before the file's `warehouse.iam_role`.
    pub redshift_role: Option<String>,
    /// How Redshift and we log in to Kafka.
    pub login: Login,
    /// The warehouse.
    pub warehouse: Arc<dyn Warehouse>,
    /// The Kafka cluster.
    pub kafka: Arc<dyn KafkaCluster>,
}

/// The function as it was started: with what it needs, or with the reason why not.
pub struct Function {
    /// The rest of the world, or all problems of the settings.
    pub deps: Result<Arc<Deps>, String>,
    /// The way to CloudFormation, which needs no settings.
    pub responder: Arc<dyn Responder>,
}

/// One invocation's limits and name.
#[derive(Debug, Clone)]
pub struct Limits {
    /// No further step is begun after this.
    pub work: Deadline,
    /// CloudFormation has been answered by this.
    pub answer: Deadline,
    /// Different in every invocation, repetitions included.
    pub run: String,
}

/// Answers one event.
pub async fn handle(event: Value, function: &Function, limits: Limits) -> Result<Value, ProvisionError> {
    match Request::of(event)? {
        Request::Direct(direct) => {
            let deps = function.deps()?;
            let answer = carry_out(&deps, direct, &limits).await?;
            Ok(serde_json::to_value(answer).expect("texts and numbers are always JSON"))
        }
        Request::Resource(request) => answer_cloudformation(function, &request, limits).await,
    }
}

impl Function {
    fn deps(&self) -> Result<Arc<Deps>, ProvisionError> {
        self.deps.clone().map_err(|reason| ProvisionError::Settings { reason })
    }
}

async fn carry_out(deps: &Deps, direct: Direct, limits: &Limits) -> Result<Answer, ProvisionError> {
    match direct {
        Direct::Plan => {
            let (plan, _) = plan(deps, &Said::default(), limits.work).await?;
            Ok(report::answer("plan", deps.pipeline.name(), plan, false))
        }
        Direct::Apply(said) => {
            let plan = apply_plan(deps, &said, limits).await?;
            Ok(report::answer("apply", deps.pipeline.name(), plan, true))
        }
        Direct::Destroy { confirm, drop_data } => {
            confirmed(&deps.pipeline, confirm.as_deref(), drop_data)?;
            let plan = destroy(deps, drop_data, limits).await?;
            Ok(report::answer("destroy", deps.pipeline.name(), plan, true))
        }
    }
}

/// Data goes only if whoever asks for it names the pipeline.
fn confirmed(pipeline: &Pipeline, confirm: Option<&str>, drop_data: bool) -> Result<(), ProvisionError> {
    let name = pipeline.name();
    let reason = match confirm {
        Some(confirm) if confirm == name => return Ok(()),
        None if !drop_data => return Ok(()),
        Some(_) => format!("`confirm` is not the name of this function's pipeline, {name}; nothing was done"),
        None => format!("dropping data needs \"confirm\": \"{name}\", the pipeline's name; nothing was done"),
    };
    Err(ProvisionError::Request { reason })
}

/// What is declared, compared with what the warehouse has.
async fn plan(deps: &Deps, said: &Said, deadline: Deadline) -> Result<(ProvisionPlan, Observed), ProvisionError> {
    let inputs = Inputs {
        pipeline: &deps.pipeline,
        dumps: &deps.dumps,
        redshift_role: deps.redshift_role.as_deref(),
        login: deps.login,
        records: observe::records(&*deps.warehouse, &declare::layout(&deps.pipeline), deadline).await?,
    };
    let mut declared = declare::declare(&inputs, &*deps.kafka, deadline).await?;
    declared.declaration.accepted = said.accepted.iter().cloned().map(TableId).collect();
    declared.declaration.emptied = emptied(&declared.declaration, &said.emptied)?;
    let schemas: BTreeSet<String> =
        declared.declaration.tables.iter().map(|table| table.spec.target_schema.clone()).collect();
    let layout = &declared.declaration.layout;
    let mut whole_logs = BTreeSet::new();
    let mut observed = observe::observe(&*deps.warehouse, layout, &schemas, deadline).await?;
    for table in provision::switching(&declared.declaration, &observed) {
        if observe::has_whole_log(&*deps.warehouse, layout, &table.spec, &observed, deadline).await? {
            whole_logs.insert(table.spec.id());
        }
    }
    observed.whole_logs = whole_logs;
    for table in provision::replacing(&declared.declaration, &observed) {
        attached::observe(&*deps.warehouse, &table.spec, &mut observed, deadline).await?;
    }
    let mut plan = provision::plan(&declared.declaration, &observed);
    plan.warnings.extend(declared.warnings);
    Ok((plan, observed))
}

/// The tables whose rows somebody says are gone. A name that is none, and a table that keeps its rows,
/// are refused: whoever asks counts on a snapshot that begins with nothing.
fn emptied(declaration: &Declaration, names: &[String]) -> Result<BTreeSet<TableId>, ProvisionError> {
    let mut emptied = BTreeSet::new();
    for name in names {
        let id = TableId(name.clone());
        let reason = match declaration.tables.iter().find(|table| table.spec.id() == id) {
            None => Some(format!("`empty` names {name}, which is no target table of this pipeline")),
            Some(table) => provision::cannot_be_emptied(table),
        };
        if let Some(reason) = reason {
            return Err(ProvisionError::Request { reason: format!("{reason}; nothing was done") });
        }
        emptied.insert(id);
    }
    Ok(emptied)
}

async fn apply_plan(deps: &Deps, said: &Said, limits: &Limits) -> Result<ProvisionPlan, ProvisionError> {
    let (plan, observed) = plan(deps, said, limits.work).await?;
    let layout = declare::layout(&deps.pipeline);
    execute(deps, &layout, &plan, &observed, limits).await?;
    Ok(plan)
}

async fn destroy(deps: &Deps, drop_data: bool, limits: &Limits) -> Result<ProvisionPlan, ProvisionError> {
    let layout = declare::layout(&deps.pipeline);
    let observed = observe::observe(&*deps.warehouse, &layout, &BTreeSet::new(), limits.work).await?;
    if observed.catalog.is_empty() {
        // Nothing is recorded as ours; a schema that only has the same name is left alone.
        return Ok(ProvisionPlan::default());
    }
    let plan = provision::destroy(&layout, &observed, drop_data);
    execute(deps, &layout, &plan, &observed, limits).await?;
    Ok(plan)
}

async fn execute(
    deps: &Deps,
    layout: &Layout,
    plan: &ProvisionPlan,
    observed: &Observed,
    limits: &Limits,
) -> Result<(), ProvisionError> {
    let catalog = (layout.control_schema.clone(), CATALOG.to_owned());
    let exists = observed.relations.contains(&catalog);
    apply::apply(&*deps.warehouse, layout, plan, exists, &limits.run, limits.work).await
}

/// Does what CloudFormation wishes and tells it what came of that.
async fn answer_cloudformation(
    function: &Function,
    request: &ResourceRequest,
    limits: Limits,
) -> Result<Value, ProvisionError> {
    let outcome = fulfil(function, request, &limits).await;
    match &outcome {
        Outcome::Done { message, .. } => tracing::info!(resource = request.logical_resource_id, message, "done"),
        Outcome::Failed { reason, .. } => {
            tracing::error!(resource = request.logical_resource_id, reason, "failed");
        }
    }
    let body = request.body(&outcome);
    function
        .responder
        .put(&request.response_url, &body, limits.answer)
        .await
        .map_err(|reason| ProvisionError::Respond { logical_id: request.logical_resource_id.clone(), reason })?;
    let status = if matches!(outcome, Outcome::Done { .. }) { "SUCCESS" } else { "FAILED" };
    Ok(json!({"answered": status}))
}

async fn fulfil(function: &Function, request: &ResourceRequest, limits: &Limits) -> Outcome {
    let wish = match request.wish() {
        Ok(wish) => wish,
        Err(error) => return failed(&error),
    };
    if wish == Wish::Delete {
        let kept = if request.never_created() {
            Some("nothing was created, so nothing is to be deleted")
        } else if request.on_delete().unwrap_or(OnDelete::Retain) == OnDelete::Retain {
            // An unclear property does not drop data, and does not block the stack either.
            Some("everything in the warehouse is kept, because OnDelete is not destroy")
        } else {
            None
        };
        if let Some(message) = kept {
            return Outcome::Done { message: message.to_owned(), changed: 0, waiting: 0 };
        }
    } else if let Err(error) = request.on_delete() {
        return failed(&error);
    }
    let deps = match function.deps() {
        Ok(deps) => deps,
        Err(error) => return failed(&error),
    };
    let work = {
        let limits = limits.clone();
        // A task of its own, so that a bug's panic is an answer too.
        tokio::spawn(async move {
            if wish == Wish::Delete {
                destroy(&deps, true, &limits).await.map(|plan| ("destroy", plan))
            } else {
                apply_plan(&deps, &Said::default(), &limits).await.map(|plan| ("apply", plan))
            }
            .map(|(action, plan)| report::answer(action, deps.pipeline.name(), plan, true))
        })
    };
    match work.await {
        Ok(Ok(answer)) => {
            for warning in &answer.warnings {
                tracing::warn!(warning, "provisioning");
            }
            for waiting in &answer.waiting {
                tracing::warn!(topic = waiting.topic, reason = waiting.reason, "a table waits");
            }
            Outcome::Done { message: answer.message, changed: answer.changed, waiting: answer.waiting.len() }
        }
        Ok(Err(error)) => failed(&error),
        Err(_) => Outcome::Failed {
            reason: "the provisioner met a bug of its own and stopped; its log has the place. Steps done before are \
                     recorded, and a repetition goes on after them"
                .to_owned(),
            nothing_done: false,
        },
    }
}

fn failed(error: &ProvisionError) -> Outcome {
    Outcome::Failed { reason: error.whole(), nothing_done: error.nothing_done() }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
