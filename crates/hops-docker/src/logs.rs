//! Log lines of an app's containers.
//!
//! Docker keeps one log over all processes of a container; which lines are whose is told by time (`logs/span.rs`).

mod lines;
mod span;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use bollard::query_parameters::{EventsOptions, LogsOptions};
use futures::{StreamExt, stream};
use hops_engine::{EngineError, LogLine, LogQuery, LogStream};
use hops_model::ApplingName;
use jiff::Timestamp;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    daemon::{AbortOnDrop, Container, ContainerId, Daemon, DaemonEvent, Subject},
    error,
    labels::Role,
    logs::{
        lines::{Line, Lines},
        span::Span,
    },
};

/// Lines that wait for a slow reader, over all containers; beyond that the containers' streams wait.
const BACKLOG: usize = 256;

/// The pause before a stream is taken up again that broke off while its container runs.
const PAUSE: Duration = Duration::from_secs(1);

/// An appling's own container.
#[derive(Debug, Clone)]
struct Source {
    id: ContainerId,
    instance: String,
    appling: ApplingName,
}

impl Daemon {
    /// The last lines that a container printed, whichever of its processes; none where they cannot be had.
    pub(crate) async fn tail(&self, container: &ContainerId, count: u32) -> Vec<String> {
        let mut lines = Lines::default();
        let span = Span { tail: Some(count), ..Span::default() };
        let mut found = Vec::new();
        let mut stream = std::pin::pin!(self.client().logs(&container.0, Some(options(&span, false))));
        while let Some(output) = stream.next().await {
            match output {
                Ok(output) => found.extend(lines.take(&output).map(|line| line.text)),
                Err(error) => {
                    tracing::debug!(%error, %container, "a container's last lines cannot be read");
                    break;
                }
            }
        }
        found.extend(lines.rest().map(|line| line.text));
        found
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

    /// When the process before the one that a container started at `before` was started, as far as the daemon remembers:
    /// it keeps its last 256 events.
    async fn former_start(&self, container: &ContainerId, before: Timestamp) -> Option<Timestamp> {
        let filters = HashMap::from([
            ("container".to_owned(), vec![container.0.clone()]),
            ("event".to_owned(), vec!["start".to_owned()]),
        ]);
        let until = Some(before.as_second().saturating_add(1).to_string());
        let options = EventsOptions { since: Some("0".to_owned()), until, filters: Some(filters) };
        let mut events = std::pin::pin!(self.client().events(Some(options)));
        let mut last = None;
        while let Some(Ok(message)) = events.next().await {
            let at =
                message.time_nano.and_then(|nanoseconds| Timestamp::from_nanosecond(nanoseconds.into()).ok());
            last = at.filter(|at| *at < before).or(last);
        }
        last
    }
}

/// Everything that reading needs.
struct Reader {
    daemon: Daemon,
    query: LogQuery,
    lines: mpsc::Sender<Result<LogLine, EngineError>>,
}

/// Nobody listens any more.
struct Gone;

impl Reader {
    /// Takes up containers as they come and start again. Ends only when nobody listens.
    async fn follow(self) {
        let reader = Arc::new(self);
        let mut events = reader.daemon.events();
        // Who reads each container, and how it hears of the container's next start.
        let mut known: HashMap<ContainerId, mpsc::UnboundedSender<()>> = HashMap::new();
        let mut reading = JoinSet::new();
        match reader.sources().await {
            Ok(sources) => {
                for (source, container) in sources {
                    let (sender, starts) = mpsc::unbounded_channel();
                    known.insert(source.id.clone(), sender);
                    reading.spawn(reader.clone().keep_reading(source, Some(container), starts));
                }
            }
            Err(error) => {
                let _ = reader.lines.send(Err(error)).await;
                return;
            }
        }
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                Some(_) = reading.join_next(), if !reading.is_empty() => continue,
                () = reader.lines.closed() => return,
            };
            match event {
                Some(DaemonEvent::Started(subject)) if reader.is_wanted(&subject) => {
                    let known = known.entry(subject.container.clone()).or_insert_with(|| {
                        let (sender, starts) = mpsc::unbounded_channel();
                        let Subject { container: id, instance, appling, .. } = subject;
                        let source = Source { id, instance, appling };
                        // What comes while following is shown from its first line.
                        reading.spawn(reader.clone().keep_reading(source, None, starts));
                        sender
                    });
                    // One that no longer reads has seen its container go.
                    let _ = known.send(());
                }
                Some(DaemonEvent::Removed(subject)) => {
                    known.remove(&subject.container);
                }
                Some(DaemonEvent::Reconnected) => {
                    known.retain(|_, known| known.send(()).is_ok());
                    for (source, _) in reader.sources().await.unwrap_or_default() {
                        known.entry(source.id.clone()).or_insert_with(|| {
                            let (sender, starts) = mpsc::unbounded_channel();
                            reading.spawn(reader.clone().keep_reading(source, None, starts));
                            sender
                        });
                    }
                }
                Some(_) => {}
                None => return,
            }
        }
    }

    /// Reads a container for as long as it exists: `seen` as it was when the question was put, everything where it came
    /// later.
    async fn keep_reading(
        self: Arc<Self>,
        source: Source,
        seen: Option<Container>,
        mut starts: mpsc::UnboundedReceiver<()>,
    ) {
        let mut from = None;
        if let Some(container) = seen {
            // The present process is neither the former one nor one that comes.
            from = self.query.previous.then(Timestamp::now).or(self.query.since);
            if let Some(span) = self.first(&container).await {
                match self.read(&source, &span, !self.query.previous).await {
                    Ok(last) => from = last.filter(|_| !self.query.previous).map(after).or(from),
                    Err(Gone) => return,
                }
            }
            if !self.is_running(&source).await && starts.recv().await.is_none() {
                return;
            }
        }
        loop {
            while starts.try_recv().is_ok() {}
            match self.read(&source, &Span { from, ..Span::default() }, true).await {
                Ok(last) => from = last.map(after).or(from),
                Err(Gone) => return,
            }
            if self.is_running(&source).await {
                // Its stream broke off, as it does when the daemon goes away.
                tokio::time::sleep(PAUSE).await;
            } else if starts.recv().await.is_none() {
                return;
            }
        }
    }

    /// Reads a container's lines once; with `follow`, to the end of its process. Gives the time of the last one.
    async fn read(&self, source: &Source, span: &Span, follow: bool) -> Result<Option<Timestamp>, Gone> {
        let mut lines = Lines::default();
        let mut last = None;
        // The daemon counts from the log's end, which is not the end of a former process.
        let keep = span.until.and(span.tail).map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        let mut kept: VecDeque<Line> = VecDeque::new();
        let mut stream = std::pin::pin!(self.daemon.client().logs(&source.id.0, Some(options(span, follow))));
        while let Some(output) = stream.next().await {
            let line = match output {
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
            let Some(line) = line else { continue };
            if line.at.is_some_and(|at| span.until.is_some_and(|until| at >= until)) {
                break;
            }
            if line.at.is_some_and(|at| span.from.is_some_and(|from| at < from)) {
                continue;
            }
            last = line.at.or(last);
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
        for line in kept.into_iter().chain(lines.rest()) {
            self.send(source, line).await?;
        }
        Ok(last)
    }

    async fn send(&self, source: &Source, line: Line) -> Result<(), Gone> {
        let Line { at, text } = line;
        let (appling, instance) = (source.appling.clone(), source.instance.clone());
        self.lines.send(Ok(LogLine { appling, instance, at, text })).await.map_err(|_| Gone)
    }

    /// The containers that are there and have run, oldest first.
    async fn sources(&self) -> Result<Vec<(Source, Container)>, EngineError> {
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
    async fn first(&self, container: &Container) -> Option<Span> {
        let (tail, since) = (self.query.tail, self.query.since);
        let mut span = span::of_process(container, self.query.previous)?;
        if let Some(until) = span.until {
            span.from = self.daemon.former_start(&container.id, until).await.map(span::before_start);
        }
        span.from = span.from.max(since);
        span.tail = tail;
        Some(span)
    }

    async fn is_running(&self, source: &Source) -> bool {
        match self.daemon.client().inspect_container(&source.id.0, None).await {
            Ok(found) => found.state.and_then(|state| state.running).unwrap_or_default(),
            // Gone, or the daemon is; when it is back, that is told.
            Err(_) => false,
        }
    }

    fn is_wanted(&self, subject: &Subject) -> bool {
        subject.role == Role::App
            && subject.target == self.query.target
            && self.query.appling.as_ref().is_none_or(|appling| *appling == subject.appling)
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

/// Just later than a line.
fn after(at: Timestamp) -> Timestamp {
    at.checked_add(Duration::from_nanos(1)).unwrap_or(at)
}
