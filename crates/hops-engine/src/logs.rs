//! Log lines of an app's containers.

use futures::stream::BoxStream;
use hops_model::{ApplingName, Target};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::EngineError;

/// Which log lines are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogQuery {
    /// The app and environment.
    pub target: Target,
    /// One appling; all of them where there is none.
    pub appling: Option<ApplingName>,
    /// Whether to go on with lines as they come.
    pub follow: bool,
    /// The lines of each container's former process instead of its present one.
    pub previous: bool,
    /// How many of the last lines of each container to begin with; all where there is none.
    pub tail: Option<u32>,
    /// No lines older than this.
    pub since: Option<Timestamp>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogLine {
    /// The appling.
    pub appling: ApplingName,
    /// The instance that printed it.
    pub instance: String,
    /// When, as the engine recorded it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub at: Option<Timestamp>,
    /// The line, without its end. What is not UTF-8 is replaced.
    pub text: String,
}

/// Log lines, in the order in which they arrive.
pub type LogStream = BoxStream<'static, Result<LogLine, EngineError>>;
