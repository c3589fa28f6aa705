//! `hops login`: remember a server and its token.

use super::Result;
use crate::{
    args::LoginArgs,
    connection::{self, Answered, Connection, Credentials},
    exit::Exit,
    printer::Printer,
    question, runtime,
};

/// Tries the token before it is remembered: a mistake is best found here.
pub(crate) fn run(arguments: &LoginArgs, printer: Printer) -> Result {
    let server = connection::tidy(&arguments.server)?;
    let token = match &arguments.token_file {
        Some(path) => connection::read_token(path)?,
        None => connection::check_token(&question::secret(&format!("Token for {server}: "), printer)?)?,
    };
    let credentials = Credentials { server, token };
    let client = Connection::new(&credentials)?.client;
    let version = runtime::small()?.block_on(async {
        let version = client.version().await.answered()?;
        client.apps().await.answered()?;
        Ok::<_, crate::failure::Failure>(version)
    })?;
    let path = credentials.remember()?;
    let server = &credentials.server;
    printer.note(&format!(
        "Logged in to {server} (HOPS {}); remembered in `{}`",
        version.version,
        path.display()
    ));
    Ok(Exit::Done)
}
