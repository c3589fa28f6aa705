//! `hops up` and `hops down`, as far as they get without Docker.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::net::{UnixListener, UnixStream},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use expect_test::expect;

use crate::run::Place;

/// A Docker that takes connections and never answers: whoever starts waits for it, with the state in hand.
fn mute(place: &Place) -> UnixListener {
    UnixListener::bind(place.app().join("docker.sock")).unwrap()
}

/// A place whose platform takes any free port.
fn machine() -> Place {
    Place::new().with("ports.toml", "[ports]\nhttp = \"127.0.0.1:0\"\nhttps = \"127.0.0.1:0\"\n")
}

fn up(place: &Place, arguments: &[&str]) -> Command {
    const BEGIN: [&str; 5] = ["up", "--state", "state", "--listen", "127.0.0.1:0"];
    let mut command = place.hops(&[&BEGIN, arguments].concat());
    command.env("HOPS_CONFIG", place.app().join("ports.toml"));
    command.env("HOPS_DOCKER", format!("unix://{}/docker.sock", place.app().display()));
    command
}

/// Starts a `hops up` that has the state and waits for a mute Docker, as long as the connection is kept.
fn waiting(place: &Place, docker: &UnixListener) -> (Child, UnixStream) {
    let (connected, is_connected) = mpsc::channel();
    let docker = docker.try_clone().unwrap();
    thread::spawn(move || connected.send(docker.accept().unwrap().0).unwrap());
    let mut child = up(place, &[]).stderr(Stdio::piped()).spawn().unwrap();
    let Ok(connection) = is_connected.recv_timeout(Duration::from_mins(1)) else {
        child.kill().unwrap();
        panic!("it never asked Docker: {:?}", child.wait_with_output().unwrap());
    };
    (child, connection)
}

