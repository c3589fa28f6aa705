//! A daemon that follows a script instead of building.

use std::{collections::HashMap, pin::Pin};

use bollard_buildkit_proto::moby::buildkit::v1::{
    BuildHistoryEvent, BuildHistoryRequest, BytesMessage, DiskUsageRequest, DiskUsageResponse, InfoRequest,
    InfoResponse, ListWorkersRequest, ListWorkersResponse, PruneRequest, SolveRequest, SolveResponse,
    StatusRequest, StatusResponse, UpdateBuildHistoryRequest, UpdateBuildHistoryResponse, UsageRecord,
    control_server::{Control, ControlServer},
};
use futures::{FutureExt, Stream, stream};
use hops_buildkit::Address;
use tokio::{net::TcpListener, sync::watch};
use tokio_stream::{StreamExt, wrappers::TcpListenerStream};
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Server, ServerTlsConfig},
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Script {
    RefuseSession,
    EndSession,
    Die,
    ShutDown,
    Fail(&'static str),
    NoDigest,
    NoStatus,
    Silence,
}

pub(super) struct Scripted {
    pub(super) address: Address,
    solve: watch::Receiver<Solve>,
    _stop: tokio_util::sync::DropGuard,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Solve {
    NotYet,
    Arrived,
    Dropped,
}

impl Scripted {
    pub(super) async fn start(script: Script) -> Self {
        Self::serve(script, Server::builder()).await
    }

    pub(super) async fn start_with_tls(script: Script, tls: ServerTlsConfig) -> Self {
        Self::serve(script, Server::builder().tls_config(tls).unwrap()).await
    }

    async fn serve(script: Script, mut server: Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = CancellationToken::new();
        let (sender, solve) = watch::channel(Solve::NotYet);
        let daemon = Daemon { script, die: stop.clone(), solve: sender };
        // To die is to close the connections under the calls, which a server that is merely dropped does not do.
        let connections = TcpListenerStream::new(listener).map({
            let stop = stop.clone();
            move |connection| {
                let mut connection = connection?;
                let (near, mut far) = tokio::io::duplex(64 << 10);
                let stop = stop.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut connection, &mut far) => {}
                        () = stop.cancelled() => {}
                    }
                });
                Ok::<_, std::io::Error>(near)
            }
        });
        let serve = server
            .add_service(ControlServer::new(daemon))
            .serve_with_incoming_shutdown(connections, stop.clone().cancelled_owned());
        tokio::spawn(serve.map(drop));
        let address = Address::Tcp { host: "127.0.0.1".into(), port };
        Self { address, solve, _stop: stop.drop_guard() }
    }

    pub(super) async fn solve_arrived(&self) {
        self.solve.clone().wait_for(|solve| *solve != Solve::NotYet).await.unwrap();
    }

    pub(super) async fn solve_dropped(&self) {
        self.solve.clone().wait_for(|solve| *solve == Solve::Dropped).await.unwrap();
    }
}

struct Daemon {
    script: Script,
    die: CancellationToken,
    solve: watch::Sender<Solve>,
}

struct OnDrop(watch::Sender<Solve>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.send_replace(Solve::Dropped);
    }
}

type Answer<T> = Result<Response<T>, Status>;
type Many<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn unscripted<T>() -> Answer<T> {
    Err(Status::unimplemented("not in the script"))
}

#[async_trait::async_trait]
impl Control for Daemon {
    async fn solve(&self, _: Request<SolveRequest>) -> Answer<SolveResponse> {
        self.solve.send_replace(Solve::Arrived);
        let _guard = OnDrop(self.solve.clone());
        let respond = |pairs: &[(&str, &str)]| {
            let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            let exporter_response: HashMap<_, _> = pairs.iter().map(own).collect();
            Ok(Response::new(SolveResponse { exporter_response }))
        };
        match self.script {
            Script::Die => {
                self.die.cancel();
                std::future::pending().await
            }
            Script::ShutDown => Err(Status::cancelled("context canceled")),
            Script::Fail(message) => Err(Status::unknown(message)),
            Script::NoDigest => respond(&[]),
            Script::NoStatus => respond(&[("containerimage.digest", "sha256:feed")]),
            Script::Silence | Script::RefuseSession | Script::EndSession => std::future::pending().await,
        }
    }

    type StatusStream = Many<StatusResponse>;

    async fn status(&self, _: Request<StatusRequest>) -> Answer<Self::StatusStream> {
        match self.script {
            Script::NoStatus => Err(Status::internal("no progress today")),
            Script::Silence => Ok(Response::new(Box::pin(stream::pending()))),
            _ => Ok(Response::new(Box::pin(stream::empty()))),
        }
    }

    type SessionStream = Many<BytesMessage>;

    async fn session(&self, _: Request<Streaming<BytesMessage>>) -> Answer<Self::SessionStream> {
        match self.script {
            Script::RefuseSession => Err(Status::permission_denied("go away")),
            Script::EndSession => Ok(Response::new(Box::pin(stream::empty()))),
            _ => Ok(Response::new(Box::pin(stream::pending()))),
        }
    }

    async fn info(&self, _: Request<InfoRequest>) -> Answer<InfoResponse> {
        unscripted()
    }

    async fn disk_usage(&self, _: Request<DiskUsageRequest>) -> Answer<DiskUsageResponse> {
        unscripted()
    }

    type PruneStream = Many<UsageRecord>;

    async fn prune(&self, _: Request<PruneRequest>) -> Answer<Self::PruneStream> {
        unscripted()
    }

    async fn list_workers(&self, _: Request<ListWorkersRequest>) -> Answer<ListWorkersResponse> {
        unscripted()
    }

    type ListenBuildHistoryStream = Many<BuildHistoryEvent>;

    async fn listen_build_history(
        &self,
        _: Request<BuildHistoryRequest>,
    ) -> Answer<Self::ListenBuildHistoryStream> {
        unscripted()
    }

    async fn update_build_history(
        &self,
        _: Request<UpdateBuildHistoryRequest>,
    ) -> Answer<UpdateBuildHistoryResponse> {
        unscripted()
    }
}
