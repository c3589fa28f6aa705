//! Log lines of an app's containers.
//!
//! Docker keeps one log over all processes of a container; which lines are whose is told by time (`logs/span.rs`).

mod follow;
mod lines;
mod reader;
mod span;

use std::collections::HashMap;

use bollard::query_parameters::{EventsOptions, LogsOptions};
use futures::{StreamExt, stream};
use hops_engine::{EngineError, LogQuery, LogStream};
use jiff::Timestamp;
use tokio::sync::mpsc;

use self::{
    lines::Lines,
    reader::Reader,
    span::{Past, Span},
};
use crate::daemon::{AbortOnDrop, ContainerId, Daemon};

/// Lines that wait for a slow reader, over all containers; beyond that the containers' streams wait.
const BACKLOG: usize = 256;

impl Daemon {
    /// The last lines that a container printed, whichever of its processes.
    pub(crate) async fn tail(&self, container: &ContainerId, count: u32) -> Result<Vec<String>, EngineError> {
        let mut lines = Lines::default();
        let span = Span { tail: Some(count), ..Span::default() };
        let mut found = Vec::new();
        let mut stream = std::pin::pin!(self.client().logs(&container.0, Some(options(&span, false))));
        while let Some(output) = stream.next().await {
            let output = output.map_err(|error| self.error(format!("read the log of {container}"), error))?;
            found.extend(lines.take(&output).map(|line| line.text));
        }
        found.extend(lines.rest().map(|line| line.text));
        Ok(found)
    }

    /// Log lines as `query` wants them: of the applings' own containers, not of their sidecars.
    pub(crate) async fn logs(&self, query: LogQuery) -> Result<LogStream, EngineError> {
        let (lines, receiver) = mpsc::channel(BACKLOG);
        let reader = Reader { daemon: self.clone(), query, lines };
        let task = if reader.query.follow {
            tokio::spawn(reader.follow())
        } else {
            let sources = reader.sources().await?;
            tokio::spawn(async move {
                for (source, container) in sources {
                    let Some(span) = reader.first(&container).await else { continue };
                    if reader.read(&source, &span, false).await.is_err() {
                        return;
                    }
                }
            })
        };
        Ok(stream::unfold((receiver, AbortOnDrop(task)), |(mut receiver, task)| async {
            let line = receiver.recv().await?;
            Some((line, (receiver, task)))
        })
        .boxed())
    }

    /// What the daemon remembers of a container's processes until a moment that has passed.
    async fn past(&self, container: &ContainerId, until: Timestamp) -> Past {
        let filters = HashMap::from([
            ("container".to_owned(), vec![container.0.clone()]),
            ("event".to_owned(), vec!["start".to_owned(), "die".to_owned()]),
        ]);
        // To the nanosecond: the daemon would wait for an end that has not come yet.
        let until = format!("{}.{:09}", until.as_second(), until.subsec_nanosecond());
        let options =
            EventsOptions { since: Some("0".to_owned()), until: Some(until), filters: Some(filters) };
        let mut events = std::pin::pin!(self.client().events(Some(options)));
        let mut past = Past::default();
        while let Some(Ok(message)) = events.next().await {
            let at = message.time_nano.and_then(|nanos| Timestamp::from_nanosecond(nanos.into()).ok());
            match message.action.as_deref() {
                Some("start") => past.starts.extend(at),
                Some("die") => past.ends.extend(at),
                _ => {}
            }
        }
        past
    }
}

fn options(span: &Span, follow: bool) -> LogsOptions {
    // The daemon takes whole seconds; what is outside of the span is left out here.
    let seconds = |at: Timestamp| i32::try_from(at.as_second()).unwrap_or(i32::MAX);
    LogsOptions {
        follow,
        stdout: true,
        stderr: true,
        since: span.from.map_or(0, seconds),
        until: span.until.map_or(0, |until| seconds(until).saturating_add(1)),
        timestamps: true,
        tail: match span.tail {
            Some(count) if span.until.is_none() => count.to_string(),
            _ => "all".to_owned(),
        },
    }
}
