//! All that has to hold before a change lands: what `.ci/run` runs.
//!
//! Two lanes at once, since one mostly computes and the other mostly waits: checks and compilation, and what the tests run
//! against. Then every test, in one run.

mod cargo_tools;
mod checks;
mod compiled;
mod daemons;
mod durations;
mod scope;

use std::{
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Instant,
};

use anyhow::{Result, bail};

pub(crate) use self::durations::too_long;
use self::{cargo_tools::NEXTEST, compiled::Compiled, daemons::Daemons, scope::Scope};
use crate::{paths, progress, tidy};

/// Arguments of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only what a change since this commit can have broken, by crates, with what is not committed; without a commit, since
    /// this branch left the remote's default branch
    #[arg(long, value_name = "COMMIT", num_args = 0..=1, default_missing_value = scope::DEFAULT)]
    changed: Option<String>,
    /// Leave out the checks: format, layers, sizes, words, dependencies, licences, lints
    #[arg(long)]
    only_tests: bool,
    /// Leave the cluster and the Docker engines running afterwards, for the next time
    #[arg(long)]
    keep_cluster: bool,
    /// For cargo-nextest, in the place of all tests, such as `-p hops-docker siblings`
    #[arg(last = true)]
    nextest: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let begin = Instant::now();
    let scope = match &arguments.changed {
        Some(base) => Scope::changed_since(base)?,
        None => Scope::everything()?,
    };
    if scope.is_empty() {
        progress::say("nothing has changed that a test could notice");
        return if arguments.only_tests { Ok(()) } else { tidy::check_sources() };
    }
    let daemons = Daemons::of(&scope)?;
    durations::begin()?;
    let result = prepare_and_test(arguments, &scope, &daemons);
    if arguments.keep_cluster {
        daemons.keep()?;
    } else {
        daemons.stop()?;
    }
    durations::say(begin);
    if !result? {
        bail!("tests failed after {:.0} s", begin.elapsed().as_secs_f64());
    }
    if scope.is_everything() && arguments.nextest.is_empty() {
        for (place, message) in durations::keep()? {
            progress::say(format!("{place}: {message}"));
        }
    }
    progress::say(format!("everything holds ({:.0} s)", begin.elapsed().as_secs_f64()));
    Ok(())
}

/// Whether all tests passed.
fn prepare_and_test(arguments: &Arguments, scope: &Scope, daemons: &Daemons) -> Result<bool> {
    let is_whole = AtomicBool::new(true);
    let goes_on = || is_whole.load(Ordering::Relaxed);
    // Said at once: what the other lane is doing may take minutes, and is of use the next time.
    let ended = |error: &anyhow::Error| {
        progress::say(format!("error: {error:#}\nending after the steps on their way"));
        is_whole.store(false, Ordering::Relaxed);
    };
    let (compiled, started) = thread::scope(|threads| {
        let starting = threads.spawn(|| daemons.start(goes_on).inspect_err(ended));
        let compiled = check_and_compile(arguments, scope, &goes_on).inspect_err(ended);
        (compiled, starting.join().expect("starting does not panic"))
    });
    let environment = started.and_then(|environment| compiled.map(|()| environment))?;
    progress::step("running the tests", || {
        let mut nextest = nextest(arguments, scope)?;
        if let Some(environment) = &environment {
            nextest.envs(environment.variables()).env("PATH", environment.path()?);
        }
        Ok(nextest.status()?.success())
    })
}

/// As long as it goes on.
fn check_and_compile(arguments: &Arguments, scope: &Scope, goes_on: &dyn Fn() -> bool) -> Result<()> {
    let compiled = Compiled::start()?;
    if !arguments.only_tests {
        checks::run(scope, &compiled, goes_on)?;
    }
    if !goes_on() {
        return Ok(());
    }
    progress::step("compiling the tests", || {
        let mut nextest = nextest(arguments, scope)?;
        let status = nextest.args(["--no-run", "--cargo-quiet"]).envs(compiled.variables()).status()?;
        if status.success() { Ok(()) } else { bail!("the tests do not compile") }
    })
}

fn nextest(arguments: &Arguments, scope: &Scope) -> Result<Command> {
    let mut nextest = Command::new(NEXTEST.program()?);
    nextest.args(["nextest", "run"]).args(&arguments.nextest).current_dir(paths::checkout());
    if arguments.nextest.is_empty() {
        nextest.args(scope.packages());
    }
    // What is in `.config/nextest.toml` counts, wherever this runs.
    for name in ["NEXTEST_PROFILE", "NEXTEST_TEST_THREADS", "NEXTEST_RETRIES", "NEXTEST_NO_TESTS"] {
        nextest.env_remove(name);
    }
    Ok(nextest)
}
