//! Apps in memory, and readings as text.

use std::fmt::Write;

use expect_test::Expect;
use hops_manifest::{MemoryTree, Reading, read, render};
use hops_model::{App, Appling, RepoPath};
use serde_json::Value;

/// A path of a test.
pub(crate) fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

/// An app whose root file is this, with a Dockerfile.
pub(crate) fn single(file: impl Into<Vec<u8>>) -> MemoryTree {
    MemoryTree::new().with_file(path("iterapp.toml"), file).with_file(path("Dockerfile"), "FROM scratch\n")
}

/// An app of several files; each directory with an `iterapp.toml` gets a Dockerfile.
pub(crate) fn several(files: &[(&str, &str)]) -> MemoryTree {
    files.iter().fold(MemoryTree::new(), |tree, (name, content)| {
        let dockerfile = name.replace("iterapp.toml", "Dockerfile");
        tree.with_file(path(name), *content).with_file(path(&dockerfile), "FROM scratch\n")
    })
}

/// Reads an app of one file in a repository called `shop`.
pub(crate) fn reading(file: impl Into<Vec<u8>>) -> Reading {
    read(&single(file), Some("shop"))
}

/// Compares what a file gives: the diagnostics as people see them, or else the settings that are not default.
#[track_caller]
pub(crate) fn check(file: &str, expected: Expect) {
    expected.assert_eq(&shown(&reading(file)));
}

/// The same for any app.
#[track_caller]
pub(crate) fn check_tree(tree: &MemoryTree, expected: Expect) {
    expected.assert_eq(&shown(&read(tree, Some("shop"))));
}

/// Diagnostics with their excerpts, then the app where there is one.
pub(crate) fn shown(reading: &Reading) -> String {
    let mut text = render(&reading.diagnostics, &reading.files, false);
    if let Some(app) = &reading.app {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&settings(app));
    }
    text
}

/// The settings of an app that are not at their default, one a line.
fn settings(app: &App) -> String {
    let emoji = app.emoji.as_ref().map(|emoji| format!(" {emoji}")).unwrap_or_default();
    let mut text =
        format!("app {}{emoji}, pushes to {}, {:?}\n", app.name, app.default_environment, app.layout);
    for appling in &app.applings {
        let default =
            serde_json::to_value(Appling::new(appling.name.clone(), appling.directory.clone())).unwrap();
        writeln!(text, "  appling {} in \"{}\"", appling.name, appling.directory).unwrap();
        let Value::Object(fields) = serde_json::to_value(appling).unwrap() else { unreachable!() };
        for (name, value) in fields.into_iter().filter(|(name, value)| default[name] != *value) {
            writeln!(text, "    {name} = {}", shortened(value)).unwrap();
        }
    }
    text
}

/// Long texts, such as sealed values, by their first characters.
fn shortened(value: Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > 60 => {
            Value::String(format!("{}…", text.chars().take(12).collect::<String>()))
        }
        Value::Array(items) => items.into_iter().map(shortened).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, shortened(value))).collect(),
        other => other,
    }
}
