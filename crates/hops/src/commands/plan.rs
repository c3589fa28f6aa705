//! `hops plan`: what a deploy would change of what runs.

use super::{Result, source::Source};
use crate::{
    args::PlanArgs,
    connection::{Answered, Connection},
    exit::Exit,
    printer::Printer,
    repository::Repository,
    runtime,
};

/// Shows the difference, field by field. Nothing is built and nothing is changed.
pub(crate) fn run(arguments: &PlanArgs, printer: Printer) -> Result {
    let runtime = runtime::small()?;
    let repository = Repository::find(arguments.directory.as_deref())?;
    let source = Source::find(&repository, &arguments.source, &arguments.target, &runtime, printer)?;
    let connection = Connection::find(&arguments.connection)?;
    let plan = runtime.block_on(async {
        source.send(&connection, printer).await?;
        connection.client.plan(&source.app, source.environment, &source.commit).await.answered()
    })?;
    if printer.is_json() {
        printer.json(&plan)?;
    } else {
        printer.data(&format!("{plan}\n"))?;
    }
    Ok(Exit::Done)
}
