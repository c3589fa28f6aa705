//! Listeners, one set a thread.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use socket2::{Domain, Protocol, Socket, Type};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 4096;

/// Where to listen.
#[derive(Debug)]
pub enum Listen {
    /// An address; port 0 is any free one. Every thread gets a socket of its own.
    Address(SocketAddr),
    /// A socket that listens already, handed in by whoever may open it. The threads share it.
    Socket(TcpListener),
}

/// Where to listen for what.
#[derive(Debug, Default)]
pub struct Listeners {
    /// For HTTP without TLS.
    pub http: Vec<Listen>,
    /// For HTTP over TLS.
    pub https: Vec<Listen>,
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address)
    }
}

impl From<TcpListener> for Listen {
    fn from(socket: TcpListener) -> Self {
        Self::Socket(socket)
    }
}

impl Listen {
    /// One listener for each of so many threads, and where they listen.
    pub(crate) fn open(self, threads: usize) -> io::Result<(SocketAddr, Vec<TcpListener>)> {
        let first = match self {
            Self::Address(address) => bind(address)?,
            Self::Socket(socket) => {
                socket.set_nonblocking(true)?;
                let address = socket.local_addr()?;
                let mut sockets = (1..threads).map(|_| socket.try_clone()).collect::<io::Result<Vec<_>>>()?;
                sockets.push(socket);
                return Ok((address, sockets));
            }
        };
        let address = first.local_addr()?;
        let mut sockets = vec![first];
        for _ in 1..threads {
            sockets.push(bind(address)?);
        }
        Ok((address, sockets))
    }
}

/// A socket that shares its port with the other threads': the kernel spreads connections over them.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
