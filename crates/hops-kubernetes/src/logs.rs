//! Log lines of an app's containers.

use std::{collections::BTreeSet, pin::pin, time::Duration};

use futures::{AsyncBufReadExt, StreamExt, stream};
use hops_engine::{EngineError, LogLine, LogQuery, LogStream};
use hops_model::ApplingName;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::{
    Api, Error, ResourceExt,
    api::{ListParams, LogParams},
    runtime::{
        WatchStreamExt,
        wait::{Condition, await_condition},
        watcher::{self, Event, watcher},
    },
};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use crate::{error::Cluster, labels};

/// Lines that wait for a slow reader, over all containers; beyond that the containers' streams wait.
const BACKLOG: usize = 256;

/// One process of a container: a restart is another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Process {
    uid: String,
    restarts: i32,
}

/// A container whose lines are to be read.
struct Source {
    process: Process,
    pod: String,
    /// The pod's version when this was read from it.
    version: Option<String>,
    container: String,
    is_running: bool,
    appling: ApplingName,
}

pub(crate) async fn logs(cluster: &Cluster, query: LogQuery) -> Result<LogStream, EngineError> {
    let namespace = query.target.namespace();
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &namespace);
    let mut of_app = labels::query(&query.target.app);
    if let Some(appling) = &query.appling {
        of_app = format!("{of_app},{}={appling}", labels::APPLING);
    }
    let (lines, receiver) = mpsc::channel(BACKLOG);
    let reader = Reader { cluster: cluster.clone(), namespace, pods, query, lines };
    if reader.query.follow {
        let task = AbortOnDrop(tokio::spawn(reader.follow(of_app)));
        return Ok(receive(receiver, task));
    }
    let list = reader.pods.list(&ListParams::default().labels(&of_app)).await;
    let mut found = list.map_err(|error| reader.error(error))?.items;
    found.sort_by_key(|pod| (pod.creation_timestamp(), pod.name_any()));
    let task = AbortOnDrop(tokio::spawn(async move {
        for source in found.iter().filter_map(source) {
            if reader.read(&source, reader.first()).await.is_err() {
                return;
            }
        }
    }));
    Ok(receive(receiver, task))
}

/// Everything that reading needs.
struct Reader {
    cluster: Cluster,
    namespace: String,
    pods: Api<Pod>,
    query: LogQuery,
    lines: mpsc::Sender<Result<LogLine, EngineError>>,
}

/// Nobody listens any more.
struct Gone;

/// How reading ended.
#[derive(PartialEq, Eq)]
enum Read {
    ToItsEnd,
    /// The container was removed, because a newer one took its place.
    Removed,
}

/// What the kubelet writes, without a time, in place of the log of a container that was removed.
pub(crate) const REMOVED: &str = "unable to retrieve container logs for ";

/// How long the kubelet may take to tell of a container's newest process.
const STATUS_WITHIN: Duration = Duration::from_secs(5);

