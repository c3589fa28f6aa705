//! Errors as they go over the wire.

use hops_model::Cause;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `Content-Type` of a [`Problem`].
pub const PROBLEM_TYPE: &str = "application/problem+json";

/// A request that was not carried out: problem details (RFC 9457) with a cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// What kind of problem: `about:blank`, since [`Problem::cause`] tells them apart.
    #[serde(rename = "type", default = "blank")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What is the matter.
    pub detail: String,
    /// The same for programs, with its proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The request's number in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    /// A problem of a status.
    pub fn new(status: u16, title: impl Into<String>, detail: impl Into<String>) -> Self {
        let (title, detail) = (title.into(), detail.into());
        Self { kind: blank(), title, status, detail, cause: None, request_id: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn with_cause(self, cause: Cause) -> Self {
        Self { cause: Some(cause), ..self }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

fn blank() -> String {
    "about:blank".to_owned()
}
