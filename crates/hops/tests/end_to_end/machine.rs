//! What only a platform on one machine has: it comes and goes while apps stay.

use std::{
    io::{IoSliceMut, Read, Write},
    mem::MaybeUninit,
    net::{SocketAddr, TcpStream},
    os::{fd::OwnedFd, unix::net::UnixDatagram},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use hops_testkit::{Authority, PATIENCE, address, authority, http};
use rustix::{
    net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg},
    process::{Pid, Signal, kill_process},
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde_json::Value;

use crate::{
    app::App,
    deploying,
    engine::{Engine, Generation},
    platform::Platform,
    surviving,
};

const DEBIANS: Engine = Engine::Docker(Generation::Old);

#[tokio::test]
async fn a_commit_becomes_a_running_app_on_debians_docker() {
    deploying::a_commit_becomes_a_running_app_and_a_changed_line_its_next_version(DEBIANS).await;
}

#[tokio::test]
async fn a_deploy_goes_on_where_the_killed_server_left_it_on_debians_docker() {
    surviving::a_deploy_goes_on_where_the_killed_server_left_it(DEBIANS).await;
}

#[tokio::test]
async fn containers_stay_while_the_platform_goes_and_comes() {
    for engine in [DEBIANS, Engine::DOCKER] {
        let mut platform = Platform::start(engine);
        let app = App::new("stay");
        platform.succeed(&app, &["deploy"]);
        app.page_holds(&platform, "", "/", "one").await;
        let before = platform.site.instances(app.name());
        assert_eq!(before.lines().count(), 2, "{before}");

        let down = platform.succeed(&app, &["down"]);
        assert!(down.words.contains("HOPS has stopped; containers of apps run on"), "{}", down.words);
        platform.ended();
        assert!(TcpStream::connect(platform.site.entrance()).is_err());
        let again = platform.succeed(&app, &["down"]);
        assert_eq!(again.words, "HOPS is not running\n");
        assert_eq!(platform.site.instances(app.name()), before);

        platform.start_again();
        // Routes are there before requests are taken: the first one is answered.
        let host = format!("{}.test.localhost", app.name());
        assert!(http::get(platform.site.entrance(), &host, "/").await.unwrap().body.contains("one"));
        platform.kill();
        platform.start_again();
        assert!(http::get(platform.site.entrance(), &host, "/").await.unwrap().body.contains("one"));
        assert_eq!(platform.site.instances(app.name()), before);

        let down = platform.succeed(&app, &["down", "--apps", "--yes", "--format", "json"]).document();
        assert_eq!(down["removed"][0]["app"], app.name());
        platform.ended();
        assert_eq!(platform.site.docker(&["ps", "--all", "--quiet"]), "");
    }
}

#[tokio::test]
async fn in_the_background_it_says_where_it_is_and_stops_when_told() {
    let mut platform = Platform::start(Engine::DOCKER);
    let app = App::new("background");
    platform.succeed(&app, &["deploy"]);
    platform.succeed(&app, &["down"]);
    platform.ended();

    let first = platform.succeed(&app, &["up", "--detach", "--format", "json"]).document();
    assert_eq!((&first["started"], &first["first"]), (&Value::Bool(true), &Value::Bool(false)));
    let log = std::fs::read_to_string(first["log"].as_str().unwrap()).unwrap();
    assert!(log.contains("HOPS is ready"), "{log}");
    app.page_holds(&platform, "", "/", "one").await;
    let second = platform.succeed(&app, &["up", "--detach", "--format", "json"]).document();
    assert_eq!((&second["started"], &second["process"]), (&Value::Bool(false), &first["process"]));
    let other = platform.run(&app, &["up"]);
    assert_eq!(other.code, Some(1));
    assert!(other.words.contains(&format!("process {} has the state", first["process"])), "{}", other.words);
    let down = platform.succeed(&app, &["down", "--format", "json"]).document();
    assert_eq!(down["process"], first["process"]);

    // Without a platform, one is started that can remove them.
    platform.succeed(&app, &["down", "--apps", "--yes"]);
    assert_eq!(platform.site.docker(&["ps", "--all", "--quiet"]), "");
}

#[tokio::test]
async fn another_login_is_left_as_it_is() {
    let platform = Platform::start(Engine::DOCKER);
    let app = App::empty("login");
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("hops")).unwrap();
    let remembered =
        "server = \"https://hops.example.com\"\n[tokens]\n\"https://hops.example.com\" = \"t\"\n";
    std::fs::write(home.path().join("hops/credentials.toml"), remembered).unwrap();
    platform.succeed(&app, &["down"]);
    let up = platform.hops(&app, &["up", "--detach"]).env("XDG_CONFIG_HOME", home.path()).output().unwrap();
    let words = String::from_utf8(up.stderr).unwrap();
    assert!(up.status.success(), "{words}");
    assert!(words.contains("`hops` goes on talking to https://hops.example.com"), "{words}");
    assert!(words.contains("hint: `hops login http://127."), "{words}");
    platform.succeed(&app, &["down"]);
}

