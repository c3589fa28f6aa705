//! Reading the log of one container once.

use std::collections::VecDeque;

use futures::StreamExt;
use hops_engine::{EngineError, LogLine, LogQuery};
use hops_model::ApplingName;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{
    lines::{Line, Lines},
    options,
    span::{self, Past, Place, Span},
};
use crate::{
    daemon::{Container, ContainerId, Daemon, Subject},
    error,
    labels::Role,
};

/// An appling's own container.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) id: ContainerId,
    pub(super) instance: String,
    pub(super) appling: ApplingName,
}

/// Everything that reading needs.
pub(super) struct Reader {
    pub(super) daemon: Daemon,
    pub(super) query: LogQuery,
    pub(super) lines: mpsc::Sender<Result<LogLine, EngineError>>,
}

/// Nobody listens any more.
pub(super) struct Gone;

impl Reader {
    /// Reads a container's lines once; with `follow`, to the end of its process. Gives the time of the last one.
    pub(super) async fn read(
        &self,
        source: &Source,
        span: &Span,
        follow: bool,
    ) -> Result<Option<Timestamp>, Gone> {
        let mut lines = Lines::default();
        let mut last = None;
        // The daemon counts from the log's end, which is not the end of a former process.
        let keep = span.until.and(span.tail).map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        let mut kept: VecDeque<Line> = VecDeque::new();
        let mut stream = std::pin::pin!(self.daemon.client().logs(&source.id.0, Some(options(span, follow))));
        'reading: while let Some(output) = stream.next().await {
            let complete = match output {
                Ok(output) => lines.take(&output),
                // Gone meanwhile.
                Err(error) if matches!(error::answer(&error), Some((404 | 409, _))) => break,
                // A stream that has begun ends in any way it likes.
                Err(_) if last.is_some() || follow => break,
                Err(error) => {
                    let error = self.daemon.error(format!("read the log of {}", source.instance), error);
                    self.lines.send(Err(error)).await.map_err(|_| Gone)?;
                    break;
                }
            };
            for line in complete {
                match span.place(line.at) {
                    Place::Before => continue,
                    Place::Within => last = line.at.or(last),
                    Place::After => break 'reading,
                }
                match keep {
                    None => self.send(source, line).await?,
                    Some(count) => {
                        kept.push_back(line);
                        while kept.len() > count {
                            kept.pop_front();
                        }
                    }
                }
            }
        }
        for line in kept.into_iter().chain(lines.rest()) {
            if span.place(line.at) == Place::Within {
                last = line.at.or(last);
                self.send(source, line).await?;
            }
        }
        Ok(last)
    }

    async fn send(&self, source: &Source, line: Line) -> Result<(), Gone> {
        let Line { at, text } = line;
        let (appling, instance) = (source.appling.clone(), source.instance.clone());
        self.lines.send(Ok(LogLine { appling, instance, at, text })).await.map_err(|_| Gone)
    }

    /// The containers that are there and have run, oldest first.
    pub(super) async fn sources(&self) -> Result<Vec<(Source, Container)>, EngineError> {
        let instances = self.daemon.instances(Some(&self.query.target)).await?;
        let wanted = instances.into_iter().filter(|instance| {
            self.query.appling.as_ref().is_none_or(|appling| *appling == instance.appling)
        });
        let mut sources: Vec<(Source, Container)> = wanted
            .filter_map(|instance| {
                let container = instance.app()?.clone();
                container.started_at?;
                let source = Source {
                    id: container.id.clone(),
                    instance: instance.id.name.clone(),
                    appling: instance.appling,
                };
                Some((source, container))
            })
            .collect();
        sources.sort_by(|(_, one), (_, other)| {
            (one.created_at, &one.name).cmp(&(other.created_at, &other.name))
        });
        Ok(sources)
    }

    /// What to read of a container that is there when the question is put; nothing where it had no former process.
    pub(super) async fn first(&self, container: &Container) -> Option<Span> {
        let (tail, since) = (self.query.tail, self.query.since);
        let past = match (container.started_at, container.finished_at) {
            (Some(started_at), Some(_)) => self.daemon.past(&container.id, started_at).await,
            // Its first process.
            _ => Past::default(),
        };
        let mut span = span::of_process(container, &past, self.query.previous)?;
        span.from = span.from.max(since);
        span.tail = tail;
        Some(span)
    }

    pub(super) async fn is_running(&self, source: &Source) -> bool {
        match self.daemon.client().inspect_container(&source.id.0, None).await {
            Ok(found) => found.state.and_then(|state| state.running).unwrap_or_default(),
            // Gone, or the daemon is; when it is back, that is told.
            Err(_) => false,
        }
    }

    pub(super) fn is_wanted(&self, subject: &Subject) -> bool {
        subject.role == Role::App
            && subject.target == self.query.target
            && self.query.appling.as_ref().is_none_or(|appling| *appling == subject.appling)
    }
}
