//! `hops watch`: follow a deploy, also one that is over.

use hops_model::DeployId;

use super::{Result, follow};
use crate::{args::WatchArgs, connection::Connection, printer::Printer, runtime};

/// Shows the deploy's events from its beginning, and how it ends.
pub(crate) fn run(arguments: &WatchArgs, printer: Printer) -> Result {
    let client = Connection::find(&arguments.connection)?.client;
    runtime::small()?.block_on(follow::follow(&client, DeployId(arguments.deploy), printer))
}
