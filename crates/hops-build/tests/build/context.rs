//! What a build can see.

use std::collections::BTreeSet;

use hops_buildkit::{Entry, Kind, Modified, visible};
use hops_model::Event;

use crate::{
    daemon::{Daemon, on_every_daemon},
    shop::Shop,
};

on_every_daemon! {
    applings_are_built_from_the_repositorys_root_each_with_its_own_dockerfile
    what_is_not_committed_is_not_built
    an_ignore_file_hides_what_it_says_but_not_the_dockerfile
    a_dockerfiles_own_ignore_file_beats_the_roots
    links_modes_and_odd_names_arrive_as_committed
    the_commit_reaches_dockerfiles_that_declare_it
    what_the_commit_only_refers_to_is_warned_of
    ignore_files_mean_to_us_what_they_mean_to_the_builder
    a_dockerfile_may_be_a_link_and_what_it_points_to_is_input
    files_carry_the_time_of_their_commit_into_the_image
    no_more_images_are_built_at_once_than_the_platform_allows
}

async fn applings_are_built_from_the_repositorys_root_each_with_its_own_dockerfile(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write("api/Dockerfile", daemon.dockerfile("COPY . /all\nRUN ls -R /all && cat /all/shared/text"));
    shop.write("web/Dockerfile", daemon.dockerfile("COPY web/page /page\nRUN cat /page"));
    shop.write("shared/text", "from-shared").write("web/page", "from-web");
    let commit = shop.commit().await;
    let run = shop.build(&commit, &["api", "web"]).await;
    let api = run.image("api").as_str();
    let prefix = format!("{}/{}/api@sha256:", shop.repositories(), shop.name());
    assert!(api.starts_with(&prefix), "{api}");
    assert!(run.log("api").contains("from-shared"));
    assert!(run.log("web").contains("from-web"));
    assert_ne!(run.image("web").digest(), run.image("api").digest());
    if let Some(engine) = daemon.engine() {
        assert!(run.image("api").is_local());
        let found = engine.image(run.image("api")).await.unwrap();
        let tag = found["RepoTags"][0].as_str().unwrap();
        assert!(tag.starts_with(&format!("hops.local/{}/api:{commit}-", shop.name())), "{tag}");
    }
}

async fn what_is_not_committed_is_not_built(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write("Dockerfile", "not used").write("api/file", "committed");
    shop.write("api/Dockerfile", daemon.dockerfile("COPY . /all\nRUN cat /all/api/file && ls /all/api"));
    let commit = shop.commit().await;
    shop.write("api/file", "dirty").write("api/untracked", "x");
    let run = shop.build(&commit, &["api"]).await;
    run.image("api");
    let log = run.log("api");
    assert!(log.contains("committed") && !log.contains("dirty") && !log.contains("untracked"), "{log}");
}

async fn an_ignore_file_hides_what_it_says_but_not_the_dockerfile(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write(".dockerignore", "**/Dockerfile\n**/iterapp.toml\n.dockerignore\nhidden\n");
    shop.write("api/iterapp.toml", "").write("hidden/x", "").write("seen", "");
    shop.write("api/Dockerfile", daemon.dockerfile("COPY . /all\nRUN find /all -type f"));
    let commit = shop.commit().await;
    let run = shop.build(&commit, &["api"]).await;
    run.image("api");
    let log = run.log("api");
    let found: Vec<_> = log.lines().filter(|line| line.starts_with("/all")).collect();
    assert_eq!(found, ["/all/seen"], "{log}");
}

async fn a_dockerfiles_own_ignore_file_beats_the_roots(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write(".dockerignore", "seen\n").write("api/Dockerfile.dockerignore", "*\n!seen\n");
    shop.write("seen", "").write("other", "");
    shop.write("api/Dockerfile", daemon.dockerfile("COPY . /all\nRUN find /all -type f"));
    let first = shop.commit().await;
    let run = shop.build(&first, &["api"]).await;
    run.image("api");
    assert!(run.log("api").contains("/all/seen"));
    // What is hidden can change without a new image, what is seen cannot.
    shop.write("other", "changed");
    let second = shop.commit().await;
    assert!(shop.build(&second, &["api"]).await.is_reused("api"));
    shop.write("seen", "changed");
    let third = shop.commit().await;
    assert!(!shop.build(&third, &["api"]).await.is_reused("api"));
}

