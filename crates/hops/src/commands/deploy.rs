//! `hops deploy`: build a commit and roll it out.

use super::{Result, follow, source::Source};
use crate::{
    args::DeployArgs,
    connection::{Answered, Connection},
    printer::Printer,
    repository::Repository,
    runtime,
};

/// Checks the files, sends the commit, starts the deploy, and follows it to its end.
pub(crate) fn run(arguments: &DeployArgs, printer: Printer) -> Result {
    let runtime = runtime::small()?;
    let begin = || {
        let repository = Repository::find(arguments.directory.as_deref())?;
        let source = Source::find(&repository, &arguments.source, &arguments.target, &runtime, printer)?;
        let connection = Connection::find(&arguments.connection)?;
        let deploy = runtime.block_on(async {
            source.send(&connection, printer).await?;
            let client = &connection.client;
            client.deploy(&source.app, source.environment, &source.commit).await.answered()
        })?;
        Ok((connection.client, deploy))
    };
    let (client, deploy) = follow::begun(begin(), printer)?;
    runtime.block_on(follow::start(&client, &deploy, arguments.detach, printer))
}
