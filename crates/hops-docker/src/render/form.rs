//! The form of an appling's containers, as a hash that they carry.

use std::{collections::BTreeMap, fmt};

use hops_model::{
    DesiredAppling, HttpPath, ImageRef, ImageUser, Port, VariableName,
    app::Resources,
    desired::{DesiredValue, SecretMount, Sidecar},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What containers are made of, hashed: the same notion of it as [`crate::form`] has, which compares two that are known.
///
/// It speaks of what is wanted, not of what HOPS makes of it, so that a newer HOPS with other ideas leaves running
/// containers alone. It leaves out the release, the number of replicas and the routes. Named secrets count by name;
/// their values are never hashed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Form(String);

/// The hashed fields. One that is added later is left out of the text where it has its default: the forms of what
/// runs stay as they are.
#[derive(Serialize)]
struct Hashed<'a> {
    image: &'a ImageRef,
    user: &'a ImageUser,
    names: Vec<&'a str>,
    port: Port,
    readiness_path: &'a HttpPath,
    liveness_path: Option<&'a HttpPath>,
    init: bool,
    variables: &'a BTreeMap<VariableName, DesiredValue>,
    secret_mounts: &'a [SecretMount],
    resources: &'a Resources,
    sidecars: &'a [Sidecar],
}

impl Form {
    /// The form that an appling is wanted in.
    pub(crate) fn of(appling: &DesiredAppling) -> Self {
        let hashed = Hashed {
            image: &appling.image,
            user: &appling.user,
            names: [&appling.service].into_iter().chain(&appling.aliases).map(String::as_str).collect(),
            port: appling.port,
            readiness_path: &appling.readiness_path,
            liveness_path: appling.liveness_path.as_ref(),
            init: appling.init,
            variables: &appling.variables,
            secret_mounts: &appling.secret_mounts,
            resources: &appling.resources,
            sidecars: &appling.sidecars,
        };
        let text = serde_json::to_vec(&hashed).expect("a form is plain data with text keys");
        Self(Sha256::digest(text)[..10].iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
    }

    /// As a label carries it.
    pub(crate) fn parse(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
