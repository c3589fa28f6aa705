//! Names of objects.

use std::fmt;

/// The id of a blob: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits. It is a hash of the content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(String);

impl ObjectId {
    /// Reads a full id.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (is_hex && matches!(text.len(), 40 | 64)).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as bytes, 20 or 32.
    pub fn to_bytes(&self) -> Vec<u8> {
        let digit = |byte: u8| if byte.is_ascii_digit() { byte - b'0' } else { byte - b'a' + 10 };
        self.0.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_that_the_digits_spell() {
        let id = ObjectId::parse("00ff10a9000000000000000000000000000000be").unwrap();
        assert_eq!(id.to_bytes()[..4], [0x00, 0xff, 0x10, 0xa9]);
        assert_eq!(id.to_bytes()[19], 0xbe);
        assert!(ObjectId::parse("00FF").is_none());
    }
}
