//! Which of our crates may use which: the arrows of ARCHITECTURE.md, as a table.
//!
//! Which crate may use which outside world is in `deny.toml`.

use std::{collections::BTreeSet, fs};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::Finding;
use crate::{paths, program};

/// What each crate may use of ours. `hops`, the testkit and the tests may use everything.
const MAY_USE: [(&str, &[&str]); 15] = [
    ("hops-model", &[]),
    ("hops-manifest", &["hops-model"]),
    ("hops-engine", &["hops-model"]),
    ("hops-kubernetes", &["hops-model", "hops-engine"]),
    ("hops-proxy", &[]),
    ("hops-certificates", &["hops-proxy"]),
    ("hops-docker", &["hops-model", "hops-engine", "hops-proxy"]),
    ("hops-buildkit", &[]),
    ("hops-git", &["hops-model"]),
    ("hops-build", &["hops-model", "hops-buildkit", "hops-git"]),
    ("hops-store", &["hops-model"]),
    ("hops-control", &["hops-model", "hops-manifest", "hops-engine", "hops-build", "hops-git", "hops-store"]),
    ("hops-api", &["hops-model", "hops-engine"]),
    ("hops-server", &["hops-model", "hops-control", "hops-api"]),
    ("xtask", &[]),
];

/// Crates without async and IO: what would bring it in.
const PURE: [(&str, &[&str]); 2] = [("hops-model", ASYNC), ("hops-manifest", ASYNC)];
const ASYNC: &[&str] = &["tokio", "futures", "async-trait", "reqwest", "hyper"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

pub(super) fn check() -> Result<Vec<Finding>> {
    let mut metadata = program::command(["cargo", "metadata", "--format-version=1", "--no-deps"]);
    let text = program::output(metadata.current_dir(paths::checkout()))?;
    let metadata: Metadata = serde_json::from_str(&text).context("cannot read what `cargo metadata` says")?;
    let map =
        fs::read_to_string(paths::checkout().join(MAP)).with_context(|| format!("cannot read {MAP}"))?;
    Ok(metadata.packages.iter().flat_map(findings).chain(differing(&map)).collect())
}

/// Where the table of crates is.
const MAP: &str = "ARCHITECTURE.md";

/// Where the table of crates says something else than what is checked.
fn differing(map: &str) -> Vec<Finding> {
    let finding = |message: String| Finding { place: MAP.to_owned(), message };
    let said = |name: &str| {
        let row = map.lines().find(|line| line.starts_with(&format!("| `{name}` |")))?;
        let cell = row.split('|').nth(3)?.trim();
        let names = cell.split(", ").filter(|name| *name != "–").map(|name| format!("hops-{name}"));
        Some(names.collect::<BTreeSet<_>>())
    };
    let differing = MAY_USE.iter().filter_map(|(name, allowed)| {
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        match said(name) {
            None => Some(finding(format!("the table of crates lacks {name}"))),
            Some(said) if said != allowed => {
                let short: Vec<&str> = allowed.iter().map(|name| name.trim_start_matches("hops-")).collect();
                Some(finding(format!("{name} may use of ours: {}", short.join(", "))))
            }
            Some(_) => None,
        }
    });
    differing.collect()
}

fn findings(package: &Package) -> Vec<Finding> {
    let finding = |message: String| Finding { place: package.name.clone(), message };
    // Tests may use more than the crate itself.
    let uses: BTreeSet<&str> = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind.is_none())
        .map(|dependency| dependency.name.as_str())
        .collect();
    let mut findings = Vec::new();
    let free = ["hops", "hops-testkit", "hops-tests"].contains(&package.name.as_str());
    match MAY_USE.iter().find(|(name, _)| *name == package.name) {
        Some((_, allowed)) => {
            let ours = uses.iter().filter(|name| name.starts_with("hops"));
            for name in ours.filter(|name| !allowed.contains(name)) {
                findings.push(finding(format!("must not use {name}; the arrows are in ARCHITECTURE.md")));
            }
        }
        None if !free => findings.push(finding(format!("has no place among the layers, see {}", file!()))),
        None => {}
    }
    for (_, outside) in PURE.iter().filter(|(name, _)| *name == package.name) {
        for name in outside.iter().filter(|name| uses.contains(*name)) {
            findings.push(finding(format!("must not use {name}: it does no IO and knows no async")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, uses: &[&str]) -> Package {
        let dependency = |name: &&str| Dependency { name: (*name).to_owned(), kind: None };
        Package { name: name.to_owned(), dependencies: uses.iter().map(dependency).collect() }
    }

    #[test]
    fn an_arrow_the_wrong_way_is_found() {
        assert_eq!(findings(&package("hops-engine", &["hops-model", "serde"])), []);
        assert_eq!(findings(&package("hops-engine", &["hops-store"])).len(), 1);
    }

    #[test]
    fn the_table_of_crates_says_what_is_checked() {
        let row = |(name, allowed): &(&str, &[&str])| {
            let names: Vec<&str> = allowed.iter().map(|name| name.trim_start_matches("hops-")).collect();
            let names = if names.is_empty() { "–".to_owned() } else { names.join(", ") };
            format!("| `{name}` | what it is | {names} | nothing |")
        };
        let rows = MAY_USE.iter().map(row).collect::<Vec<_>>().join("\n");
        assert_eq!(differing(&rows), []);
        let wrong = rows.replace("| model, engine |", "| model |");
        let places: Vec<String> = differing(&wrong).into_iter().map(|finding| finding.message).collect();
        assert_eq!(
            places,
            ["hops-kubernetes may use of ours: engine, model", "hops-api may use of ours: engine, model"]
        );
        assert_eq!(differing("").len(), MAY_USE.len());
    }

    #[test]
    fn a_crate_without_a_place_is_found() {
        assert_eq!(findings(&package("hops-common", &[])).len(), 1);
        assert_eq!(findings(&package("hops", &["hops-control"])), []);
    }

    #[test]
    fn the_model_stays_without_async() {
        assert_eq!(findings(&package("hops-model", &["tokio"])).len(), 1);
    }
}
