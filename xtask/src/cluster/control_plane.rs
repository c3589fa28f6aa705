//! API server, controllers, scheduler.

use super::{
    Cluster, certificates,
    daemon::{Daemon, Network, Ready},
    etcd,
    slot::Port,
};

pub(super) fn api_server(cluster: &Cluster) -> Daemon {
    let file = |name: &str| cluster.layout.certificate(name).display().to_string();
    let machine = cluster.slot.machine();
    Daemon {
        name: "kube-apiserver",
        program: cluster.tools.program("kube-apiserver").to_owned(),
        arguments: vec![
            format!("--etcd-servers={}", etcd::address(cluster)),
            format!("--bind-address={machine}"),
            format!("--advertise-address={machine}"),
            "--secure-port=6443".to_owned(),
            format!("--service-cluster-ip-range={}", cluster.slot.services()),
            format!("--tls-cert-file={}", file("apiserver.crt")),
            format!("--tls-private-key-file={}", file("apiserver.key")),
            format!("--client-ca-file={}", file("authority.crt")),
            format!("--kubelet-client-certificate={}", file("apiserver-kubelet.crt")),
            format!("--kubelet-client-key={}", file("apiserver-kubelet.key")),
            // `exec` and `logs` would try to resolve the node's name.
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
            format!("--service-account-issuer={}", certificates::api_server(cluster.slot)),
            format!("--service-account-key-file={}", file("service-accounts.key")),
            format!("--service-account-signing-key-file={}", file("service-accounts.key")),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--enable-admission-plugins=NodeRestriction".to_owned(),
            "--allow-privileged=true".to_owned(),
        ],
        variables: Vec::new(),
        files: Vec::new(),
        network: Network::Machine,
        ready: Ready::ApiServer(cluster.kubectl()),
    }
}

pub(super) fn controller_manager(cluster: &Cluster) -> Daemon {
    let file = |name: &str| cluster.layout.certificate(name).display().to_string();
    let mut arguments = caller(cluster, "kube-controller-manager", Port::ControllerManager);
    arguments.extend([
        format!("--cluster-cidr={}", cluster.slot.pods()),
        format!("--service-cluster-ip-range={}", cluster.slot.services()),
        "--allocate-node-cidrs=true".to_owned(),
        "--node-cidr-mask-size=21".to_owned(),
        "--use-service-account-credentials=true".to_owned(),
        format!("--root-ca-file={}", file("authority.crt")),
        format!("--service-account-private-key-file={}", file("service-accounts.key")),
        format!("--cluster-signing-cert-file={}", file("authority.crt")),
        format!("--cluster-signing-key-file={}", file("authority.key")),
    ]);
    Daemon {
        name: "kube-controller-manager",
        program: cluster.tools.program("kube-controller-manager").to_owned(),
        arguments,
        variables: Vec::new(),
        files: Vec::new(),
        network: Network::Machine,
        ready: Ready::Accepts(cluster.slot.loopback(Port::ControllerManager)),
    }
}

pub(super) fn scheduler(cluster: &Cluster) -> Daemon {
    Daemon {
        name: "kube-scheduler",
        program: cluster.tools.program("kube-scheduler").to_owned(),
        arguments: caller(cluster, "kube-scheduler", Port::Scheduler),
        variables: Vec::new(),
        files: Vec::new(),
        network: Network::Machine,
        ready: Ready::Accepts(cluster.slot.loopback(Port::Scheduler)),
    }
}

/// What the two have in common: they only call the API, alone, and serve nothing but their health.
fn caller(cluster: &Cluster, name: &str, port: Port) -> Vec<String> {
    let kubeconfig = cluster.layout.certificate(&format!("{name}.kubeconfig"));
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        "--leader-elect=false".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={}", cluster.slot.port(port)),
        // Its serving certificate, made by itself at each start.
        format!("--cert-dir={}", cluster.layout.folder("run").display()),
    ]
}
