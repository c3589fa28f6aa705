//! The token that a push proves itself with.

use std::fmt;

use zeroize::Zeroizing;

/// A bearer token: wiped from memory when dropped, never printed.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Takes over the text. Nothing, if it holds what a header cannot carry.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = Zeroizing::new(text.into());
        let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then_some(Self(text))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_cannot_smuggle_a_second_header_and_does_not_show() {
        assert!(Token::new("").is_none());
        assert!(Token::new("a\r\nX-Evil: 1").is_none());
        assert_eq!(format!("{:?}", Token::new("hunter2").unwrap()), "Token(…)");
    }
}
