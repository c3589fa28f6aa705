//! What takes the room: `docker system df`.

use std::{collections::HashMap, fmt, time::Duration};

use hops_model::ImageRef;
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

use crate::{daemon::Daemon, labels};

/// How long the daemon may count. It looks at every file of every container.
const PATIENCE: Duration = Duration::from_mins(1);

/// The last version of the API with a list of everything in the answer.
const DETAILED_API: usize = 51;

/// Bytes by what they are for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Layers of all images.
    images: u64,
    /// Images that HOPS built here and that no container uses, what they share with others left out.
    unused: u64,
    /// Results of build steps that nothing uses at this moment.
    build_cache: u64,
    /// What stopped containers have written.
    stopped: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    layers_size: i64,
    #[serde(default)]
    images: Option<Vec<Image>>,
    #[serde(default)]
    containers: Option<Vec<Container>>,
    #[serde(default)]
    build_cache: Option<Vec<Record>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    repo_digests: Option<Vec<String>>,
    #[serde(default)]
    size: i64,
    #[serde(default)]
    shared_size: i64,
    #[serde(default)]
    containers: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    #[serde(default)]
    size_rw: i64,
    #[serde(default)]
    state: String,
    #[serde(default)]
    labels: Option<HashMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    #[serde(default)]
    size: i64,
    #[serde(default)]
    in_use: bool,
}

impl Daemon {
    /// What takes the room; none where the daemon does not say so in time.
    pub(super) async fn disk_usage(&self) -> Option<Usage> {
        let socket =
            self.settings().socket.strip_prefix("unix://").unwrap_or(&self.settings().socket).to_owned();
        let version = self.client().client_version().minor_version.min(DETAILED_API);
        let answer = timeout(PATIENCE, ask(&socket, version)).await.ok()?;
        match answer.and_then(|text| serde_json::from_slice(&text).map_err(std::io::Error::other)) {
            Ok(answer) => Some(Usage::of(answer)),
            Err(error) => {
                tracing::debug!(%error, "what takes the room on Docker's disk cannot be told");
                None
            }
        }
    }
}

/// Asks by hand: the client's types are those of newer versions, whose answer lacks the lists, and which older daemons
/// do not speak. With HTTP/1.0 the answer ends with the connection.
async fn ask(socket: &str, version: usize) -> std::io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket).await?;
    let request = format!("GET /v1.{version}/system/df HTTP/1.0\r\nHost: docker\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
    match end {
        Some(end) if answer.get(9..12) == Some(b"200") => Ok(answer.split_off(end)),
        _ => Err(std::io::Error::other(String::from_utf8_lossy(&answer).into_owned())),
    }
}

impl Usage {
    fn of(answer: Answer) -> Self {
        let sum = |sizes: &mut dyn Iterator<Item = i64>| -> u64 {
            // Sizes that the daemon did not count are -1.
            sizes.filter_map(|size| u64::try_from(size).ok()).sum()
        };
        let images = answer.images.unwrap_or_default();
        let is_ours = |image: &&Image| {
            let names = image.repo_tags.iter().chain(&image.repo_digests).flatten();
            image.containers == 0 && names.into_iter().any(|name| name.starts_with(ImageRef::LOCAL))
        };
        let containers = answer.containers.unwrap_or_default();
        let is_stopped = |container: &&Container| {
            container.state == "exited" || container.state == "created" || container.state == "dead"
        };
        Self {
            images: u64::try_from(answer.layers_size).unwrap_or_default(),
            unused: sum(&mut images
                .iter()
                .filter(is_ours)
                .map(|image| image.size - image.shared_size.max(0))),
            build_cache: sum(&mut answer
                .build_cache
                .iter()
                .flatten()
                .filter(|record| !record.in_use)
                .map(|record| record.size)),
            stopped: sum(&mut containers
                .iter()
                .filter(is_stopped)
                // What HOPS made it removes by itself.
                .filter(|container| {
                    !container.labels.as_ref().is_some_and(|labels| labels.contains_key(labels::PLATFORM))
                })
                .map(|container| container.size_rw)),
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "all images: {}", size(self.images))?;
        writeln!(f, "images that HOPS built and no container uses: {}", size(self.unused))?;
        writeln!(f, "build results: {}", size(self.build_cache))?;
        write!(f, "stopped containers: {}", size(self.stopped))
    }
}

/// An amount for people.
pub(super) fn size(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    const TENTH_OF_GIB: u64 = 1024 * MIB / 10;
    if bytes >= 1024 * MIB {
        let tenths = bytes / TENTH_OF_GIB;
        format!("{}.{} GiB", tenths / 10, tenths % 10)
    } else {
        format!("{} MiB", bytes / MIB)
    }
}
