//! Which crates a change can have broken: those with a changed file, and those that use them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context as _, Result, anyhow};
use serde::Deserialize;

use crate::{paths, program, progress};

/// The remote's default branch, as a clone names it.
pub(super) const DEFAULT: &str = "origin/HEAD";

/// Files outside of the crates that only some crates' tests read. What is not named here counts as used by all, such as the
/// parts of xtask that start what tests run against.
const READ_BY: [(&str, &[&str]); 11] = [
    ("crates/", &[]),
    ("docs/reference/", &["hops", "hops-manifest", "hops-server"]),
    ("docs/", &[]),
    ("examples/", &[]),
    ("tools/testapp/", &["hops-testkit"]),
    ("tools/kube-score/", &["hops-testkit"]),
    ("xtask/src/bench", &["xtask"]),
    ("xtask/src/demo", &["xtask"]),
    ("xtask/src/tidy", &["xtask"]),
    ("LICENSE", &[]),
    (".gitignore", &[]),
];

/// The crates to check and to test.
pub(super) struct Scope {
    crates: BTreeSet<String>,
    is_everything: bool,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

/// Of any kind: a test breaks by what only tests use as well.
#[derive(Deserialize)]
struct Dependency {
    name: String,
}

type Uses = BTreeMap<String, BTreeSet<String>>;

impl Scope {
    pub(super) fn everything() -> Result<Self> {
        Ok(Self { crates: uses()?.into_keys().collect(), is_everything: true })
    }

    pub(super) fn changed_since(base: &str) -> Result<Self> {
        let uses = uses()?;
        let since = since(base)?;
        let files = changed_files(&since)?;
        let scope = Self::of(&files, &uses);
        progress::say(format!("{} files have changed since {}", files.len(), &since[..since.len().min(12)]));
        if let Some(file) = files.iter().find(|file| touched(file).is_none()) {
            progress::say(format!("any test may use {file}"));
        } else if !scope.is_empty() {
            let crates: Vec<&str> = scope.crates.iter().map(String::as_str).collect();
            progress::say(format!("of the crates, these can have changed: {}", crates.join(", ")));
        }
        Ok(scope)
    }

    fn of(files: &[String], uses: &Uses) -> Self {
        let mut crates = BTreeSet::new();
        for file in files {
            match touched(file) {
                Some(touched) => crates.extend(touched),
                None => return Self { crates: uses.keys().cloned().collect(), is_everything: true },
            }
        }
        loop {
            let reached = uses.iter().filter(|(_, uses)| !uses.is_disjoint(&crates));
            let reached: Vec<String> = reached.map(|(name, _)| name.clone()).collect();
            let before = crates.len();
            crates.extend(reached);
            if crates.len() == before {
                break;
            }
        }
        // A crate that was removed is none to test.
        crates.retain(|name| uses.contains_key(name));
        Self { is_everything: crates.len() == uses.len(), crates }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.crates.is_empty()
    }

    pub(super) fn is_everything(&self) -> bool {
        self.is_everything
    }

    pub(super) fn holds_any(&self, crates: &[&str]) -> bool {
        crates.iter().any(|name| self.crates.contains(*name))
    }

