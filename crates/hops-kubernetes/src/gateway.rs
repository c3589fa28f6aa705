//! What HOPS has to know of the Gateway API, which is installed on a cluster apart from Kubernetes.

use hops_engine::EngineError;
use kube::{Error, api::ApiResource};

use crate::{
    Settings,
    error::{Cluster, ENGINE, is_missing_right},
};

/// The group and version of what HOPS uses.
pub(crate) const API_VERSION: &str = "gateway.networking.k8s.io/v1";

/// Where `HTTPRoute`s are.
pub(crate) fn resource() -> ApiResource {
    ApiResource {
        group: "gateway.networking.k8s.io".to_owned(),
        version: "v1".to_owned(),
        api_version: API_VERSION.to_owned(),
        kind: "HTTPRoute".to_owned(),
        plural: "httproutes".to_owned(),
    }
}

/// What it means that `HTTPRoute`s cannot be reached: nothing where they are not asked for, as a cluster without the
/// Gateway API has none, and an account without the right has made none.
pub(crate) fn excuse(
    cluster: &Cluster,
    settings: &Settings,
    action: String,
    error: Error,
) -> Result<(), EngineError> {
    let (is_unknown, is_forbidden) = match &error {
        Error::Api(status) => (status.code == 404, status.code == 403 && is_missing_right(status)),
        _ => (false, false),
    };
    match settings.gateway {
        None if is_unknown || is_forbidden => Ok(()),
        Some(_) if is_unknown => Err(EngineError::Lacking {
            engine: ENGINE,
            what: "HTTPRoutes, which `kubernetes.gateway` in the server's configuration asks for".to_owned(),
            help: "install the CRDs of the Gateway API, or take `gateway` out of the configuration",
        }),
        _ => Err(cluster.error(action, error)),
    }
}

#[cfg(test)]
mod tests {
    use kube::{Client, Config, core::Status};

    use super::*;
    use crate::Gateway;

    /// What listing `HTTPRoute`s means that ends in `code`.
    fn check(code: u16, message: &str, is_wanted: bool, expected: Result<(), &str>) {
        let address = "http://127.0.0.1:1/".to_owned();
        let client = Client::try_from(Config::new(address.parse().unwrap())).unwrap();
        let gateway = Gateway { name: "public".into(), namespace: "gateways".into(), section: None };
        let settings = Settings { gateway: is_wanted.then_some(gateway), ..Settings::default() };
        let error = Error::Api(Box::new(Status { code, ..Status::failure(message, "") }));
        let said = excuse(&Cluster { client, address }, &settings, "read the HTTPRoutes".into(), error);
        assert_eq!(said.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
    }

    #[tokio::test]
    async fn what_a_cluster_lacks_matters_only_to_who_asks_for_it() {
        let forbidden = r#"httproutes is forbidden: User "hops" cannot list resource "httproutes""#;
        let lacking =
            "kubernetes lacks HTTPRoutes, which `kubernetes.gateway` in the server's configuration asks for";
        check(404, "404 page not found", false, Ok(()));
        check(404, "404 page not found", true, Err(lacking));
        check(403, forbidden, false, Ok(()));
        check(403, forbidden, true, Err("kubernetes does not allow HOPS to read the HTTPRoutes"));
        check(400, "bad", false, Err("kubernetes could not read the HTTPRoutes"));
        check(503, "away", false, Err("cannot reach kubernetes at http://127.0.0.1:1/"));
    }
}
