//! What can be set about the proxy. Every value has a default that is right for most.

use std::{num::NonZeroUsize, thread, time::Duration};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How many threads serve; as many as there are cores where it is not given.
    pub threads: Option<NonZeroUsize>,
    /// Networks of proxies before this one whose `X-Forwarded-*`, `Forwarded` and `X-Request-Id` are believed.
    pub trusted: Vec<IpNet>,
    /// How large things may be.
    pub limits: Limits,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// How long those may finish that were there before a switch or a shut-down.
    pub drain: DrainTimes,
}

/// How large things may be, and how many there may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections from clients at one time, over all threads. Those beyond it wait in the kernel's queue.
    pub connections: usize,
    /// Connections from one address at one time. Those beyond it are closed. Trusted peers are exempt.
    pub connections_per_address: usize,
    /// Request line and header fields together, in bytes.
    pub header_bytes: usize,
    /// Header fields of one request.
    pub header_count: usize,
    /// The slowest that a client may send a body, measured over [`Timeouts::stall`]; 0 for any pace.
    pub body_bytes_per_second: u64,
    /// Requests at one time on one HTTP/2 connection.
    pub http2_streams: u32,
    /// Idle connections that a thread keeps to one backend.
    pub idle_per_backend: usize,
}

/// How long things may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// A TLS handshake.
    #[serde(rename = "handshake_ms", with = "milliseconds")]
    pub handshake: Duration,
    /// A request's head, from its first byte (on a new connection: from its start) to its last.
    #[serde(rename = "header_ms", with = "milliseconds")]
    pub header: Duration,
    /// A client's connection between two requests.
    #[serde(rename = "idle_ms", with = "milliseconds")]
    pub idle: Duration,
    /// A connection to a backend being established.
    #[serde(rename = "connect_ms", with = "milliseconds")]
    pub connect: Duration,
    /// A backend's answer, from the end of the request to the answer's head.
    #[serde(rename = "response_ms", with = "milliseconds")]
    pub response: Duration,
    /// Between two parts of a body that the client is to send or to take.
    #[serde(rename = "stall_ms", with = "milliseconds")]
    pub stall: Duration,
    /// Between two parts of an answer's body that the backend is to send. Long: event streams may be quiet.
    #[serde(rename = "quiet_ms", with = "milliseconds")]
    pub quiet: Duration,
    /// An upgraded connection on which nothing moves either way.
    #[serde(rename = "upgraded_idle_ms", with = "milliseconds")]
    pub upgraded_idle: Duration,
    /// A connection to a backend between two requests.
    #[serde(rename = "backend_idle_ms", with = "milliseconds")]
    pub backend_idle: Duration,
}

/// How long those may finish that were there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrainTimes {
    /// Requests.
    #[serde(rename = "requests_ms", with = "milliseconds")]
    pub requests: Duration,
    /// Upgraded connections (`WebSocket`s), before they are closed in the way of their protocol.
    #[serde(rename = "upgraded_ms", with = "milliseconds")]
    pub upgraded: Duration,
}

/// How the next backend is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// Of two chosen at random, the one with fewer requests in flight.
    #[default]
    LeastInFlight,
    /// One after the other.
    RoundRobin,
}

impl Settings {
    /// How many threads serve.
    pub fn thread_count(&self) -> usize {
        self.threads.or_else(|| thread::available_parallelism().ok()).map_or(1, Into::into)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            connections_per_address: 1_000,
            header_bytes: 32 * 1024,
            header_count: 100,
            body_bytes_per_second: 100,
            http2_streams: 250,
            idle_per_backend: 256,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(15),
            idle: Duration::from_secs(75),
            connect: Duration::from_secs(2),
            response: Duration::from_mins(1),
            stall: Duration::from_mins(1),
            quiet: Duration::from_hours(1),
            upgraded_idle: Duration::from_hours(1),
            // Below the five seconds after which Node.js closes, so that it is us who close.
            backend_idle: Duration::from_secs(4),
        }
    }
}

impl Default for DrainTimes {
    fn default() -> Self {
        Self { requests: Duration::from_secs(30), upgraded: Duration::from_secs(10) }
    }
}

/// Durations as whole milliseconds.
mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_say_their_units_and_take_no_others() {
        let text = serde_json::to_string(&Settings::default()).unwrap();
        assert!(text.contains(r#""header_ms":15000"#), "{text}");
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), Settings::default());
        let given = r#"{"timeouts": {"idle_ms": 1500}, "trusted": ["10.0.0.0/8"]}"#;
        assert_eq!(
            serde_json::from_str::<Settings>(given).unwrap().timeouts.idle,
            Duration::from_millis(1500)
        );
        assert!(serde_json::from_str::<Settings>(r#"{"timeouts": {"idle": 1}}"#).is_err());
    }
}
