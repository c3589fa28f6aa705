//! Reading file contents.

use std::{
    io,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout},
};

use crate::{
    GitError, ObjectId, Repository,
    command::{Git, pipe},
};

/// Reads contents out of a bare copy through long-lived `git cat-file --batch` processes: starting one costs
/// milliseconds, asking one costs microseconds. Cheap to clone; clones share the processes, which end with the
/// last of them.
#[derive(Clone, Debug)]
pub struct Blobs {
    repository: Repository,
    idle: Arc<Mutex<Vec<Batch>>>,
}

#[derive(Debug)]
struct Batch {
    // Held for being killed when dropped.
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Contents up to this size are held in memory; larger ones come out of a process of their own as they are read.
const WHOLE: u64 = 1 << 20;

/// Processes kept when nobody asks.
const IDLE: usize = 4;

const OPERATION: &str = "cat-file";

impl Blobs {
    /// Nothing is started yet.
    pub fn new(repository: &Repository) -> Self {
        Self { repository: repository.clone(), idle: Arc::default() }
    }

    /// The whole content.
    pub async fn read(&self, object: &ObjectId) -> Result<Vec<u8>, GitError> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut batch = match kept {
            Some(batch) => batch,
            None => Batch::start(&self.repository)?,
        };
        // Whoever stops waiting in the middle drops the process with it; another never sees half an answer.
        let content = batch.ask(object).await?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(batch);
        }
        content.ok_or_else(|| GitError::NoObject { object: object.clone() })
    }

    /// The content as it comes, of a file whose size is known from its [`TreeEntry`](crate::TreeEntry). Should
    /// Git fail in the middle, the content ends early.
    pub async fn open(
        &self,
        object: &ObjectId,
        size: u64,
    ) -> Result<Box<dyn AsyncRead + Send + Unpin>, GitError> {
        if size <= WHOLE {
            return Ok(Box::new(io::Cursor::new(self.read(object).await?)));
        }
        let git = self.repository.git(OPERATION).args(["blob", object.as_str()]);
        Ok(Box::new(Stream::start(git)?))
    }
}

impl Batch {
    fn start(repository: &Repository) -> Result<Self, GitError> {
        let mut child = repository.git(OPERATION).arg("--batch").stdin(Stdio::piped()).spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(pipe(OPERATION)(io::ErrorKind::BrokenPipe.into()));
        };
        // It says little there, all of it about damage; unread, it would at worst block after 64 KiB.
        drop(child.stderr.take());
        Ok(Self { _child: child, input, output: BufReader::new(output) })
    }

    /// `None` where there is no such object.
    async fn ask(&mut self, object: &ObjectId) -> Result<Option<Vec<u8>>, GitError> {
        self.input.write_all(format!("{object}\n").as_bytes()).await.map_err(pipe(OPERATION))?;
        let mut header = String::new();
        self.output.read_line(&mut header).await.map_err(pipe(OPERATION))?;
        let answer = || GitError::Answer { operation: OPERATION.to_owned(), answer: header.clone() };
        let mut words = header.trim_end().split(' ').skip(1);
        let size = match (words.next(), words.next()) {
            (Some("missing"), None) => return Ok(None),
            (Some("blob"), Some(size)) => size.parse::<usize>().map_err(|_| answer())?,
            _ => return Err(answer()),
        };
        let mut content = vec![0; size + 1];
        self.output.read_exact(&mut content).await.map_err(pipe(OPERATION))?;
        content.pop();
        Ok(Some(content))
    }
}

/// The output of one process, which is killed when this is dropped.
#[derive(Debug)]
struct Stream {
    _child: Child,
    output: ChildStdout,
}

impl Stream {
    fn start(git: Git) -> Result<Self, GitError> {
        let mut child = git.spawn()?;
        drop(child.stderr.take());
        let output = child.stdout.take().ok_or_else(|| pipe(OPERATION)(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self { _child: child, output })
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.output).poll_read(context, buffer)
    }
}
