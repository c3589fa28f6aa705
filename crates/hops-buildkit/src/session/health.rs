//! The daemon asks every few seconds whether this side still lives; which shows that the daemon does.

use std::{pin::Pin, time::Duration};

use bollard_buildkit_proto::health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
    health_check_response::ServingStatus, health_server::Health,
};
use futures::Stream;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

/// Answers that it does, and passes on that it was asked.
pub(super) struct Healthy(pub(super) watch::Sender<()>);

/// Daemons ask every five seconds, later when they are busy. A host that vanished while files were on their way to
/// it would else be noticed after a quarter of an hour, when the kernel gives up sending.
const SILENCE: Duration = Duration::from_mins(1);

/// Waits until a daemon that used to ask has not asked for long; forever, if it never did.
pub(super) async fn silence(mut asked: watch::Receiver<()>) -> Option<Status> {
    let mut result = Ok(asked.changed().await);
    while let Ok(Ok(())) = result {
        result = tokio::time::timeout(SILENCE, asked.changed()).await;
    }
    result.is_err().then(|| Status::deadline_exceeded("no sign of life for a minute"))
}

#[async_trait::async_trait]
impl Health for Healthy {
    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        self.0.send_replace(());
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("only `Check` is answered"))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("only `Check` is answered"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_daemon_that_stops_asking_is_missed_after_a_minute() {
        let (sender, receiver) = watch::channel(());
        let healthy = Healthy(sender);
        let waiting = tokio::spawn(silence(receiver));
        tokio::time::sleep(SILENCE * 10).await;
        assert!(!waiting.is_finished(), "one that never asked is not missed");
        for _ in 0..10 {
            healthy.check(Request::new(HealthCheckRequest::default())).await.unwrap();
            tokio::time::sleep(SILENCE / 2).await;
            assert!(!waiting.is_finished());
        }
        assert!(waiting.await.unwrap().is_some());
    }
}
