//! What is known without running anything: format, layers, lints, licences, dependencies.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{
    Lanes,
    cargo_tools::{CargoTool, DENY, SHEAR},
    compiled::Compiled,
    scope::Scope,
};
use crate::{paths, program, progress, tidy};

/// Every check, the quickest first, even after one has failed: one run says all there is to mend. As long as it goes on.
pub(super) fn run(scope: &Scope, compiled: &Compiled, lanes: &Lanes) -> Result<()> {
    let cargo = |arguments: &[&str]| {
        let mut command = program::command(["cargo"]);
        command.args(arguments).current_dir(paths::checkout());
        command
    };
    let tool = |tool: CargoTool, arguments: &[&str]| -> Result<Command> {
        let mut command = Command::new(tool.program()?);
        command.args(arguments).current_dir(paths::checkout());
        Ok(command)
    };
    let lints = || {
        let mut clippy = cargo(&["clippy", "--all-targets", "--quiet"]);
        // Flags of the user's own could allow what is denied here.
        clippy.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        clippy.args(scope.packages()).args(["--", "--deny", "warnings"]).envs(compiled.variables());
        clippy
    };
    let licences = ["--log-level=error", "check", "bans", "licenses", "sources"];
    let mut failed = Vec::new();
    let mut check = |name: &str, holds: &dyn Fn() -> Result<()>| {
        if !lanes.go_on() {
            return;
        }
        let held = progress::step(format!("checking {name}"), || holds().with_context(|| name.to_owned()));
        failed.extend(held.err());
    };
    check("format", &|| succeeds(cargo(&["fmt", "--all", "--check"])));
    check("layers, sizes, words", &tidy::check_sources);
    check("unused dependencies", &|| succeeds(tool(SHEAR, &["--deny-warnings"])?));
    check("licences, sources, banned crates", &|| succeeds(tool(DENY, &licences)?));
    check("lints", &|| succeeds(lints()));
    match failed.as_slice() {
        [] => Ok(()),
        failed => {
            let list: Vec<String> = failed.iter().map(|error| format!("{error:#}")).collect();
            bail!("these checks failed: {}", list.join("; "))
        }
    }
}

/// Its own words are on the screen.
fn succeeds(mut command: Command) -> Result<()> {
    let status =
        command.status().with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if status.success() { Ok(()) } else { bail!("{status}, see above") }
}
