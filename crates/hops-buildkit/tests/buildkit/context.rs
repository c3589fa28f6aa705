//! Which files arrive, and that none is sent twice.

use std::sync::Arc;

use hops_buildkit::{Directory, Files, Solve, Source};

use crate::support::{Daemon, nonce, on_every_daemon};

on_every_daemon! {
    a_second_build_sends_nothing_and_a_changed_file_only_itself
    a_dockerignore_that_hides_the_dockerfile_and_itself_does_no_harm
    a_very_long_dockerignore_is_honoured
    links_modes_empty_files_and_odd_names_arrive
    copying_through_links_and_wildcards_brings_what_is_needed
    a_directory_of_this_machine_builds
    a_large_file_streams_through
}

fn with_context(solve: &Solve, context: impl Source + 'static) -> Solve {
    Solve { context: Arc::new(context), ..solve.clone() }
}

async fn a_second_build_sends_nothing_and_a_changed_file_only_itself(daemon: Daemon) {
    let dockerfile = format!("FROM scratch\nCOPY . /\nLABEL n={}\n", nonce());
    let files = |first: &str| {
        let files = Files::new().file("Dockerfile", dockerfile.clone()).file("first", first);
        (0..200).fold(files, |files, number| files.file(format!("more/{number}"), vec![b'x'; 5000]))
    };
    let first = daemon.solve(Files::new(), "");
    let run = daemon.build(&with_context(&first, files("aaaa"))).await;
    assert_eq!(run.built().files_sent, 202);
    let again = daemon.build(&with_context(&first, files("aaaa"))).await;
    assert_eq!((again.built().files_sent, again.built().bytes_sent), (0, 0));
    assert_eq!(again.built().digest, run.built().digest);
    // The same size: only its time of change tells.
    let changed = daemon.build(&with_context(&first, files("bbbb"))).await;
    assert_eq!((changed.built().files_sent, changed.built().bytes_sent), (1, 4));
    assert_ne!(changed.built().digest, run.built().digest);
}

async fn a_dockerignore_that_hides_the_dockerfile_and_itself_does_no_harm(daemon: Daemon) {
    let files = Files::new()
        .file(".dockerignore", "*\n!api\n**/*.pyc\n!api/keep.pyc\n# a comment\n")
        .file("iterapp.toml", "")
        .file("api/main.py", "")
        .file("api/a.pyc", "")
        .file("api/keep.pyc", "")
        .file("api/deep/b.pyc", "")
        .file("web/x", "");
    let run = daemon
        .build(
            &daemon
                .solve(files, "FROM busybox\nCOPY . /in\nRUN cd /in && find . -type f | sort && : NONCE\n"),
        )
        .await;
    run.built();
    assert_eq!(run.log(), "./api/keep.pyc\n./api/main.py\n");
}

async fn a_very_long_dockerignore_is_honoured(daemon: Daemon) {
    let patterns: Vec<_> =
        (0..5000).map(|number| format!("some/rather/long/path/{number}/**/*.é\n")).collect();
    let patterns = patterns.concat() + "hidden\n";
    let files = Files::new().file(".dockerignore", patterns).file("hidden", "").file("seen", "");
    let run = daemon.build(&daemon.solve(files, "FROM busybox\nCOPY . /in\nRUN ls /in && : NONCE\n")).await;
    run.built();
    assert_eq!(run.log(), "Dockerfile\nseen\n");
}

async fn links_modes_empty_files_and_odd_names_arrive(daemon: Daemon) {
    let files = Files::new()
        .file("plain", "content")
        .file("empty", "")
        .file_with_mode("run.sh", 0o755, "#!/bin/sh\necho ran\n")
        .file_with_mode("sticky", 0o4711, "")
        .symlink("link", "plain")
        .symlink("dangling", "/no/such/place")
        .directory("hollow")
        .file("with space", "1")
        .file("-dash", "2")
        .file(".dot/.dot", "3")
        .file("ünïcode/日本", "4")
        .file("new\nline", "5")
        .file("back\\slash", "6")
        .file("quote'\"$x", "7")
        .file("[a-z]*?", "8");
    let dockerfile = r#"FROM busybox
COPY . /in
RUN cd /in && : NONCE && readlink link && readlink dangling && cat link && echo && ./run.sh \
 && stat -c '%a %u:%g %s %n' empty hollow plain run.sh sticky \
 && cat 'with space' ./-dash .dot/.dot ünïcode/日本 "$(printf 'new\nline')" 'back\slash' 'quote'\''"$x' '[a-z]*?'
"#;
    let run = daemon.build(&daemon.solve(files, dockerfile)).await;
    run.built();
    let expected = "plain\n/no/such/place\ncontent\nran\n644 0:0 0 empty\n755 0:0 4096 hollow\n644 0:0 7 plain\n\
                    755 0:0 19 run.sh\n4711 0:0 0 sticky\n12345678\n";
    let log = run.log();
    // A directory's size is its file system's business.
    let log = regex::Regex::new(r"0:0 \d+ hollow").unwrap().replace(&log, "0:0 4096 hollow");
    assert_eq!(log, expected);
}

async fn copying_through_links_and_wildcards_brings_what_is_needed(daemon: Daemon) {
    let files = Files::new()
        .file("real/a.txt", "a")
        .file("real/b.txt", "b")
        .file("real/c.md", "c")
        .file("ünï/d.txt", "d")
        .file("unrelated/big", vec![0; 1 << 20])
        .symlink("current", "real");
    let dockerfile =
        "FROM busybox\nCOPY current/a.txt current/*.md /in/\nCOPY ünï/*.txt /in/\nRUN ls /in && : NONCE\n";
    let run = daemon.build(&daemon.solve(files, dockerfile)).await;
    assert!(run.built().bytes_sent < 1 << 20, "what no COPY names is not sent: {:?}", run.built());
    assert_eq!(run.log(), "a.txt\nc.md\nd.txt\n");
}

async fn a_directory_of_this_machine_builds(daemon: Daemon) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("src/empty")).unwrap();
    std::fs::write(folder.path().join("src/a"), "from disk").unwrap();
    let dockerfile = format!(
        "FROM {}\nCOPY src /src\nRUN cat /src/a && ls -d /src/empty && : {}\n",
        daemon.busybox(),
        nonce()
    );
    std::fs::write(folder.path().join("dockerfile"), dockerfile).unwrap();
    let solve = with_context(&daemon.solve(Files::new(), ""), Directory::new(folder.path()));
    let run = daemon.build(&solve).await;
    run.built();
    assert_eq!(run.log(), "from disk/src/empty\n");
}

async fn a_large_file_streams_through(daemon: Daemon) {
    // gRPC messages to a daemon have 16 MiB at most. How little of a file is held at once is tested where it is sent.
    let size = 17 << 20;
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(folder.path().join("large")).unwrap();
    file.set_len(size).unwrap();
    let dockerfile =
        format!("FROM {}\nRUN --mount=target=/in wc -c < /in/large && : {}\n", daemon.busybox(), nonce());
    std::fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
    let solve = with_context(&daemon.solve(Files::new(), ""), Directory::new(folder.path()));
    let run = daemon.build(&solve).await;
    run.built();
    assert_eq!(run.log(), format!("{size}\n"));
}
