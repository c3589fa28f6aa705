//! Short keys made of everything that something depends on.

use sha2::{Digest as _, Sha256};

/// Collects parts and ends as 16 hexadecimal digits. Each part is length-prefixed, so that `ab`, `c` and `a`, `bc` differ.
pub(crate) struct Key(Sha256);

impl Key {
    pub(crate) fn new() -> Self {
        Self(Sha256::new())
    }

    #[must_use]
    pub(crate) fn with(mut self, part: impl AsRef<[u8]>) -> Self {
        let part = part.as_ref();
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    pub(crate) fn finish(self) -> String {
        self.0.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn the_border_between_parts_counts() {
        let (left, right) = (Key::new().with("ab").with("c"), Key::new().with("a").with("bc"));
        assert_ne!(left.finish(), right.finish());
    }

    #[test]
    fn the_same_parts_make_the_same_key() {
        let (left, right) = (Key::new().with("ab").with("c"), Key::new().with("ab").with("c"));
        assert_eq!(left.finish(), right.finish());
    }
}
