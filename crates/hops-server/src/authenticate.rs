//! Lets in who shows the token.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hops_model::{Cause, CauseCode};

use crate::{AccessToken, failure::Failure};

/// Passes on requests with the token, as `Bearer` or, for Git, as the password of `Basic`.
pub(crate) async fn authenticate(
    State(access): State<AccessToken>,
    request: Request,
    next: Next,
) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let message = match shown.map(token_of) {
        Some(Some(token)) if access.accepts(&token) => return next.run(request).await,
        Some(_) => "the token is not the server's",
        None => "a token is needed",
    };
    // Git asks for a password, or its helper, only when it is told `Basic`.
    let is_git = request.uri().path().starts_with("/git/");
    let challenge = if is_git { r#"Basic realm="hops""# } else { r#"Bearer realm="hops""# };
    let cause = Cause::new(
        CauseCode::Refused,
        message,
        "send `Authorization: Bearer TOKEN`, with the token that the server wrote to the file `token` in its state \
         directory at its first start",
    );
    let mut response = Failure::new(StatusCode::UNAUTHORIZED, cause).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

/// The token in the value of an `Authorization` header (RFC 6750 section 2.1, RFC 7617 section 2).
fn token_of(value: &[u8]) -> Option<String> {
    let (scheme, rest) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        return decoded.split_once(':').map(|(_, password)| password.to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_read_from_bearer_and_basic() {
        let token = |text: &str| token_of(text.as_bytes());
        assert_eq!(token("Bearer abc"), Some("abc".into()));
        assert_eq!(token("bearer  abc "), Some("abc".into()));
        assert_eq!(token(&format!("Basic {}", STANDARD.encode("hops:a:b"))), Some("a:b".into()));
        for other in ["", "abc", "Bearer", "Digest abc", "Basic !!", "Basic YWJj", "Basic /w=="] {
            assert_eq!(token(other), None, "{other}");
        }
        assert_eq!(token_of(b"Bearer \xff"), None);
    }
}
