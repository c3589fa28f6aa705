//! Certificates from files, as the proxy gets them.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

use std::{fs, path::Path};

use hops_certificates::{CertificateFiles, Certifier, HostStatus, Settings, State};
use hops_proxy::{Certificates, Challenges};
use tempfile::TempDir;

fn files(folder: &Path) -> CertificateFiles {
    CertificateFiles { certificate: folder.join("wild.pem"), key: folder.join("wild.key") }
}

fn write(folder: &Path, names: &[&str]) {
    let made =
        rcgen::generate_simple_self_signed(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
            .unwrap();
    let CertificateFiles { certificate, key } = files(folder);
    fs::write(certificate, made.cert.pem()).unwrap();
    fs::write(key, made.signing_key.serialize_pem()).unwrap();
}

fn start(folder: &Path) -> (Certifier, Certificates) {
    let certificates = Certificates::new();
    let settings = Settings { files: vec![files(folder)], ..Settings::default() };
    let kept = folder.join("kept");
    let certifier = Certifier::start(settings, kept, certificates.clone(), Challenges::new()).unwrap();
    (certifier, certificates)
}

fn status(certifier: &Certifier) -> Vec<HostStatus> {
    certifier.status()
}

#[tokio::test]
async fn the_names_in_a_file_are_served_whether_or_not_they_are_wanted() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), &["*.example.com", "example.com"]);
    let (certifier, certificates) = start(folder.path());
    assert!(certificates.has("shop.example.com") && certificates.has("example.com"));
    certifier.want(["shop.example.com", "elsewhere.org"]);
    let [elsewhere, shop] = &status(&certifier)[..] else { panic!() };
    assert_eq!(elsewhere.state, State::Off, "no email, no order");
    assert_eq!(elsewhere.to_string(), "elsewhere.org: no certificate; set `email` to have one ordered");
    assert!(matches!(&shop.state, State::File { path } if path.ends_with("wild.pem")));
    assert!(shop.valid_until.is_some());
}

#[tokio::test]
async fn a_changed_file_is_served_after_a_reload_and_dropped_names_are_not() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), &["a.example.com", "b.example.com"]);
    let (certifier, certificates) = start(folder.path());
    write(folder.path(), &["b.example.com", "c.example.com"]);
    certifier.reload();
    assert!(!certificates.has("a.example.com"));
    assert!(certificates.has("b.example.com") && certificates.has("c.example.com"));
}

#[tokio::test]
async fn a_broken_change_leaves_what_was_served() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), &["a.example.com"]);
    let (certifier, certificates) = start(folder.path());
    fs::write(files(folder.path()).key, "nothing").unwrap();
    certifier.reload();
    assert!(certificates.has("a.example.com"));
}

#[tokio::test]
async fn a_file_that_cannot_be_used_stops_the_start() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), &["a.example.com"]);
    fs::remove_file(files(folder.path()).key).unwrap();
    let settings = Settings { files: vec![files(folder.path())], ..Settings::default() };
    let started =
        Certifier::start(settings, folder.path().join("kept"), Certificates::new(), Challenges::new());
    let error = started.err().unwrap();
    assert_eq!(error.to_string(), "cannot use a certificate of the configuration");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.starts_with("cannot read `") && cause.ends_with("wild.key`"), "{cause}");
}
