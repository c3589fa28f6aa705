//! Base images assembled from Debian packages, for machines that reach no public registry.
//!
//! They lie in the local registry under the names that Dockerfiles use, and the builder looks there first. They carry the
//! settings by which this machine reaches its package registries, so that `apt-get`, `pip` and `npm` work in build steps;
//! these are read at run time and end up nowhere but in the local registry.

pub(crate) mod builder;
mod debian;
mod machine;
mod recipes;

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use self::{builder::Builder, machine::Machine, recipes::Recipe};
use crate::{cluster::Cluster, digest::Key, progress, tools::Tools};

/// Arguments of `cargo xtask images`.
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// Only these, such as `busybox`; all when none is named
    #[arg(value_name = "IMAGE", value_parser = recipes::names())]
    only: Vec<String>,
}

impl Arguments {
    /// Only these.
    pub(crate) fn only<const N: usize>(names: [&str; N]) -> Self {
        Self { only: names.map(str::to_owned).to_vec() }
    }
}

/// Where images are made and kept.
pub(crate) trait Store {
    /// What an image is called there.
    fn name(&self, owner: &str, name: &str, tag: &str) -> String;
    /// The identity of an image that is there.
    fn identity(&self, name: &str) -> Option<String>;
    /// Builds the Dockerfile in a folder, under these names.
    fn build(&self, folder: &Path, names: &[&str]) -> Result<()>;
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    make(&Cluster::base()?, &arguments.only, &|| true)
}

/// Makes those that are named, or all, in a cluster's registry, as long as it goes on.
pub(crate) fn make(cluster: &Cluster, only: &[String], goes_on: &dyn Fn() -> bool) -> Result<()> {
    let folder = cluster.layout.root().join("run");
    let _lock = cluster.layout.lock_images()?;
    assemble(&Builder::of(cluster), &folder, &cluster.tools, only, goes_on)?;
    if goes_on() {
        progress::say("the base images are there");
    }
    Ok(())
}

/// Makes those that are named, or all, in a store, as long as it goes on.
pub(crate) fn assemble(
    store: &dyn Store,
    folder: &Path,
    tools: &Tools,
    only: &[String],
    goes_on: &dyn Fn() -> bool,
) -> Result<()> {
    let machine = Machine::read()?;
    let is_named = |name: &str| only.iter().any(|only| only == name);
    for recipe in recipes::all() {
        // What a named one begins with is made too.
        let is_base =
            recipes::all().iter().any(|other| is_named(other.name) && other.begins_with(recipe.name));
        if !only.is_empty() && !is_named(recipe.name) && !is_base {
            continue;
        }
        if !goes_on() {
            return Ok(());
        }
        let key = key(&recipe, &machine, tools);
        let name = |tag: &str| store.name(recipe.owner, recipe.name, tag);
        let marked = name(&format!("hops-{key}"));
        let tags: Vec<String> = recipe.tags.iter().map(|tag| name(tag)).collect();
        // The key's own tag tells what was built; a public tag that leads elsewhere was overwritten since.
        let made = store.identity(&marked);
        if made.is_some() && tags.iter().all(|tag| store.identity(tag) == made) {
            continue;
        }
        progress::step(format!("assembling {}", tags.join(", ")), || {
            let folder = folder.join(format!("image-{}", recipe.name));
            remove(&folder)?;
            fs::create_dir_all(&folder)?;
            (recipe.prepare)(&folder, &machine, tools)
                .with_context(|| format!("cannot prepare the image {}", recipe.name))?;
            fs::write(folder.join("Dockerfile"), recipe.dockerfile)?;
            let names: Vec<&str> = tags.iter().chain([&marked]).map(String::as_str).collect();
            store.build(&folder, &names)?;
            remove(&folder)
        })?;
    }
    Ok(())
}

/// Of everything that makes the image what it is: its recipe, what the recipe reads, and the image it begins with.
fn key(recipe: &Recipe, machine: &Machine, tools: &Tools) -> String {
    let base = recipes::all().into_iter().find(|base| recipe.begins_with(base.name));
    let base = base.map(|base| key(&base, machine, tools)).unwrap_or_default();
    Key::new().with(recipe.dockerfile).with((recipe.inputs)(machine, tools)).with(base).finish()
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}
