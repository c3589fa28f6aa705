//! What has to be on the machine before anything else.

use std::{
    io,
    process::{Command, Stdio},
};

use anyhow::Context;

use crate::failure::{Blame, Failure};

/// Git, which keeps the repositories.
pub(crate) fn git() -> Result<(), Failure> {
    let started = Command::new("git").arg("--version").stdin(Stdio::null()).output();
    match started {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(Failure::users_fault(format!("`git --version` fails ({})", output.status))
            .hint("install Git anew")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::users_fault(
            "`git` is not installed, or not in PATH; HOPS keeps repositories with it",
        )
        .hint("on Debian and Ubuntu: `sudo apt-get install git`")),
        Err(error) => Err(error).context("cannot start `git`").users(),
    }
}
