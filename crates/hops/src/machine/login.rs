//! Logs the command line of whoever started the platform in to it.

use std::{env, path::Path};

use super::summary::Summary;
use crate::connection::{Credentials, Introduced, read_token};

/// Lets the command line of this user know the server, without taking another one's place. What is to be told, and what to
/// do, is noted in the summary; nothing here is a reason not to run.
pub(crate) fn log_in(summary: &mut Summary, token_file: &Path) {
    let server = summary.server.clone();
    let by_hand = format!("hops login {server} --token-file {}", token_file.display());
    // An operator may take the file away; who is logged in stays so.
    let Ok(token) = read_token(token_file) else { return };
    match (Credentials { server: server.clone(), token }).introduce() {
        Ok(Introduced::Known) => {}
        Ok(Introduced::Default(path)) => {
            summary.notes.push(format!("`hops` is logged in, as remembered in `{}`", path.display()));
        }
        Ok(Introduced::Beside(other)) => {
            summary
                .notes
                .push(format!("`hops` goes on talking to {other}, which it was logged in to before"));
            summary.next.push(format!("`{by_hand}` makes it talk to this one"));
        }
        Err(failure) => {
            let error = failure.error.map(|error| format!(": {error}")).unwrap_or_default();
            summary.notes.push(format!("`hops` could not be logged in{error}"));
            summary.next.push(format!("`{by_hand}` logs in"));
        }
    }
    if let Some(user) = env::var_os("SUDO_USER").filter(|_| summary.first) {
        let file = token_file.display();
        summary.next.push(format!(
            "`sudo cat {file} | hops login {server}` logs in {user}, since this was done for root",
            user = user.to_string_lossy(),
        ));
    }
}
