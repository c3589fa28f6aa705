//! Registries that want a login, refuse, or are away.

use std::{collections::BTreeMap, path::Path, process::Stdio, sync::Arc};

use hops_buildkit::{Address, BuildError, Cache, Destination, Files, Image, Login, SecretValue, Solve};
use hops_testkit::address;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::UnixStream,
    process::{Child, Command},
};

use crate::support::{Daemon, on_every_daemon};

/// A registry that lets in `ann` with `hunter2` only.
struct Locked {
    processes: Vec<Child>,
    folder: tempfile::TempDir,
    host: String,
}

impl Locked {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = address::own_socket().unwrap().to_string();
        let users = folder.path().join("users");
        std::fs::write(&users, "ann:$2b$05$RKOKVJz7yj8bh7BFFZZFiO2xSuNjwbLQU/dDbPrVyhe6mCtGHJpQO\n").unwrap();
        std::fs::write(folder.path().join("config"), Self::config(&host, folder.path(), &users)).unwrap();
        let mut registry = Self { processes: Vec::new(), folder, host };
        registry.serve(Command::new("docker-registry")).await;
        registry
    }

    /// Lets an engine that has a loopback of its own reach it, too, at the same address.
    async fn reach(&mut self, daemon: Daemon) {
        let Address::Docker(socket) = daemon.address() else { return };
        let engine = UnixStream::connect(socket).await.unwrap().peer_cred().unwrap().pid().unwrap();
        let network = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).unwrap();
        if network(&engine.to_string()) != network("self") {
            let mut command = Command::new("nsenter");
            command.arg(format!("--net=/proc/{engine}/ns/net")).arg("docker-registry");
            self.serve(command).await;
        }
    }

    async fn serve(&mut self, mut command: Command) {
        let mut process = command
            .arg("serve")
            .arg(self.folder.path().join("config"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("docker-registry is installed (Debian package docker-registry)");
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("listening on") {
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                self.processes.push(process);
                return;
            }
        }
        panic!("docker-registry ended at once");
    }

    fn config(host: &str, folder: &Path, users: &Path) -> String {
        format!(
            "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '{host}'}}\n\
             auth: {{htpasswd: {{realm: test, path: {}}}}}\n",
            folder.join("data").display(),
            users.display()
        )
    }

    fn solve(&self, password: Option<&str>) -> Solve {
        let mut solve =
            Daemon::BuildKit.solve(Files::new().file("a", ""), "FROM scratch\nCOPY a /\nLABEL a=NONCE\n");
        let names = vec![format!("{}/shop/api:1", self.host)];
        solve.image = Image { names, destination: Destination::Registry { insecure: true } };
        solve.cache_to = vec![Cache { reference: format!("{}/shop/api:cache", self.host), insecure: true }];
        if let Some(password) = password {
            let login = Login { username: "ann".into(), password: SecretValue::new(password) };
            solve.credentials = Arc::new(BTreeMap::from([(self.host.clone(), login)]));
        }
        solve
    }
}

#[tokio::test]
async fn a_registry_that_asks_for_a_login_gets_it() {
    let registry = Locked::start().await;
    Daemon::BuildKit.build(&registry.solve(Some("hunter2"))).await.built();
}

on_every_daemon! {
    a_base_image_behind_a_login_is_had_with_it
    a_base_image_whose_registry_is_away_may_be_tried_again
}

async fn a_base_image_behind_a_login_is_had_with_it(daemon: Daemon) {
    let mut registry = Locked::start().await;
    registry.reach(daemon).await;
    let pushed = registry.solve(Some("hunter2"));
    Daemon::BuildKit.build(&pushed).await.built();
    let base = &pushed.image.names[0];
    let mut solve = daemon.solve(Files::new(), &format!("FROM {base}\nLABEL a=NONCE\n"));
    let run = daemon.build(&solve).await;
    let BuildError::Pull(refusal) = run.error() else { panic!("{:?}", run.error()) };
    assert_eq!(&refusal.image, base);
    assert!(!refusal.is_transient && refusal.location.as_ref().unwrap().first_line == 1, "{refusal:?}");
    solve.credentials = pushed.credentials;
    daemon.build(&solve).await.built();
}

async fn a_base_image_whose_registry_is_away_may_be_tried_again(daemon: Daemon) {
    let run = daemon.build(&daemon.solve(Files::new(), "FROM 127.0.0.1:1/no/thing:1\nLABEL a=NONCE\n")).await;
    let BuildError::Pull(refusal) = run.error() else { panic!("{:?}", run.error()) };
    assert_eq!(refusal.image, "127.0.0.1:1/no/thing:1");
    assert!(refusal.is_transient && refusal.reason.contains("connection refused"), "{refusal:?}");
}

#[tokio::test]
async fn a_registry_that_refuses_is_quoted_and_not_asked_again() {
    let registry = Locked::start().await;
    for password in [None, Some("wrong")] {
        let run = Daemon::BuildKit.build(&registry.solve(password)).await;
        let BuildError::Push(refusal) = run.error() else { panic!("{:?}", run.error()) };
        assert_eq!(refusal.image, format!("{}/shop/api:1", registry.host));
        assert!(
            refusal.reason.contains("401 Unauthorized") || refusal.reason.contains("authorization"),
            "{refusal:?}"
        );
        assert!(!run.error().is_retryable());
        assert!(!format!("{:?}", run.error()).contains("wrong"));
    }
}

#[tokio::test]
async fn a_registry_that_is_away_may_be_tried_again() {
    let mut solve =
        Daemon::BuildKit.solve(Files::new().file("a", ""), "FROM scratch\nCOPY a /\nLABEL a=NONCE\n");
    solve.image.names = vec!["127.0.0.1:1/shop/api:1".to_owned()];
    let run = Daemon::BuildKit.build(&solve).await;
    let BuildError::Push(refusal) = run.error() else { panic!("{:?}", run.error()) };
    assert!(refusal.reason.contains("connection refused"), "{refusal:?}");
    assert!(run.error().is_retryable());
}
