//! The behaviours that every engine has to show, on Kubernetes.

hops_testkit::conformance!(crate::world::Cluster::new());
