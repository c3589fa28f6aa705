//! `hops up`: the whole platform in one process on one machine, with Docker.
//!
//! ```text
//! lock ─▶ git, Docker ─▶ ports ─▶ state ─▶ engine (finds its containers again) ─▶ proxy ─▶ control, API ─▶ ready
//! ```
//!
//! What runs in containers is no child of this process: it goes on when this one stops, and is found again.

mod detach;
mod hosts;
mod images;
mod lock;
mod login;
mod manager;
mod needs;
mod parts;
mod ports;
mod stop;
mod summary;
mod unit;

use std::pin::Pin;

use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::{lock::Lock, parts::Parts};
use crate::{
    args::UpArgs,
    configuration::Configuration,
    failure::{Blame, Failure},
    platform::{self, Destination, State},
    printer::Printer,
    runtime,
};

pub(crate) use self::{
    stop::{stop, stop_with_apps},
    summary::Summary,
    unit::unit,
};

/// Completes when the process is told to stop.
type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts the platform in the background and waits until it is ready.
pub(crate) fn start(arguments: &UpArgs, configuration: &Configuration) -> Result<Summary, Failure> {
    let state = State::open(&configuration.state_directory()?)?;
    detach::start(arguments, state.directory())
}

/// Runs the platform until the process is told to stop.
pub(crate) fn run(configuration: Configuration, is_detached: bool, printer: Printer) -> Result<(), Failure> {
    if is_detached {
        detach::leave_terminal()?;
    }
    let state = State::open(&configuration.state_directory()?)?;
    // Whoever finds another HOPS there must not touch what is that one's.
    let _lock = Lock::take(state.directory())
        .users()
        .hint("`hops down` stops it; `--state DIR` names another state")?;
    let destination = if is_detached {
        Destination::File(detach::log_file(state.directory()))
    } else {
        Destination::Stderr { is_coloured: printer.colors_stderr() }
    };
    platform::prepare(&configuration, destination)?;
    allow_many_connections();
    runtime::server()?.block_on(async {
        // From here on signals end the process in an orderly way, also while it starts.
        let mut stop: Stop = Box::pin(platform::stop_signal()?);
        let started = tokio::select! {
            started = Parts::start(configuration, &state) => started,
            () = &mut stop => return Ok(()),
        };
        let mut parts = started?;
        if is_detached {
            parts.summary.log = Some(detach::log_file(state.directory()));
        }
        announce(&parts, &state, printer)?;
        if is_detached {
            detach::leave_stdout()?;
        }
        parts.serve(stop).await?;
        tracing::info!("HOPS has stopped; apps run on");
        Ok(())
    })
}

/// Raises the number of files that this process may have open as far as it is allowed to: a connection is two of them,
/// and what a login shell gives, 1,024, is few for a proxy.
fn allow_many_connections() {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    if let Err(error) = raised {
        tracing::warn!(%error, allowed = limit.current, "the limit of open files cannot be raised");
    }
}

/// Says that all is ready, to everybody who wants to know.
fn announce(parts: &Parts, state: &State, printer: Printer) -> Result<(), Failure> {
    let Parts { summary, manager, .. } = parts;
    summary.leave(state.directory()).context("cannot write into the state directory")?;
    let Summary { server, apps, .. } = summary;
    tracing::info!(server, apps, version = env!("CARGO_PKG_VERSION"), "HOPS is ready");
    for note in &summary.notes {
        tracing::info!("{note}");
    }
    manager.ready();
    if printer.is_json() {
        printer.json(summary)?;
    } else if !manager.is_there() {
        summary.tell(printer);
    }
    Ok(())
}
