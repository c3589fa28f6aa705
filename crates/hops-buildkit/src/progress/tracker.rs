//! Turns the daemon's repeated snapshots into events, each once, and remembers what a failure report needs.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use bollard_buildkit_proto::{
    google::protobuf::Timestamp,
    moby::buildkit::v1::{StatusResponse, Vertex, VertexLog, VertexStatus, VertexWarning},
};
use tokio::sync::mpsc;

use super::{Outcome, Progress, Step};

/// Lines of a step's output that a failure shows.
const TAIL: usize = 40;

/// Longest line, in bytes; what is longer goes on in the next.
const LINE: usize = 16 << 10;

/// State of one build's progress.
#[derive(Debug)]
pub(crate) struct Tracker {
    progress: mpsc::Sender<Progress>,
    vertices: HashMap<String, Seen>,
    started: usize,
    /// Digest of the step that failed first.
    failed: Option<String>,
    warnings: Vec<String>,
}

#[derive(Debug)]
struct Seen {
    step: Step,
    /// When the present stretch of work began. The daemon first works out a step's cache key, ends it, and
    /// starts it anew when there is something to do.
    started: Timestamp,
    is_finished: bool,
    is_cached: bool,
    /// All finished stretches.
    duration: Duration,
    /// Output not yet ended by a newline, by stream (1 output, 2 error).
    partial: HashMap<i64, Vec<u8>>,
    tail: VecDeque<String>,
}

impl Tracker {
    pub(crate) fn new(progress: mpsc::Sender<Progress>) -> Self {
        Self { progress, vertices: HashMap::new(), started: 0, failed: None, warnings: Vec::new() }
    }

    /// Takes in one message of the stream; waits while the receiver of events is behind.
    pub(crate) async fn follow(&mut self, status: StatusResponse) {
        let mut events = Vec::new();
        let mut completed = Vec::new();
        for vertex in status.vertexes {
            // Output of a step may come in the same message as its end, and belongs before it.
            self.begin(&vertex, &mut events);
            completed.push(vertex);
        }
        for log in status.logs {
            self.log(&log, &mut events);
        }
        events.extend(status.statuses.into_iter().filter_map(|part| self.moved(part)));
        for vertex in completed {
            self.finish(vertex, &mut events);
        }
        for warning in status.warnings {
            events.extend(self.warning(warning));
        }
        for event in events {
            // Nobody listening is no reason to stop: what was built still counts.
            let _ = self.progress.send(event).await;
        }
    }

