//! The files that the daemon may ask for.

use std::{
    collections::HashMap,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use bollard_buildkit_proto::{fsutil::types::Packet, moby::filesync::v1::file_sync_server::FileSync};
use futures::Stream;
use tokio::sync::{OnceCell, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Request, Response, Status, Streaming,
    metadata::{MetadataMap, MetadataValue},
};

use super::transfer::Transfer;
use crate::{
    filter::{Wanted, select},
    source::{Source, tree::Tree},
};

/// A source with its tree, which is listed once a build.
#[derive(Clone)]
pub(crate) struct Local {
    pub(crate) source: Arc<dyn Source>,
    tree: Arc<OnceCell<Tree>>,
}

impl Local {
    pub(crate) fn new(source: Arc<dyn Source>) -> Self {
        Self { source, tree: Arc::default() }
    }

    pub(crate) async fn tree(&self) -> io::Result<&Tree> {
        let list = async || Tree::new(self.source.entries().await?).map_err(io::Error::other);
        self.tree.get_or_try_init(list).await
    }
}

/// All that one build shares.
#[derive(Clone)]
pub(crate) struct SharedFiles {
    locals: HashMap<&'static str, Local>,
    pub(crate) transfer: Arc<Transfer>,
    /// The first failure to read. The daemon repeats it as text, this is the original.
    failure: Arc<Mutex<Option<io::Error>>>,
}

impl SharedFiles {
    pub(crate) fn new(locals: HashMap<&'static str, Local>) -> Self {
        Self { locals, transfer: Arc::default(), failure: Arc::default() }
    }

    pub(crate) fn take_failure(&self) -> Option<io::Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn fail(&self, error: io::Error) -> String {
        let text = error.to_string();
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        text
    }
}

#[async_trait::async_trait]
impl FileSync for SharedFiles {
    type DiffCopyStream = ReceiverStream<Result<Packet, Status>>;

    async fn diff_copy(
        &self,
        request: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::DiffCopyStream>, Status> {
        let name = values(request.metadata(), "dir-name").into_iter().next().unwrap_or_default();
        let wanted = Wanted {
            include: values(request.metadata(), "include-patterns"),
            exclude: values(request.metadata(), "exclude-patterns"),
            follow: values(request.metadata(), "followpaths"),
        };
        let Some((&name, local)) = self.locals.get_key_value(name.as_str()) else {
            return Err(Status::not_found(format!("no directory `{name}` is shared")));
        };
        let tree = local.tree().await.map_err(|error| Status::failed_precondition(self.fail(error)))?;
        let selected = select(tree, &wanted).map_err(|error| Status::invalid_argument(error.to_string()))?;
        let selected: Vec<_> = selected.into_iter().cloned().collect();
        tracing::debug!(name, entries = selected.len(), "sending what changed");

        let is_counted = name == super::CONTEXT && wanted.follow != [".dockerignore"];
        let (packets, answer) = mpsc::channel(32);
        let (files, source) = (self.clone(), Arc::clone(&local.source));
        tokio::spawn(async move {
            files.send(selected, source, is_counted, request.into_inner(), packets).await;
        });
        Ok(Response::new(ReceiverStream::new(answer)))
    }

    type TarStreamStream = Pin<Box<dyn Stream<Item = Result<Packet, Status>> + Send>>;

    async fn tar_stream(
        &self,
        _: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::TarStreamStream>, Status> {
        Err(Status::unimplemented("only `DiffCopy` is answered"))
    }
}

/// All values of a key. Where one is not ASCII, the daemon escapes all of them and says so under another key; one of
/// before 0.9 sends it as it is, which is no header by the book.
fn values(metadata: &MetadataMap, key: &str) -> Vec<String> {
    let is_encoded = metadata.get(format!("{key}-encoded")).is_some_and(|value| value == "1");
    let text = |value: &str| if is_encoded { decode(value) } else { value.to_owned() };
    let bytes = metadata.get_all(key).iter().map(MetadataValue::as_encoded_bytes);
    bytes.map(|bytes| text(&String::from_utf8_lossy(bytes))).collect()
}

/// Of a query string: `+` is a blank, `%xx` a byte.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = String::from_utf8_lossy(&digits);
                u8::from_str_radix(&digits, 16).unwrap_or(b'?')
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_the_daemon_writes_them() {
        let mut metadata = MetadataMap::new();
        metadata.append("followpaths", "a+b%25".parse().unwrap());
        metadata.append("followpaths", "c".parse().unwrap());
        assert_eq!(values(&metadata, "followpaths"), ["a+b%25", "c"]);
        metadata.insert("followpaths-encoded", "1".parse().unwrap());
        assert_eq!(values(&metadata, "followpaths"), ["a b%", "c"]);
        assert!(values(&metadata, "dir-name").is_empty());
        assert_eq!(decode("%C3%A9%2F%zz%"), "é/??");
    }
}
