//! The way into a Docker engine: its builder speaks gRPC behind the same socket as the engine's own API.
//!
//! `POST /grpc` with `Upgrade: h2c` makes an HTTP/1.1 connection one to the builder; every engine since 18.09 has it.
//! Engines since 29 also take HTTP/2 from the first byte on, have deprecated `/grpc`, and are to lose it
//! (`daemon/server/router/grpc` of Moby 29). So: first the one, and where it does not exist, the other.

use std::{io, path::PathBuf};

use futures::future::BoxFuture;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};
use tonic::transport::Uri;
use tower::{Service, service_fn};

/// What asks for the builder. Without a version in its path, which any engine takes for its own.
const REQUEST: &[u8] =
    b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n";

/// Longest answer; what engines say is some 80 bytes.
const ANSWER: usize = 8 << 10;

/// Makes connections to the builder inside an engine.
pub(super) fn connector(
    socket: PathBuf,
) -> impl Service<
    Uri,
    Response = TokioIo<UnixStream>,
    Error = io::Error,
    Future = BoxFuture<'static, io::Result<TokioIo<UnixStream>>>,
> + Send
+ 'static {
    service_fn(move |_| -> BoxFuture<'static, io::Result<TokioIo<UnixStream>>> {
        let socket = socket.clone();
        Box::pin(async move {
            let mut stream = UnixStream::connect(&socket).await?;
            stream.write_all(REQUEST).await?;
            let answer = head(&mut stream).await?;
            let status = answer.split(' ').nth(1).unwrap_or_default();
            match status {
                "101" => Ok(TokioIo::new(stream)),
                // Connected anew: the answer's body is still to come on this one.
                "404" => Ok(TokioIo::new(UnixStream::connect(&socket).await?)),
                _ => Err(io::Error::other(format!(
                    "the Docker engine does not let its builder be spoken to: `{}`",
                    answer.lines().next().unwrap_or_default()
                ))),
            }
        })
    })
}

/// The status line and headers of an answer. Byte by byte, since what follows belongs to the builder.
async fn head(stream: &mut UnixStream) -> io::Result<String> {
    let mut head = Vec::with_capacity(128);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == ANSWER {
            return Err(io::Error::other("what listens there is no Docker engine"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
