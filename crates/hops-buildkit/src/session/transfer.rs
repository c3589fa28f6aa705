//! One exchange of files: first the whole list, then the content that the daemon misses.
//!
//! Packets of `fsutil`: a `STAT` an entry, an empty one at the end; the daemon answers `REQ` with an entry's
//! place in the list while the list is still coming; content goes as `DATA`, an empty one ending the file; `FIN`
//! from the daemon, `FIN` back.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bollard_buildkit_proto::fsutil::types::{Packet, Stat, packet::PacketType};
use tokio::{
    io::AsyncReadExt,
    sync::{Mutex, mpsc},
};
use tonic::{Status, Streaming};

use super::files::SharedFiles;
use crate::source::{Entry, Kind, Source};

/// What was sent of the context.
#[derive(Debug, Default)]
pub(crate) struct Transfer {
    pub(crate) files: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

/// Bytes of content in one packet.
const CHUNK: usize = 32 << 10;

/// The other side is gone; there is nobody to tell.
struct Gone;

type Packets = mpsc::Sender<Result<Packet, Status>>;

impl SharedFiles {
    /// Runs the exchange to its end.
    pub(super) async fn send(
        &self,
        entries: Vec<Entry>,
        source: Arc<dyn Source>,
        is_counted: bool,
        mut requests: Streaming<Packet>,
        packets: Packets,
    ) {
        // Holds at most one number an entry: how far the daemon may run ahead is bounded by the list.
        let (wanted, queue) = mpsc::unbounded_channel::<u32>();
        let list = async {
            for entry in &entries {
                put(&packets, Packet { stat: Some(stat(entry)), ..packet(PacketType::PacketStat) }).await?;
            }
            put(&packets, packet(PacketType::PacketStat)).await
        };
        let listen = async {
            while let Ok(Some(request)) = requests.message().await {
                match request.r#type() {
                    PacketType::PacketReq => {
                        let _ = wanted.send(request.id);
                    }
                    PacketType::PacketFin => {
                        drop(wanted);
                        return Ok(());
                    }
                    // The daemon ends the call with the same words.
                    PacketType::PacketErr => return Err(Gone),
                    PacketType::PacketStat | PacketType::PacketData => {}
                }
            }
            Err(Gone)
        };
        let queue = Mutex::new(queue);
        // Several files at a time, so that many small ones do not wait for each other.
        let answer = || self.answer(&queue, &entries, source.as_ref(), is_counted, &packets);
        if tokio::try_join!(list, listen, answer(), answer(), answer(), answer()).is_ok() {
            let _ = put(&packets, packet(PacketType::PacketFin)).await;
        }
    }

    /// Sends one asked-for file after the other, until the daemon asks for no more.
    async fn answer(
        &self,
        queue: &Mutex<mpsc::UnboundedReceiver<u32>>,
        entries: &[Entry],
        source: &dyn Source,
        is_counted: bool,
        packets: &Packets,
    ) -> Result<(), Gone> {
        loop {
            let Some(id) = queue.lock().await.recv().await else { return Ok(()) };
            let Some(entry) = usize::try_from(id).ok().and_then(|id| entries.get(id)) else {
                let status = Status::invalid_argument(format!("there is no file {id} in the list"));
                let _ = packets.send(Err(status)).await;
                return Err(Gone);
            };
            self.send_content(entry, id, source, is_counted, packets).await?;
        }
    }

