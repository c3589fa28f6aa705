//! `hops down`: ends the process that has the state directory.

use std::time::Duration;

use anyhow::Context;
use hops_model::Target;
use serde::Serialize;

use super::lock::Holder;
use crate::{
    args::{ConfigurationArgs, UpArgs},
    configuration::Configuration,
    connection::{Answered, Connection, Credentials, read_token},
    failure::{Blame, Failure},
    platform::State,
    printer::Printer,
    runtime,
};

/// How long the end may take: requests in hand and pushes have their time.
const PATIENCE: Duration = Duration::from_mins(2);

/// What was done.
#[derive(Debug, Serialize)]
pub(crate) struct Stopped {
    /// The process that ended; none where none ran.
    process: Option<i32>,
    /// The apps that were removed.
    removed: Vec<Target>,
}

/// Ends the process, if there is one, and waits for that.
pub(crate) fn stop(configuration: &Configuration) -> Result<Stopped, Failure> {
    let directory = configuration.state_directory()?;
    let Some(holder) = Holder::find(&directory).users()? else {
        return Ok(Stopped { process: None, removed: Vec::new() });
    };
    let process = holder.pid();
    holder
        .terminate()
        .with_context(|| format!("cannot stop process {process}"))
        .users()
        .hint("it is another user's; use `sudo hops down --state DIR` with its state directory")?;
    if !holder.wait(PATIENCE).with_context(|| format!("cannot wait for the end of process {process}"))? {
        let message = format!("process {process} has not ended after {} s", PATIENCE.as_secs());
        return Err(anyhow::Error::msg(message)).hint(format!("`kill -9 {process}` ends it; apps run on"));
    }
    Ok(Stopped { process: Some(process), removed: Vec::new() })
}

/// Removes every app as `hops remove` does, then ends the process. Where none runs, one is started for this: only it knows
/// what there is, and what has to go in which order.
pub(crate) fn stop_with_apps(
    arguments: &ConfigurationArgs,
    configuration: &Configuration,
) -> Result<Stopped, Failure> {
    let up = UpArgs::in_background(arguments.clone());
    let summary = super::start(&up, configuration)?;
    let state = State::open(&summary.state)?;
    let token = read_token(&state.access()?.file)
        .hint("it lets this command in; where it was taken away, `hops remove` removes apps one by one")?;
    let client = Connection::new(&Credentials { server: summary.server, token })?.client;
    let removed = runtime::small()?.block_on(async {
        let mut removed = Vec::new();
        for app in client.apps().await.answered()? {
            for environment in app.environments {
                let target = Target::new(app.name.clone(), environment.environment);
                client.remove(&target).await.answered()?;
                removed.push(target);
            }
        }
        Ok::<_, Failure>(removed)
    })?;
    Ok(Stopped { removed, ..stop(configuration)? })
}

impl Stopped {
    /// Says it to people.
    pub(crate) fn tell(&self, printer: Printer) {
        for target in &self.removed {
            printer.note(&format!("Removed {target}"));
        }
        match self.process {
            Some(_) if self.removed.is_empty() => {
                printer.note("HOPS has stopped; containers of apps run on, and are not reached by their hosts meanwhile");
                printer.hint("`hops up` takes them up again; `hops down --apps` removes them");
            }
            Some(_) => printer.note("HOPS has stopped"),
            None => printer.note("HOPS is not running"),
        }
    }
}
