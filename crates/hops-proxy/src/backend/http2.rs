//! HTTP/2 to backends, without TLS and by prior knowledge: what gRPC servers speak.

use std::{cell::RefCell, collections::HashMap, rc::Rc, sync::Arc, time::Duration};

use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
    rt::Executor,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::link::Fault;
use crate::{clock::Clock, member::Member};

/// Runs a connection's tasks on the thread that it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalExecutor;

impl<F: Future<Output: 'static> + 'static> Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

/// One shared connection to each member that is spoken to in HTTP/2; one pool a thread.
#[derive(Debug, Default)]
pub(crate) struct Http2Pool(RefCell<HashMap<u64, Shared>>);

/// A connection that any number of requests share.
type Shared = (Arc<Member>, SendRequest<Incoming>);

impl Http2Pool {
    /// A connection to a member: the one there is, or a new one.
    pub(crate) async fn get(
        &self,
        member: &Arc<Member>,
        clock: &Rc<Clock>,
        timeout: Duration,
    ) -> Result<SendRequest<Incoming>, Fault> {
        if let Some((_, sender)) = self.0.borrow().get(&member.id).filter(|(_, sender)| !sender.is_closed()) {
            return Ok(sender.clone());
        }
        let deadline = clock.deadline();
        deadline.set(timeout);
        let connect = async {
            let io = TcpStream::connect(member.backend.address).await.map_err(Fault::Connect)?;
            io.set_nodelay(true).map_err(Fault::Connect)?;
            let mut builder = http2::Builder::new(LocalExecutor);
            builder.adaptive_window(true);
            builder.handshake(TokioIo::new(io)).await.map_err(Fault::Http2)
        };
        let (sender, connection) = deadline.limit(connect).await.ok_or(Fault::ConnectTimeout)??;
        tokio::task::spawn_local(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "HTTP/2 to a backend ended");
            }
        });
        // Two that connected at once: both connections serve their request, the later one stays.
        self.0.borrow_mut().insert(member.id, (Arc::clone(member), sender.clone()));
        Ok(sender)
    }

    /// Lets go of connections that ended, or whose member left: they close after their last request.
    pub(crate) fn sweep(&self) {
        self.0.borrow_mut().retain(|_, (member, sender)| !member.has_left() && !sender.is_closed());
    }
}
