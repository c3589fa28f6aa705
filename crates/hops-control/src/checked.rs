//! A commit's files, read and found to be in order.

use std::collections::BTreeMap;

use hops_git::Repository;
use hops_manifest::{Diagnostic, NotYet, Severity};
use hops_model::{App, AppName, Cause, CauseCode, CommitId, Environment, RepoPath, Target};

use crate::{ControlError, parts::Parts, source};

/// An app whose files are in order and ask for nothing that this platform cannot do.
pub(crate) struct Checked {
    pub(crate) app: App,
    pub(crate) target: Target,
    pub(crate) files: BTreeMap<RepoPath, String>,
    /// One text a warning, with file and line.
    pub(crate) warnings: Vec<String>,
    pub(crate) subject: String,
    pub(crate) repository: Repository,
}

impl Checked {
    /// Reads a commit's files. Changes nothing.
    pub(crate) async fn read(
        parts: &Parts,
        name: &AppName,
        environment: Option<Environment>,
        commit: &CommitId,
    ) -> Result<Self, ControlError> {
        let repository = parts.repository(name).await?;
        let broken = |source| ControlError::Repository { app: name.clone(), source };
        if !repository.contains(commit).await.map_err(broken)? {
            return Err(ControlError::NoCommit { app: name.clone(), commit: commit.clone() });
        }
        let subject = repository.subject(commit).await.map_err(broken)?;
        let tree = source::manifest_tree(&repository, commit).await.map_err(broken)?;
        let reading = hops_manifest::read(&tree, Some(name.as_str()));
        let (warnings, errors): (Vec<_>, Vec<_>) =
            reading.diagnostics.iter().partition(|diagnostic| diagnostic.severity == Severity::Warning);
        let Some(app) = reading.app else {
            return Err(ControlError::Refused(invalid(commit, &errors)));
        };
        if app.name != *name {
            return Err(ControlError::Refused(misnamed(name, &app.name)));
        }
        let target = Target::new(app.name.clone(), environment.unwrap_or(app.default_environment));
        let not_yet = hops_manifest::not_yet(&app, target.environment);
        if !not_yet.is_empty() {
            return Err(ControlError::Refused(not_supported(&target, &not_yet)));
        }
        let warnings = warnings.into_iter().map(one_line).collect();
        Ok(Self { app, target, files: reading.files, warnings, subject, repository })
    }
}

fn invalid(commit: &CommitId, errors: &[&Diagnostic]) -> Cause {
    let message = match errors {
        [error] => one_line(error),
        _ => format!("the files of commit {} have {} mistakes", commit.short(), errors.len()),
    };
    let proof: Vec<String> = errors.iter().map(|error| one_line(error)).collect();
    Cause::new(CauseCode::ManifestInvalid, message, "`hops check` shows each mistake at its place")
        .with_proof(proof.join("\n"))
}

fn misnamed(asked: &AppName, named: &AppName) -> Cause {
    Cause::new(
        CauseCode::ManifestInvalid,
        format!("`name` in iterapp.toml is `{named}`, but the app asked for is `{asked}`"),
        format!("deploy it with `-a {named}`, or change `name`"),
    )
}

fn not_supported(target: &Target, needs: &[NotYet]) -> Cause {
    let (message, help) = match needs {
        [need] => (need.message.clone(), need.help.clone()),
        _ => (
            format!("{target} asks for {} things that HOPS cannot do yet", needs.len()),
            "take these keys out of the file to deploy without them".to_owned(),
        ),
    };
    let proof: Vec<&str> = needs.iter().map(|need| need.message.as_str()).collect();
    Cause::new(CauseCode::NotSupported, message, help).with_proof(proof.join("\n"))
}

fn one_line(diagnostic: &Diagnostic) -> String {
    let Diagnostic { file, line, column, message, .. } = diagnostic;
    format!("{file}:{line}:{column}: {message}")
}
