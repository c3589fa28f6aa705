//! All that has to hold before a change lands: what `.ci/run` runs.
//!
//! Two lanes at once, since one mostly computes and the other mostly waits: checks and compilation, and what the tests run
//! against. Then every test, in one run.

mod cargo_tools;
mod checks;
mod daemons;
mod durations;
mod scope;

use std::{
    fs,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Instant,
};

use anyhow::{Result, bail};

pub(crate) use self::durations::too_long;
use self::{cargo_tools::NEXTEST, daemons::Daemons, scope::Scope};
use crate::{paths, progress};

/// Arguments of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only what a change since this commit can have broken, by crates; without a commit, since the upstream branch
    #[arg(long, value_name = "COMMIT", num_args = 0..=1, default_missing_value = scope::UPSTREAM)]
    changed: Option<String>,
    /// Leave out format, lints, licences and layers
    #[arg(long)]
    only_tests: bool,
    /// Leave the cluster and the Docker engines running afterwards, for the next time
    #[arg(long)]
    keep_cluster: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let begin = Instant::now();
    let scope = match &arguments.changed {
        Some(base) => Scope::changed_since(base)?,
        None => Scope::everything()?,
    };
    if scope.is_empty() {
        progress::say("nothing has changed that a test could notice");
        return Ok(());
    }
    // A former run's durations are none of this one.
    let _ = fs::remove_file(durations::record());
    let daemons = Daemons::of(&scope)?;
    let result = prepare_and_test(arguments, &scope, &daemons);
    if !arguments.keep_cluster {
        daemons.stop()?;
    }
    durations::say(begin);
    let held = result?;
    if !held {
        bail!("tests failed after {:.0} s", begin.elapsed().as_secs_f64());
    }
    progress::say(format!("everything holds ({:.0} s)", begin.elapsed().as_secs_f64()));
    Ok(())
}

/// Whether all tests passed.
fn prepare_and_test(arguments: &Arguments, scope: &Scope, daemons: &Daemons) -> Result<bool> {
    let goes_on = AtomicBool::new(true);
    let (compiled, started) = thread::scope(|threads| {
        let starting = threads.spawn(|| daemons.start(|| goes_on.load(Ordering::Relaxed)));
        let compiled = check_and_compile(arguments, scope);
        if let Err(error) = &compiled {
            // Said at once: what the other lane is doing may take minutes, and is of use the next time.
            progress::say(format!("error: {error:#}\nending after the step on its way"));
            goes_on.store(false, Ordering::Relaxed);
        }
        (compiled, starting.join().expect("starting does not panic"))
    });
    compiled?;
    let environment = started?;
    progress::step("running the tests", || {
        let mut nextest = nextest(scope)?;
        if let Some(environment) = &environment {
            nextest.envs(environment.variables()).env("PATH", environment.path()?);
        }
        Ok(nextest.status()?.success())
    })
}

fn check_and_compile(arguments: &Arguments, scope: &Scope) -> Result<()> {
    if !arguments.only_tests {
        checks::run(scope)?;
    }
    progress::step("compiling the tests", || {
        let status = nextest(scope)?.args(["--no-run", "--cargo-quiet"]).status()?;
        if status.success() { Ok(()) } else { bail!("the tests do not compile") }
    })
}

fn nextest(scope: &Scope) -> Result<Command> {
    let mut nextest = Command::new(NEXTEST.program()?);
    nextest.args(["nextest", "run"]).args(scope.packages()).current_dir(paths::checkout());
    // What is in `.config/nextest.toml` counts, wherever this runs.
    for name in ["NEXTEST_PROFILE", "NEXTEST_TEST_THREADS", "NEXTEST_RETRIES"] {
        nextest.env_remove(name);
    }
    Ok(nextest)
}
