//! HTTP calls at fixed times.

use std::collections::BTreeMap;

use hops_model::{HttpPath, VariableValue, app::CronJob, name};

use crate::{
    Code, cron, not_yet,
    table::{Field, Table},
    value,
};

/// The longest name: Kubernetes appends 11 characters to a `CronJob`'s for its runs.
const NAME_MAX: usize = 52;

/// Reads `[cronjobs.…]`.
pub(super) fn read(table: &Table<'_>) -> BTreeMap<String, CronJob> {
    let Some(jobs) = table.field("cronjobs").and_then(Field::table) else { return BTreeMap::new() };
    let mut read = BTreeMap::new();
    for field in jobs.named() {
        if !field.value().is_table() {
            let message =
                format!("`{}` stands in `[cronjobs]`, which holds a table for each job", field.name());
            let help = "give the job a name: write `[cronjobs.NAME]` above it".to_owned();
            field.document().error(Code::MisplacedKey, field.key_span(), message, Some(help));
            continue;
        }
        check_name(field);
        let Some(table) = field.table() else { continue };
        not_yet::warn(field);
        let schedule = table.required("schedule").and_then(|field| field.parsed(cron::parse));
        let path = table.required("path").and_then(|field| field.parsed(HttpPath::parse));
        let headers = table.field("headers").and_then(Field::table);
        let headers = headers.iter().flat_map(Table::named).filter_map(read_header).collect();
        if let (Some(schedule), Some(path)) = (schedule, path) {
            read.insert(field.name().to_owned(), CronJob { schedule, path, headers });
        }
    }
    read
}

fn check_name(field: &Field<'_>) {
    let text = field.name();
    let fitting = name::fitting_name(text, NAME_MAX);
    if fitting != text {
        let message = format!(
            "`{text}` cannot name a cron job: lower-case letters, digits, `-` and `_`, at most {NAME_MAX}"
        );
        field.document().error(
            Code::UnfitName,
            field.key_span(),
            message,
            Some(format!("write for example `{fitting}`")),
        );
    }
}

/// Header names are tokens of RFC 9110 section 5.6.2.
fn read_header(field: &Field<'_>) -> Option<(String, VariableValue)> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let name = field.name();
    if name.is_empty() || !name.chars().all(is_token) {
        let message = format!("\"{name}\" cannot be the name of a request header");
        field.document().error(Code::InvalidValue, field.key_span(), message, None);
        return None;
    }
    let value = value::read(field, "the appling")?;
    if let VariableValue::Literal(text) = &value
        && text.contains(char::is_control)
    {
        let message = "a request header cannot hold line breaks and control characters".to_owned();
        field.document().error(Code::InvalidValue, field.value_span(), message, None);
        return None;
    }
    Some((name.to_owned(), value))
}
