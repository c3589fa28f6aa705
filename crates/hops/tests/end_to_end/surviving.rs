//! A server that is killed in the middle loses nothing.

use std::io::{BufRead, BufReader};

use crate::{
    app::App,
    engine::Engine,
    platform::{Platform, Said},
};

everywhere!(a_deploy_goes_on_where_the_killed_server_left_it,);

/// Starts a deploy, kills the server at the first event of a kind, starts it again, and lets the client end by itself.
fn killed_at(platform: &mut Platform, app: &App, event: &str) -> Said {
    let mut client = platform.hops(app, &["deploy", "--format", "json"]).spawn().unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    let mut seen = String::new();
    let wanted = format!("\"event\":\"{event}\"");
    for line in lines.by_ref() {
        let line = line.unwrap();
        seen.push_str(&line);
        seen.push('\n');
        if line.contains(&wanted) {
            break;
        }
    }
    assert!(seen.contains(&wanted), "no {event} in\n{seen}\n{}", platform.log());
    platform.kill();
    platform.start_again();
    for line in lines {
        seen.push_str(&line.unwrap());
        seen.push('\n');
    }
    let output = client.wait_with_output().unwrap();
    let mut said = Said::of(output);
    said.out = seen;
    said
}

pub(crate) async fn a_deploy_goes_on_where_the_killed_server_left_it(engine: Engine) {
    let mut platform = Platform::start(engine);
    let app = App::new("kill");
    for (number, (event, page)) in [
        ("started", "first\n"),
        ("build-started", "second\n"),
        ("released", "third\n"),
        ("rollout", "fourth\n"),
    ]
    .into_iter()
    .enumerate()
    {
        app.write("page", page);
        app.commit(page);
        let said = killed_at(&mut platform, &app, event);
        assert_eq!(said.code, Some(0), "killed at {event}\n{}\n{}\n{}", said.out, said.words, platform.log());
        let outcome = said.outcome();
        assert_eq!(outcome["release"], number + 1, "killed at {event}: one release, not two");
        assert_eq!(said.out.matches("\"event\":\"outcome\"").count(), 1);
        app.page_holds(&platform, "", "/", page.trim()).await;
    }
    app.end(&platform);
}
