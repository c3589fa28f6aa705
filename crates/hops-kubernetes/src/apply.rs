//! Makes a plan so.

mod order;
mod prepare;
mod routes;
mod takeover;

use std::collections::BTreeMap;

use futures::future;
use hops_engine::{Action, ApplingPlan, EngineError, Events, Plan, Step};
use hops_model::{ApplingName, ApplingOutcome, ApplingResult, Cause, Event};
use kube::{
    Error,
    api::{DeleteParams, Patch, PatchParams, ValidationDirective},
};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    Settings,
    error::{Cluster, ENGINE, is_missing_right},
    kinds::Kind,
    plan::is_ours,
    rollout::{Subject, Watched, follow, refused},
};

/// Applies a plan and follows its roll-outs.
pub(crate) async fn apply(
    cluster: &Cluster,
    settings: &Settings,
    plan: &Plan,
    events: &Events,
) -> Result<Vec<ApplingOutcome>, EngineError> {
    let begun = Instant::now();
    let applier = Applier { cluster, settings, plan };
    let order = order::order(plan);
    prepare::prepare(cluster, plan).await?;
    let mut applied = Applied::default();
    for stage in &order.before {
        let steps: Vec<&Step> = stage.iter().map(AsRef::as_ref).collect();
        applier.put_all(&steps, &mut applied).await?;
    }
    let watched: Vec<Watched<'_>> = plan
        .applings
        .iter()
        .map(|appling| {
            let of_it = |step: &Step| step.appling.as_ref() == Some(&appling.name);
            let opening = order.opening.iter().copied().filter(|step| of_it(step)).collect();
            let closes = order.closing.iter().any(|closing| of_it(closing.step));
            let watched = watched(plan, appling, opening, &mut applied);
            if closes { Watched { new_routes: None, ..watched } } else { watched }
        })
        .collect();
    let outcomes = follow(cluster, settings, &plan.target, &applier, watched, events, begun).await?;
    let is_live = |name: &ApplingName| {
        outcomes.iter().any(|outcome| outcome.name == *name && outcome.result != ApplingResult::Failed)
    };
    // The hosts' former appling has them until then, and where that does not come to be.
    let closing = order.closing.iter().filter(|closing| {
        closing.heirs.iter().all(|heir| is_live(heir)) && closing.step.appling.as_ref().is_some_and(is_live)
    });
    let closing: Vec<&Step> = closing.map(|closing| closing.step).collect();
    if let Some(cause) = applier.open(&closing).await? {
        let message = format!("hosts that moved are still with their former appling: {}", cause.message);
        events.send(Event::Warning { message });
    }
    // As long as something new does not work, what was to go may be what still serves. The next good deploy removes it.
    if outcomes.iter().all(|outcome| outcome.result != ApplingResult::Failed) {
        for step in order.removals {
            applier.delete(step).await?;
        }
    }
    Ok(outcomes)
}

/// What came of applying objects.
#[derive(Default)]
struct Applied {
    /// Generations of Deployments, by name.
    generations: BTreeMap<String, i64>,
    /// Applings of which the API server refused something.
    refused: BTreeMap<ApplingName, Cause>,
}

/// Puts the objects of a plan.
pub(crate) struct Applier<'a> {
    cluster: &'a Cluster,
    settings: &'a Settings,
    plan: &'a Plan,
}

/// Why an object could not be put.
enum PutError {
    /// By the object's own fault; the words.
    Refused(String),
    Engine(EngineError),
}

