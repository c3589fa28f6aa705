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

use anyhow::{Context as _, Result, bail};

pub(crate) use self::durations::too_long;
use self::{cargo_tools::NEXTEST, compiled::Compiled, daemons::Daemons, scope::Scope};
use crate::{cluster, paths, progress, tidy};

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
    // Before anything is looked at: another run may take a quarter of an hour, in which files change.
    let _turn = cluster::lock_tests()?;
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
    let held = prepare_and_test(arguments, &scope, &daemons);
    if arguments.keep_cluster {
        daemons.keep()?;
    } else {
        daemons.stop()?;
    }
    durations::say(begin);
    held?;
    if scope.is_everything() && arguments.nextest.is_empty() {
        for (place, message) in durations::keep()? {
            progress::say(format!("{place}: {message}"));
        }
    }
    progress::say(format!("everything holds ({:.0} s)", begin.elapsed().as_secs_f64()));
    Ok(())
}

/// What is prepared side by side ends together: once one part has failed, the others end after the step on its way.
struct Lanes(AtomicBool);

impl Lanes {
    fn go_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Says at once why a part failed: what the others are doing may take minutes, and is of use the next time.
    fn end(&self, error: &anyhow::Error) {
        progress::say(format_args!("error: {error:#}\nending after the steps on their way"));
        self.0.store(false, Ordering::Relaxed);
    }
}

fn prepare_and_test(arguments: &Arguments, scope: &Scope, daemons: &Daemons) -> Result<()> {
    let lanes = Lanes(AtomicBool::new(true));
    let (compiled, started) = thread::scope(|threads| {
        let starting = threads.spawn(|| daemons.start(&lanes));
        let compiled = check_and_compile(arguments, scope, &lanes).inspect_err(|error| lanes.end(error));
        (compiled, starting.join().expect("starting does not panic"))
    });
    let environment = started.and_then(|environment| compiled.map(|()| environment))?;
    progress::step("running the tests", || {
        let mut nextest = nextest(arguments, scope)?;
        if let Some(environment) = &environment {
            nextest.envs(environment.variables()).env("PATH", environment.path()?);
        }
        let status = nextest.status().context("cannot start cargo-nextest")?;
        if !status.success() {
            bail!("tests failed ({status})");
        }
        durations::some_test_ran()
    })
}

/// As long as it goes on.
fn check_and_compile(arguments: &Arguments, scope: &Scope, lanes: &Lanes) -> Result<()> {
    let compiled = Compiled::start()?;
    if !arguments.only_tests {
        checks::run(scope, &compiled, lanes)?;
    }
    if !lanes.go_on() {
        return Ok(());
    }
    progress::step("compiling the tests", || {
        let mut nextest = nextest(arguments, scope)?;
        let status = nextest.args(["--no-run", "--cargo-quiet"]).envs(compiled.variables()).status()?;
        if status.success() { Ok(()) } else { bail!("the tests cannot be compiled ({status})") }
    })
}

fn nextest(arguments: &Arguments, scope: &Scope) -> Result<Command> {
    let mut nextest = Command::new(NEXTEST.program()?);
    nextest.args(["nextest", "run"]).args(&arguments.nextest).current_dir(paths::checkout());
    if arguments.nextest.is_empty() {
        nextest.args(scope.packages());
    }
    // What is in `.config/nextest.toml` counts, wherever this runs, and expected texts are compared, not written.
    for name in [
        "NEXTEST_PROFILE",
        "NEXTEST_TEST_THREADS",
        "NEXTEST_RETRIES",
        "NEXTEST_NO_TESTS",
        "UPDATE_EXPECT",
        "INSTA_UPDATE",
        "INSTA_FORCE_PASS",
    ] {
        nextest.env_remove(name);
    }
    Ok(nextest)
}