#[test]
fn two_on_one_state_are_told_apart_and_the_first_is_stopped_by_name_of_its_state() {
    let place = machine();
    let docker = mute(&place);
    let (mut first, _connection) = waiting(&place, &docker);
    let second = up(&place, &[]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let words = String::from_utf8(second.stderr).unwrap();
    let expected = format!("error: HOPS is running already: process {} has the state in `", first.id());
    assert!(words.contains(&expected), "{words}");
    assert!(words.contains("hint: `hops down` stops it"), "{words}");

    let output = place.hops(&["down", "--state", "state", "--format", "json"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let stopped: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(stopped, serde_json::json!({ "process": first.id(), "removed": [] }));
    assert!(first.wait().unwrap().success(), "asked to stop, it ends well, also while it starts");
    let mut left = String::new();
    BufReader::new(first.stderr.take().unwrap()).read_line(&mut left).unwrap();
    assert!(!left.contains("error"), "{left}");
}

#[test]
fn one_that_was_killed_leaves_the_state_to_the_next() {
    let place = machine();
    let docker = mute(&place);
    let (mut first, _connection) = waiting(&place, &docker);
    first.kill().unwrap();
    first.wait().unwrap();
    let (mut second, _connection) = waiting(&place, &docker);
    let down = place.hops(&["down", "--state", "state"]).output().unwrap();
    assert!(down.status.success(), "{down:?}");
    second.wait().unwrap();
}

#[test]
fn down_where_nothing_runs_says_so_and_is_done() {
    let place = Place::new();
    place.check(
        &["down", "--state", "state"],
        &expect![[r"
            exit 0
            --- stderr
            HOPS is not running
        "]],
    );
    assert!(!place.app().join("state").exists());
    place.check(
        &["down", "--state", "state", "--format", "json"],
        &expect![[r#"
            exit 0
            --- stdout
            {"process":null,"removed":[]}
        "#]],
    );
}

#[test]
fn apps_are_not_removed_without_being_asked_for_twice() {
    let place = Place::new();
    place.check(
        &["down", "--state", "state", "--apps"],
        &expect![[r"
            exit 1
            --- stderr
            error: there is no terminal to ask at

            hint: `--yes` answers in advance
        "]],
    );
    place.check(
        &["down", "--state", "state", "--yes"],
        &expect![[r"
            exit 64
            --- stderr
            error: the following required arguments were not provided:
              --apps

            Usage: hops down --apps --state <DIR> --yes

            For more information, try '--help'.
        "]],
    );
}

#[test]
fn without_docker_it_says_what_to_run() {
    let place = machine();
    place.check_command(
        up(&place, &[]),
        &expect![[r"
            exit 1
            --- stderr
            error: Docker is not there: [PLACE]/shop/docker.sock does not exist

            hint: install Docker (`sudo apt install docker.io` on Debian and Ubuntu), or start it with `sudo systemctl start docker`
        "]],
    );
    let socket = mute(&place);
    drop(socket);
    place.check_command(
        up(&place, &[]),
        &expect![[r"
            exit 1
            --- stderr
            error: Docker does not run: nothing listens on [PLACE]/shop/docker.sock

            hint: start it with `sudo systemctl start docker`
        "]],
    );
    place.check_command(
        up(&place, &["--detach"]),
        &expect![[r"
            exit 1
            --- stderr
            error: HOPS could not be started; its last words in `[PLACE]/shop/state/hops.log`:
              error: Docker does not run: nothing listens on [PLACE]/shop/docker.sock
              hint: start it with `sudo systemctl start docker`
        "]],
    );
    let log = fs::read_to_string(place.app().join("state/hops.log")).unwrap();
    assert!(log.contains("error: Docker does not run"), "{log}");
}

#[test]
fn without_git_it_says_what_to_run() {
    let place = machine();
    let mut command = up(&place, &[]);
    command.env("PATH", place.home());
    place.check_command(
        command,
        &expect![[r"
        exit 1
        --- stderr
        error: `git` is not installed, or not in PATH; HOPS keeps repositories with it

        hint: on Debian and Ubuntu: `sudo apt-get install git`
    "]],
    );
}

#[test]
fn a_configuration_with_mistakes_starts_nothing_also_in_the_background() {
    let place = Place::new().with("hops.toml", "[ports]\nhttp = 80\n[proxi]\n");
    place.check_command(
        up(&place, &["--config", "hops.toml", "--detach"]),
        &expect![[r"
            exit 1
            --- stderr
            error: the configuration cannot be used
              hops.toml:2:8: invalid type: integer `80`, expected socket address
              hops.toml:3:2: there is no key `proxi`; did you mean `proxy`?

            hint: `hops up --print-config` prints every key with its meaning
        "]],
    );
    assert!(!place.app().join("state").exists());
}

#[test]
fn the_unit_runs_what_it_was_asked_for_with() {
    let place = Place::new().with("hops.toml", "");
    place.check(
        &["up", "--config", "hops.toml", "--state", "my state", "--print-unit"],
        &expect![[r#"
            exit 0
            --- stdout
            # Put this into /etc/systemd/system/hops.service, then: systemctl daemon-reload && systemctl enable --now hops
            # Apps run in Docker, not in this unit: stopping or restarting it leaves them alone.

            [Unit]
            Description=HOPS, the platform on this machine
            # Wanted and not required: HOPS goes on while Docker restarts, and mends what changed afterwards.
            Wants=network-online.target docker.service
            After=network-online.target docker.service
            # However often it fails while Docker is away, it is tried again.
            StartLimitIntervalSec=0

            [Service]
            Type=notify
            ExecStart=[HOPS] up --config [PLACE]/shop/hops.toml --state "[PLACE]/shop/my state"
            # Certificates from files are read anew, and what could not be ordered is tried again.
            ExecReload=/bin/kill -HUP $MAINPID
            Restart=always
            RestartSec=1
            TimeoutStartSec=2min
            # Requests in hand may end; new connections wait in the sockets that systemd keeps meanwhile.
            TimeoutStopSec=2min
            FileDescriptorStoreMax=512
            KillMode=mixed
            LimitNOFILE=1048576
            # Where memory runs out, an app or a build goes before the way to all of them.
            OOMScoreAdjust=-500

            # Whoever may use Docker's socket may do anything on this machine; so these keep accidents small, not attackers out.
            NoNewPrivileges=yes
            ProtectSystem=full
            ProtectKernelTunables=yes
            ProtectKernelModules=yes
            ProtectControlGroups=yes
            PrivateTmp=yes
            RestrictSUIDSGID=yes
            LockPersonality=yes
            MemoryDenyWriteExecute=yes
            RestrictRealtime=yes
            RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK

            [Install]
            WantedBy=multi-user.target
        "#]],
    );
}

#[test]
fn the_configuration_that_is_printed_is_the_servers() {
    let place = Place::new();
    let of = |command: &str| place.hops(&[command, "--print-config"]).output().unwrap().stdout;
    assert_eq!(of("up"), of("server"));
}
