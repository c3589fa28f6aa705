//! The way to a server.

mod credentials;

use hops_api::{Client, ClientError, Token};
use hops_model::Cause;

use crate::{args::ConnectionArgs, exit::Exit, failure::Failure, live::clean};

pub(crate) use self::credentials::{Credentials, Introduced, check_token, read_token, tidy};

/// A client, and what Git proves itself with to the same server.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The client.
    pub(crate) client: Client,
    /// The token for pushes.
    pub(crate) git_token: hops_git::Token,
}

impl Connection {
    /// Finds the server and its token. Nothing is sent yet.
    pub(crate) fn find(arguments: &ConnectionArgs) -> Result<Self, Failure> {
        Self::new(&Credentials::find(arguments)?)
    }

    /// A connection with given credentials.
    pub(crate) fn new(credentials: &Credentials) -> Result<Self, Failure> {
        let token =
            Token::parse(&credentials.token).map_err(|_| Failure::users_fault("the token is none"))?;
        let client = Client::new(&credentials.server, token).answered()?;
        let git_token = hops_git::Token::new(credentials.token.as_str())
            .ok_or_else(|| Failure::users_fault("the token is none"))?;
        Ok(Self { client, git_token })
    }
}

/// Makes a failure of what a server, or the way to it, has to say.
pub(crate) trait Answered<T> {
    /// The answer, or a failure that says whose fault it is, with proof and fix.
    fn answered(self) -> Result<T, Failure>;
}

impl<T> Answered<T> for Result<T, ClientError> {
    fn answered(self) -> Result<T, Failure> {
        self.map_err(|error| {
            let cause = Cause::from(&error);
            // What the chain of errors holds is the proof already, except for what came over the wire.
            let is_told = std::error::Error::source(&error).is_some();
            let error = if is_told || cause.proof.is_empty() {
                error.into()
            } else {
                anyhow::anyhow!("{}\n{}", clean(&error.to_string()), clean(&cause.proof))
            };
            let hint = (!cause.help.is_empty()).then(|| clean(&cause.help));
            Failure { exit: Exit::from(&cause), error: Some(error), hint, cause: Some(Box::new(cause)) }
        })
    }
}

impl<T> Answered<T> for Result<T, hops_git::GitError> {
    fn answered(self) -> Result<T, Failure> {
        use hops_git::GitError::{NoCommit, NoRepository, PathNotUtf8, Rejected, Unauthorized};
        self.map_err(|error| {
            let is_users =
                matches!(error, NoRepository { .. } | PathNotUtf8 { .. } | Unauthorized | NoCommit { .. });
            let is_rejected = matches!(error, Rejected { .. });
            let exit = if is_users { Exit::Users } else { Exit::Platforms };
            let hint = is_rejected.then(|| "the server's log has more".to_owned());
            Failure { exit, error: Some(error.into()), hint, cause: None }
        })
    }
}
