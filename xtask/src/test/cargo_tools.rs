//! Cargo's own helpers that the checks need, installed once into the cache.

use std::path::PathBuf;

use anyhow::Result;

use crate::{paths, program, progress};

/// A cargo subcommand, by package and version.
pub(crate) struct CargoTool {
    package: &'static str,
    version: &'static str,
    /// What a first build takes on two cores, for the one who waits.
    minutes: &'static str,
}

/// Licences, sources and banned crates.
pub(crate) const DENY: CargoTool = CargoTool { package: "cargo-deny", version: "0.20.2", minutes: "4 min" };
/// Dependencies that nothing uses.
pub(crate) const MACHETE: CargoTool =
    CargoTool { package: "cargo-machete", version: "0.9.2", minutes: "½ min" };

impl CargoTool {
    /// The program's file, built if the cache does not have it.
    pub(crate) fn program(&self) -> Result<PathBuf> {
        let folder = paths::cache()?.join("tools").join(format!("{}-{}", self.package, self.version));
        let program = folder.join("bin").join(self.package);
        if !program.exists() {
            let what = format!("building {} (about {} the first time)", self.package, self.minutes);
            progress::step(what, || {
                let mut cargo = program::command(["cargo", "install", "--quiet", "--locked", "--version"]);
                // Outside of the checkout, whose toolchain and settings are none of the tool's business.
                cargo.args([self.version, self.package, "--root"]).arg(&folder).current_dir("/");
                program::output(&mut cargo)
            })?;
        }
        Ok(program)
    }
}