    async fn send_content(
        &self,
        entry: &Entry,
        id: u32,
        source: &dyn Source,
        is_counted: bool,
        packets: &Packets,
    ) -> Result<(), Gone> {
        let mut sent = 0;
        let content = async {
            let mut content = source.open(&entry.path).await.map_err(Ok)?;
            loop {
                let mut data = vec![0; CHUNK];
                let count = fill(&mut content, &mut data).await.map_err(Ok)?;
                if count == 0 {
                    return Ok(());
                }
                data.truncate(count);
                sent += count as u64;
                let packet = Packet { id, data, ..packet(PacketType::PacketData) };
                put(packets, packet).await.map_err(Err)?;
            }
        };
        let failed = match content.await {
            Err(Err(gone)) => return Err(gone),
            Err(Ok(error)) => Some(error),
            // A file cut short would go into the image without anybody noticing.
            Ok(()) => match entry.kind {
                Kind::File { size, .. } if size != sent => {
                    Some(io::Error::other(format!("it has {sent} bytes and was listed with {size}")))
                }
                _ => None,
            },
        };
        if let Some(error) = failed {
            let text = self.fail(io::Error::new(error.kind(), format!("{}: {error}", entry.path)));
            let data = text.clone().into_bytes();
            put(packets, Packet { data, ..packet(PacketType::PacketErr) }).await?;
            let _ = packets.send(Err(Status::failed_precondition(text))).await;
            return Err(Gone);
        }
        if is_counted {
            self.transfer.files.fetch_add(1, Ordering::Relaxed);
            self.transfer.bytes.fetch_add(sent, Ordering::Relaxed);
        }
        put(packets, Packet { id, ..packet(PacketType::PacketData) }).await
    }
}

/// Reads until the buffer is full or the content ends: short reads would make needlessly many packets.
async fn fill(
    content: &mut (dyn tokio::io::AsyncRead + Send + Unpin),
    buffer: &mut [u8],
) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match content.read(&mut buffer[filled..]).await? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

async fn put(packets: &Packets, packet: Packet) -> Result<(), Gone> {
    packets.send(Ok(packet)).await.map_err(|_| Gone)
}

fn packet(kind: PacketType) -> Packet {
    Packet { r#type: kind.into(), ..Packet::default() }
}

/// Modes as Go's `os.FileMode` spells them.
fn stat(entry: &Entry) -> Stat {
    const DIRECTORY: u32 = 1 << 31;
    const SYMLINK: u32 = 1 << 27;
    let permissions = |mode: u32| {
        let special = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
        special.iter().filter(|(bit, _)| mode & bit != 0).fold(mode & 0o777, |mode, (_, go)| mode | go)
    };
    let (mode, size, linkname) = match &entry.kind {
        Kind::File { size, mode } => (permissions(*mode), *size, String::new()),
        // The size is compared too, and on disk a link is as long as its target.
        Kind::Symlink { target } => (SYMLINK | 0o777, target.len() as u64, target.clone()),
        Kind::Directory { mode } => (DIRECTORY | permissions(*mode), 0, String::new()),
    };
    Stat {
        path: entry.path.clone(),
        mode,
        size: i64::try_from(size).unwrap_or(i64::MAX),
        mod_time: entry.modified.as_nanoseconds(),
        linkname,
        ..Stat::default()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, pin::Pin, task, task::Poll};

    use async_trait::async_trait;
    use tokio::io::{AsyncRead, ReadBuf};

    use super::*;
    use crate::source::Modified;

    /// One endless file, and how much was read of it.
    #[derive(Clone, Default)]
    struct Endless(Arc<AtomicU64>);

    impl AsyncRead for Endless {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut task::Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.0.fetch_add(buffer.remaining() as u64, Ordering::Relaxed);
            let room = buffer.remaining();
            buffer.initialize_unfilled();
            buffer.advance(room);
            Poll::Ready(Ok(()))
        }
    }

    #[async_trait]
    impl Source for Endless {
        async fn entries(&self) -> io::Result<Vec<Entry>> {
            Ok(Vec::new())
        }

        async fn open(&self, _: &str) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
            Ok(Box::new(self.clone()))
        }
    }

    #[tokio::test]
    async fn no_more_of_a_file_is_read_than_the_daemon_takes() {
        let files = SharedFiles::new(HashMap::new());
        let (source, kind) = (Endless::default(), Kind::File { size: u64::MAX, mode: 0o644 });
        let entry = Entry { path: "large".to_owned(), kind, modified: Modified::FIXED };
        let (packets, mut daemon) = mpsc::channel(2);
        let read = || source.0.load(Ordering::Relaxed) / CHUNK as u64;
        let mut sending = std::pin::pin!(files.send_content(&entry, 0, &source, true, &packets));
        for taken in 0..20 {
            assert!(futures::poll!(&mut sending).is_pending());
            // Two wait for the daemon, and one for room beside them.
            assert_eq!(read(), taken + 3);
            assert_eq!(daemon.recv().await.unwrap().unwrap().data.len(), CHUNK);
        }
    }
}
