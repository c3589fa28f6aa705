//! What the server logs: one line an event, on stderr.

use anyhow::Context;
use tracing_subscriber::{EnvFilter, fmt};

use crate::{
    configuration::{Log, LogFormat},
    failure::{Blame, Failure},
};

/// Installs the subscriber of this process.
pub(crate) fn install(log: &Log, is_coloured: bool) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&log.filter)
        .with_context(|| format!("`{}` is not a filter of log lines", log.filter))
        .users()
        .hint("write for example `filter = \"info,hops_build=debug\"` in `[log]`")?;
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(is_coloured);
    let installed = match log.format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!(error).context("cannot install the log").into())
}
