//! `hops server`, as far as it gets without a cluster.

use expect_test::expect;

use crate::run::Place;

#[test]
fn the_configuration_that_is_printed_can_be_used() {
    let place = Place::new();
    let output = place.hops(&["server", "--print-config"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("#listen = \"127.0.0.1:7070\""), "{text}");
    let place = place.with("hops.toml", &text).with("iterapp.toml", "").with("Dockerfile", "FROM busybox\n");
    let output = place.hops(&["render", "--quiet", "--config", "hops.toml"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_configuration_with_mistakes_starts_nothing() {
    let place = Place::new().with("hops.toml", "listen = \"everywhere\"\nstate = \"x\"\n");
    place.check(
        &["server", "--config", "hops.toml"],
        &expect![[r"
            exit 1
            --- stderr
            error: the configuration cannot be used
              hops.toml:1:10: invalid socket address syntax
              hops.toml:2:1: there is no key `state`; did you mean `state_directory`?

            hint: `hops up --print-config` prints every key with its meaning
        "]],
    );
    let place = place.with("hops.toml", "[log]\nfilter = \"loud=very\"\n");
    place.check(&["server", "--config", "hops.toml"], &expect![[r#"
        exit 1
        --- stderr
        error: `loud=very` is not a filter of log lines
          caused by: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5

        hint: write for example `filter = "info,hops_build=debug"` in `[log]`
    "#]]);
}

#[test]
fn without_a_cluster_to_talk_to_it_says_how_to_name_one() {
    let place = Place::new();
    place.check(&["server", "--listen", "127.0.0.1:0", "--state", "state"], &expect![[r#"
        exit 1
        --- stderr
        error: no usable kubeconfig or service account was found
          caused by: failed to infer config: in-cluster: (failed to read an incluster environment variable: environment variable not found), kubeconfig: (failed to read kubeconfig from '"[PLACE]/home/.kube/config"': No such file or directory (os error 2))

        hint: name a kubeconfig by `kubeconfig` in `[cluster]`, or by the variable KUBECONFIG
    "#]]);
}

#[test]
fn an_address_that_is_taken_leaves_the_state_alone() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = place.hops(&["server", "--listen", &address, "--state", "state"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains(&format!("error: cannot listen on {address}")), "{words}");
    assert!(!place.app().join("state").exists());
}
