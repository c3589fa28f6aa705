//! What is asked, and the programs that ask.

use std::{fmt, fs, process::Command, time::Duration};

use anyhow::{Context as _, Result, bail};

use super::contenders::Contender;
use crate::program;

/// The host that the proxies know.
pub(super) const HOST: &str = "localhost";

/// One way to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) protocol: Protocol,
    pub(super) body: Body,
    pub(super) connections: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// In the clear, by wrk.
    Http1,
    /// With TLS, as browsers do it, by h2load.
    Http2,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// A few bytes.
    Small,
    /// One MiB.
    Large,
}

/// What came of it.
pub(super) struct Load {
    pub(super) requests: f64,
    /// Requests a second.
    pub(super) rate: f64,
    /// Seconds.
    pub(super) p99: f64,
}

impl Case {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let protocols = [Protocol::Http1, Protocol::Http2];
        protocols.into_iter().flat_map(|protocol| {
            [Body::Small, Body::Large]
                .into_iter()
                .flat_map(move |body| [1, 64, 512].map(|connections| Self { protocol, body, connections }))
        })
    }

    /// Those that are measured with access logs as well.
    pub(super) fn logged() -> impl Iterator<Item = Self> {
        [Protocol::Http1, Protocol::Http2].into_iter().map(|protocol| Self {
            protocol,
            body: Body::Small,
            connections: 64,
        })
    }
}

impl Case {
    /// Requests of which making the connections is not the greater part.
    fn least(self) -> f64 {
        let few = match self.body {
            Body::Small => 10_000.0,
            Body::Large => 100.0,
        };
        f64::from(self.connections * 4).max(few)
    }
}

impl Body {
    /// Where the backend has it.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Small => "/small",
            Self::Large => "/large",
        }
    }
}

impl Load {
    /// A first one, which also tells how fast it goes.
    pub(super) fn warm_up(contender: &Contender, case: Case) -> Result<Self> {
        match case.protocol {
            Protocol::Http1 => wrk(contender, case, Duration::from_secs(1)),
            Protocol::Http2 => h2load(contender, case, case.least()),
        }
    }

    /// About as long as wanted, where it goes as fast as before.
    pub(super) fn run(contender: &Contender, case: Case, length: Duration, rate: f64) -> Result<Self> {
        match case.protocol {
            Protocol::Http1 => wrk(contender, case, length),
            Protocol::Http2 => h2load(contender, case, case.least().max(rate * length.as_secs_f64())),
        }
    }
}

fn wrk(contender: &Contender, case: Case, length: Duration) -> Result<Load> {
    // It takes whole seconds only.
    let seconds = length.as_secs().max(1);
    let url = format!("http://{}{}", contender.http(), case.body.path());
    let mut command = Command::new("wrk");
    command
        .args(["--threads=1", "--latency", "--timeout=10s"])
        .arg(format!("--connections={}", case.connections))
        .arg(format!("--duration={seconds}s"))
        .arg(format!("--header=Host: {HOST}"))
        .arg(url);
    let text = program::output(&mut command)?;
    read_wrk(&text).with_context(|| format!("wrk said:\n{text}"))
}

fn read_wrk(text: &str) -> Result<Load> {
    if let Some(line) = text.lines().find(|line| line.contains("Non-2xx") || line.contains("Socket errors")) {
        bail!("not all was answered: {}", line.trim());
    }
    let after = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let requests = text.lines().find_map(|line| line.split_once(" requests in ")?.0.trim().parse().ok());
    Ok(Load {
        requests: requests.context("no number of requests")?,
        rate: after("Requests/sec:").context("no rate")?.parse()?,
        p99: seconds(after("99%").context("no percentile")?).context("an unreadable percentile")?,
    })
}

/// As both programs write them: `1.20ms`.
fn seconds(text: &str) -> Option<f64> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
    let unit = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * unit)
}

