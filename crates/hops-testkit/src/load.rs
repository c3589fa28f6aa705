//! Load by an open loop: requests go out at their time, whether or not earlier ones were answered, as users do.
//!
//! Every request is accounted for, none is repeated, and latency counts from the moment at which a request was due, so
//! that a stall shows in every request that it delayed.
//!
//! The loop has an end where this machine cannot keep the rate: with as many under way as fall due in a second, the
//! next one waits for one of them, and the tally says by how much the load is behind. More would only measure how the load
//! itself waits for a processor. Late is not lost.

mod client;
mod tally;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
    time::Instant,
};

use self::{client::Client, tally::Done};
pub use self::{
    client::Request,
    tally::{Failure, Tally},
};

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
    begun: Instant,
    stop: oneshot::Sender<()>,
    sent: watch::Receiver<u64>,
    task: tokio::task::JoinHandle<Tally>,
}

impl Load {
    /// Half over kept connections, the rest fresh, one in fifty slow.
    pub fn new(address: SocketAddr, host: &str, rate: u32) -> Self {
        let mut mix: Vec<Request> =
            (0..50).map(|n| if n % 2 == 0 { Request::KeepAlive } else { Request::Fresh }).collect();
        mix[25] = Request::Slow(2000);
        Self { address, host: host.to_owned(), rate, mix, timeout: Duration::from_mins(1) }
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
        let (sending, sent) = watch::channel(0);
        let begun = Instant::now();
        Running { begun, stop, sent, task: tokio::spawn(self.send(begun, stopped, sending)) }
    }

    async fn send(
        self,
        begun: Instant,
        mut stopped: oneshot::Receiver<()>,
        sent: watch::Sender<u64>,
    ) -> Tally {
        let client = Arc::new(Client::new(self.address, self.host));
        let mut requests = JoinSet::new();
        let mut tally = Tally::default();
        for number in 0_u32.. {
            let offset = Duration::from_secs_f64(f64::from(number) / f64::from(self.rate));
            let mut due = begun + offset + tally.behind;
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                () = tokio::time::sleep_until(due) => {}
            }
            while requests.len() >= self.rate as usize {
                if let Some(Ok(done)) = requests.join_next().await {
                    tally.count(done);
                }
                tally.behind += due.elapsed();
                due = Instant::now();
            }
            let (request, limit) = (self.mix[number as usize % self.mix.len()], self.timeout);
            let client = client.clone();
            tally.count_sent(request);
            sent.send_replace(tally.sent);
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
    /// The time since the start, as in a [`Failure`].
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Waits until this many requests more than by now are on their way or done.
    pub async fn send_more(&mut self, count: u64) {
        let wanted = *self.sent.borrow() + count;
        self.sent.wait_for(|sent| *sent >= wanted).await.expect("it sends until it is stopped");
    }

    /// Stops sending and waits for what is on its way.
    pub async fn stop(self) -> Tally {
        let _ = self.stop.send(());
        self.task.await.expect("sending does not panic")
    }
}