#[tokio::test]
async fn clients_elsewhere_reach_the_server_by_its_host_and_values_are_measured() {
    let platform = Platform::start(Engine::DOCKER);
    let app = App::new("host");
    platform.succeed(&app, &["deploy"]);
    app.page_holds(&platform, "", "/", "one").await;
    let entrance = platform.site.entrance();
    let version = http::get(entrance, "hops.localhost", "/healthz").await.unwrap();
    assert_eq!((version.status, version.body.as_str()), (200, "ok\n"));
    let closed = http::get(entrance, "hops.localhost", "/v1/apps").await.unwrap();
    assert_eq!(closed.status, 401);
    let metrics = platform.metrics();
    assert!(metrics.contains(&format!("upstream=\"{name}/test/{name}\"", name = app.name())), "{metrics}");
    app.end(&platform);
}

/// A service manager, as far as `hops up` sees one.
struct Manager {
    socket: UnixDatagram,
    directory: tempfile::TempDir,
}

impl Manager {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(directory.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, directory }
    }

    /// The next message that begins so, with what came along.
    fn hears(&self, wanted: &str) -> Vec<OwnedFd> {
        loop {
            let mut bytes = [0; 256];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut buffers = [IoSliceMut::new(&mut bytes)];
            let received =
                recvmsg(&self.socket, &mut buffers, &mut control, RecvFlags::CMSG_CLOEXEC).unwrap();
            let sockets = control.drain().flat_map(|message| match message {
                RecvAncillaryMessage::ScmRights(sockets) => sockets.collect::<Vec<_>>(),
                _ => Vec::new(),
            });
            let sockets: Vec<OwnedFd> = sockets.collect();
            if String::from_utf8_lossy(&bytes[..received.bytes]).starts_with(wanted) {
                return sockets;
            }
        }
    }

    fn start(&self, mut command: Command) -> Child {
        command.env("NOTIFY_SOCKET", self.directory.path().join("notify"));
        command.stderr(Stdio::null()).spawn().unwrap()
    }
}

