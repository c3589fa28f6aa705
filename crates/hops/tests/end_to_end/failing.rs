//! What is wrong is said with its cause, and what runs stays.

use crate::{app::App, engine::Engine, platform::Platform};

everywhere!(
    a_mistake_in_a_file_stops_the_deploy_before_anything_is_sent,
    a_failing_build_step_is_shown_and_what_runs_stays,
    an_appling_on_another_port_fails_with_that_port_and_the_old_version_goes_on,
    a_process_that_exits_is_shown_with_its_code_and_last_words,
    a_key_that_cannot_be_put_into_effect_yet_is_refused_by_name,
    a_wrong_token_and_a_server_that_is_away_are_told_apart,
);

async fn a_mistake_in_a_file_stops_the_deploy_before_anything_is_sent(engine: Engine) {
    let platform = Platform::start(engine);
    let app = App::new("mistake");
    app.write("iterapp.toml", &format!("name = \"{}\"\nprot = 80\n", app.name()));
    app.commit("Mistype");
    let said = platform.run(&app, &["deploy"]);
    assert_eq!(said.code, Some(1));
    assert!(said.words.contains("iterapp.toml:2:1") && said.words.contains("port"), "{}", said.words);
    assert!(!platform.succeed(&app, &["apps"]).out.contains(app.name()));
}

async fn a_failing_build_step_is_shown_and_what_runs_stays(engine: Engine) {
    let platform = Platform::start(engine);
    let app = App::new("build");
    platform.succeed(&app, &["deploy"]);
    let before = platform.site.instances(app.name());
    let dockerfile = "FROM busybox\nRUN echo the tests failed >&2 && exit 3\n";
    app.write("Dockerfile", dockerfile);
    app.commit("Break the build");
    let said = platform.run(&app, &["deploy", "--format", "json"]);
    assert_eq!(said.code, Some(1));
    let cause = &said.outcome()["applings"][0]["cause"];
    assert_eq!(cause["code"], "build-failed");
    let proof = cause["proof"].as_str().unwrap();
    assert!(proof.contains("the tests failed") && proof.contains("exit 3"), "{proof}");
    assert_eq!(platform.site.instances(app.name()), before);
    app.end(&platform);
}

async fn an_appling_on_another_port_fails_with_that_port_and_the_old_version_goes_on(engine: Engine) {
    let platform = Platform::start(engine);
    let app = App::new("port");
    platform.succeed(&app, &["deploy"]);
    let dockerfile = "FROM busybox\nCMD [\"httpd\", \"-f\", \"-p\", \"8000\"]\n";
    app.write("Dockerfile", dockerfile);
    app.commit("Listen elsewhere");
    let said = platform.run(&app, &["deploy", "--format", "json"]);
    assert_eq!(said.code, Some(1));
    let outcome = said.outcome();
    let appling = &outcome["applings"][0];
    assert_eq!(appling["cause"]["code"], "nothing-listens", "{appling}");
    assert!(appling["cause"].to_string().contains("8000"), "{appling}");
    assert_eq!(appling["restored"], 1);
    app.page_holds(&platform, "", "/", "one").await;
    app.end(&platform);
}

async fn a_process_that_exits_is_shown_with_its_code_and_last_words(engine: Engine) {
    let platform = Platform::start(engine);
    let app = App::new("exit");
    app.write("Dockerfile", "FROM busybox\nCMD [\"sh\", \"-c\", \"echo no database; exit 7\"]\n");
    app.commit("Exit");
    let said = platform.run(&app, &["deploy"]);
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains('7') && said.out.contains("no database"), "{}", said.out);
    let previous = platform.succeed(&app, &["logs", "--previous"]).out;
    assert!(previous.contains("no database"), "{previous}");
    app.end(&platform);
}

async fn a_key_that_cannot_be_put_into_effect_yet_is_refused_by_name(engine: Engine) {
    let platform = Platform::start(engine);
    let app = App::new("notyet");
    app.write("iterapp.toml", &format!("name = \"{}\"\n[postgres]\n", app.name()));
    app.commit("Ask for a database");
    let said = platform.run(&app, &["deploy"]);
    assert_eq!(said.code, Some(1));
    assert!(said.words.contains("postgres"), "{}", said.words);
}

async fn a_wrong_token_and_a_server_that_is_away_are_told_apart(engine: Engine) {
    let mut platform = Platform::start(engine);
    let app = App::new("token");
    let mut command = platform.hops(&app, &["apps"]);
    command.env_remove("HOPS_TOKEN_FILE").env("HOPS_TOKEN", "wrong");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    platform.kill();
    assert_eq!(platform.run(&app, &["apps"]).code, Some(2));
}
