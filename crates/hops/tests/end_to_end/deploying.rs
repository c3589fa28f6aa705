//! A commit becomes a running app.

use crate::{
    app::{App, DOCKERFILE},
    engine::{Engine, kubectl, said},
    platform::Platform,
};

everywhere!(
    a_commit_becomes_a_running_app_and_a_changed_line_its_next_version,
    an_unchanged_commit_replaces_no_container,
    applings_call_each_other_by_the_addresses_they_are_given,
    what_is_not_committed_is_deployed_only_when_asked_for,
);

pub(crate) async fn a_commit_becomes_a_running_app_and_a_changed_line_its_next_version(engine: Engine) {
    let platform = Platform::start(engine);
    let app = App::new("commit");
    let said = platform.succeed(&app, &["deploy"]);
    assert!(said.words.contains("Release 1"), "{}", said.words);
    assert!(said.out.contains(&format!("live at http://{}.test.localhost", app.name())), "{}", said.out);
    app.page_holds(&platform, "", "/", "one").await;

    app.write("page", "two\n");
    let commit = app.commit("Change a line");
    let outcome = platform.succeed(&app, &["deploy", "--format", "json"]).outcome();
    assert_eq!(outcome["release"], 2);
    assert_eq!(outcome["applings"][0]["result"], "live");
    app.page_holds(&platform, "", "/", "two").await;
    app.page_holds(&platform, "", "/commit", &commit).await;

    let apps = platform.succeed(&app, &["apps"]).out;
    assert!(apps.contains(app.name()), "{apps}");
    let status = platform.succeed(&app, &["status", "--format", "json"]).document();
    assert_eq!(status["applings"][0]["ready"], 2, "{status}");
    let releases = platform.succeed(&app, &["releases"]).out;
    assert!(releases.contains("Change a line") && releases.contains("Begin"), "{releases}");
    let logs = platform.succeed(&app, &["logs"]).out;
    // Two of the new version, and those of the former one that are still stopping.
    assert!(logs.matches("serving").count() >= 2, "{logs}");
    app.end(&platform);
}

async fn an_unchanged_commit_replaces_no_container(engine: Engine) {
    let platform = Platform::start(engine);
    let app = App::new("same");
    platform.succeed(&app, &["deploy"]);
    let before = platform.site.instances(app.name());
    assert_eq!(before.lines().count(), 2, "{before}");
    let outcome = platform.succeed(&app, &["deploy", "--format", "json"]).outcome();
    assert_eq!(outcome["release"], 2);
    assert_eq!(outcome["applings"][0]["result"], "unchanged");
    assert_eq!(platform.site.instances(app.name()), before);
    let plan = platform.succeed(&app, &["plan"]).out;
    assert!(plan.contains("Nothing to do") || plan.contains("No container is replaced"), "{plan}");
    app.end(&platform);
}

async fn applings_call_each_other_by_the_addresses_they_are_given(engine: Engine) {
    let platform = Platform::start(engine);
    let app = App::empty("two");
    app.write("iterapp.toml", &format!("name = \"{}\"\napplings = [\"web\", \"api\"]\n", app.name()));
    app.write("page", "from the sibling\n");
    app.write("api/Dockerfile", DOCKERFILE);
    app.write("api/iterapp.toml", "port = 9000\n[ingress]\ndisable = true\n");
    // Fetches a page of its sibling by both names, and serves what it got.
    let web = "FROM busybox\n\
        WORKDIR /www\n\
        CMD [\"sh\", \"-c\", \"until wget -q -O index.html $HOPS_URL_API/ && wget -q -O alias.html http://api:9000/; do sleep 1; done; \
        echo ok > health; exec httpd -f -p $PORT\"]\n";
    app.write("web/Dockerfile", web);
    app.write("web/iterapp.toml", "");
    app.commit("Begin");
    let outcome = platform.succeed(&app, &["deploy", "--format", "json"]).outcome();
    assert_eq!(outcome["applings"][0]["name"], "api");
    assert_eq!(outcome["applings"][0]["url"], serde_json::Value::Null, "a private appling has no URL");
    app.page_holds(&platform, "web.", "/", "from the sibling").await;
    app.page_holds(&platform, "web.", "/alias.html", "from the sibling").await;
    app.end(&platform);
}

async fn what_is_not_committed_is_deployed_only_when_asked_for(engine: Engine) {
    let platform = Platform::start(engine);
    let app = App::new("dirty");
    app.write("page", "not committed\n");
    platform.succeed(&app, &["deploy"]);
    app.page_holds(&platform, "", "/", "one").await;
    platform.succeed(&app, &["deploy", "--dirty"]);
    app.page_holds(&platform, "", "/", "not committed").await;
    assert_eq!(
        app.git(&["status", "--porcelain"]),
        "M page",
        "the work tree and the index stay as they were"
    );
    app.end(&platform);
}

#[tokio::test]
async fn a_plan_shows_a_hand_made_change_and_a_deploy_reverts_it() {
    let platform = Platform::start(Engine::Kubernetes);
    let app = App::new("drift");
    platform.succeed(&app, &["deploy"]);
    let namespace = format!("--namespace=apps-{}-test", app.name());
    said(kubectl().args([&namespace, "scale", "deployment", app.name(), "--replicas=3"]));
    let plan = platform.succeed(&app, &["plan"]).out;
    assert!(plan.contains("spec.replicas: 3 → 2"), "{plan}");
    platform.succeed(&app, &["deploy"]);
    let replicas = "--output=jsonpath={.spec.replicas}";
    let replicas = said(kubectl().args([&namespace, "get", "deployment", app.name(), replicas]));
    assert_eq!(replicas, "2");
    app.end(&platform);
}
