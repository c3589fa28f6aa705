//! `hops rollback`: put a former release into effect, without a build.

use hops_model::ReleaseNumber;

use super::{Result, follow};
use crate::{
    args::RollbackArgs,
    connection::{Answered, Connection},
    printer::Printer,
    repository, runtime,
};

/// Starts the rollback and follows it to its end.
pub(crate) fn run(arguments: &RollbackArgs, printer: Printer) -> Result {
    let runtime = runtime::small()?;
    let begin = || {
        let target = repository::target(&arguments.target)?;
        let client = Connection::find(&arguments.connection)?.client;
        let release = arguments.release.map(ReleaseNumber);
        let deploy = runtime.block_on(client.rollback(&target, release)).answered()?;
        Ok((client, deploy))
    };
    let (client, deploy) = follow::begun(begin(), printer)?;
    runtime.block_on(follow::start(&client, &deploy, arguments.detach, printer))
}