    /// The Dockerfile's own steps: how many there were, and how many were cached.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let own = || self.vertices.values().filter(|seen| !seen.step.is_internal());
        (own().count(), own().filter(|seen| seen.is_cached).count())
    }

    /// A step's name and last lines: the one named by its digest, else the one that failed first.
    pub(crate) fn step(&self, digest: Option<&str>) -> Option<(&Step, Vec<String>)> {
        let named = digest.and_then(|digest| self.vertices.get(digest));
        let seen = named.or_else(|| self.vertices.get(self.failed.as_deref()?))?;
        Some((&seen.step, seen.tail.iter().cloned().collect()))
    }

    fn begin(&mut self, vertex: &Vertex, events: &mut Vec<Progress>) {
        let Some(started) = vertex.started else { return };
        if let Some(seen) = self.vertices.get_mut(&vertex.digest) {
            if seen.is_finished && seen.started != started {
                (seen.is_finished, seen.is_cached, seen.started) = (false, false, started);
                events.push(Progress::Started { step: seen.step.clone() });
            }
            return;
        }
        self.started += 1;
        let step = Step { number: self.started, name: vertex.name.as_str().into() };
        events.push(Progress::Started { step: step.clone() });
        let seen = Seen {
            step,
            started,
            is_finished: false,
            is_cached: false,
            duration: Duration::ZERO,
            partial: HashMap::new(),
            tail: VecDeque::new(),
        };
        self.vertices.insert(vertex.digest.clone(), seen);
    }

    fn finish(&mut self, vertex: Vertex, events: &mut Vec<Progress>) {
        let Some(seen) = self.vertices.get_mut(&vertex.digest) else { return };
        let Some(completed) = &vertex.completed else { return };
        if std::mem::replace(&mut seen.is_finished, true) {
            return;
        }
        let mut left: Vec<_> = seen.partial.drain().filter(|(_, bytes)| !bytes.is_empty()).collect();
        left.sort_unstable();
        for (_, bytes) in left {
            events.push(seen.line(&bytes));
        }
        let outcome = match vertex.error.as_str() {
            "" if vertex.cached => Outcome::Cached,
            "" => Outcome::Done,
            error if error.ends_with("context canceled") => Outcome::Cancelled,
            _ => Outcome::Failed { message: vertex.error },
        };
        seen.is_cached = outcome == Outcome::Cached;
        if matches!(outcome, Outcome::Failed { .. }) && self.failed.is_none() {
            self.failed = Some(vertex.digest);
        }
        seen.duration += between(&seen.started, completed);
        events.push(Progress::Finished { step: seen.step.clone(), outcome, duration: seen.duration });
    }

    fn log(&mut self, log: &VertexLog, events: &mut Vec<Progress>) {
        let Some(seen) = self.vertices.get_mut(&log.vertex) else { return };
        let mut partial = seen.partial.remove(&log.stream).unwrap_or_default();
        for piece in log.msg.split_inclusive(|byte| *byte == b'\n') {
            partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") || partial.len() >= LINE {
                events.push(seen.line(&partial));
                partial.clear();
            }
        }
        seen.partial.insert(log.stream, partial);
    }

    fn moved(&self, part: VertexStatus) -> Option<Progress> {
        let step = self.vertices.get(&part.vertex)?.step.clone();
        let number = |value: i64| u64::try_from(value).unwrap_or_default();
        let name = if part.name.is_empty() { part.id } else { part.name };
        let is_done = part.completed.is_some();
        Some(Progress::Moved {
            step,
            part: name,
            current: number(part.current),
            total: number(part.total),
            is_done,
        })
    }

    fn warning(&mut self, warning: VertexWarning) -> Option<Progress> {
        let message = String::from_utf8_lossy(&warning.short).into_owned();
        let line = warning.ranges.first().and_then(|range| range.start.as_ref());
        let line = line.and_then(|start| u32::try_from(start.line).ok());
        let url = Some(warning.url).filter(|url| !url.is_empty());
        let key = format!("{line:?} {message}");
        if self.warnings.contains(&key) {
            return None;
        }
        self.warnings.push(key);
        Some(Progress::Warning { message, line, url })
    }
}

impl Seen {
    fn line(&mut self, bytes: &[u8]) -> Progress {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end_matches(['\n', '\r']);
        // Progress bars rewrite their line: the last state says it all.
        let text = text.rsplit('\r').next().unwrap_or(text).to_owned();
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(text.clone());
        Progress::Log { step: self.step.clone(), line: text }
    }
}

