//! A file's table → an appling.

pub(crate) mod addons;
mod cronjobs;
mod environments;
mod files;
pub(crate) mod hosts;
mod resources;
mod statics;
mod variables;

use std::collections::BTreeMap;

use hops_model::{Appling, ApplingName, Environment, HttpPath, Port, RepoPath};
use toml::de::DeValue;

use crate::{
    Code, not_yet,
    table::{Field, Table},
    value,
};
use hosts::PlacedHost;

/// An appling, with what is needed to compare it to others.
#[derive(Debug)]
pub(crate) struct Lowered {
    pub(crate) appling: Appling,
    pub(crate) emoji: Option<String>,
    pub(crate) hosts: Vec<PlacedHost>,
}

/// Reads an appling from a file's top table. Where something is wrong, that is reported and the default stands.
pub(crate) fn appling(table: &Table<'_>, name: ApplingName, directory: RepoPath) -> Lowered {
    let mut appling = Appling::new(name, directory);
    let path = |key: &str| table.field(key).and_then(|field| field.parsed(HttpPath::parse));
    let flag = |key: &str| table.field(key).and_then(Field::flag);
    let number = |key: &str| table.field(key).and_then(Field::number);

    if let Some(port) = number("port").and_then(Port::new) {
        appling.port = port;
    }
    report_both(table, "readiness_path", "health");
    if let Some(path) = path("health").or_else(|| path("readiness_path")) {
        appling.readiness_path = path;
    }
    appling.liveness_path = path("liveness_path");
    if let Some(replicas) = number("replicas").and_then(|number| u16::try_from(number).ok()) {
        appling.replicas = replicas;
    }
    appling.init = flag("init").unwrap_or(appling.init);
    appling.variables = variables::read(table, appling.port);
    appling.files = files::read(table);
    appling.build_secrets = build_secrets(table);
    appling.resources = resources::read(table);
    appling.postgres = addons::postgres(table);
    appling.nats = addons::nats(table);
    appling.cronjobs = cronjobs::read(table);
    appling.statics = statics::read(table);
    appling.experimental = experimental(table);
    build(table);

    appling.public = !table
        .field("ingress")
        .and_then(Field::table)
        .and_then(|ingress| ingress.field("disable")?.flag())
        .unwrap_or(false);
    appling.www_redirect = flag("from_to_www_redirect").unwrap_or(false);
    let hosts = hosts::read(table, appling.public, appling.www_redirect);
    appling.domains = hosts.iter().map(|placed| placed.host.clone()).collect();
    Lowered { appling, emoji: emoji(table), hosts }
}

/// The emoji of a file.
pub(crate) fn emoji(table: &Table<'_>) -> Option<String> {
    let text = table.field("emoji")?.text()?;
    let fits = (1..=32).contains(&text.as_str().chars().count()) && !text.as_str().contains(char::is_control);
    if !fits {
        text.invalid("`emoji` has to be 1 to 32 printable characters".to_owned(), None);
    }
    fits.then(|| text.as_str().to_owned())
}

/// The environment that a field names.
pub(crate) fn environment(field: &Field<'_>) -> Option<Environment> {
    let text = field.text()?;
    let parsed = Environment::parse(text.as_str());
    parsed
        .map_err(|fault| {
            let help =
                environments::nearest(text.as_str(), false).map(|near| format!("did you mean \"{near}\"?"));
            field.document().error(Code::UnknownEnvironment, text.span(), fault.to_string(), help);
        })
        .ok()
}

/// Reports a key and its older name side by side.
pub(crate) fn report_both(table: &Table<'_>, key: &str, other: &str) {
    if let (Some(field), Some(other)) = (table.field(key), table.field(other)) {
        let later = if field.key_span().start > other.key_span().start { field } else { other };
        let message =
            format!("`{}` and `{}` say the same; one of them is possible", field.name(), other.name());
        let help = format!("keep `{}` alone", field.name());
        later.document().error(Code::ConflictingKeys, later.key_span(), message, Some(help));
    }
}

fn build_secrets(table: &Table<'_>) -> BTreeMap<String, String> {
    let Some(secrets) = table.field("build_secrets").and_then(Field::table) else { return BTreeMap::new() };
    let mut sealed = BTreeMap::new();
    for field in secrets.named() {
        if !value::is_secret_key(field.name()) {
            let message = format!("`{}` cannot be the id of a build secret", field.name());
            let help = "letters, digits, `-`, `_` and `.` are possible".to_owned();
            field.document().error(Code::InvalidValue, field.key_span(), message, Some(help));
        } else if is_earlier_build_secret(field) {
            let message = format!("`{}` is how an earlier version wrote build secrets", field.written());
            let help = format!("write `{} = {{ encrypted = \"…\" }}` under `[build_secrets]`", field.name());
            field.document().error(Code::SupersededKey, field.key_span(), message, Some(help));
        } else if let Some(text) = value::read_sealed(field) {
            sealed.insert(field.name().to_owned(), text);
        }
    }
    sealed
}

/// `[build_secrets.NAME]` with `"file" = { encrypted = "…" }` below, as in 2019.
fn is_earlier_build_secret(field: &Field<'_>) -> bool {
    let DeValue::Table(table) = field.value() else { return false };
    !table.is_empty() && table.values().all(|value| value.get_ref().is_table())
}

fn experimental(table: &Table<'_>) -> BTreeMap<String, String> {
    let Some(switches) = table.field("experimental").and_then(Field::table) else { return BTreeMap::new() };
    let mut on = BTreeMap::new();
    for field in switches.fields().filter(|field| field.key().is_some()) {
        let text = match field.value() {
            DeValue::String(text) => text.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            _ => {
                field.report_type();
                continue;
            }
        };
        if not_yet::is_on(&text) {
            not_yet::warn(field);
        }
        on.insert(field.name().to_owned(), text);
    }
    on
}

/// `[build]` has no effect any more, but what is in it is checked like everything else.
fn build(table: &Table<'_>) {
    if let Some(build) = table.field("build").and_then(Field::table) {
        build.field("build_in_kubernetes").and_then(Field::flag);
    }
}
