//! What happens to the platform's containers, as it happens.

mod reader;

use std::time::Duration;

use bollard::{models::EventMessage, query_parameters::EventsOptions};
use futures::{Stream, StreamExt, stream::BoxStream};
use hops_model::{ApplingName, Target};
use jiff::Timestamp;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};

use self::reader::Reader;
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

/// The pause between attempts to reach a daemon that is away: a restart takes a second or two.
const PAUSE: Duration = Duration::from_millis(250);

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
    let mut reader = Reader::default();
    let mut turns = tokio::time::interval(PAUSE);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_away = false;
    while !events.is_closed() {
        turns.tick().await;
        // To know that it is there: the stream of a quiet daemon says nothing.
        if daemon.client().ping().await.is_err() {
            was_away = true;
            continue;
        }
        let mut stream = Box::pin(daemon.client().events(Some(options(daemon.platform(), since))));
        if std::mem::take(&mut was_away) && events.send(DaemonEvent::Reconnected).is_err() {
            return;
        }
        loop {
            let due = reader.due().map(Instant::from_std);
            let told = tokio::select! {
                message = stream.next() => match message {
                    Some(Ok(message)) => {
                        // What is asked for from here on has not been told yet; the daemon keeps its events by their time.
                        let at = time(&message).unwrap_or(since);
                        since = at.checked_add(Duration::from_nanos(1)).unwrap_or(at);
                        reader.read(message)
                    }
                    end => {
                        tracing::warn!(error = ?end.and_then(Result::err), "Docker has ended its events; connecting again");
                        was_away = true;
                        break;
                    }
                },
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    reader.let_go(std::time::Instant::now())
                }
            };
            for event in told {
                if events.send(event).is_err() {
                    return;
                }
            }
        }
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