fn between(start: &Timestamp, end: &Timestamp) -> Duration {
    let nanoseconds = |at: &Timestamp| i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanos);
    let passed = nanoseconds(end) - nanoseconds(start);
    Duration::from_nanos(u64::try_from(passed.max(0)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vertex(name: &str, started: bool, completed: bool) -> Vertex {
        let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
        Vertex {
            digest: name.to_owned(),
            name: name.to_owned(),
            started: started.then(|| at(1)).flatten(),
            completed: completed.then(|| at(3)).flatten(),
            ..Vertex::default()
        }
    }

    fn log(vertex: &str, text: &str) -> VertexLog {
        VertexLog { vertex: vertex.to_owned(), stream: 1, msg: text.into(), ..VertexLog::default() }
    }

    async fn check(messages: Vec<StatusResponse>, expected: &[&str]) -> Tracker {
        let (sender, mut receiver) = mpsc::channel(100);
        let mut tracker = Tracker::new(sender);
        for message in messages {
            tracker.follow(message).await;
        }
        let mut events = Vec::new();
        while let Ok(event) = receiver.try_recv() {
            events.push(match event {
                Progress::Started { step } => format!("{step} started"),
                Progress::Finished { step, outcome, duration } => format!("{step} {outcome:?} {duration:?}"),
                Progress::Log { step, line } => format!("{step} | {line}"),
                other => format!("{other:?}"),
            });
        }
        assert_eq!(events, expected);
        tracker
    }

    #[tokio::test]
    async fn a_step_starts_once_and_ends_once_with_its_output_between() {
        let message = |vertexes, logs| StatusResponse { vertexes, logs, ..StatusResponse::default() };
        let messages = vec![
            message(vec![vertex("[1/1] RUN x", false, false)], vec![]),
            message(vec![vertex("[1/1] RUN x", true, false)], vec![]),
            message(vec![vertex("[1/1] RUN x", true, false)], vec![log("[1/1] RUN x", "one\ntw")]),
            message(vec![vertex("[1/1] RUN x", true, true)], vec![log("[1/1] RUN x", "o\n1%\r99%\r\nend")]),
            message(vec![vertex("[1/1] RUN x", true, true)], vec![]),
        ];
        let expected = [
            "#1 [1/1] RUN x started",
            "#1 [1/1] RUN x | one",
            "#1 [1/1] RUN x | two",
            "#1 [1/1] RUN x | 99%",
            "#1 [1/1] RUN x | end",
            "#1 [1/1] RUN x Done 2s",
        ];
        assert_eq!(check(messages, &expected).await.counts(), (1, 0));
    }

    #[tokio::test]
    async fn a_step_that_starts_anew_is_told_so_and_its_time_adds_up() {
        let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
        let key = Vertex { cached: true, ..vertex("[1/1] COPY x", true, true) };
        let work = |completed| Vertex { started: at(10), completed, ..vertex("[1/1] COPY x", true, false) };
        let message = |vertex| StatusResponse { vertexes: vec![vertex], ..StatusResponse::default() };
        let messages = vec![message(key), message(work(None)), message(work(at(15))), message(work(at(15)))];
        let expected = [
            "#1 [1/1] COPY x started",
            "#1 [1/1] COPY x Cached 2s",
            "#1 [1/1] COPY x started",
            "#1 [1/1] COPY x Done 7s",
        ];
        assert_eq!(check(messages, &expected).await.counts(), (1, 0));
    }

    #[tokio::test]
    async fn the_first_failure_is_the_one_remembered() {
        let failed = |name: &str, error: &str| Vertex { error: error.to_owned(), ..vertex(name, true, true) };
        let vertexes = vec![
            failed("a", "x: context canceled"),
            failed("b", "exit code: 1"),
            failed("c", "exit code: 2"),
        ];
        let messages = vec![StatusResponse { vertexes, ..StatusResponse::default() }];
        let expected = [
            "#1 a started",
            "#2 b started",
            "#3 c started",
            "#1 a Cancelled 2s",
            "#2 b Failed { message: \"exit code: 1\" } 2s",
            "#3 c Failed { message: \"exit code: 2\" } 2s",
        ];
        let tracker = check(messages, &expected).await;
        assert_eq!(&*tracker.step(None).unwrap().0.name, "b");
        assert_eq!(&*tracker.step(Some("c")).unwrap().0.name, "c");
        assert_eq!(&*tracker.step(Some("unknown")).unwrap().0.name, "b");
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut_rather_than_kept() {
        let (sender, mut receiver) = mpsc::channel(100);
        let mut tracker = Tracker::new(sender);
        let logs = (0..40).map(|_| log("a", &"x".repeat(1 << 10))).collect();
        let vertexes = vec![vertex("a", true, false)];
        tracker.follow(StatusResponse { vertexes, logs, ..StatusResponse::default() }).await;
        let mut lines = 0;
        while let Ok(event) = receiver.try_recv() {
            lines += usize::from(matches!(event, Progress::Log { line, .. } if line.len() == LINE));
        }
        assert_eq!(lines, 2);
    }
}
