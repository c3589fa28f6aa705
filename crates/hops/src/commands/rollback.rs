//! `hops rollback`: put a former release into effect, without a build.

use hops_model::ReleaseNumber;

use super::{Result, follow};
use crate::{
    args::RollbackArgs,
    connection::{Answered, Connection},
    printer::Printer,
    runtime, selection,
};

/// Starts the rollback and follows it to its end.
pub(crate) fn run(arguments: &RollbackArgs, printer: Printer) -> Result {
    let target = selection::target(&arguments.target)?;
    let client = Connection::find(&arguments.connection)?.client;
    runtime::small()?.block_on(async {
        let deploy = client.rollback(&target, arguments.release.map(ReleaseNumber)).await.answered()?;
        follow::start(&client, &deploy, arguments.detach, printer).await
    })
}
