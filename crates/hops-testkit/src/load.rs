//! Load by an open loop: requests go out at their time, whether or not earlier ones were answered, as users do.
//!
//! Every request is accounted for, none is repeated, and latency counts from the moment at which a request was due, so
//! that a stall shows in every request that it delayed.

mod client;
mod tally;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{sync::oneshot, task::JoinSet, time::Instant};

use self::{client::Client, tally::Done};
pub use self::{client::Request, tally::Tally};

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

/// Load on its way.
#[derive(Debug)]
pub struct Running {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Tally>,
}

impl Load {
    /// Half over kept connections, the rest fresh, one in fifty slow.
    pub fn new(address: SocketAddr, host: &str, rate: u32) -> Self {
        let mut mix: Vec<Request> =
            (0..50).map(|n| if n % 2 == 0 { Request::KeepAlive } else { Request::Fresh }).collect();
        mix[25] = Request::Slow(2000);
        Self { address, host: host.to_owned(), rate, mix, timeout: Duration::from_secs(20) }
    }

    /// The same, and of a hundred one upload and one download that take their time, and one WebSocket.
    pub fn of_all_kinds(address: SocketAddr, host: &str, rate: u32) -> Self {
        let mut load = Self::new(address, host, rate);
        load.mix.extend_from_within(..);
        load.mix[15] = Request::SlowUpload(1500);
        load.mix[45] = Request::SlowDownload(1500);
        load.mix[85] = Request::Socket(3000);
        load
    }

    /// Begins to send.
    pub fn start(self) -> Running {
        let (stop, stopped) = oneshot::channel();
        Running { stop, task: tokio::spawn(self.send(stopped)) }
    }

    async fn send(self, mut stopped: oneshot::Receiver<()>) -> Tally {
        let begun = Instant::now();
        let client = Arc::new(Client::new(self.address, self.host));
        let mut requests = JoinSet::new();
        let mut tally = Tally::default();
        for number in 0_u32.. {
            let due = begun + Duration::from_secs_f64(f64::from(number) / f64::from(self.rate));
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                () = tokio::time::sleep_until(due) => {}
            }
            let (request, limit) = (self.mix[number as usize % self.mix.len()], self.timeout);
            let client = client.clone();
            tally.count_sent(request);
            requests.spawn(async move {
                let result = match tokio::time::timeout(limit, client.ask(request)).await {
                    Ok(result) => result,
                    Err(_) => Err("no answer in time".to_owned()),
                };
                Done { request, due: due - begun, latency: due.elapsed(), result }
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
}

impl Running {
    /// Stops sending and waits for what is on its way.
    pub async fn stop(self) -> Tally {
        let _ = self.stop.send(());
        self.task.await.expect("sending does not panic")
    }
}
