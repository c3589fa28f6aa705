//! What the builders inside Docker engines up to 20.10 say of failures: words alone, and in them not always which image
//! is meant.

/// The complaint of the program that reads the Dockerfile.
pub(super) fn complaint(message: &str) -> Option<&str> {
    let (_, mut rest) = message.split_once("failed to solve with frontend ")?;
    // One frontend may have called another.
    loop {
        rest = rest.split_once(".v0: ")?.1;
        match rest.strip_prefix("failed to solve with frontend ") {
            Some(inner) => rest = inner,
            None => return Some(rest.strip_prefix("failed to create LLB definition: ").unwrap_or(rest)),
        }
    }
}

/// Which image could not be had, and why. Of the image's name all that is said: it may be a host only, or nothing.
pub(super) fn pull_refused(message: &str) -> Option<(String, &str)> {
    let complaint = complaint(message)?;
    // `failed to do request: Head "http://HOST/v2/NAME/manifests/TAG": REASON`
    if let Some(rest) = complaint.strip_prefix("failed to do request: ") {
        let (request, reason) = rest.split_once("\": ")?;
        let (host, path) = request.split_once("://")?.1.split_once("/v2/")?;
        let (name, tag) = path.split_once("/manifests/")?;
        let separator = if tag.contains(':') { '@' } else { ':' };
        return Some((format!("{}/{name}{separator}{tag}", host.replace("registry-1.", "")), reason));
    }
    // `pulling from host HOST failed with status code [manifests TAG]: 401 Unauthorized`
    if let Some(rest) = complaint.strip_prefix("pulling from host ") {
        let (host, reason) = rest.split_once(" failed with ")?;
        return Some((host.replace("registry-1.", ""), reason));
    }
    if ["pull access denied", "failed to authorize"].iter().any(|start| complaint.starts_with(start)) {
        return Some((String::new(), complaint));
    }
    // `NAME: REASON`
    let (image, reason) = complaint.split_once(": ")?;
    let is_name = image.contains('/') && !image.contains(char::is_whitespace);
    is_name.then(|| (image.to_owned(), reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(complaint: &str, expected: Option<(&str, &str)>) {
        for prefix in ["failed to create LLB definition: ", "failed to solve with frontend gateway.v0: "] {
            let message = format!("failed to solve with frontend dockerfile.v0: {prefix}{complaint}");
            let refused = pull_refused(&message);
            assert_eq!(refused.as_ref().map(|(image, reason)| (image.as_str(), *reason)), expected);
        }
    }

    #[test]
    fn what_is_said_of_an_image_is_found() {
        check("docker.io/library/nodee:18: not found", Some(("docker.io/library/nodee:18", "not found")));
        check(
            r#"failed to do request: Head "https://registry-1.docker.io/v2/library/node/manifests/18": dial tcp: x"#,
            Some(("docker.io/library/node:18", "dial tcp: x")),
        );
        check(
            "pulling from host r:5000 failed with status code [manifests 1]: 401 Unauthorized",
            Some(("r:5000", "status code [manifests 1]: 401 Unauthorized")),
        );
        check("pull access denied, or: x", Some(("", "pull access denied, or: x")));
        check("dockerfile parse error line 3: unknown instruction: RUM", None);
        check("target stage nope could not be found", None);
    }
}
