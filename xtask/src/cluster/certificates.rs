//! Who is who in the cluster: one authority, a certificate for each part, a kubeconfig for each that calls the API.

use std::{fs, net::Ipv4Addr, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::{layout::Layout, slot::Slot};
use crate::program;

/// Callers of the API: file name, user, group. The names are Kubernetes' own, its built-in roles are bound to them.
const CALLERS: [(&str, &str, &str); 5] = [
    ("admin", "hops-admin", "system:masters"),
    ("kube-controller-manager", "system:kube-controller-manager", "system:kube-controller-manager"),
    ("kube-scheduler", "system:kube-scheduler", "system:kube-scheduler"),
    ("kube-proxy", "system:kube-proxy", "system:node-proxier"),
    ("kubelet", "system:node:hops", "system:nodes"),
];

/// Makes what is missing.
pub(super) fn issue(layout: &Layout, slot: Slot) -> Result<()> {
    // Written last, so that its presence says that all is there.
    let complete = layout.certificate("complete");
    if complete.exists() {
        return Ok(());
    }
    let folder = layout.folder("certificates");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    authority(layout)?;
    let [service, machine] = [first_of(&slot.services())?, slot.machine()];
    let names = format!(
        "subjectAltName=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,\
         DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:{service},IP:{machine}"
    );
    certificate(layout, "apiserver", "/CN=kube-apiserver", &["extendedKeyUsage=serverAuth", &names])?;
    // The API server calls the kubelet for logs and exec.
    client(layout, "apiserver-kubelet", "kube-apiserver-kubelet-client", "system:masters")?;
    for (name, user, group) in CALLERS {
        client(layout, name, user, group)?;
        fs::write(layout.certificate(&format!("{name}.kubeconfig")), kubeconfig(layout, slot, name))?;
    }
    let key = layout.certificate("service-accounts.key");
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out"], &key)?;
    Ok(fs::write(complete, "")?)
}

fn authority(layout: &Layout) -> Result<()> {
    let key = layout.certificate("authority.key");
    let arguments = [
        "-subj",
        "/CN=hops-test-cluster",
        "-days",
        "3650",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
    ];
    let mut command = program::command(["openssl", "req", "-x509", "-newkey", "ec", "-noenc"]);
    command.args(["-pkeyopt", "ec_paramgen_curve:P-256"]).args(arguments);
    command.arg("-keyout").arg(key).arg("-out").arg(layout.certificate("authority.crt"));
    program::output(&mut command).map(drop)
}

fn client(layout: &Layout, name: &str, user: &str, group: &str) -> Result<()> {
    certificate(layout, name, &format!("/O={group}/CN={user}"), &["extendedKeyUsage=clientAuth"])
}

fn certificate(layout: &Layout, name: &str, subject: &str, extensions: &[&str]) -> Result<()> {
    let mut command = program::command(["openssl", "req", "-x509", "-newkey", "ec", "-noenc"]);
    command.args(["-pkeyopt", "ec_paramgen_curve:P-256", "-days", "3650", "-subj", subject]);
    command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    for extension in extensions {
        command.args(["-addext", extension]);
    }
    command.arg("-CA").arg(layout.certificate("authority.crt"));
    command.arg("-CAkey").arg(layout.certificate("authority.key"));
    command.arg("-keyout").arg(layout.certificate(&format!("{name}.key")));
    command.arg("-out").arg(layout.certificate(&format!("{name}.crt")));
    program::output(&mut command).map(drop)
}

fn openssl(arguments: &[&str], output: &Path) -> Result<()> {
    program::output(program::command(["openssl"]).args(arguments).arg(output)).map(drop)
}

fn kubeconfig(layout: &Layout, slot: Slot, name: &str) -> String {
    let path = |file: &str| layout.certificate(file);
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "hops",
        "clusters": [{ "name": "hops", "cluster": {
            "server": api_server(slot),
            "certificate-authority": path("authority.crt"),
        }}],
        "users": [{ "name": name, "user": {
            "client-certificate": path(&format!("{name}.crt")),
            "client-key": path(&format!("{name}.key")),
        }}],
        "contexts": [{ "name": "hops", "context": { "cluster": "hops", "user": name }}],
    })
    .to_string()
}

pub(super) fn api_server(slot: Slot) -> String {
    format!("https://{}:6443", slot.machine())
}

/// The first address of a network: Kubernetes gives it to the Service of its own API.
fn first_of(network: &str) -> Result<Ipv4Addr> {
    let address: Ipv4Addr =
        network.split('/').next().unwrap_or_default().parse().context("a network of the slot")?;
    Ok(Ipv4Addr::from(u32::from(address) + 1))
}
