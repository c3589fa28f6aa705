//! The way of events from an engine or builder to whoever listens.

use hops_model::Event;
use tokio::sync::mpsc;

/// Takes events of one deploy. Cheap to clone.
///
/// Sending never blocks and never fails: a deploy goes on whether or not somebody listens.
#[derive(Debug, Clone)]
pub struct Events(mpsc::UnboundedSender<Event>);

impl Events {
    /// The sending end, for parts that do not know this type.
    pub fn sender(&self) -> mpsc::UnboundedSender<Event> {
        self.0.clone()
    }

    /// A pair of the sending and the receiving end.
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Sends an event.
    pub fn send(&self, event: Event) {
        // A closed receiver means that nobody listens any more, which is no reason to stop.
        let _ = self.0.send(event);
    }
}
