//! Following containers as they come, start again and go.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::StreamExt;
use jiff::Timestamp;
use tokio::{sync::mpsc, task::JoinSet, time::MissedTickBehavior};

use super::{
    reader::{Gone, Reader, Source},
    span::Span,
};
use crate::daemon::{Container, ContainerId, DaemonEvent, Subject};

/// The pause before a stream is taken up again that broke off while its container runs.
const PAUSE: Duration = Duration::from_millis(250);

impl Reader {
    /// Takes up containers as they come and start again. Ends only when nobody listens.
    pub(super) async fn follow(self) {
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
        let mut turns = tokio::time::interval(PAUSE);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            while starts.try_recv().is_ok() {}
            match self.read(&source, &Span { from, ..Span::default() }, true).await {
                Ok(last) => from = last.map(after).or(from),
                Err(Gone) => return,
            }
            // The stream of one that still runs broke off, as it does when the daemon goes away.
            if !self.is_running(&source).await && starts.recv().await.is_none() {
                return;
            }
        }
    }
}

/// Just later than a line.
fn after(at: Timestamp) -> Timestamp {
    at.checked_add(Duration::from_nanos(1)).unwrap_or(at)
}
