//! What a build can see.

use crate::shop::{Shop, dockerfile};

#[tokio::test]
async fn applings_are_built_from_the_repositorys_root_each_with_its_own_dockerfile() {
    let shop = Shop::new();
    shop.write("api/Dockerfile", dockerfile("COPY . /all\nRUN ls -R /all && cat /all/shared/text"));
    shop.write("web/Dockerfile", dockerfile("COPY web/page /page\nRUN cat /page"));
    shop.write("shared/text", "from-shared").write("web/page", "from-web");
    let commit = shop.commit().await;
    let run = shop.build(&commit, &["api", "web"]).await;
    let api = run.image("api").as_str();
    let prefix = format!("{}/{}/api@sha256:", shop.settings.registry, shop.name());
    assert!(api.starts_with(&prefix), "{api}");
    assert!(run.log("api").contains("from-shared"));
    assert!(run.log("web").contains("from-web"));
    assert_ne!(run.image("web").digest(), run.image("api").digest());
}

#[tokio::test]
async fn what_is_not_committed_is_not_built() {
    let shop = Shop::new();
    shop.write("Dockerfile", "not used").write("api/file", "committed");
    shop.write("api/Dockerfile", dockerfile("COPY . /all\nRUN cat /all/api/file && ls /all/api"));
    let commit = shop.commit().await;
    shop.write("api/file", "dirty").write("api/untracked", "x");
    let run = shop.build(&commit, &["api"]).await;
    run.image("api");
    let log = run.log("api");
    assert!(log.contains("committed") && !log.contains("dirty") && !log.contains("untracked"), "{log}");
}

#[tokio::test]
async fn an_ignore_file_hides_what_it_says_but_not_the_dockerfile() {
    let shop = Shop::new();
    shop.write(".dockerignore", "**/Dockerfile\n**/iterapp.toml\n.dockerignore\nhidden\n");
    shop.write("api/iterapp.toml", "").write("hidden/x", "").write("seen", "");
    shop.write("api/Dockerfile", dockerfile("COPY . /all\nRUN find /all -type f"));
    let commit = shop.commit().await;
    let run = shop.build(&commit, &["api"]).await;
    run.image("api");
    let log = run.log("api");
    let found: Vec<_> = log.lines().filter(|line| line.starts_with("/all")).collect();
    assert_eq!(found, ["/all/seen"], "{log}");
}

#[tokio::test]
async fn a_dockerfiles_own_ignore_file_beats_the_roots() {
    let shop = Shop::new();
    shop.write(".dockerignore", "seen\n").write("api/Dockerfile.dockerignore", "*\n!seen\n");
    shop.write("seen", "").write("other", "");
    shop.write("api/Dockerfile", dockerfile("COPY . /all\nRUN find /all -type f"));
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

#[tokio::test]
async fn links_modes_and_odd_names_arrive_as_committed() {
    let shop = Shop::new();
    shop.write("a b/ö \"'$x", "odd").write("run.sh", "#!/bin/sh\necho ran\n").write("empty", "");
    std::os::unix::fs::symlink("../run.sh", shop.work().join("a b/link")).unwrap();
    shop.write(
        "api/Dockerfile",
        dockerfile("COPY . /all\nRUN cd '/all/a b' && ./link && cat ö* && stat -c %a ../empty"),
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

#[tokio::test]
async fn the_commit_reaches_dockerfiles_that_declare_it() {
    let shop = Shop::new();
    shop.write("api/Dockerfile", dockerfile("arg A=1 \\\n  HOPS_GIT_SHA=none\nRUN echo sha=$HOPS_GIT_SHA"));
    shop.write("web/Dockerfile", dockerfile("RUN echo sha=$HOPS_GIT_SHA."));
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

#[tokio::test]
async fn what_the_commit_only_refers_to_is_warned_of() {
    let shop = Shop::new();
    shop.write(".gitattributes", "*.psd filter=lfs\n").write("api/Dockerfile", dockerfile(""));
    let commit = shop.commit().await;
    let run = shop.build(&commit, &["api"]).await;
    run.image("api");
    assert!(run.warnings()[0].starts_with("`.gitattributes` puts files in Git LFS"), "{:?}", run.warnings());
}
