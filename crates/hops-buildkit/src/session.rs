//! The session: what the daemon may ask of this side while it builds.
//!
//! A session is HTTP/2 with the roles turned round, this side being the server, inside the messages of one
//! `Control.Session` call. Each build has its own.

mod credentials;
mod files;
mod health;
mod secrets;
mod transfer;

use std::{fmt::Write, sync::Arc};

use bollard_buildkit_proto::{
    health::health_server::HealthServer,
    moby::{
        buildkit::{
            secrets::v1::secrets_server::SecretsServer,
            v1::{BytesMessage, control_client::ControlClient},
        },
        filesync::v1::{auth_server::AuthServer, file_sync_server::FileSyncServer},
    },
};
use futures::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf},
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Request, Status, Streaming,
    metadata::AsciiMetadataValue,
    transport::{Channel, Server},
};

pub(crate) use self::files::{Local, SharedFiles};
use crate::solve::Solve;

/// Name under which the daemon asks for the context.
pub(crate) const CONTEXT: &str = "context";
/// Name under which the daemon asks for the Dockerfile.
pub(crate) const DOCKERFILE: &str = "dockerfile";

/// What this side answers; the daemon calls nothing else.
const METHODS: [&str; 4] = [
    "/moby.filesync.v1.FileSync/DiffCopy",
    "/moby.filesync.v1.Auth/Credentials",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/grpc.health.v1.Health/Check",
];

/// Bytes of HTTP/2 that may lie between the two ends before the writer waits.
const PIPE: usize = 256 << 10;

/// Patterns travel as headers, all of a `.dockerignore` at once; the usual limit is 16 KiB.
const HEADERS: u32 = 16 << 20;

/// An open session; closed by dropping it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    tasks: JoinSet<Option<Status>>,
}

impl Session {
    /// Opens the tunnel, and returns when the daemon knows the session.
    pub(crate) async fn open(
        control: &mut ControlClient<Channel>,
        solve: &Solve,
        files: SharedFiles,
    ) -> Result<Self, Status> {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let (outgoing, messages) = mpsc::channel(16);
        let mut request = Request::new(ReceiverStream::new(messages));
        let metadata = request.metadata_mut();
        metadata.insert("x-docker-expose-session-uuid", ascii(&id));
        metadata.insert("x-docker-expose-session-name", ascii("hops"));
        metadata.insert("x-docker-expose-session-sharedkey", ascii(&solve.shared_key));
        for method in METHODS {
            metadata.append("x-docker-expose-session-grpc-method", AsciiMetadataValue::from_static(method));
        }
        let incoming = control.session(request).await?.into_inner();

        let (near, far) = tokio::io::duplex(PIPE);
        let (from_server, to_server) = tokio::io::split(near);
        let mut tasks = JoinSet::new();
        tasks.spawn(upwards(from_server, outgoing));
        tasks.spawn(downwards(incoming, to_server));
        let (healthy, asked) = watch::channel(());
        tasks.spawn(health::silence(asked));
        let services = Server::builder()
            .http2_max_header_list_size(Some(HEADERS))
            .add_service(FileSyncServer::new(files))
            .add_service(AuthServer::new(credentials::SharedCredentials(Arc::clone(&solve.credentials))))
            .add_service(SecretsServer::new(secrets::SharedSecrets(solve.secrets.clone())))
            .add_service(HealthServer::new(health::Healthy(healthy)));
        // There is one connection and there will be no other: without the second half, serving would end as
        // soon as the connection is taken up.
        let connections =
            futures::stream::iter([Ok::<_, std::io::Error>(far)]).chain(futures::stream::pending());
        tasks.spawn(async move {
            let served = services.serve_with_incoming(connections).await;
            served.err().map(|error| Status::from_error(Box::new(error)))
        });
        Ok(Self { id, tasks })
    }

    /// Waits for the session to end from the other side.
    pub(crate) async fn closed(&mut self) -> Option<Status> {
        match self.tasks.join_next().await {
            Some(Ok(status)) => status,
            Some(Err(error)) => Some(Status::from_error(Box::new(error))),
            None => None,
        }
    }
}

async fn upwards(mut from: ReadHalf<DuplexStream>, to: mpsc::Sender<BytesMessage>) -> Option<Status> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match from.read(&mut buffer).await {
            Ok(0) => return None,
            Ok(count) => count,
            Err(error) => return Some(Status::from_error(Box::new(error))),
        };
        if to.send(BytesMessage { data: buffer[..count].to_vec() }).await.is_err() {
            return None;
        }
    }
}

async fn downwards(mut from: Streaming<BytesMessage>, mut to: WriteHalf<DuplexStream>) -> Option<Status> {
    loop {
        match from.message().await {
            Ok(Some(message)) => {
                if let Err(error) = to.write_all(&message.data).await {
                    return Some(Status::from_error(Box::new(error)));
                }
            }
            Ok(None) => return None,
            Err(status) => return Some(status),
        }
    }
}

/// Header values are printable ASCII; the key is opaque to the daemon, so any one-to-one spelling will do.
fn ascii(text: &str) -> AsciiMetadataValue {
    let mut plain = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'!'..=b'~' if byte != b'%' => plain.push(char::from(byte)),
            _ => write!(plain, "%{byte:02x}").expect("a string takes all that is written to it"),
        }
    }
    plain.parse().expect("printable ASCII is a header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_shared_key_fits_a_header() {
        assert_eq!(ascii("shop/api"), "shop/api");
        assert_eq!(ascii("é %\n"), "%c3%a9%20%25%0a");
        assert_eq!(ascii(""), "");
    }
}
