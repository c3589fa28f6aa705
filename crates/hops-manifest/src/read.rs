//! All files of an app in one go.

use std::collections::BTreeMap;

use hops_model::{App, AppName, ApplingName, Environment, Layout, RepoPath, name};
use toml::de::DeTable;

use crate::{
    Code, Diagnostic, Tree,
    applings::{self, Listed},
    document::Document,
    lower::{self, Lowered, addons, hosts},
    table::{Scope, Table},
};

/// Name of the file that describes an app or an appling.
pub const FILE_NAME: &str = "iterapp.toml";

/// What the files say.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The app; nothing where any diagnostic is an error.
    pub app: Option<App>,
    /// The files that were read, as text, for excerpts and for the release's record. A byte order mark is left out.
    pub files: BTreeMap<RepoPath, String>,
    /// Everything found: the root file first, then the applings' in their order, each from top to bottom.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the files of an app.
///
/// `repository_name` is the app's name unless the root file sets one.
pub fn read(tree: &dyn Tree, repository_name: Option<&str>) -> Reading {
    let path = RepoPath::root().join(FILE_NAME);
    let root = Document::new(path.clone(), tree.entry(&path));
    if !root.is_readable() {
        return Reading::new(None, vec![root]);
    }
    let (app, applings) = read_app(tree, &root, &root.parse(), repository_name);
    Reading::new(app, std::iter::once(root).chain(applings).collect())
}

/// Reads what the root file says, and the files it points to, which are handed back with their diagnostics.
fn read_app(
    tree: &dyn Tree,
    root: &Document,
    toml: &DeTable<'_>,
    repository_name: Option<&str>,
) -> (Option<App>, Vec<Document>) {
    let Some(listed) = applings::list(tree, root, toml) else {
        let table = Table::top(root, toml, Scope::Whole);
        // What did not parse may have been the list of applings.
        if !root.is_broken() {
            applings::check_dockerfile(tree, root, &RepoPath::root(), 0..0);
        }
        let name = app_name(root, &table, repository_name);
        // The settings are checked also where the app's name is not known.
        let appling_name = name.as_ref().map_or_else(applings::placeholder_name, ApplingName::from);
        let lowered = lower::appling(&table, appling_name, RepoPath::root());
        hosts::check_between(&[(root, &lowered)]);
        return (app(name, &table, Layout::Root, vec![lowered]), Vec::new());
    };

    let directories: Vec<_> = listed.iter().map(|listed| listed.directory.clone()).collect();
    let table = Table::top(root, toml, Scope::Listing(&directories));
    let name = app_name(root, &table, repository_name);
    if let Some(name) = &name {
        check_service_names(root, name, &listed);
    }
    let documents: Vec<_> = listed
        .iter()
        .map(|listed| {
            let path = listed.directory.join(FILE_NAME);
            Document::new(path.clone(), tree.entry(&path))
        })
        .collect();
    let (postgres, nats) = (addons::postgres(&table), addons::nats(&table));
    let lowered: Vec<Lowered> = std::iter::zip(&listed, &documents)
        .map(|(listed, document)| {
            let toml = document.parse();
            let table = Table::top(document, &toml, Scope::Appling);
            let mut lowered = lower::appling(&table, listed.name.clone(), listed.directory.clone());
            let appling = &mut lowered.appling;
            appling.postgres = appling.postgres.take().or_else(|| postgres.clone());
            appling.nats |= nats;
            lowered
        })
        .collect();
    hosts::check_between(&std::iter::zip(&documents, &lowered).collect::<Vec<_>>());
    (app(name, &table, Layout::Listed, lowered), documents)
}

fn app(name: Option<AppName>, root: &Table<'_>, layout: Layout, lowered: Vec<Lowered>) -> Option<App> {
    lower::report_both(root, "default_environment", "auto_deploy_env");
    let default_environment = root
        .field("default_environment")
        .or_else(|| root.field("auto_deploy_env"))
        .map_or(Some(Environment::Test), lower::environment);
    let emoji = lower::emoji(root).or_else(|| lowered.iter().find_map(|lowered| lowered.emoji.clone()));
    let applings: Vec<_> = lowered.into_iter().map(|lowered| lowered.appling).collect();
    if applings.is_empty() {
        return None;
    }
    Some(App { name: name?, default_environment: default_environment?, emoji, layout, applings })
}

/// The app's name, from the file or from the repository.
fn app_name(root: &Document, table: &Table<'_>, repository_name: Option<&str>) -> Option<AppName> {
    let fitting = |text: &str| name::fitting_name(text, name::APP_NAME_MAX);
    if let Some(field) = table.field("name") {
        let text = field.text()?;
        let parsed = AppName::parse(text.as_str());
        return parsed
            .map_err(|fault| {
                let help = format!("write `name = \"{}\"`", fitting(text.as_str()));
                root.error(Code::UnfitName, text.span(), fault.to_string(), Some(help));
            })
            .ok();
    }
    let Some(text) = repository_name else {
        let help = "write `name = \"…\"` at the top of the file".to_owned();
        root.error(Code::MissingKey, 0..0, "the app has no name".to_owned(), Some(help));
        return None;
    };
    AppName::parse(text)
        .map_err(|fault| {
            let message = format!("the repository's name cannot be the app's name: {fault}");
            let help = format!("write `name = \"{}\"` at the top of the root `{FILE_NAME}`", fitting(text));
            root.error(Code::UnfitName, 0..0, message, Some(help));
        })
        .ok()
}

/// Where an app has several applings, their Services carry both names, in the 63 characters of a DNS label, beside
/// the appling's alone (design.md 1, promise 2).
fn check_service_names(root: &Document, app: &AppName, listed: &[Listed]) {
    if listed.len() < 2 {
        return;
    }
    for appling in listed {
        let service = format!("{}-{}", app.dns(), appling.name.dns());
        if service.len() > name::APPLING_NAME_MAX {
            let message = format!(
                "the Service of `{}` would be called `{service}`, which has {} characters; at most {} fit",
                appling.name,
                service.len(),
                name::APPLING_NAME_MAX
            );
            let help = "shorten the directory's name, or the app's by `name = \"…\"`".to_owned();
            root.error(Code::UnfitName, appling.span.clone(), message, Some(help));
        }
        if let Some(twin) = listed.iter().find(|other| other.name.dns() == service) {
            let message =
                format!("`{}` would share the Service `{service}` with `{}`", twin.name, appling.name);
            let help = "an appling is also reached by its app's name and its own, joined by `-`; rename one"
                .to_owned();
            root.error(Code::DuplicateAppling, twin.span.clone(), message, Some(help));
        }
    }
}

impl Reading {
    fn new(app: Option<App>, documents: Vec<Document>) -> Self {
        let mut reading = Self { app, files: BTreeMap::new(), diagnostics: Vec::new() };
        for document in documents {
            let (path, text, diagnostics) = document.finish();
            reading.files.insert(path, text);
            reading.diagnostics.extend(diagnostics);
        }
        if reading.has_errors() {
            reading.app = None;
        }
        reading
    }

    /// Whether anything keeps the app from being deployed.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}
