//! What happens to the platform's containers, as it happens.

use std::{collections::HashSet, time::Duration};

use bollard::{models::EventMessage, query_parameters::EventsOptions};
use futures::{Stream, StreamExt, stream::BoxStream};
use hops_model::{ApplingName, Target};
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{ContainerId, Daemon};
use crate::labels::{self, Role};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DaemonEvent {
    /// A container's process started, for the first time or again.
    Started(Subject),
    /// A container's process ended, whoever ended it.
    Died {
        subject: Subject,
        code: i64,
        /// Whether it took more memory than it may.
        is_out_of_memory: bool,
    },
    /// A container was removed.
    Removed(Subject),
    /// The daemon was away and is there again. What happened meanwhile was not told.
    Reconnected,
}

/// To which container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) container: ContainerId,
    pub(crate) target: Target,
    pub(crate) appling: ApplingName,
    /// The instance's name.
    pub(crate) instance: String,
    pub(crate) role: Role,
}

/// Pauses between attempts to reach a daemon that is away: a restart takes a second or two.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(1);

impl Daemon {
    /// What happens from now on. Nothing that happens after this call is missed while the daemon is there, however late
    /// the stream is read; some of what happened in the moment before it may be told, too. Ends only when it is dropped.
    pub(crate) fn events(&self) -> BoxStream<'static, DaemonEvent> {
        // A little earlier: the two clocks are one, but the daemon writes its events down after their time.
        let since = Timestamp::now() - Duration::from_millis(100);
        let (sender, receiver) = mpsc::unbounded_channel();
        let task = tokio::spawn(follow(self.clone(), since, sender));
        receive(receiver, AbortOnDrop(task)).boxed()
    }
}

async fn follow(daemon: Daemon, mut since: Timestamp, events: mpsc::UnboundedSender<DaemonEvent>) {
    let mut out_of_memory = HashSet::new();
    let mut pause = PAUSE_MIN;
    let mut was_away = false;
    while !events.is_closed() {
        // To know that it is there: the stream of a quiet daemon says nothing.
        if daemon.client().ping().await.is_ok() {
            let mut stream = Box::pin(daemon.client().events(Some(options(daemon.platform(), since))));
            if std::mem::take(&mut was_away) && events.send(DaemonEvent::Reconnected).is_err() {
                return;
            }
            while let Some(message) = stream.next().await {
                let Ok(message) =
                    message.inspect_err(|error| tracing::debug!(%error, "Docker's events broke off"))
                else {
                    break;
                };
                pause = PAUSE_MIN;
                // What is asked for from here on has not been told yet; the daemon keeps its events by their time.
                since =
                    time(&message).map_or(since, |at| at.checked_add(Duration::from_nanos(1)).unwrap_or(at));
                if let Some(event) = read(message, &mut out_of_memory)
                    && events.send(event).is_err()
                {
                    return;
                }
            }
            tracing::warn!("Docker has ended its events; connecting again");
        }
        was_away = true;
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

fn options(platform: &str, since: Timestamp) -> EventsOptions {
    let mut filters = labels::filter(platform, None);
    filters.insert("type".to_owned(), vec!["container".to_owned()]);
    let actions = ["start", "die", "oom", "destroy"].map(ToOwned::to_owned);
    filters.insert("event".to_owned(), actions.to_vec());
    let since = format!("{}.{:09}", since.as_second(), since.subsec_nanosecond());
    EventsOptions { since: Some(since), until: None, filters: Some(filters) }
}

fn time(message: &EventMessage) -> Option<Timestamp> {
    Timestamp::from_nanosecond(message.time_nano?.into()).ok()
}

/// Reads one message. That memory ran out is told before the end that it brings.
fn read(message: EventMessage, out_of_memory: &mut HashSet<String>) -> Option<DaemonEvent> {
    let actor = message.actor?;
    let id = actor.id?;
    let attributes = actor.attributes?;
    let decoded = labels::decode(&attributes)?;
    let action = message.action?;
    let subject = Subject {
        container: ContainerId(id.clone()),
        target: decoded.target,
        appling: decoded.appling,
        instance: decoded.instance,
        role: decoded.role,
    };
    match action.as_str() {
        "start" => Some(DaemonEvent::Started(subject)),
        "oom" => {
            out_of_memory.insert(id);
            None
        }
        "die" => {
            let code = attributes.get("exitCode").and_then(|code| code.parse().ok()).unwrap_or_default();
            Some(DaemonEvent::Died { subject, code, is_out_of_memory: out_of_memory.remove(&id) })
        }
        "destroy" => {
            out_of_memory.remove(&id);
            Some(DaemonEvent::Removed(subject))
        }
        _ => None,
    }
}

/// Stops a task with whoever waits for it.
pub(crate) struct AbortOnDrop(pub(crate) tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn receive<T>(receiver: mpsc::UnboundedReceiver<T>, task: AbortOnDrop) -> impl Stream<Item = T> {
    futures::stream::unfold((receiver, task), |(mut receiver, task)| async {
        let item = receiver.recv().await?;
        Some((item, (receiver, task)))
    })
}