    /// As arguments of cargo.
    pub(super) fn packages(&self) -> Vec<String> {
        if self.is_everything {
            return vec!["--workspace".to_owned()];
        }
        self.crates.iter().map(|name| format!("--package={name}")).collect()
    }
}

/// The crates whose tests read a file; none says that all may.
fn touched(file: &str) -> Option<Vec<String>> {
    if let Some(name) = file.strip_prefix("crates/").and_then(|rest| rest.split('/').next()) {
        return Some(vec![name.to_owned()]);
    }
    // Pages at the top are read by people.
    if !file.contains('/') && Path::new(file).extension().is_some_and(|extension| extension == "md") {
        return Some(Vec::new());
    }
    let (_, readers) = READ_BY.iter().find(|(place, _)| file.starts_with(place))?;
    Some(readers.iter().map(|name| (*name).to_owned()).collect())
}

fn git(arguments: &[&str]) -> Result<String> {
    program::output(program::command(["git"]).args(arguments).current_dir(paths::checkout()))
}

/// The commit before the change: the one that is named, or the one at which this branch left the default branch. (Not that
/// of the branch that it follows: once it is pushed, that is the branch itself.)
fn since(base: &str) -> Result<String> {
    let named = git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{base}^{{commit}}")]);
    let commit = named.map_err(|_| match base {
        DEFAULT => anyhow!(
            "no remote's default branch is known here\nhint: name the commit before the change, `--changed COMMIT`"
        ),
        _ => anyhow!("`{base}` is no commit of this repository\nhint: `git fetch`, or name another, such as `HEAD~1`"),
    })?;
    let commit = commit.trim();
    if base != DEFAULT {
        return Ok(commit.to_owned());
    }
    let left = git(&["merge-base", "HEAD", commit])
        .context("this branch has nothing in common with the default one")?;
    Ok(left.trim().to_owned())
}

/// Committed since then, not yet committed, or new.
fn changed_files(since: &str) -> Result<Vec<String>> {
    let changed = git(&["diff", "--no-renames", "--name-only", "-z", since, "--"])?;
    let new = git(&["ls-files", "-z", "--others", "--exclude-standard"])?;
    let files = changed.split('\0').chain(new.split('\0')).filter(|file| !file.is_empty());
    Ok(files.map(str::to_owned).collect())
}

/// What each of our crates uses of ours.
fn uses() -> Result<Uses> {
    let mut metadata = program::command(["cargo", "metadata", "--format-version=1", "--no-deps"]);
    let text = program::output(metadata.current_dir(paths::checkout()))?;
    let metadata: Metadata = serde_json::from_str(&text).context("cannot read what `cargo metadata` says")?;
    let ours: BTreeSet<String> = metadata.packages.iter().map(|package| package.name.clone()).collect();
    let uses = |package: &Package| {
        let names = package.dependencies.iter().map(|dependency| dependency.name.clone());
        names.filter(|name| ours.contains(name)).collect()
    };
    Ok(metadata.packages.iter().map(|package| (package.name.clone(), uses(package))).collect())
}

#[cfg(test)]
mod tests {
    use super::{Scope, Uses};

    fn scope(files: &[&str]) -> Scope {
        let uses = [("model", &[][..]), ("engine", &["model"]), ("docker", &["engine"]), ("proxy", &[])];
        let uses: Uses = uses
            .iter()
            .map(|(name, uses)| ((*name).to_owned(), uses.iter().map(|used| (*used).to_owned()).collect()))
            .collect();
        Scope::of(&files.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>(), &uses)
    }

    #[test]
    fn whoever_uses_a_changed_crate_is_tested_and_nobody_else() {
        assert_eq!(scope(&["crates/engine/src/lib.rs"]).packages(), ["--package=docker", "--package=engine"]);
        assert_eq!(scope(&["crates/proxy/tests/a.rs"]).packages(), ["--package=proxy"]);
    }

    #[test]
    fn what_everything_is_built_with_is_a_reason_to_test_everything() {
        assert_eq!(scope(&["Cargo.lock"]).packages(), ["--workspace"]);
        assert_eq!(scope(&[".config/nextest.toml"]).packages(), ["--workspace"]);
        assert_eq!(scope(&["xtask/src/cluster/docker.rs"]).packages(), ["--workspace"]);
        assert_eq!(
            scope(&["crates/model/src/lib.rs", "crates/proxy/src/lib.rs"]).packages(),
            ["--workspace"]
        );
    }

    #[test]
    fn pages_and_removed_crates_are_none() {
        assert!(scope(&["README.md", "docs/get-started.md", "crates/gone/src/lib.rs"]).is_empty());
    }
}