fn stop(child: &mut Child) {
    kill_process(Pid::from_child(child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn connections_wait_in_the_managers_sockets_while_the_platform_restarts() {
    let platform = Platform::start(Engine::DOCKER);
    let app = App::new("manager");
    platform.succeed(&app, &["deploy"]);
    platform.succeed(&app, &["down"]);

    let manager = Manager::new();
    let mut first = manager.start(platform.hops(&app, &["up"]));
    // One is enough to show it; the others of each name are let go.
    let kept: Vec<OwnedFd> = ["http", "https"]
        .iter()
        .flat_map(|name| manager.hears(&format!("FDSTORE=1\nFDNAME={name}")))
        .collect();
    assert_eq!(kept.len(), 2);
    manager.hears("READY=1");
    app.page_holds(&platform, "", "/", "one").await;
    stop(&mut first);
    manager.hears("STOPPING=1");

    let mut client = TcpStream::connect(platform.site.entrance()).unwrap();
    write!(client, "GET / HTTP/1.1\r\nhost: {}.test.localhost\r\nconnection: close\r\n\r\n", app.name())
        .unwrap();
    // What a manager does between `fork` and `exec`: the sockets become numbers 3 and 4.
    let mut handed = Command::new("sh");
    handed.args(["-c", "export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=http:https; exec \"$0\" up 3<&0 4<&1 </dev/null >&2"]);
    let hops = platform.hops(&app, &[]);
    handed.arg(hops.get_program()).current_dir(app.directory()).env_clear();
    handed.envs(hops.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut kept = kept.into_iter();
    handed.stdin(Stdio::from(kept.next().unwrap())).stdout(Stdio::from(kept.next().unwrap()));
    let mut second = manager.start(handed);
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("one"), "{answer}");
    manager.hears("READY=1");
    stop(&mut second);
    platform.succeed(&app, &["down", "--apps", "--yes"]);
}

/// Asks with TLS, trusting one certificate; gives the answer.
fn ask_with_tls(address: SocketAddr, host: &str, certificate: CertificateDer<'static>) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    write!(stream, "GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn a_certificate_from_a_file_makes_the_clear_lead_to_tls_and_can_be_replaced() {
    let mut platform = Platform::start(Engine::DOCKER);
    let app = App::new("tls");
    let host = format!("{}.test.localhost", app.name());
    let (file, key_file) = (platform.state().join("c.pem"), platform.state().join("k.pem"));
    let make = || {
        let made = rcgen::generate_simple_self_signed([host.clone()]).unwrap();
        std::fs::write(&key_file, made.signing_key.serialize_pem()).unwrap();
        std::fs::write(&file, made.cert.pem()).unwrap();
        made.cert.der().clone()
    };
    let first = make();
    let https = address::own_socket().unwrap();
    platform.succeed(&app, &["down"]);
    platform.ended();
    platform.reconfigure(|text| {
        let text = text.replace("https = \"127.0.0.1:0\"", &format!("https = \"{https}\""));
        let files = format!("{{ certificate = \"{}\", key = \"{}\" }}", file.display(), key_file.display());
        format!("{text}\n[certificates]\nfiles = [{files}]\n")
    });
    platform.start_again();

    let said = platform.succeed(&app, &["deploy"]);
    assert!(said.out.contains(&format!("live at https://{host}:{}", https.port())), "{}", said.out);
    let answer = ask_with_tls(https, &host, first);
    assert!(answer.contains("one"), "{answer}");
    let clear = http::get(platform.site.entrance(), &host, "/").await.unwrap();
    assert_eq!(clear.status, 308);

    let second = make();
    platform.hang_up();
    let replaced = async {
        loop {
            let (host, certificate) = (host.clone(), second.clone());
            let asked = tokio::task::spawn_blocking(move || ask_with_tls(https, &host, certificate)).await;
            if asked.is_ok_and(|answer| answer.contains("one")) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, replaced).await.is_ok(), "{}", platform.log());
    app.end(&platform);
}

#[tokio::test]
async fn a_host_gets_its_certificate_from_an_authority_and_keeps_it_over_a_restart() {
    let authority = Authority::start(authority::Options::default()).await.unwrap();
    let mut platform = Platform::start(Engine::DOCKER);
    let app = App::new("acme");
    let host = format!("{}.test.example.com", app.name());
    platform.succeed(&app, &["down"]);
    platform.ended();
    let entrance = platform.site.entrance();
    platform.reconfigure(|text| {
        let text = text.replace(&format!("http = \"{entrance}\""), &format!("http = \"{}\"", authority.http()));
        let text = text.replace("https = \"127.0.0.1:0\"", &format!("https = \"{}\"", authority.https()));
        format!(
            "{text}\n[hosts]\ndefault = \"{{name}}.{{environment}}.example.com\"\n\
             [certificates]\nemail = \"ops@example.com\"\ndirectory = \"{}\"\nca_file = \"{}\"\ncheck_resolves = false\n",
            authority.directory(),
            authority.own_root().display(),
        )
    });
    platform.start_again();
    platform.succeed(&app, &["deploy"]);

    let root = CertificateDer::from_pem_slice(&authority.root().await.unwrap()).unwrap();
    let (https, asked) = (authority.https(), host.clone());
    let issued = async move {
        loop {
            let (host, root) = (asked.clone(), root.clone());
            let answer = tokio::task::spawn_blocking(move || ask_with_tls(https, &host, root)).await;
            if answer.is_ok_and(|answer| answer.contains("one")) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, issued).await.is_ok(), "{}", platform.log());
    // From now on the clear leads to TLS.
    assert_eq!(http::get(authority.http(), &host, "/").await.unwrap().status, 308);

    let orders = authority.orders();
    platform.succeed(&app, &["down"]);
    platform.ended();
    platform.start_again();
    let root = CertificateDer::from_pem_slice(&authority.root().await.unwrap()).unwrap();
    let answer = tokio::task::spawn_blocking(move || ask_with_tls(https, &host, root)).await.unwrap();
    assert!(answer.contains("one"), "{answer}");
    assert_eq!(authority.orders(), orders, "nothing is ordered again");
    app.end(&platform);
}
