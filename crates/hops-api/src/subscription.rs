//! What is streamed, and how it goes on after a break.

use std::collections::HashMap;

use hops_engine::{LogLine, LogQuery};
use hops_model::{DeployId, Event};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, RequestBuilder};

use crate::{Client, LogParameters, client::of, sse::Message};

/// Kind of the message that says why a stream ends before its time; its data is a [`crate::Problem`].
pub const PROBLEM_EVENT: &str = "problem";
/// Kind of the message that says that all was sent. A stream of log lines that ends without it broke off.
pub const END_EVENT: &str = "end";

/// How far back to ask after a break: containers print side by side, and what one of them printed just before may
/// not have come through.
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);

/// A stream that can be asked for again from where it broke off.
pub(crate) trait Subscription: Send + 'static {
    type Item: Send;

    /// The request for what has not come yet.
    fn request(&self, client: &Client) -> RequestBuilder;

    /// Takes a message.
    fn take(
        &mut self,
        message: &Message,
    ) -> Result<Taken<Self::Item>, Box<dyn std::error::Error + Send + Sync>>;
}

/// What a message was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    Item(T),
    /// The stream ends with it.
    Last(T),
    /// It came before.
    Known,
    /// There is no more.
    End,
}

/// Events of a deploy.
#[derive(Debug)]
pub(crate) struct EventsOf {
    pub(crate) deploy: DeployId,
    /// The last that came.
    pub(crate) after: u64,
}

impl Subscription for EventsOf {
    type Item = (u64, Event);

    fn request(&self, client: &Client) -> RequestBuilder {
        let request = client.request(Method::GET, &["v1", "deploys", &self.deploy.to_string(), "events"]);
        request.header("Last-Event-ID", self.after)
    }

    fn take(
        &mut self,
        message: &Message,
    ) -> Result<Taken<Self::Item>, Box<dyn std::error::Error + Send + Sync>> {
        let sequence = message.id.parse()?;
        if sequence <= self.after {
            return Ok(Taken::Known);
        }
        let event = serde_json::from_str(&message.data)?;
        self.after = sequence;
        let is_last = matches!(event, Event::Outcome(_));
        Ok(if is_last { Taken::Last((sequence, event)) } else { Taken::Item((sequence, event)) })
    }
}

/// Log lines.
#[derive(Debug)]
pub(crate) struct LogsOf {
    query: LogQuery,
    /// When the last line of each instance was printed, as far back as is asked for after a break.
    seen: HashMap<String, Timestamp>,
    latest: Option<Timestamp>,
}

impl LogsOf {
    pub(crate) fn new(query: LogQuery) -> Self {
        Self { query, seen: HashMap::new(), latest: None }
    }
}

impl Subscription for LogsOf {
    type Item = LogLine;

    fn request(&self, client: &Client) -> RequestBuilder {
        let mut parameters = LogParameters::from(&self.query);
        if let Some(latest) = self.latest {
            parameters.since = latest.checked_sub(OVERLAP).ok().max(self.query.since);
            parameters.tail = None;
        }
        client.request(Method::GET, &of(&self.query.target, &["logs"])).query(&parameters)
    }

    fn take(
        &mut self,
        message: &Message,
    ) -> Result<Taken<Self::Item>, Box<dyn std::error::Error + Send + Sync>> {
        if message.event == END_EVENT {
            return Ok(Taken::End);
        }
        let line: LogLine = serde_json::from_str(&message.data)?;
        // Without an instant there is nothing to know a line by; it may then come twice after a break.
        let Some(at) = line.at else { return Ok(Taken::Item(line)) };
        if self.seen.get(&line.instance).is_some_and(|seen| at <= *seen) {
            return Ok(Taken::Known);
        }
        self.latest = self.latest.max(Some(at));
        if self.seen.insert(line.instance.clone(), at).is_none() {
            // A new instance is the occasion to forget those that are gone for good.
            let oldest = self.latest.and_then(|latest| latest.checked_sub(OVERLAP * 2).ok());
            self.seen.retain(|_, seen| oldest.is_none_or(|oldest| *seen >= oldest));
        }
        Ok(Taken::Item(line))
    }
}

#[cfg(test)]
mod tests {
    use hops_model::{AppName, ApplingName, Environment, Target};

    use super::*;

    fn line(instance: &str, second: i64, text: &str) -> Message {
        let line = LogLine {
            appling: ApplingName::parse("web").unwrap(),
            instance: instance.into(),
            at: Some(Timestamp::from_second(second).unwrap()),
            text: text.into(),
        };
        Message { data: serde_json::to_string(&line).unwrap(), ..Message::default() }
    }

    fn lines(since: Option<i64>) -> LogsOf {
        LogsOf::new(LogQuery {
            target: Target::new(AppName::parse("shop").unwrap(), Environment::Prod),
            appling: None,
            follow: true,
            previous: false,
            tail: Some(10),
            since: since.map(|second| Timestamp::from_second(second).unwrap()),
        })
    }

    fn take(lines: &mut LogsOf, message: &Message) -> bool {
        matches!(lines.take(message).unwrap(), Taken::Item(_))
    }

    #[test]
    fn a_line_that_came_before_the_break_is_left_out_and_one_of_another_instance_is_not() {
        let mut lines = lines(None);
        assert!(take(&mut lines, &line("web-1", 100, "a")));
        assert!(take(&mut lines, &line("web-2", 90, "b")));
        assert!(!take(&mut lines, &line("web-1", 100, "a")));
        assert!(take(&mut lines, &line("web-2", 95, "late")));
        assert!(take(&mut lines, &line("web-1", 101, "c")));
    }

    #[test]
    fn after_a_break_all_lines_since_a_little_before_it_are_asked_for() {
        let client = Client::new("http://127.0.0.1:1/hops/", crate::Token::parse("t").unwrap()).unwrap();
        let url = |lines: &LogsOf| lines.request(&client).build().unwrap().url().to_string();
        let mut lines = lines(Some(50));
        assert!(url(&lines).ends_with("?follow=true&previous=false&tail=10&since=1970-01-01T00%3A00%3A50Z"));
        take(&mut lines, &line("web-1", 200, "a"));
        assert_eq!(
            url(&lines),
            "http://127.0.0.1:1/hops/v1/apps/shop/prod/logs?follow=true&previous=false&since=1970-01-01T00%3A02%3A20Z"
        );
        let mut lines = self::lines(Some(190));
        take(&mut lines, &line("web-1", 200, "a"));
        assert!(url(&lines).ends_with("&since=1970-01-01T00%3A03%3A10Z"), "never before what was asked for");
    }

    #[test]
    fn an_event_that_came_before_is_left_out_and_the_outcome_is_the_last() {
        let mut events = EventsOf { deploy: DeployId(1), after: 3 };
        let message =
            |id: &str, data: &str| Message { id: id.into(), data: data.into(), ..Message::default() };
        let queued = r#"{"event":"queued"}"#;
        assert_eq!(events.take(&message("3", queued)).unwrap(), Taken::Known);
        assert_eq!(events.take(&message("4", queued)).unwrap(), Taken::Item((4, Event::Queued)));
        let outcome = r#"{"event":"outcome","release":null,"applings":[]}"#;
        assert!(matches!(events.take(&message("5", outcome)).unwrap(), Taken::Last((5, _))));
        assert!(events.take(&message("", queued)).is_err());
    }
}
