//! What a client shows to be let in.

use std::fmt;

use reqwest::header::{HeaderValue, InvalidHeaderValue};

/// A bearer token. It is never displayed.
#[derive(Clone)]
pub struct Token(HeaderValue);

impl Token {
    /// A token; white space around it, such as a file's last line end, does not count.
    pub fn parse(text: &str) -> Result<Self, InvalidHeaderValue> {
        let mut header = HeaderValue::try_from(format!("Bearer {}", text.trim()))?;
        header.set_sensitive(true);
        Ok(Self(header))
    }

    /// The value of the `Authorization` header.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
