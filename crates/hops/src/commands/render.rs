//! `hops render`: the Kubernetes objects that a deploy would apply, without a server.

use std::collections::BTreeMap;

use anyhow::Context;
use hops_control::Wish;
use hops_git::WorkTree;
use hops_model::{App, ApplingName, BuiltImage, CommitId, ImageRef, ImageUser, ReleaseNumber, Target};
use serde_json::json;

use super::Result;
use crate::{
    args::RenderArgs,
    configuration::Configuration,
    exit::Exit,
    failure::{Blame, Failure},
    printer::Printer,
    repository::{Repository, accept},
    runtime,
};

/// Stands for the commit outside of a repository; no commit has this id.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// Where images would be, if nothing else is configured.
const REGISTRY: &str = "127.0.0.1:5000";

/// Renders the files as they are in the directory, as the first release.
pub(crate) fn run(arguments: &RenderArgs, printer: Printer) -> Result {
    let configuration = Configuration::load(arguments.config.as_deref())?;
    let repository = Repository::find(arguments.directory.as_deref())?;
    let app = accept(repository.read(arguments.target.app.as_ref())?, printer)?;
    let environment = arguments.target.environment.unwrap_or(app.default_environment);
    for need in hops_manifest::not_yet(&app, environment) {
        printer.warning(&format!(
            "a deploy of `{}` to `{environment}` would be refused: {}",
            need.appling, need.message
        ));
    }
    let commit = commit(&repository)?;
    let target = Target::new(app.name.clone(), environment);
    let images = images(&app, configuration.build.registry.as_deref().unwrap_or(REGISTRY), &commit)?;
    let wish = Wish::new(&app, &target, &commit, images, &configuration.hosts).users()?;
    let desired = wish.desired(ReleaseNumber(1), &BTreeMap::new());
    let settings = &configuration.kubernetes;
    if printer.is_json() {
        let objects = hops_kubernetes::render(&desired, settings);
        let items: Vec<_> = objects.into_iter().map(|object| object.body).collect();
        printer.json(&json!({ "apiVersion": "v1", "kind": "List", "items": items }))?;
    } else {
        printer.data(&hops_kubernetes::render_yaml(&desired, settings))?;
    }
    Ok(Exit::Done)
}

/// What is checked out; the objects carry it.
fn commit(repository: &Repository) -> std::result::Result<CommitId, Failure> {
    let head = repository.is_git().then(|| {
        let work = WorkTree::at(repository.root());
        // A repository that Git cannot open has files to render all the same.
        runtime::small().ok()?.block_on(work.head()).ok().flatten()
    });
    match head.flatten() {
        Some(commit) => Ok(commit),
        None => Ok(CommitId::parse(NO_COMMIT)?),
    }
}

/// Nothing is built, so that digests and users are not known: the tags say what would be, and root's image is the one
/// that runs anything.
fn images(
    app: &App,
    registry: &str,
    commit: &CommitId,
) -> std::result::Result<BTreeMap<ApplingName, BuiltImage>, Failure> {
    let image = |name: &ApplingName| {
        let text = format!("{}/{}/{}:{commit}", registry.trim_end_matches('/'), app.name.dns(), name.dns());
        let reference = ImageRef::parse(&text)
            .with_context(|| format!("`registry = \"{registry}\"` makes no image name"))?;
        anyhow::Ok(BuiltImage { reference, user: ImageUser::Root })
    };
    app.applings.iter().map(|appling| Ok((appling.name.clone(), image(&appling.name).users()?))).collect()
}
