//! The service manager (systemd) that may have started this process: it is told how things are, and keeps the
//! listening sockets while HOPS restarts, so that connections wait meanwhile instead of being refused.
//!
//! Protocol: `sd_notify(3)`, `sd_listen_fds(3)`.

use std::{
    env,
    ffi::OsString,
    io::{self, IoSlice},
    mem::MaybeUninit,
    net::{SocketAddr, TcpListener},
    os::{
        fd::{AsFd, BorrowedFd},
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr as UnixAddress, UnixDatagram},
        },
    },
    process,
};

use rustix::{
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, sendmsg, shutdown},
    process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open},
};

/// The number of the first socket that is handed over (`SD_LISTEN_FDS_START`).
const FIRST: i32 = 3;

/// The service manager, where there is one.
#[derive(Debug)]
pub(crate) struct Manager(Option<UnixDatagram>);

/// Sockets that the manager kept over a restart, by name.
#[derive(Debug, Default)]
pub(crate) struct Kept(Vec<(String, TcpListener)>);

impl Manager {
    /// The manager that the environment names.
    pub(crate) fn from_environment() -> Self {
        let socket = env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty()).map(connect);
        Self(socket.and_then(|socket| match socket {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!(%error, "cannot reach the service manager that NOTIFY_SOCKET names");
                None
            }
        }))
    }

    /// Whether there is one.
    pub(crate) fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// The start is over.
    pub(crate) fn ready(&self) {
        self.tell("READY=1\nSTATUS=Ready", &[]);
    }

    /// The process ends soon.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=Finishing the requests in hand", &[]);
    }

    /// Has sockets kept under a name; those that are kept already stay as they are.
    pub(crate) fn keep(&self, name: &str, sockets: &[TcpListener]) {
        for socket in sockets {
            self.tell(&format!("FDSTORE=1\nFDNAME={name}"), &[socket.as_fd()]);
        }
    }

    /// Lets go of the sockets that were kept and are not wanted any more.
    pub(crate) fn forget(&self, kept: Kept) {
        for (name, listener) in kept.0 {
            self.tell(&format!("FDSTOREREMOVE=1\nFDNAME={name}"), &[]);
            // The number under which it was handed over stays open in this process; nobody is to wait there in vain.
            if let Err(error) = shutdown(&listener, Shutdown::Both) {
                tracing::warn!(%error, name, "cannot close a socket that is not wanted any more");
            }
        }
    }

    fn tell(&self, state: &str, sockets: &[BorrowedFd<'_>]) {
        let Some(manager) = &self.0 else { return };
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !sockets.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(sockets));
        }
        let sent = sendmsg(manager, &[IoSlice::new(state.as_bytes())], &mut control, SendFlags::NOSIGNAL);
        if let Err(error) = sent {
            tracing::warn!(%error, "cannot tell the service manager");
        }
    }
}

impl Kept {
    /// What the manager handed over to this process.
    pub(crate) fn from_environment() -> Self {
        let text = |name| env::var(name).unwrap_or_default();
        let is_ours = text("LISTEN_PID").parse() == Ok(process::id());
        let count: i32 = text("LISTEN_FDS").parse().unwrap_or(0);
        if !is_ours || count == 0 {
            return Self::default();
        }
        let names = text("LISTEN_FDNAMES");
        let numbered = names.split(':').map(str::to_owned).zip(FIRST..FIRST.saturating_add(count));
        let sockets = numbered.filter_map(|(name, number)| match inherited(number) {
            Ok(listener) => Some((name, listener)),
            Err(error) => {
                tracing::warn!(%error, name, "cannot use a socket of the service manager's");
                None
            }
        });
        Self(sockets.collect())
    }

    /// The sockets of a name that listen at one of these addresses.
    pub(crate) fn take(&mut self, name: &str, addresses: &[SocketAddr]) -> Vec<TcpListener> {
        let fits = |(own, listener): &mut (String, TcpListener)| {
            own == name && listener.local_addr().is_ok_and(|address| addresses.contains(&address))
        };
        self.0.extract_if(.., fits).map(|(_, listener)| listener).collect()
    }
}

fn connect(path: OsString) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    match path.as_bytes().strip_prefix(b"@") {
        Some(name) => socket.connect_addr(&UnixAddress::from_abstract_name(name)?)?,
        None => socket.connect(path)?,
    }
    Ok(socket)
}

/// A socket that this process was started with. It is had by way of a handle on the process itself: a number alone
/// proves nothing, so that taking it as it is would not be safe.
fn inherited(number: i32) -> io::Result<TcpListener> {
    let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    let listener = TcpListener::from(pidfd_getfd(this, number, PidfdGetfdFlags::empty())?);
    listener.local_addr()?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

    use super::*;

    /// What arrives at a manager's socket: the text, and how many sockets came with it.
    fn receive(socket: &UnixDatagram) -> (String, usize) {
        let mut bytes = [0; 256];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut buffers = [io::IoSliceMut::new(&mut bytes)];
        let received = recvmsg(socket, &mut buffers, &mut control, RecvFlags::empty()).unwrap();
        let count = control
            .drain()
            .map(|message| match message {
                RecvAncillaryMessage::ScmRights(sockets) => sockets.count(),
                _ => 0,
            })
            .sum();
        (String::from_utf8(bytes[..received.bytes].to_vec()).unwrap(), count)
    }

    #[test]
    fn the_manager_hears_and_gets_sockets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let manager = Manager(Some(connect(path.into()).unwrap()));
        manager.ready();
        assert_eq!(receive(&socket), ("READY=1\nSTATUS=Ready".to_owned(), 0));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        manager.keep("http", std::slice::from_ref(&listener));
        assert_eq!(receive(&socket), ("FDSTORE=1\nFDNAME=http".to_owned(), 1));
        manager.forget(Kept(vec![("old".to_owned(), listener)]));
        assert_eq!(receive(&socket), ("FDSTOREREMOVE=1\nFDNAME=old".to_owned(), 0));
        manager.stopping();
        assert!(receive(&socket).0.starts_with("STOPPING=1\n"));
    }

    #[test]
    fn an_abstract_socket_is_reached_as_well() {
        let name = format!("hops-test-{}", process::id());
        let socket = UnixDatagram::bind_addr(&UnixAddress::from_abstract_name(&name).unwrap()).unwrap();
        Manager(Some(connect(format!("@{name}").into()).unwrap())).ready();
        assert!(receive(&socket).0.starts_with("READY=1"));
    }

    #[test]
    fn a_kept_socket_is_used_only_where_it_is_still_wanted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let other = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut kept = Kept(vec![("http".to_owned(), listener)]);
        assert!(kept.take("https", &[address]).is_empty());
        assert!(kept.take("http", &[other]).is_empty());
        assert_eq!(kept.take("http", &[other, address]).len(), 1);
        assert!(kept.take("http", &[address]).is_empty());
    }
}
