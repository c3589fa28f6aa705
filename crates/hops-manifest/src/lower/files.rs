//! Files in the container.

use std::{collections::BTreeMap, ops::Range};

use hops_model::{
    Environment, SecretName,
    app::{FileContent, FileMount, PerEnvironment},
};

use super::environments;
use crate::{
    Code,
    document::Document,
    table::{Field, Table, Text},
    value,
};

/// A mount and where its path is.
type Placed = (FileMount, Range<usize>);

/// Reads `[[files.…]]`.
pub(super) fn read(table: &Table<'_>) -> PerEnvironment<Vec<FileMount>> {
    let Some(files) = table.field("files") else { return PerEnvironment::default() };
    let document = files.document();
    let Some(files) = files.table() else { return PerEnvironment::default() };
    let placed = environments::read(&files, |part, mounts: &mut Vec<Placed>| {
        mounts.extend(part.tables().iter().filter_map(read_mount));
    });
    check_paths(document, &placed);
    let mounts = |placed: Vec<Placed>| placed.into_iter().map(|(mount, _)| mount).collect();
    PerEnvironment {
        common: mounts(placed.common),
        specific: placed
            .specific
            .into_iter()
            .map(|(environment, placed)| (environment, mounts(placed)))
            .collect(),
    }
}

fn read_mount(table: &Table<'_>) -> Option<Placed> {
    let path = table.required("mount_path").and_then(Field::text);
    let mount_path = path.as_ref().and_then(absolute_directory);
    let secret_field = table.field("secret");
    let secret = secret_field.and_then(|field| field.parsed(SecretName::parse));
    let mut sealed = BTreeMap::new();
    let mut has_files = false;
    for field in table.named() {
        has_files = true;
        if !value::is_secret_key(field.name()) {
            let message = format!("`{}` cannot name a file here", field.name());
            let help =
                "letters, digits, `-`, `_` and `.` are possible; directories go into `mount_path`".to_owned();
            field.document().error(Code::InvalidValue, field.key_span(), message, Some(help));
        } else if let Some(text) = value::read_sealed(field) {
            sealed.insert(field.name().to_owned(), text);
        }
    }
    let content = match (secret_field.is_some(), has_files) {
        (true, false) => FileContent::Secret(secret?),
        (false, true) => FileContent::Sealed(sealed),
        (both, _) => {
            let (code, message) = if both {
                (Code::ConflictingKeys, "a mounted directory has either a `secret` or files of its own")
            } else {
                (Code::MissingKey, "the mounted directory has neither a `secret` nor files")
            };
            let help =
                "name a Secret by `secret = \"NAME\"`; for another directory begin another `[[files.…]]`";
            table.document().error(code, table.span(), message.to_owned(), Some(help.to_owned()));
            return None;
        }
    };
    Some((FileMount { mount_path: mount_path?, content }, path?.span()))
}

/// An absolute directory without `.`, `..` and a final slash, as Kubernetes takes it.
fn absolute_directory(text: &Text<'_>) -> Option<String> {
    let path = text.as_str();
    let fault = if !path.starts_with('/') {
        "has to begin with `/`"
    } else if path.split('/').any(|part| part == ".." || part == ".") {
        "contains `.` or `..`; write the path it leads to"
    } else if path.contains([':', '\0']) {
        "contains a character that no mount path can have"
    } else if path.trim_matches('/').is_empty() {
        "is the whole file system; name a directory below it"
    } else {
        return Some(path.trim_end_matches('/').to_owned());
    };
    text.invalid(format!("`{path}` {fault}"), None);
    None
}

/// Reports directories mounted twice in one environment, which Kubernetes refuses.
fn check_paths(document: &Document, placed: &PerEnvironment<Vec<Placed>>) {
    let report = |(first, first_span): &Placed, (_, span): &Placed, environment: Option<&Environment>| {
        let line = document.line_number(first_span.start);
        let place = environment.map(|environment| format!(" in `{environment}`")).unwrap_or_default();
        let message = format!("`{}` is mounted twice{place}, first in line {line}", first.mount_path);
        let help = "put the files in one Secret, or mount one of them in another directory".to_owned();
        document.error(Code::ConflictingKeys, span.clone(), message, Some(help));
    };
    let check = |earlier: &[Placed], mounts: &[Placed], environment: Option<&Environment>| {
        for (index, mount) in mounts.iter().enumerate() {
            let mut before = earlier.iter().chain(&mounts[..index]);
            if let Some(first) = before.find(|(other, _)| other.mount_path == mount.0.mount_path) {
                report(first, mount, environment);
            }
        }
    };
    check(&[], &placed.common, None);
    for (environment, mounts) in &placed.specific {
        check(&placed.common, mounts, Some(environment));
    }
}
