//! What a file may ask for and this release does not do yet.

use hops_model::{App, Appling, ApplingName, Environment, VariableValue, app::FileContent};

use crate::{Code, SEALED_PREFIX, table::Field};

/// Something that an app asks for and this release does not do yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotYet {
    /// The appling that needs it.
    pub appling: ApplingName,
    /// The key that asks for it, with its tables.
    pub key: String,
    /// What is not possible, one sentence.
    pub message: String,
    /// What to do until then.
    pub help: String,
}

const HELP: &str = "take it out to deploy without it";
const SEALED_HELP: &str = "have an operator put the value in a Secret of the namespace, and write `{ secret = \"NAME\", key = \"KEY\" }`";

/// What a deploy of an app to an environment would need and cannot have: reason to refuse it. Empty where all is well.
pub fn not_yet(app: &App, environment: Environment) -> Vec<NotYet> {
    app.applings.iter().flat_map(|appling| of_appling(appling, environment)).collect()
}

/// Says that a key asks for something that is not done yet.
pub(crate) fn warn(field: &Field<'_>) {
    let message = message(&field.written());
    let help = format!("a deploy that needs it is refused; {HELP}");
    field.document().warning(Code::NotSupportedYet, field.key_span(), message, Some(help));
}

/// Whether an experimental switch is on.
pub(crate) fn is_on(value: &str) -> bool {
    value != "false"
}

fn of_appling(appling: &Appling, environment: Environment) -> Vec<NotYet> {
    let mut keys: Vec<String> = Vec::new();
    if appling.postgres.is_some() {
        keys.push("[postgres]".to_owned());
    }
    if appling.nats {
        keys.push("[nats]".to_owned());
    }
    keys.extend(appling.cronjobs.keys().map(|name| format!("[cronjobs.{name}]")));
    if !appling.statics.is_empty() {
        keys.push("[[static]]".to_owned());
    }
    if appling.www_redirect && !appling.domains.is_empty() && environment.has_custom_domains() {
        keys.push("from_to_www_redirect".to_owned());
    }
    let on = appling.experimental.iter().filter(|(_, value)| is_on(value));
    keys.extend(on.map(|(name, _)| format!("experimental.{name}")));
    let unsupported = keys.into_iter().map(|key| NotYet {
        appling: appling.name.clone(),
        message: message(&key),
        key,
        help: HELP.to_owned(),
    });

    let sealed = sealed(appling, environment).into_iter().map(|(key, text)| NotYet {
        appling: appling.name.clone(),
        message: if text.starts_with(SEALED_PREFIX) {
            format!("`{key}` is a sealed value, which this release cannot open yet")
        } else {
            format!("`{key}` was sealed for another platform; no key here opens it")
        },
        key,
        help: SEALED_HELP.to_owned(),
    });
    unsupported.chain(sealed).collect()
}

/// The sealed values that an environment needs, each with its key.
fn sealed(appling: &Appling, environment: Environment) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (name, value) in appling.variables.in_environment(environment) {
        if let VariableValue::Sealed(text) = value {
            found.push((format!("env.{name}"), text));
        }
    }
    for mount in appling.files.in_environment(environment) {
        if let FileContent::Sealed(files) = mount.content {
            found.extend(files.into_iter().map(|(name, text)| (format!("files.{name}"), text)));
        }
    }
    let build = appling.build_secrets.iter();
    found.extend(build.map(|(id, text)| (format!("build_secrets.{id}"), text.clone())));
    found
}

fn message(key: &str) -> String {
    format!("`{key}` is not supported by this release yet")
}
