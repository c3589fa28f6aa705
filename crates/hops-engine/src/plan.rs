//! A plan: the difference between what is wanted and what runs, as data.

use std::fmt;

use hops_model::{ApplingName, CommitId, ReleaseNumber, Target};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an engine saw of an app in an environment: its objects, in the engine's own form.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// The objects.
    pub objects: Vec<Value>,
}

/// What has to be done, with nothing left to decide. Applying it again changes nothing more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Plan {
    /// The app and environment.
    pub target: Target,
    /// The release that it puts into effect.
    pub release: ReleaseNumber,
    /// The commit of that release.
    pub commit: CommitId,
    /// What is done to each object, in this order. Objects that stay as they are are listed too.
    pub steps: Vec<Step>,
    /// What is watched for afterwards.
    pub applings: Vec<ApplingPlan>,
}

/// What is done to one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// To what.
    pub object: ObjectId,
    /// For which appling; none where it serves the whole app.
    pub appling: Option<ApplingName>,
    /// The fields that differ.
    pub changes: Vec<Change>,
    /// The object as wanted, in the engine's own form; null for [`Action::Delete`].
    pub body: Value,
    /// The object as it was in the appling's last good form, to go back to if the appling fails.
    pub last_good: Option<Value>,
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It does not exist yet.
    Create,
    /// It differs.
    Update,
    /// It is no longer wanted.
    Delete,
    /// It is as wanted.
    Keep,
}

/// Names an object of an engine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ObjectId {
    /// Its kind, such as `Deployment`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Change {
    /// The field, such as `spec.replicas` or `spec.template.spec.containers[web].image`.
    pub path: String,
    /// As it is; none where it is not set.
    pub before: Option<Value>,
    /// As it will be; none where it will not be set.
    pub after: Option<Value>,
    /// Who set it by hand, where the engine knows: the difference is then not the app's doing.
    pub changed_by: Option<String>,
}

/// What is watched for one appling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApplingPlan {
    /// The appling.
    pub name: ApplingName,
    /// The release in which it took the planned form.
    pub release: ReleaseNumber,
    /// Whether its containers are replaced.
    pub restarts: bool,
    /// The port that it has to listen on.
    pub port: u16,
    /// Where it is reached; none for a private one.
    pub url: Option<String>,
    /// The release it goes back to if it fails.
    pub last_good: Option<ReleaseNumber>,
}

impl Plan {
    /// Whether everything is as wanted already.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| step.action == Action::Keep)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

impl fmt::Display for Plan {
    /// The plan for people: one line an object, its changed fields below it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in self.steps.iter().filter(|step| step.action != Action::Keep) {
            let sign = match step.action {
                Action::Create => '+',
                Action::Update => '~',
                Action::Delete => '-',
                Action::Keep => ' ',
            };
            writeln!(f, "{sign} {}", step.object)?;
            // Every field of a new object is new; naming the object says it all.
            if step.action == Action::Update {
                for change in &step.changes {
                    writeln!(f, "    {change}")?;
                }
            }
        }
        let restarted: Vec<&str> = self
            .applings
            .iter()
            .filter(|appling| appling.restarts)
            .map(|appling| appling.name.as_str())
            .collect();
        match (self.is_empty(), restarted.is_empty()) {
            (true, _) => write!(f, "Nothing to do: {} is as wanted", self.target),
            (false, true) => write!(f, "No container is replaced"),
            (false, false) => write!(f, "Containers are replaced: {}", restarted.join(", ")),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "{before} → {after}")?,
            (None, Some(after)) => write!(f, "set to {after}")?,
            (Some(before), None) => write!(f, "{before} removed")?,
            (None, None) => write!(f, "unset")?,
        }
        match &self.changed_by {
            Some(who) => write!(f, " (changed by {who})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use hops_model::{AppName, Environment};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_reads_as_what_will_happen() {
        let id = |kind: &str| ObjectId { kind: kind.into(), name: "web".into() };
        let step = |action, kind, changes| Step {
            action,
            object: id(kind),
            appling: None,
            changes,
            body: Value::Null,
            last_good: None,
        };
        let change = Change {
            path: "spec.replicas".into(),
            before: Some(json!(3)),
            after: Some(json!(2)),
            changed_by: Some("kubectl-edit".into()),
        };
        let plan = Plan {
            target: Target::new(AppName::parse("web").unwrap(), Environment::Prod),
            release: ReleaseNumber(2),
            commit: CommitId::parse(&"a".repeat(40)).unwrap(),
            steps: vec![
                step(Action::Keep, "Namespace", vec![]),
                step(Action::Update, "Deployment", vec![change]),
                step(Action::Create, "Ingress", vec![]),
                step(Action::Delete, "Secret", vec![]),
            ],
            applings: vec![],
        };
        expect![[r"
            ~ Deployment web
                spec.replicas: 3 → 2 (changed by kubectl-edit)
            + Ingress web
            - Secret web
            No container is replaced"]]
        .assert_eq(&plan.to_string());
    }
}
