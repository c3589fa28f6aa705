//! The client's errors, as the engine's.

use hops_engine::EngineError;
use kube::{Client, Error, core::Status};

/// The engine's name for people.
pub(crate) const ENGINE: &str = "kubernetes";

/// The cluster, and the name under which HOPS owns fields. Every part that talks to the cluster holds one.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) client: Client,
    /// Where the API server is, for messages.
    pub(crate) address: String,
}

impl Cluster {
    /// Turns a client's error into the engine's; `action` completes "could not …".
    pub(crate) fn error(&self, action: impl Into<String>, error: Error) -> EngineError {
        let action = action.into();
        match error {
            Error::Api(status) if is_missing_right(&status) => {
                EngineError::Forbidden { engine: ENGINE, action, source: words(&status) }
            }
            // 429 and 5xx: the API server is there but cannot serve now, such as while etcd elects.
            Error::Api(status) if status.code == 429 || status.code >= 500 => EngineError::Unreachable {
                engine: ENGINE,
                address: self.address.clone(),
                source: words(&status),
            },
            Error::Api(status) => EngineError::Failed { engine: ENGINE, action, source: words(&status) },
            Error::HyperError(_) | Error::Service(_) | Error::ReadEvents(_) | Error::UpgradeConnection(_) => {
                EngineError::Unreachable {
                    engine: ENGINE,
                    address: self.address.clone(),
                    source: Box::new(error),
                }
            }
            error => EngineError::Failed { engine: ENGINE, action, source: Box::new(error) },
        }
    }
}

/// The API server's own words: its `Status` displays as a structure.
fn words(status: &Status) -> Box<dyn std::error::Error + Send + Sync> {
    status.message.clone().into()
}

/// Whether HOPS' account lacks a right. Admission and quota refuse with the same code and reason, but do so on the
/// object's account; only the authorizer names a user.
pub(crate) fn is_missing_right(status: &Status) -> bool {
    status.code == 401
        || (status.code == 403 && status.message.contains("User \"") && status.message.contains(" cannot "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cluster_that_is_away_is_unreachable_by_its_address() {
        let address = "http://127.0.0.1:1/";
        let config = kube::Config::new(address.parse().unwrap());
        let client = Client::try_from(config).unwrap();
        let cluster = Cluster { client, address: address.to_owned() };
        let target = hops_model::Target::new(
            hops_model::AppName::parse("shop").unwrap(),
            hops_model::Environment::Prod,
        );
        let error =
            crate::observe::observe(&cluster, &crate::Settings::default(), &target).await.unwrap_err();
        assert!(error.is_transient());
        assert_eq!(error.to_string(), "cannot reach kubernetes at http://127.0.0.1:1/");
    }

    #[test]
    fn a_missing_right_is_told_from_a_refusal() {
        let status = |code, message: &str| Status { code, ..Status::failure(message, "Forbidden") };
        assert!(is_missing_right(&status(
            403,
            r#"deployments.apps "web" is forbidden: User "hops" cannot patch resource "deployments""#
        )));
        assert!(!is_missing_right(&status(
            403,
            r#"pods "web-1" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2"#
        )));
    }
}