impl Reader {
    /// Takes up containers as they come, each process once. Ends only when nobody listens.
    async fn follow(self, of_app: String) {
        let reader = std::sync::Arc::new(self);
        let mut events = Box::pin(
            watcher(reader.pods.clone(), watcher::Config::default().labels(&of_app)).default_backoff(),
        );
        let mut known: BTreeSet<Process> = BTreeSet::new();
        let mut reading = JoinSet::new();
        let mut is_first = true;
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                Some(_) = reading.join_next(), if !reading.is_empty() => continue,
                () = reader.lines.closed() => return,
            };
            match event {
                Some(Ok(Event::Apply(pod) | Event::InitApply(pod))) => {
                    let Some(source) = source(&pod) else { continue };
                    if known.insert(source.process.clone()) {
                        // What was there at the beginning is shown as asked; what comes later, from its first line.
                        let from = if is_first { reader.first() } else { later() };
                        let reader = reader.clone();
                        reading.spawn(async move { reader.read(&source, from).await });
                    }
                }
                Some(Ok(Event::Delete(pod))) => {
                    let uid = pod.uid().unwrap_or_default();
                    known.retain(|process| process.uid != uid);
                }
                Some(Ok(Event::InitDone)) => is_first = false,
                Some(Ok(Event::Init)) => {}
                Some(Err(
                    watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error),
                )) => {
                    let error = reader.error(error);
                    // What passes is tried again by the watch; a missing right does not pass.
                    if matches!(error, EngineError::Forbidden { .. }) {
                        let _ = reader.lines.send(Err(error)).await;
                        return;
                    }
                }
                Some(Err(error)) => tracing::debug!(%error, "the watch for logs failed and begins again"),
                None => return,
            }
        }
    }

    /// Reads one process to its end.
    async fn read(&self, source: &Source, params: LogParams) -> Result<(), Gone> {
        // Of a container that waits for its next process, the one that ended last is the former one.
        let previous = params.previous && source.is_running;
        let params =
            LogParams { container: Some(source.container.clone()), timestamps: true, previous, ..params };
        if self.read_once(source, &params).await? == Read::Removed {
            // What the pod's status names is behind by a process; it is about to be brought up to date.
            let changed =
                await_condition(self.pods.clone(), &source.pod, has_moved_on(source.version.clone()));
            if matches!(timeout(STATUS_WITHIN, changed).await, Ok(Ok(_))) {
                self.read_once(source, &params).await?;
            }
        }
        Ok(())
    }

    async fn read_once(&self, source: &Source, params: &LogParams) -> Result<Read, Gone> {
        let stream = match self.pods.log_stream(&source.pod, params).await {
            Ok(stream) => stream,
            // Gone meanwhile, or without a former process.
            Err(Error::Api(status)) if matches!(status.code, 400 | 404) => return Ok(Read::ToItsEnd),
            Err(error) => {
                self.lines.send(Err(self.error(error))).await.map_err(|_| Gone)?;
                return Ok(Read::ToItsEnd);
            }
        };
        let mut stream = pin!(stream);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            // Bytes, as what a process prints need not be UTF-8. The connection to a container that went away ends in
            // any way it likes.
            if !matches!(stream.read_until(b'\n', &mut bytes).await, Ok(1..)) {
                return Ok(Read::ToItsEnd);
            }
            if bytes.starts_with(REMOVED.as_bytes()) {
                return Ok(Read::Removed);
            }
            let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            let (at, text) = stamped(&String::from_utf8_lossy(line));
            let (appling, instance) = (source.appling.clone(), source.pod.clone());
            self.lines.send(Ok(LogLine { appling, instance, at, text })).await.map_err(|_| Gone)?;
        }
    }

    /// For what is there when the question is put.
    fn first(&self) -> LogParams {
        LogParams {
            follow: self.query.follow && !self.query.previous,
            previous: self.query.previous,
            tail_lines: self.query.tail.map(i64::from),
            // kube carries an older jiff; the text form is the same.
            since_time: self.query.since.and_then(|since| since.to_string().parse().ok()),
            ..LogParams::default()
        }
    }

    fn error(&self, error: Error) -> EngineError {
        self.cluster.error(format!("read the logs in {}", self.namespace), error)
    }
}

/// What to read of a process that came up while following.
fn later() -> LogParams {
    LogParams { follow: true, ..LogParams::default() }
}

/// The appling's own container, once it has run.
fn source(pod: &Pod) -> Option<Source> {
    let appling = ApplingName::parse(pod.labels().get(labels::APPLING)?).ok()?;
    let status: &ContainerStatus = pod.status.as_ref()?.container_statuses.as_ref()?.first()?;
    let state = status.state.as_ref()?;
    let has_run = |state: &k8s_openapi::api::core::v1::ContainerState| {
        state.running.is_some() || state.terminated.is_some()
    };
    if !has_run(state) && !status.last_state.as_ref().is_some_and(has_run) {
        return None;
    }
    let process = Process { uid: pod.uid()?, restarts: status.restart_count };
    let (container, is_running) = (status.name.clone(), state.running.is_some());
    Some(Source {
        process,
        pod: pod.name_any(),
        version: pod.resource_version(),
        container,
        is_running,
        appling,
    })
}

/// Whether a pod is another than it was, or gone.
fn has_moved_on(version: Option<String>) -> impl Condition<Pod> {
    move |pod: Option<&Pod>| pod.is_none_or(|pod| pod.resource_version() != version)
}

/// Splits off the time that the kubelet puts before each line.
fn stamped(line: &str) -> (Option<jiff::Timestamp>, String) {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let (stamp, text) = line.split_once(' ').unwrap_or((line, ""));
    match stamp.parse() {
        Ok(at) => (Some(at), text.to_owned()),
        Err(_) => (None, line.to_owned()),
    }
}

/// Stops a task with whoever waits for it.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn receive(receiver: mpsc::Receiver<Result<LogLine, EngineError>>, task: AbortOnDrop) -> LogStream {
    stream::unfold((receiver, task), |(mut receiver, task)| async {
        let line = receiver.recv().await?;
        Some((line, (receiver, task)))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::stamped;

    #[test]
    fn the_kubelets_time_is_split_off() {
        let (at, text) = stamped("2026-11-24T08:00:01.123456789Z listening on 3030\r");
        assert_eq!(at.unwrap().to_string(), "2026-11-24T08:00:01.123456789Z");
        assert_eq!(text, "listening on 3030");
        assert_eq!(stamped("2026-11-24T08:00:01Z ").1, "");
        assert_eq!(stamped("no time here"), (None, "no time here".to_owned()));
    }
}
