//! Names of networks and containers on the daemon.

use hops_model::{DesiredAppling, Target};
use sha2::{Digest, Sha256};

use crate::{Settings, labels::Role};

/// The network of an app in an environment.
///
/// Not [`Target::namespace`]: Docker keeps apart what DNS cannot, `a_b` and `a-b`.
pub(crate) fn network(platform: &str, target: &Target) -> String {
    format!("{}apps-{}-{}", prefix(platform), target.app, target.environment)
}

/// An instance of an appling, also the name of its own container (design.md 6).
pub(crate) fn instance(platform: &str, target: &Target, appling: &DesiredAppling, replica: u16) -> String {
    let (app, environment) = (&target.app, &target.environment);
    format!("{}{app}-{}-{environment}-{}-{replica}", prefix(platform), appling.name, appling.release)
}

/// The same where another appling has taken that name: `a-b` of app `c` and `b` of app `c-a` are both `c-a-b`.
pub(crate) fn told_apart(instance: &str, target: &Target, appling: &DesiredAppling) -> String {
    let hash = Sha256::digest(format!("{}/{}", target.app, appling.name));
    format!("{instance}-{:02x}{:02x}", hash[0], hash[1])
}

/// A container of an instance.
pub(crate) fn container(instance: &str, role: &Role) -> String {
    match role {
        Role::App => instance.to_owned(),
        Role::Sidecar(name) => format!("{instance}-{name}"),
    }
}

/// The only platform of most machines is not spoken of.
fn prefix(platform: &str) -> String {
    if platform == Settings::PLATFORM { String::new() } else { format!("{platform}-") }
}
