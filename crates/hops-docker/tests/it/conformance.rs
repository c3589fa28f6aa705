//! The behaviours that every engine has to show, on both.

mod debian {
    hops_testkit::conformance!(crate::world::Machine::on(hops_testkit::DockerEngine::old()?));
}

mod current {
    hops_testkit::conformance!(crate::world::Machine::on(hops_testkit::DockerEngine::new()?));
}
