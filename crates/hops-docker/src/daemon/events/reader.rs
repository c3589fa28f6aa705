//! Reading the daemon's messages.

use std::{
    collections::{HashSet, VecDeque},
    time::{Duration, Instant},
};

use bollard::models::EventMessage;

use super::{DaemonEvent, Subject};
use crate::{daemon::ContainerId, labels};

/// What SIGKILL makes of a process, whoever sent it.
const KILLED: i64 = 137;

/// How long an end by SIGKILL is held back. The kernel's word that memory ran out comes by another way, and may come
/// later.
const HELD: Duration = Duration::from_millis(200);

/// Reads messages, in their order.
#[derive(Default)]
pub(super) struct Reader {
    /// Containers of which it was told, before their end.
    out_of_memory: HashSet<ContainerId>,
    /// Ends of which it may yet be told, until then.
    held: VecDeque<(Instant, Subject)>,
}

impl Reader {
    /// What one message tells, and what was held back until it.
    pub(super) fn read(&mut self, message: EventMessage) -> Vec<DaemonEvent> {
        let (Some(actor), Some(action)) = (message.actor, message.action) else { return Vec::new() };
        let attributes = actor.attributes.unwrap_or_default();
        let (Some(id), Some(decoded)) = (actor.id, labels::decode(&attributes)) else { return Vec::new() };
        let subject = Subject {
            container: ContainerId(id),
            target: decoded.target,
            appling: decoded.appling,
            instance: decoded.instance,
            role: decoded.role,
        };
        let is_out_of_memory = action == "oom";
        let held = self.held.iter().position(|(_, held)| held.container == subject.container);
        let mut told: Vec<DaemonEvent> = held
            .and_then(|at| self.held.remove(at))
            .map(|(_, subject)| DaemonEvent::Died { subject, code: KILLED, is_out_of_memory })
            .into_iter()
            .collect();
        match action.as_str() {
            "start" => {
                self.out_of_memory.remove(&subject.container);
                told.push(DaemonEvent::Started(subject));
            }
            "oom" if told.is_empty() => {
                self.out_of_memory.insert(subject.container);
            }
            "die" => {
                let code = attributes.get("exitCode").and_then(|code| code.parse().ok()).unwrap_or_default();
                let is_out_of_memory = self.out_of_memory.remove(&subject.container);
                if code == KILLED && !is_out_of_memory {
                    self.held.push_back((Instant::now() + HELD, subject));
                } else {
                    told.push(DaemonEvent::Died { subject, code, is_out_of_memory });
                }
            }
            "destroy" => {
                self.out_of_memory.remove(&subject.container);
                told.push(DaemonEvent::Removed(subject));
            }
            _ => {}
        }
        told
    }

    /// When the first end that is held back has been for long enough.
    pub(super) fn due(&self) -> Option<Instant> {
        self.held.front().map(|(until, _)| *until)
    }

    /// Ends that were held back for long enough: it was not for lack of memory.
    pub(super) fn let_go(&mut self, now: Instant) -> Vec<DaemonEvent> {
        let mut told = Vec::new();
        while let Some((_, subject)) = self.held.pop_front_if(|(until, _)| *until <= now) {
            told.push(DaemonEvent::Died { subject, code: KILLED, is_out_of_memory: false });
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::EventActor;

    use super::*;
    use crate::labels::map;

    fn message(action: &str, code: &str) -> EventMessage {
        let attributes = map([
            (labels::APP, "shop"),
            (labels::ENVIRONMENT, "prod"),
            (labels::APPLING, "web"),
            (labels::RELEASE, "1"),
            (labels::REPLICA, "1"),
            (labels::INSTANCE, "shop-web-prod-1-1"),
            (labels::ROLE, "app"),
            (labels::PLACE, "0"),
            (labels::FORM, "0123"),
            ("exitCode", code),
        ]);
        let actor = EventActor { id: Some("4567".into()), attributes: Some(attributes) };
        EventMessage { action: Some(action.to_owned()), actor: Some(actor), ..EventMessage::default() }
    }

    fn check(messages: &[(&str, &str)], expected: &[&str]) {
        let mut reader = Reader::default();
        let mut told: Vec<DaemonEvent> =
            messages.iter().flat_map(|(action, code)| reader.read(message(action, code))).collect();
        told.extend(reader.let_go(Instant::now() + HELD));
        let told: Vec<String> = told
            .iter()
            .map(|event| match event {
                DaemonEvent::Started(_) => "started".to_owned(),
                DaemonEvent::Died { code, is_out_of_memory, .. } => format!("died {code} {is_out_of_memory}"),
                DaemonEvent::Removed(_) => "removed".to_owned(),
                DaemonEvent::Reconnected => "reconnected".to_owned(),
            })
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn that_memory_ran_out_may_be_told_before_or_after_the_end() {
        check(&[("start", ""), ("oom", ""), ("die", "137")], &["started", "died 137 true"]);
        check(&[("start", ""), ("die", "137"), ("oom", "")], &["started", "died 137 true"]);
        // Of a child, whose parent has another way to end.
        check(&[("oom", ""), ("die", "1"), ("die", "1")], &["died 1 true", "died 1 false"]);
    }

    #[test]
    fn an_end_that_is_held_back_stays_before_what_follows_it() {
        check(&[("die", "137"), ("start", "")], &["died 137 false", "started"]);
        check(&[("die", "137"), ("destroy", "")], &["died 137 false", "removed"]);
        check(&[("die", "137")], &["died 137 false"]);
        check(&[("die", "0"), ("exec_start", "")], &["died 0 false"]);
    }
}
