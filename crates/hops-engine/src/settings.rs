//! What the settings of engines are made of.

use serde::{Deserialize, Serialize};

/// How public hosts are spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// In the clear.
    Http,
    /// With TLS, which ends before the app.
    Https,
}

impl Scheme {
    /// The URL of a host, with a port where it is not the scheme's own.
    pub fn url(self, host: &str, port: Option<u16>) -> String {
        let (scheme, own) = match self {
            Self::Http => ("http", 80),
            Self::Https => ("https", 443),
        };
        match port.filter(|port| *port != own) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }
    }
}

pub mod seconds {
    //! Durations as whole seconds, for `#[serde(with = …)]`.

    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes whole seconds; what is finer is lost.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(duration.as_secs())
    }

    /// Reads whole seconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u32::deserialize(deserializer).map(|seconds| Duration::from_secs(u64::from(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_carry_an_odd_port() {
        assert_eq!(Scheme::Http.url("a.example", Some(8081)), "http://a.example:8081");
        assert_eq!(Scheme::Http.url("a.example", Some(80)), "http://a.example");
        assert_eq!(Scheme::Https.url("a.example", None), "https://a.example");
    }
}