/// A number of requests, not a time: h2load never ends when its time is over before its connections are there.
fn h2load(contender: &Contender, case: Case, requests: f64) -> Result<Load> {
    let log = contender.folder().join("h2load.tsv");
    if log.exists() {
        fs::remove_file(&log)?;
    }
    let address = contender.https();
    let mut command = Command::new("h2load");
    command
        .arg("--threads=1")
        .arg("--max-concurrent-streams=1")
        .arg(format!("--clients={}", case.connections))
        .arg(format!("--requests={requests:.0}"))
        .arg(format!("--log-file={}", log.display()))
        // The name in the URL is the one in TLS and in `:authority`; the address is where it connects.
        .arg(format!("--connect-to={address}"))
        .arg(format!("https://{HOST}:{}{}", address.port(), case.body.path()));
    let text = program::output(&mut command)?;
    let times = fs::read_to_string(&log).unwrap_or_default();
    read_h2load(&text, &times).with_context(|| format!("h2load said:\n{text}"))
}

fn read_h2load(text: &str, log: &str) -> Result<Load> {
    let line =
        text.lines().find_map(|line| line.strip_prefix("requests: ")).context("no line of requests")?;
    let number = |name: &str| {
        let part = line.split(", ").find_map(|part| part.strip_suffix(name));
        part.and_then(|number| number.trim().parse::<f64>().ok())
            .with_context(|| format!("no number of requests{name}"))
    };
    let (done, good, failed, errored) =
        (number(" done")?, number(" succeeded")?, number(" failed")?, number(" errored")?);
    if failed + errored > 0.0 || good < done || good < 1.0 {
        bail!("not all was answered");
    }
    let length = text.lines().find_map(|line| line.strip_prefix("finished in ")?.split(',').next());
    let length = length.and_then(seconds).context("no time")?;
    // Start, status, duration; both in microseconds.
    let mut times: Vec<f64> =
        log.lines().filter_map(|line| line.split('\t').nth(2)?.trim().parse().ok()).collect();
    times.sort_by(f64::total_cmp);
    let p99 = times.get(times.len() * 99 / 100).context("no times")?;
    Ok(Load { requests: good, rate: good / length, p99: p99 * 1e-6 })
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, body, connections } = self;
        write!(f, "{protocol}, {body}, {connections} connection{}", if *connections == 1 { "" } else { "s" })
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        })
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Small => "small",
            Self::Large => "1 MiB",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRK: &str = "\
Running 3s test @ http://127.0.77.1:18081/small
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.62ms  500.00us   9.00ms   80.00%
  Latency Distribution
     50%    1.50ms
     99%    3.20ms
  90000 requests in 3.00s, 15.00MB read
Requests/sec:  30000.00
Transfer/sec:      5.00MB
";

    const H2LOAD: &str = "\
finished in 1.00s, 900.00 req/s, 11.82KB/s
requests: 903 total, 902 started, 900 done, 900 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 900 2xx, 0 3xx, 0 4xx, 0 5xx
";

    #[test]
    fn what_wrk_says_is_read() {
        let load = read_wrk(WRK).unwrap();
        assert!((load.requests - 90_000.0).abs() < 0.5);
        assert!((load.rate - 30_000.0).abs() < 1e-6 && (load.p99 - 0.0032).abs() < 1e-9);
        let bad = format!("{WRK}  Non-2xx or 3xx responses: 7\n");
        assert!(read_wrk(&bad).err().unwrap().to_string().contains("responses: 7"));
    }

    #[test]
    fn what_h2load_says_is_read() {
        let log = "1\t200\t100\n2\t200\t300\n";
        let load = read_h2load(H2LOAD, log).unwrap();
        assert!((load.requests - 900.0).abs() < 0.5);
        assert!((load.p99 - 300e-6).abs() < 1e-12);
        assert!(
            read_h2load(&H2LOAD.replace("900 succeeded, 0 failed", "899 succeeded, 1 failed"), log).is_err()
        );
    }
}
