//! Sealed values as they stand in a file. What is in them is not known here.

use std::ops::Range;

use crate::{Code, document::Document};

/// What a value sealed for HOPS begins with. Values of the original platform have no such mark.
pub const SEALED_PREFIX: &str = "hops1.";

const UNTIL_THEN: &str = "until then an operator can put the clear text in a Secret of the namespace, and the file \
                          name it: `{ secret = \"NAME\", key = \"KEY\" }`";

/// Checks the form of a sealed value and says what will become of it.
///
/// A value without our mark is a warning here, not an error: whether a deploy needs it depends on the environment
/// (`not_yet` decides that), and the file is readable all the same. `key` is where its key is: the value itself makes
/// no useful excerpt.
pub(crate) fn check<'t>(
    document: &Document,
    text: &'t str,
    key: Range<usize>,
    value: Range<usize>,
) -> Option<&'t str> {
    let body = text.strip_prefix(SEALED_PREFIX).unwrap_or(text);
    if let Err(fault) = check_base64(body) {
        let help =
            "a sealed value is one unbroken text of letters, digits, `-` and `_`; copy all of it again";
        document.error(
            Code::MalformedSeal,
            value,
            format!("not a sealed value: {fault}"),
            Some(help.to_owned()),
        );
        return None;
    }
    if body.len() == text.len() {
        let message = "this value was sealed for another platform; HOPS has no key that opens it".to_owned();
        let help = format!("seal the clear text again once a release can open sealed values; {UNTIL_THEN}");
        document.warning(Code::SealedElsewhere, key, message, Some(help));
    } else {
        let message =
            "this release cannot open sealed values yet; a deploy that needs it is refused".to_owned();
        document.warning(Code::NotSupportedYet, key, message, Some(UNTIL_THEN.to_owned()));
    }
    Some(text)
}

/// URL-safe base64 without padding (RFC 4648 section 5).
fn check_base64(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if let Some(character) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || *c == '-' || *c == '_')) {
        return Err(format!("it contains {character:?}"));
    }
    if text.len() % 4 == 1 {
        return Err(format!("{} characters cannot be whole; it was cut or something was added", text.len()));
    }
    Ok(())
}