impl Applier<'_> {
    /// Puts objects side by side, but nothing more of an appling of which one was refused.
    async fn put_all(&self, steps: &[&Step], applied: &mut Applied) -> Result<(), EngineError> {
        let is_refused =
            |step: &Step| step.appling.as_ref().is_some_and(|name| applied.refused.contains_key(name));
        let steps: Vec<&Step> = steps.iter().copied().filter(|step| !is_refused(step)).collect();
        let puts = steps.iter().map(|step| self.put(&step.object.kind, &step.body, takes_over(step)));
        let results = future::join_all(puts).await;
        for (step, result) in steps.iter().zip(results) {
            match (result, &step.appling) {
                (Ok(generation), _) => {
                    if step.object.kind == Kind::Deployment.as_str() {
                        applied.generations.insert(step.object.name.clone(), generation);
                    }
                }
                (Err(PutError::Refused(words)), Some(appling)) => {
                    applied.refused.entry(appling.clone()).or_insert_with(|| refused(&words));
                }
                (Err(PutError::Refused(words)), None) => {
                    return Err(failed(format!("apply the {}", step.object), words));
                }
                (Err(PutError::Engine(error)), _) => return Err(error),
            }
        }
        Ok(())
    }

    /// Changes where applings that work are reached. Gives the cause where the API server refuses it.
    pub(crate) async fn open(&self, steps: &[&Step]) -> Result<Option<Cause>, EngineError> {
        let mut applied = Applied::default();
        let is_removal = |step: &&Step| step.action == Action::Delete;
        let (removals, puts): (Vec<&Step>, Vec<&Step>) = steps.iter().copied().partition(is_removal);
        self.put_all(&puts, &mut applied).await?;
        if let Some(cause) = applied.refused.into_values().next() {
            return Ok(Some(cause));
        }
        for step in removals {
            self.delete(step).await?;
        }
        Ok(None)
    }

    /// Applies the last good form of all that belongs to an appling, and takes away what was not part of it. Gives the
    /// Deployment's generation, or nothing where there is no such form.
    pub(crate) async fn restore(&self, appling: &ApplingPlan) -> Result<Option<i64>, EngineError> {
        if appling.last_good.is_none() {
            return Ok(None);
        }
        let mut generation = None;
        let steps = || of_appling(self.plan, &appling.name).filter(|step| step.action != Action::Delete);
        for step in steps() {
            let Some(body) = &step.last_good else { continue };
            // As wanted, and as it was, of whatever generation.
            if step.action == Action::Keep && step.body == *body {
                if step.object.kind == Kind::Deployment.as_str() {
                    generation = Some(0);
                }
                continue;
            }
            match self.put(&step.object.kind, body, false).await {
                Ok(applied) if step.object.kind == Kind::Deployment.as_str() => generation = Some(applied),
                Ok(_) => {}
                Err(PutError::Engine(error)) => return Err(error),
                Err(PutError::Refused(words)) => {
                    return Err(failed(format!("go back to the last good {}", step.object), words));
                }
            }
        }
        for step in steps().filter(|step| step.last_good.is_none()) {
            self.delete(step).await?;
        }
        Ok(generation)
    }

    /// Applies one object; gives its generation.
    async fn put(&self, kind: &str, body: &Value, takes_over: bool) -> Result<i64, PutError> {
        let name = body["metadata"]["name"].as_str().unwrap_or_default();
        let namespace = self.plan.target.namespace();
        let action = format!("apply the {kind} {name} in {namespace}");
        let kind = Kind::parse(kind)
            .ok_or_else(|| PutError::Engine(failed(action.clone(), "no kind that HOPS makes".to_owned())))?;
        let api = kind.api(&self.cluster.client, &namespace);
        if takes_over {
            takeover::take_over(&api, name, &self.settings.field_manager)
                .await
                .map_err(|error| self.engine(&action, error))?;
        }
        let params = PatchParams {
            field_validation: Some(ValidationDirective::Strict),
            ..PatchParams::apply(&self.settings.field_manager).force()
        };
        match api.patch(name, &params, &Patch::Apply(body)).await {
            Ok(object) => Ok(object.metadata.generation.unwrap_or(0)),
            Err(Error::Api(status))
                if matches!(status.code, 400 | 403 | 422) && !is_missing_right(&status) =>
            {
                Err(PutError::Refused(status.message.clone()))
            }
            Err(error) => Err(self.engine(&action, error)),
        }
    }

    async fn delete(&self, step: &Step) -> Result<(), EngineError> {
        let namespace = self.plan.target.namespace();
        let action = || format!("remove the {} in {namespace}", step.object);
        let Some(kind) = Kind::parse(&step.object.kind) else { return Ok(()) };
        let api = kind.api(&self.cluster.client, &namespace);
        let name = &step.object.name;
        let there = api.get_opt(name).await.map_err(|error| self.cluster.error(action(), error))?;
        let Some(there) = there.filter(|there| is_ours(&self.plan.target, &as_value(there))) else {
            return Ok(());
        };
        let mut params = DeleteParams::background();
        params.preconditions =
            Some(kube::api::Preconditions { uid: there.metadata.uid.clone(), resource_version: None });
        match api.delete(name, &params).await {
            Ok(_) => Ok(()),
            // Somebody else was faster.
            Err(Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
            Err(error) => Err(self.cluster.error(action(), error)),
        }
    }

    fn engine(&self, action: &str, error: Error) -> PutError {
        PutError::Engine(self.cluster.error(action, error))
    }
}

fn failed(action: String, words: String) -> EngineError {
    EngineError::Failed { engine: ENGINE, action, source: words.into() }
}

/// Whether somebody added fields that applying alone would leave.
fn takes_over(step: &Step) -> bool {
    step.changes.iter().any(|change| change.after.is_none() && change.changed_by.is_some())
}

fn as_value(object: &impl Serialize) -> Value {
    serde_json::to_value(object).expect("objects of the Kubernetes API are plain data")
}

fn of_appling<'a>(plan: &'a Plan, name: &ApplingName) -> impl Iterator<Item = &'a Step> + Clone {
    plan.steps.iter().filter(move |step| step.appling.as_ref() == Some(name))
}

/// What is followed of an appling, and what makes it reachable once it works.
fn watched<'a>(
    plan: &'a Plan,
    appling: &'a ApplingPlan,
    opening: Vec<&'a Step>,
    applied: &mut Applied,
) -> Watched<'a> {
    let mut its = of_appling(plan, &appling.name);
    let is_changed = its.clone().any(|step| step.action != Action::Keep);
    let new_routes = its.clone().find_map(routes::new_routes);
    let deployment = its.find(|step| step.object.kind == Kind::Deployment.as_str());
    let body = deployment.map_or(&Value::Null, |step| &step.body);
    let name = deployment.map_or_else(|| appling.name.dns(), |step| step.object.name.clone());
    let container = &body["spec"]["template"]["spec"]["containers"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Watched {
        generation: applied.generations.get(&name).copied().unwrap_or(0),
        subject: Subject {
            appling: appling.name.clone(),
            deployment: name,
            container: text(&container["name"]),
            image: text(&container["image"]),
            port: appling.port,
            readiness_path: text(&container["readinessProbe"]["httpGet"]["path"]),
            liveness_path: container["livenessProbe"]["httpGet"]["path"].as_str().map(str::to_owned),
            memory_limit: container["resources"]["limits"]["memory"].as_str().map(str::to_owned),
            wanted: u32::try_from(body["spec"]["replicas"].as_u64().unwrap_or(0)).unwrap_or(0),
            url: appling.url.clone(),
        },
        plan: appling,
        is_changed,
        opening,
        new_routes,
        refused: applied.refused.remove(&appling.name),
    }
}