async fn links_modes_and_odd_names_arrive_as_committed(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write("a b/ö \"'$x", "odd").write("run.sh", "#!/bin/sh\necho ran\n").write("empty", "");
    std::os::unix::fs::symlink("../run.sh", shop.work().join("a b/link")).unwrap();
    shop.write(
        "api/Dockerfile",
        daemon.dockerfile("COPY . /all\nRUN cd '/all/a b' && ./link && cat ö* && stat -c %a ../empty"),
    );
    shop.git(&["add", "--all"]);
    shop.git(&["update-index", "--chmod=+x", "run.sh"]);
    shop.git(&["commit", "--quiet", "-m", "Modes"]);
    let executable = shop.work().join("run.sh");
    std::fs::set_permissions(executable, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let commit = shop.commit().await;
    let run = shop.build(&commit, &["api"]).await;
    run.image("api");
    let log = run.log("api");
    assert!(log.contains("ran") && log.contains("odd") && log.contains("644"), "{log}");
}

async fn the_commit_reaches_dockerfiles_that_declare_it(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write(
        "api/Dockerfile",
        daemon.dockerfile("arg A=1 \\\n  HOPS_GIT_SHA=none\nRUN echo sha=$HOPS_GIT_SHA"),
    );
    shop.write("web/Dockerfile", daemon.dockerfile("RUN echo sha=$HOPS_GIT_SHA."));
    let commit = shop.commit().await;
    let run = shop.build(&commit, &["api", "web"]).await;
    run.image("web");
    assert!(run.log("api").contains(&format!("sha={commit}")), "{}", run.log("api"));
    assert!(run.log("web").contains("sha=."), "{}", run.log("web"));
    // It is part of the input only where it is declared.
    let next = shop.commit().await;
    let run = shop.build(&next, &["api", "web"]).await;
    assert!(!run.is_reused("api") && run.is_reused("web"));
}

async fn what_the_commit_only_refers_to_is_warned_of(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write(".gitattributes", "*.psd filter=lfs\n").write("api/Dockerfile", daemon.dockerfile(""));
    let commit = shop.commit().await;
    let run = shop.build(&commit, &["api"]).await;
    run.image("api");
    assert!(run.warnings()[0].starts_with("`.gitattributes` puts files in Git LFS"), "{:?}", run.warnings());
}

/// What counts as input and what the builder takes must be the same, or a change would go unnoticed.
async fn ignore_files_mean_to_us_what_they_mean_to_the_builder(daemon: Daemon) {
    let paths = [
        ".hidden",
        "#hash",
        "a.md",
        "a/b.md",
        "a/b/c.txt",
        "abd",
        "acd",
        "add",
        "docs/one",
        "docs/two/three",
        "x/docs/y",
        "sp ace",
        "z",
    ];
    let shop = Shop::new(daemon);
    for path in paths {
        shop.write(path, "");
    }
    let ignores = [
        "*\n!a\n**/*.md",
        "/docs/\n a[b-c]d \n#hash\n",
        "**/docs/**\n!docs/two\n.*",
        "a/*\n!a/b\n!  z\nsp*",
        "\\#hash\n?\nx/../docs/one",
        "**\n!a/b/c.txt\n!**/three",
    ];
    for ignore in ignores {
        shop.write("api/Dockerfile.dockerignore", ignore);
        shop.write(
            "api/Dockerfile",
            daemon.dockerfile("COPY . /all\nRUN touch /all/none && find /all -type f"),
        );
        let commit = shop.commit().await;
        let run = shop.build(&commit, &["api"]).await;
        run.image("api");
        let log = run.log("api");
        let seen: BTreeSet<_> = log.lines().filter_map(|line| line.strip_prefix("/all/")).collect();
        let seen: BTreeSet<_> = seen.into_iter().filter(|path| paths.contains(path)).collect();

        let kind = Kind::File { size: 0, mode: 0o644 };
        let entry = |path: &str| Entry { path: path.into(), kind: kind.clone(), modified: Modified::FIXED };
        let ours = visible(paths.into_iter().map(entry).collect(), ignore).unwrap();
        let ours: BTreeSet<_> = ours.iter().map(|entry| entry.path.as_str()).collect();
        let ours: BTreeSet<_> = ours.into_iter().filter(|path| paths.contains(path)).collect();
        assert_eq!(seen, ours, "{ignore}");
        assert!(!seen.is_empty(), "{ignore}");
    }
}

async fn a_dockerfile_may_be_a_link_and_what_it_points_to_is_input(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write("shared/Dockerfile", daemon.dockerfile("ARG HOPS_GIT_SHA\nRUN echo first $HOPS_GIT_SHA"));
    shop.write(".dockerignore", "*\n").write("api/x", "");
    std::os::unix::fs::symlink("../shared/Dockerfile", shop.work().join("api/Dockerfile")).unwrap();
    let first = shop.commit().await;
    let run = shop.build(&first, &["api"]).await;
    run.image("api");
    assert!(run.log("api").contains(&format!("first {first}")), "{}", run.log("api"));
    shop.write("shared/Dockerfile", daemon.dockerfile("RUN echo second"));
    let second = shop.commit().await;
    let run = shop.build(&second, &["api"]).await;
    assert!(!run.is_reused("api") && run.log("api").contains("second"));
}

async fn files_carry_the_time_of_their_commit_into_the_image(daemon: Daemon) {
    let shop = Shop::new(daemon);
    shop.write("page", "")
        .write("api/Dockerfile", daemon.dockerfile("COPY page /page\nRUN stat -c time=%Y /page"));
    let commit = shop.commit().await;
    let time = shop.git(&["log", "-1", "--format=time=%ct", commit.as_str()]);
    let run = shop.build(&commit, &["api"]).await;
    run.image("api");
    assert!(run.log("api").contains(&time), "{time}: {}", run.log("api"));
}

async fn no_more_images_are_built_at_once_than_the_platform_allows(daemon: Daemon) {
    let mut shop = Shop::new(daemon);
    shop.settings.parallel = 1;
    let names = ["a", "b", "c"];
    for name in names {
        shop.write(&format!("{name}/Dockerfile"), daemon.dockerfile("RUN sleep 0.2"));
    }
    let commit = shop.commit().await;
    let run = shop.build(&commit, &names).await;
    let mut open = 0;
    for event in &run.events {
        match event {
            Event::BuildStarted { .. } => open += 1,
            Event::Built { .. } => open -= 1,
            _ => {}
        }
        assert!(open <= 1, "{:#?}", run.events);
    }
    assert_eq!(run.results.values().filter(|result| result.is_ok()).count(), 3);
}
