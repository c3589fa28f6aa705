//! One connection from a client, from its first byte to its last.

use std::{convert::Infallible, net::SocketAddr, pin::Pin, rc::Rc, task::Poll};

use hyper::{Request, Response, body::Incoming, server::conn::http1, service::Service};
use hyper_util::rt::TokioIo;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::{
    answer::Answer,
    client::Client,
    exchange,
    record::Record,
    stream::{ClientStream, Socket},
    tls,
    worker::Worker,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Hands hyper's requests to [`exchange`].
struct Requests {
    worker: Rc<Worker>,
    client: Rc<Client>,
}

/// How hyper let go of an HTTP/1.1 connection.
enum End {
    /// It is over, as far as HTTP goes.
    Closed,
    /// It took too long.
    Late,
    Upgraded,
    /// Between two requests, for a while by now.
    Idle,
}

/// What a waiting connection is woken by.
enum First {
    Bytes,
    /// It closed, took too long, or the proxy stops.
    Nothing,
}

/// Serves a connection until it closes.
pub(crate) async fn serve(worker: Rc<Worker>, socket: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>) {
    // Small answers must not wait for acknowledgements. A socket that refuses is gone already.
    let _ = socket.set_nodelay(true);
    let client = Client::new(peer.ip(), tls.is_some(), &worker.settings, &worker.clock);
    let socket = match tls {
        None => Socket::Plain(socket),
        Some(tls) => {
            let Some(stream) = Box::pin(tls::accept(&worker, &tls, socket)).await else { return };
            client.is_http2.set(stream.get_ref().1.alpn_protocol() == Some(b"h2"));
            Socket::Tls(Box::new(stream))
        }
    };
    let mut stream = ClientStream::new(socket, Rc::clone(&client));
    if !client.is_http2.get() {
        match sniff(&worker, &client, &mut stream).await {
            None => return,
            Some(is_http2) => client.is_http2.set(is_http2),
        }
    }
    // On the heap is what not every connection needs: a task is as large as the largest thing that it may become.
    if client.is_http2.get() {
        Box::pin(serve_http2(&worker, &client, stream)).await;
    } else {
        serve_http1(&worker, &client, stream).await;
    }
}

/// Whether the client speaks HTTP/2 by prior knowledge; `None` when it says nothing.
async fn sniff(worker: &Worker, client: &Client, stream: &mut ClientStream) -> Option<bool> {
    loop {
        match first(worker, client, stream).await {
            First::Nothing => return None,
            First::Bytes if stream.prefix.starts_with(PREFACE) => return Some(true),
            First::Bytes if PREFACE.starts_with(&stream.prefix) => {}
            First::Bytes => return Some(false),
        }
    }
}

/// Waits for something to read.
async fn first(worker: &Worker, client: &Client, stream: &mut ClientStream) -> First {
    let mut peek = std::pin::pin!(stream.peek());
    std::future::poll_fn(|cx| match peek.as_mut().poll(cx) {
        Poll::Ready(Ok(true)) => Poll::Ready(First::Bytes),
        Poll::Ready(_) => Poll::Ready(First::Nothing),
        Poll::Pending if worker.is_stopping() || client.poll_deadline(cx).is_ready() => {
            Poll::Ready(First::Nothing)
        }
        Poll::Pending => Poll::Pending,
    })
    .await
}

async fn serve_http2(worker: &Rc<Worker>, client: &Rc<Client>, stream: ClientStream) {
    let requests = Requests { worker: Rc::clone(worker), client: Rc::clone(client) };
    let mut connection = std::pin::pin!(worker.http2_server.serve_connection(TokioIo::new(stream), requests));
    let mut is_told = false;
    std::future::poll_fn(|cx| {
        loop {
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            // Idle for too long is as good a reason for GOAWAY as stopping; not reading for too long is none to wait.
            let is_late = client.poll_deadline(cx).is_ready();
            if is_late && (is_told || !client.is_idle()) {
                return Poll::Ready(());
            }
            if is_told || !(is_late || worker.is_stopping()) {
                return Poll::Pending;
            }
            is_told = true;
            client.closes_soon();
            connection.as_mut().graceful_shutdown();
        }
    })
    .await;
}

async fn serve_http1(worker: &Rc<Worker>, client: &Rc<Client>, mut stream: ClientStream) {
    loop {
        let requests = Requests { worker: Rc::clone(worker), client: Rc::clone(client) };
        // On the heap: an idle connection has none.
        let mut connection = Box::new(worker.http1_server.serve_connection(TokioIo::new(stream), requests));
        let mut is_told = false;
        let end = std::future::poll_fn(|cx| {
            loop {
                if let Poll::Ready(result) = Pin::new(connection.as_mut()).poll(cx) {
                    if result.is_err_and(|error| error.is_parse()) {
                        Record::malformed(client.address, &worker.strays);
                    }
                    let is_upgraded = client.tunnel.borrow().is_some();
                    return Poll::Ready(if is_upgraded { End::Upgraded } else { End::Closed });
                }
                if client.poll_deadline(cx).is_ready() {
                    return Poll::Ready(if client.is_idle() { End::Idle } else { End::Late });
                }
                if is_told || !worker.is_stopping() {
                    return Poll::Pending;
                }
                is_told = true;
                Pin::new(connection.as_mut()).graceful_shutdown();
            }
        })
        .await;
        match end {
            End::Late => return,
            End::Closed => return linger(client, released(*connection)).await,
            End::Upgraded => {
                let tunnel = client.tunnel.borrow_mut().take();
                if let Some(tunnel) = tunnel {
                    Box::pin(tunnel.run(released(*connection), worker)).await;
                }
                return;
            }
            End::Idle => {
                // hyper's buffers are given back while nothing happens.
                stream = released(*connection);
                client.rests();
                // Sent ahead while the last request was served: the beginning of a head, whose time runs from now.
                client.has_read(stream.prefix.len());
                if stream.prefix.is_empty()
                    && let First::Nothing = first(worker, client, &mut stream).await
                {
                    let _ = client.limit(stream.shutdown()).await;
                    return;
                }
            }
        }
    }
}

/// Takes a connection back from hyper, with what hyper had read of it and not used.
fn released(connection: http1::Connection<TokioIo<ClientStream>, Requests>) -> ClientStream {
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner();
    stream.unread(&parts.read_buf);
    stream
}

/// Reads what the client still sends until it has read the end of what was sent to it.
///
/// A socket that is closed with something unread resets the connection, and the reset may overtake the answer: that
/// nobody wanted the rest of a request would be told in a way that nobody hears.
async fn linger(client: &Client, mut stream: ClientStream) {
    client.lingers();
    while let Some(Ok(true)) = client.limit(stream.peek()).await {
        stream.prefix.clear();
    }
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<Answer>;
    type Error = Infallible;
    /// On the heap, and only while there is a request.
    type Future = Pin<Box<dyn Future<Output = Result<Response<Answer>, Infallible>>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let open = self.client.open();
        Box::pin(exchange::serve(Rc::clone(&self.worker), Rc::clone(&self.client), open, request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten thousand idle connections are ten thousand of these.
    #[test]
    fn a_connection_that_says_nothing_is_small() {
        fn size<F, A, B, C, D>(_: fn(A, B, C, D) -> F) -> usize {
            size_of::<F>()
        }
        let size = size(serve);
        assert!(size <= 1024, "{size} bytes");
    }
}
