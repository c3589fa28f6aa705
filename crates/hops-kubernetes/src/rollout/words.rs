//! What the words of Kubernetes and of the container runtime mean. They are no contract, so every unknown one is read
//! as "not certain yet".

/// Whether pulling an image again can only fail again: it is not there, or may not be read.
pub(super) fn is_final_pull_error(reason: &str, message: &str) -> bool {
    if matches!(reason, "InvalidImageName" | "ErrImageNeverPull") {
        return true;
    }
    let message = message.to_ascii_lowercase();
    [
        "not found",
        "manifest unknown",
        "unauthorized",
        "authorization failed",
        "access denied",
        "access forbidden",
        "insufficient_scope",
        "403 forbidden",
        "no match for platform",
        "invalid reference format",
    ]
    .iter()
    .any(|words| message.contains(words))
}

/// Whether a container's failed start can only fail again.
pub(super) fn is_final_start_error(message: &str) -> bool {
    [
        "no such file or directory",
        "executable file not found",
        "permission denied",
        "exec format error",
        "not a directory",
    ]
    .iter()
    .any(|words| message.to_ascii_lowercase().contains(words))
}

/// Whether the API server refused pods by a rule. A namespace's service account appears a moment after the
/// namespace; its absence is refused in the same form.
pub(super) fn is_refusal(message: &str) -> bool {
    let rule = ["is forbidden", "exceeded quota", "denied the request", "is invalid"];
    rule.iter().any(|words| message.contains(words)) && !message.contains("error looking up service account")
}

/// Whether a Secret, or a key in one, is not there.
pub(super) fn is_missing_secret(message: &str) -> bool {
    (message.contains("secret \"") && message.contains("not found"))
        || (message.contains("couldn't find key") && message.contains("in Secret"))
}

/// What the container runtime says, without the layers that it came through.
pub(super) fn innermost(message: &str) -> &str {
    let inner = message.rsplit_once("failed to create shim task: ").map_or(message, |(_, inner)| inner);
    let inner = inner.rsplit_once("runc create failed: ").map_or(inner, |(_, inner)| inner);
    let inner = inner
        .strip_prefix("rpc error: code = ")
        .and_then(|rest| rest.split_once("desc = "))
        .map_or(inner, |(_, text)| text);
    inner.strip_suffix(": unknown").unwrap_or(inner)
}

/// What a probe got for an answer, from the kubelet's event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProbeAnswer {
    /// Nothing listens on the port.
    Refused,
    /// No answer in time.
    Late,
    /// A status outside 200 to 399.
    Status(u16),
    /// Anything else, such as an answer that is not HTTP.
    Other(String),
}

impl ProbeAnswer {
    /// Whether a path is unknown, forbidden or asked for wrongly. Who answers so has started, and what it does not know
    /// now, it hardly learns.
    pub(super) fn is_client_error(&self) -> bool {
        // Too slow, too early, too many: these pass.
        matches!(self, Self::Status(status) if (400..500).contains(status) && ![408, 425, 429].contains(status))
    }
}

/// Reads the kubelet's event.
pub(super) fn probe_answer(message: &str) -> ProbeAnswer {
    if let Some((_, status)) = message.rsplit_once("statuscode: ")
        && let Ok(status) = status.trim().parse()
    {
        return ProbeAnswer::Status(status);
    }
    if message.contains("connection refused") {
        return ProbeAnswer::Refused;
    }
    if ["context deadline exceeded", "Client.Timeout", "i/o timeout"]
        .iter()
        .any(|words| message.contains(words))
    {
        return ProbeAnswer::Late;
    }
    ProbeAnswer::Other(message.split_once("probe failed: ").map_or(message, |(_, text)| text).to_owned())
}

/// What is missing, from the scheduler's words: `0/3 nodes are available: 3 Insufficient memory. preemption: …`. What
/// follows the first sentence is what else it thought of.
pub(super) fn missing_room(message: &str) -> &str {
    let message = message.split_once(". ").map_or(message, |(front, _)| front);
    message.split_once("nodes are available: ").map_or(message, |(_, rest)| rest).trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probes_answer_is_read_from_the_kubelets_words() {
        let check = |message: &str, expected: ProbeAnswer| assert_eq!(probe_answer(message), expected);
        check("Readiness probe failed: HTTP probe failed with statuscode: 404", ProbeAnswer::Status(404));
        check(
            "Startup probe failed: Get \"http://10.244.0.9:3030/health\": dial tcp 10.244.0.9:3030: connect: connection refused",
            ProbeAnswer::Refused,
        );
        check(
            "Readiness probe failed: Get \"http://10.244.0.9:3030/health\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
            ProbeAnswer::Late,
        );
        check(
            "Startup probe failed: Get \"http://10.244.0.9:3030/health\": EOF",
            ProbeAnswer::Other("Get \"http://10.244.0.9:3030/health\": EOF".into()),
        );
    }

    #[test]
    fn what_can_only_fail_again_is_told_from_what_may_pass() {
        let check = |message: &str, expected: bool| {
            assert_eq!(is_final_pull_error("ErrImagePull", message), expected, "{message}");
        };
        check(
            "rpc error: code = NotFound desc = failed to pull and unpack image \"r/x:1\": failed to resolve reference \"r/x:1\": r/x:1: not found",
            true,
        );
        check("failed to authorize: failed to fetch anonymous token: 403 Forbidden", true);
        check("pull access denied, repository does not exist or may require authorization", true);
        check(
            "failed to do request: Head \"http://r/v2/x\": dial tcp 10.0.0.1:5000: connect: connection refused",
            false,
        );
        check("failed to do request: Head \"http://r/v2/x\": net/http: TLS handshake timeout", false);
    }

    #[test]
    fn a_service_account_on_its_way_is_no_refusal() {
        assert!(!is_refusal(
            "pods \"web-1\" is forbidden: error looking up service account apps-x-prod/default: serviceaccount \"default\" not found"
        ));
        assert!(is_refusal(
            "pods \"web-1\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0"
        ));
    }

    #[test]
    fn the_scheduler_names_what_is_missing() {
        assert_eq!(
            missing_room(
                "0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
            ),
            "1 Insufficient memory"
        );
        assert_eq!(
            missing_room(
                "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. no new claims to deallocate, preemption: none."
            ),
            "1 Insufficient cpu, 1 Insufficient memory"
        );
    }

    #[test]
    fn missing_secrets_are_told_by_name_or_key() {
        assert!(is_missing_secret("secret \"firebase\" not found"));
        assert!(is_missing_secret("couldn't find key private_key in Secret apps-x-prod/firebase"));
        assert!(is_missing_secret(
            "MountVolume.SetUp failed for volume \"secret-0\" : secret \"files\" not found"
        ));
        assert!(!is_missing_secret("container has runAsNonRoot and image will run as root"));
    }
}
