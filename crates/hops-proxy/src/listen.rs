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
    /// Sockets of one address that listen already, handed in by whoever may open them. They are dealt out to the
    /// threads, and shared where there are fewer than threads.
    Sockets(Vec<TcpListener>),
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
        Self::Sockets(vec![socket])
    }
}

impl From<Vec<TcpListener>> for Listen {
    fn from(sockets: Vec<TcpListener>) -> Self {
        Self::Sockets(sockets)
    }
}

impl Listen {
    /// At least one listener for each of so many threads, to be dealt out in turn, and where they listen.
    pub(crate) fn open(self, threads: usize) -> io::Result<(SocketAddr, Vec<TcpListener>)> {
        let mut sockets = match self {
            Self::Address(address) => listen(address, threads)?,
            Self::Sockets(sockets) => sockets,
        };
        let first = sockets.first().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let address = first.local_addr()?;
        for index in sockets.len()..threads {
            sockets.push(sockets[index % sockets.len()].try_clone()?);
        }
        for socket in &sockets {
            socket.set_nonblocking(true)?;
        }
        Ok((address, sockets))
    }
}

/// So many sockets that listen at one address, one a thread: the kernel spreads connections over them. None of them
/// listens where the address is taken by anybody; port 0 is any free one.
pub fn listen(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    // Sockets that share an address share it with every program of the same user; a first one, alone, finds out.
    let alone = open(address)?;
    alone.bind(&address.into())?;
    let address = alone.local_addr()?.as_socket().ok_or(io::ErrorKind::InvalidInput)?;
    drop(alone);
    (0..count).map(|_| bind(address)).collect()
}

/// A socket that shares its port with the other threads'.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = open(address)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shared_among_threads_and_with_nobody_else() {
        let any_port = SocketAddr::from((hops_testkit::address::own().unwrap(), 0));
        let sockets = listen(any_port, 3).unwrap();
        let address = sockets[0].local_addr().unwrap();
        assert!(sockets.iter().all(|socket| socket.local_addr().unwrap() == address));
        assert_eq!(listen(address, 1).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(sockets);
        listen(address, 1).unwrap();
    }

    #[test]
    fn every_thread_has_a_socket_and_no_socket_is_left_out() {
        for (given, threads, expected) in [(1, 3, 3), (2, 2, 2), (3, 2, 3)] {
            let sockets = listen(SocketAddr::from(([127, 0, 0, 1], 0)), given).unwrap();
            let address = sockets[0].local_addr().unwrap();
            let (found, opened) = Listen::from(sockets).open(threads).unwrap();
            assert_eq!((found, opened.len()), (address, expected));
        }
    }
}
