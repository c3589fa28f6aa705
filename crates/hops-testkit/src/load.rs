//! Load by an open loop: requests go out at their time, whether or not earlier ones were answered, as users do.
//!
//! Every request is accounted for, none is repeated, and latency counts from the moment at which a request was due, so
//! that a stall shows in every request that it delayed.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, task::JoinSet, time::Instant};

use crate::http::Connection;

/// What to send.
#[derive(Debug, Clone)]
pub struct Load {
    /// The server.
    pub address: SocketAddr,
    /// The `Host` header.
    pub host: String,
    /// Requests a second.
    pub rate: u32,
    /// What the requests are like, in turn.
    pub mix: Vec<Request>,
    /// After this a request has failed.
    pub timeout: Duration,
}

/// What a request is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Over a connection that was used before.
    KeepAlive,
    /// Over a connection of its own.
    Fresh,
    /// Over a connection of its own, to `/slow/{ms}`.
    Slow(u32),
}

/// Load on its way.
#[derive(Debug)]
pub struct Running {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Tally>,
}

/// What became of the requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that went out.
    pub sent: u64,
    /// Those that were answered with 200 to 299.
    pub answered: u64,
    /// The others, by what went wrong.
    pub failed: BTreeMap<String, u64>,
    /// When each failure was due, after the start, and what it was.
    pub failures: Vec<(Duration, String)>,
    latencies: Vec<Duration>,
}

impl Load {
    /// Half over kept connections, the rest fresh, one in fifty slow.
    pub fn new(address: SocketAddr, host: &str, rate: u32) -> Self {
        let mut mix: Vec<Request> =
            (0..50).map(|n| if n % 2 == 0 { Request::KeepAlive } else { Request::Fresh }).collect();
        mix[25] = Request::Slow(2000);
        Self { address, host: host.to_owned(), rate, mix, timeout: Duration::from_secs(20) }
    }

    /// Begins to send.
    pub fn start(self) -> Running {
        let (stop, stopped) = oneshot::channel();
        Running { stop, task: tokio::spawn(self.send(stopped)) }
    }

    async fn send(self, mut stopped: oneshot::Receiver<()>) -> Tally {
        let begun = Instant::now();
        let idle = Arc::new(Mutex::new(Vec::new()));
        let load = Arc::new(self);
        let mut requests = JoinSet::new();
        let mut tally = Tally::default();
        for number in 0_u32.. {
            let due = begun + Duration::from_secs_f64(f64::from(number) / f64::from(load.rate));
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                () = tokio::time::sleep_until(due) => {}
            }
            let request = load.mix[number as usize % load.mix.len()];
            let (load, idle) = (load.clone(), idle.clone());
            tally.sent += 1;
            requests.spawn(async move {
                let result = match tokio::time::timeout(load.timeout, load.ask(request, &idle)).await {
                    Ok(result) => result,
                    Err(_) => Err("no answer in time".to_owned()),
                };
                (due - begun, due.elapsed(), result.map_err(|reason| format!("{request:?}: {reason}")))
            });
            // Those that are done give their memory back as the load goes on.
            while let Some(Ok(done)) = requests.try_join_next() {
                tally.count(done);
            }
        }
        while let Some(Ok(done)) = requests.join_next().await {
            tally.count(done);
        }
        tally
    }

    async fn ask(&self, request: Request, idle: &Mutex<Vec<Connection>>) -> Result<(), String> {
        let keep_alive = request == Request::KeepAlive;
        let take = || idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let kept = if keep_alive { take() } else { None };
        let mut connection = match kept {
            Some(connection) => connection,
            None => Connection::open(self.address)
                .await
                .map_err(|error| format!("connecting: {}", error.kind()))?,
        };
        let path = match request {
            Request::Slow(ms) => format!("/slow/{ms}"),
            _ => "/".to_owned(),
        };
        let (answer, reusable) =
            connection.get(&self.host, &path, keep_alive).await.map_err(|error| error.kind().to_string())?;
        if reusable {
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        if (200..300).contains(&answer.status) { Ok(()) } else { Err(format!("status {}", answer.status)) }
    }
}

impl Running {
    /// Stops sending and waits for what is on its way.
    pub async fn stop(self) -> Tally {
        let _ = self.stop.send(());
        self.task.await.expect("sending does not panic")
    }
}

impl Tally {
    fn count(&mut self, (due, latency, result): (Duration, Duration, Result<(), String>)) {
        match result {
            Ok(()) => {
                self.answered += 1;
                self.latencies.push(latency);
            }
            Err(reason) => {
                *self.failed.entry(reason.clone()).or_default() += 1;
                self.failures.push((due, reason));
            }
        }
    }

    /// The latency that this share of the answered requests stayed below; `0.99` for all but one in a hundred.
    pub fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index into a list of requests"
        )]
        let index = (sorted.len() as f64 * share) as usize;
        sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |share| self.quantile(share).as_millis();
        write!(
            f,
            "{} of {} answered, median {} ms, 99 % {} ms",
            self.answered,
            self.sent,
            ms(0.5),
            ms(0.99)
        )?;
        for (reason, count) in &self.failed {
            write!(f, "; {count} × {reason}")?;
        }
        Ok(())
    }
}
