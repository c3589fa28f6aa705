//! A former release is put into effect again, without a build.

use crate::{app::App, engine::Engine, platform::Platform};

everywhere!(a_rollback_brings_the_former_version_back,);

async fn a_rollback_brings_the_former_version_back(engine: Engine) {
    let platform = Platform::start(engine);
    let app = App::new("back");
    platform.succeed(&app, &["deploy"]);
    app.write("page", "two\n");
    app.commit("Change a line");
    platform.succeed(&app, &["deploy"]);
    app.page_holds(&platform, "", "/", "two").await;

    let said = platform.succeed(&app, &["rollback", "--format", "json"]);
    assert!(!said.out.contains("build-started"), "{}", said.out);
    assert_eq!(said.outcome()["release"], 3);
    app.page_holds(&platform, "", "/", "one").await;

    let missing = platform.run(&app, &["rollback", "9"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.words.contains("has no release 9"), "{}", missing.words);
    app.end(&platform);
}
