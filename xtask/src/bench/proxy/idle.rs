//! Connections that were used once and lie there.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

use super::load::HOST;

/// From one address there are only so many, and a proxy may rightly allow fewer still.
const FROM_ONE_ADDRESS: usize = 500;

/// Opens connections, with one request on each.
pub(super) fn open(to: SocketAddr, count: usize) -> Result<Vec<TcpStream>> {
    let request = format!("GET /small HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let mut connections = Vec::with_capacity(count);
    for index in 0..count {
        let last = u8::try_from(index / FROM_ONE_ADDRESS + 1).context("too many connections")?;
        let mut connection =
            open_one(to, Ipv4Addr::new(127, 0, 88, last)).with_context(|| format!("connection {index}"))?;
        connection.set_read_timeout(Some(Duration::from_secs(10)))?;
        connection.write_all(request.as_bytes())?;
        let mut answer = [0; 4096];
        let length = connection.read(&mut answer)?;
        if !answer[..length].starts_with(b"HTTP/1.1 200") {
            bail!("connection {index} was answered {}", String::from_utf8_lossy(&answer[..length]));
        }
        connections.push(connection);
    }
    Ok(connections)
}

/// Whether none was closed.
pub(super) fn are_open(connections: &[TcpStream]) -> Result<()> {
    let mut rest = [0; 4096];
    for connection in connections {
        connection.set_nonblocking(true)?;
        let mut connection = connection;
        match connection.read(&mut rest) {
            Ok(0) => bail!("one was closed"),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn open_one(to: SocketAddr, from: Ipv4Addr) -> Result<TcpStream> {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddr::from((from, 0)))?;
    connect(&socket, &to)?;
    Ok(socket.into())
}
