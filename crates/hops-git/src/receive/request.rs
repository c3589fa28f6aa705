//! The beginning of a push: what is to become of which reference (`gitprotocol-pack(5)`).

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{GitError, command::pipe};

/// The commands of a push, read ahead of its pack.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// What was read, to be passed on.
    pub(super) read: Vec<u8>,
    /// The first reference that is to be deleted.
    pub(super) deletion: Option<String>,
}

/// Room for some ten thousand commands.
const MAX: usize = 1 << 20;

impl Request {
    pub(super) async fn read(input: &mut (impl AsyncRead + Unpin)) -> Result<Self, GitError> {
        let malformed = || GitError::Rejected { reason: "this is not a push".to_owned() };
        let mut request = Self::default();
        loop {
            let mut length = [0; 4];
            input.read_exact(&mut length).await.map_err(pipe(super::OPERATION))?;
            request.read.extend_from_slice(&length);
            let length = str::from_utf8(&length).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
            let length = match length.ok_or_else(malformed)? {
                0 => return Ok(request),
                length => length.checked_sub(4).ok_or_else(malformed)?,
            };
            let start = request.read.len();
            if start + length > MAX {
                return Err(malformed());
            }
            request.read.resize(start + length, 0);
            input.read_exact(&mut request.read[start..]).await.map_err(pipe(super::OPERATION))?;
            let line = String::from_utf8_lossy(&request.read[start..]).into_owned();
            request.deletion = request.deletion.or_else(|| deletion(&line));
        }
    }
}

/// The reference, where a line (`old new reference`, and after a NUL what the client can) puts nothing in its place.
fn deletion(line: &str) -> Option<String> {
    let mut words = line.split('\0').next()?.trim_end().splitn(3, ' ');
    let (_, new, reference) = (words.next()?, words.next()?, words.next()?);
    new.bytes().all(|digit| digit == b'0').then(|| reference.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_is_known_by_the_id_of_nothing() {
        let (id, nothing) = ("ab".repeat(20), "0".repeat(40));
        assert_eq!(
            deletion(&format!("{id} {nothing} refs/hops/x\0report-status\n")).as_deref(),
            Some("refs/hops/x")
        );
        assert_eq!(deletion(&format!("{id} {nothing} refs/hops/x\n")).as_deref(), Some("refs/hops/x"));
        assert_eq!(deletion(&format!("{nothing} {id} refs/hops/x\0report-status")), None);
        assert_eq!(deletion(&format!("shallow {id}")), None);
        assert_eq!(deletion(""), None);
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(body: Vec<u8>, lines in proptest::collection::vec(".{0,80}", 0..5)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let packets: Vec<_> = lines.iter().map(|line| format!("{:04x}{line}", line.len() + 4)).collect();
            for input in [body, format!("{}0000PACK", packets.concat()).into_bytes()] {
                let request = runtime.block_on(Request::read(&mut input.as_slice()));
                if let Ok(request) = request {
                    proptest::prop_assert!(input.starts_with(&request.read));
                }
            }
        }
    }
}
