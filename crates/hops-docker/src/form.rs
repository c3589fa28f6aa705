//! Which changes of an appling need new containers. Pure.

use hops_model::{DesiredAppling, ReleaseNumber};

/// What containers are made of: an appling without the fields that can change while they run.
///
/// The paths of probes belong to it. A new one is only trusted once containers have answered it, and until then those
/// that answer the old one go on serving.
fn container_form(appling: &DesiredAppling) -> DesiredAppling {
    DesiredAppling { release: ReleaseNumber(0), replicas: 0, routes: Vec::new(), ..appling.clone() }
}

/// Whether containers of one are containers of the other.
pub(crate) fn share_containers(one: &DesiredAppling, other: &DesiredAppling) -> bool {
    container_form(one) == container_form(other)
}

#[cfg(test)]
pub(crate) mod tests {

    use hops_model::{HostName, HttpPath, ImageRef, VariableName, desired::DesiredValue};

    use super::*;

    /// An appling with a route, as tests change it.
    pub(crate) fn appling(name: &str, release: u32) -> DesiredAppling {
        let host = HostName::parse(&format!("{name}.example.com")).unwrap();
        let image = ImageRef::parse("registry.example/shop/web:1").unwrap();
        DesiredAppling { replicas: 2, routes: vec![host], ..hops_testkit::appling(name, release, image) }
    }

    /// The same with a variable set.
    pub(crate) fn with(appling: &DesiredAppling, name: &str, value: &str) -> DesiredAppling {
        let mut appling = appling.clone();
        appling.variables.insert(VariableName::parse(name).unwrap(), DesiredValue::Literal(value.to_owned()));
        appling
    }

    #[test]
    fn routes_replicas_and_the_release_need_no_new_containers() {
        let one = appling("web", 1);
        let mut other = DesiredAppling { replicas: 7, release: ReleaseNumber(2), ..one.clone() };
        other.routes.clear();
        assert!(share_containers(&one, &other));
        assert!(!share_containers(&one, &with(&one, "VERSION", "two")));
        other.readiness_path = HttpPath::parse("/up").unwrap();
        assert!(!share_containers(&one, &other));
    }
}
