//! All that has to hold before a change lands: what `.ci/run` runs.

mod cargo_tools;

use std::{process::Command, time::Instant};

use anyhow::{Result, bail};

use self::cargo_tools::{CargoTool, DENY, MACHETE};
use crate::{cluster, images, packages, paths, program, progress, tidy};

/// Arguments of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave out format, lints, licences and layers
    #[arg(long)]
    only_tests: bool,
    /// Leave the cluster and the Docker engines running afterwards, for the next time
    #[arg(long)]
    keep_cluster: bool,
}

/// Checks first, since they are quick; then every test, on the real cluster.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let begin = Instant::now();
    if !arguments.only_tests {
        checks()?;
    }
    packages::install(&[packages::TESTS])?;
    let (had_cluster, had_docker) = (cluster::is_running()?, cluster::is_docker_running()?);
    // Both run on this machine unless the user's own are named.
    if !cluster::is_users()? {
        cluster::up_docker()?;
    }
    let environment = cluster::up()?;
    // A cluster of the user's own takes its base images from where it always does.
    if !cluster::is_users()? {
        images::run(&images::Arguments::default())?;
    }
    let result = tests(&environment);
    if !arguments.keep_cluster && !cluster::is_users()? {
        match (had_cluster, had_docker) {
            (false, false) => cluster::down(false)?,
            (true, false) => cluster::down_docker()?,
            (false | true, true) => {}
        }
    }
    if !result? {
        bail!("tests failed after {:.0} s", begin.elapsed().as_secs_f64());
    }
    progress::say(format!("everything holds ({:.0} s)", begin.elapsed().as_secs_f64()));
    Ok(())
}

/// Every check, even after one has failed: one run says all there is to mend.
fn checks() -> Result<()> {
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
    let clippy = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"];
    let commands = [
        ("format", cargo(&["fmt", "--all", "--check"])),
        ("lints", cargo(&clippy)),
        (
            "licences, sources, banned crates",
            tool(DENY, &["--log-level=error", "check", "bans", "licenses", "sources"])?,
        ),
        ("unused dependencies", tool(MACHETE, &["crates", "xtask"])?),
    ];
    let mut failed = Vec::new();
    for (name, mut command) in commands {
        let held = progress::step(format!("checking {name}"), || {
            if command.status()?.success() { Ok(()) } else { bail!("{name}") }
        });
        failed.extend(held.err());
    }
    failed.extend(progress::step("checking layers, sizes, words", tidy::run).err());
    match failed.as_slice() {
        [] => Ok(()),
        failed => {
            let list: Vec<String> = failed.iter().map(ToString::to_string).collect();
            bail!("these checks failed: {}", list.join("; "))
        }
    }
}

/// Whether all tests passed.
fn tests(environment: &cluster::Environment) -> Result<bool> {
    let mut cargo = program::command(["cargo", "test", "--workspace", "--no-fail-fast"]);
    cargo.current_dir(paths::checkout()).envs(environment.variables()).env("PATH", environment.path()?);
    progress::say("running all tests");
    Ok(cargo.status()?.success())
}
