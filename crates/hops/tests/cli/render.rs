//! `hops render`

use std::process::Command;

use expect_test::expect;

use crate::run::Place;

fn web() -> Place {
    Place::new().with("iterapp.toml", "port = 8080\nreplicas = 1\n").with("Dockerfile", "FROM busybox\n")
}

#[test]
fn the_objects_of_an_app_in_an_environment() {
    let output = web().hops(&["render", "-e", "prod"]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let yaml = String::from_utf8(output.stdout).unwrap();
    // What is in the objects is `hops-kubernetes`' to prove.
    let heads =
        yaml.lines().filter(|line| ["---", "kind:", "  name:"].iter().any(|head| line.starts_with(head)));
    expect![[r"
        ---
        kind: Namespace
          name: apps-shop-prod
        ---
        kind: NetworkPolicy
          name: within-the-app
        ---
        kind: NetworkPolicy
          name: shop-from-the-ingress
        ---
        kind: Service
          name: shop
        ---
        kind: Deployment
          name: shop
        ---
        kind: Ingress
          name: shop"]]
    .assert_eq(&heads.collect::<Vec<_>>().join("\n"));
    assert!(yaml.contains("host: shop.prod.localhost"), "{yaml}");
}

#[test]
fn hosts_registry_and_cluster_come_from_the_servers_file() {
    let web = web().with(
        "server.toml",
        "[hosts.environments]\nprod = \"{name}.example.com\"\n\n[build]\nregistry = \"r.example.com/apps\"\n",
    );
    let output = web.hops(&["render", "-e", "prod", "--config", "server.toml"]).output().unwrap();
    let yaml = String::from_utf8(output.stdout).unwrap();
    assert!(yaml.contains("host: shop.example.com"), "{yaml}");
    assert!(yaml.contains("image: r.example.com/apps/shop/shop:0000"), "{yaml}");
}

#[test]
fn in_a_repository_the_image_carries_the_commit() {
    let web = web();
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=A", "-c", "user.email=a@example.com"]).args(arguments);
        let output = git.current_dir(web.app()).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "First"]);
    let commit = git(&["rev-parse", "HEAD"]);
    let output = web.hops(&["render", "--format", "json"]).output().unwrap();
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list["kind"], "List");
    assert!(list.to_string().contains(&format!("127.0.0.1:5000/shop/shop:{commit}")), "{list}");
}

#[test]
fn mistakes_in_the_app_or_in_the_servers_file_print_no_objects() {
    let web = web().with("server.toml", "[kuberntes]\ningres_class = \"x\"\n[build]\nregistry = 5\n");
    web.check(
        &["render", "--config", "server.toml"],
        &expect![[r"
            exit 1
            --- stderr
            error: the configuration cannot be used
              server.toml:1:2: there is no key `kuberntes`; did you mean `kubernetes`?
              server.toml:4:12: invalid type: integer `5`, expected a string

            hint: `hops up --print-config` prints every key with its meaning
        "]],
    );
    web.check(
        &["render", "--config", "absent.toml"],
        &expect![[r"
        exit 1
        --- stderr
        error: cannot read the configuration in `absent.toml`
          caused by: No such file or directory (os error 2)
    "]],
    );
    let web = web.with("iterapp.toml", "prot = 8080\n");
    web.check(
        &["render"],
        &expect![[r"
        exit 1
        --- stderr
        error[unknown-key]: unknown key `prot`
         --> iterapp.toml:1:1
          |
        1 | prot = 8080
          | ^^^^
          |
          = help: did you mean `port`?

        error: the app's files have 1 error
    "]],
    );
}

#[test]
fn what_a_deploy_would_refuse_is_said() {
    let web = web().with("iterapp.toml", "[postgres]\n");
    let output = web.hops(&["render"]).output().unwrap();
    assert!(output.status.success());
    expect![[r"
        warning[not-supported-yet]: `[postgres]` is not supported by this release yet
         --> iterapp.toml:1:2
          |
        1 | [postgres]
          |  ^^^^^^^^
          |
          = help: a deploy that needs it is refused; take it out to deploy without it

        warning: a deploy of `shop` to `test` would be refused: `[postgres]` is not supported by this release yet
    "]]
    .assert_eq(&String::from_utf8(output.stderr).unwrap());
}
