use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;
use crate::certificate::tests::made;

const HOST: &str = "shop.example.com";

struct Scene {
    folder: TempDir,
    store: Store,
}

fn scene() -> Scene {
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path().join("certificates")).unwrap();
    Scene { folder, store }
}

impl Scene {
    /// Saves a certificate with this name in its record.
    fn save(&self, directory: &str) {
        let (chain, key) = made(&[HOST]);
        self.store.save(HOST, &chain, &key, &record(directory)).unwrap();
    }

    /// The records of all certificates, after a start.
    fn after_a_start(&self) -> Vec<String> {
        let store = Store::open(self.folder.path().join("certificates")).unwrap();
        let all = store.certificates(Timestamp::now()).unwrap();
        all.into_iter().map(|(host, kept)| format!("{host} {}", kept.record.directory)).collect()
    }

    fn hosts(&self, name: &str) -> PathBuf {
        self.store.hosts().join(name)
    }
}

fn record(directory: &str) -> Record {
    Record { directory: directory.to_owned(), renew_at: Timestamp::now() }
}

#[test]
fn a_certificate_is_found_again_and_replaced() {
    let scene = scene();
    assert_eq!(scene.after_a_start(), Vec::<String>::new());
    scene.save("first");
    assert_eq!(scene.after_a_start(), ["shop.example.com first"]);
    scene.save("second");
    assert_eq!(scene.after_a_start(), ["shop.example.com second"]);
}

#[test]
fn only_the_owner_can_read() {
    let scene = scene();
    scene.save("first");
    for path in [scene.hosts(""), scene.hosts(HOST)] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
    }
    let key = scene.hosts(HOST).join(KEY);
    assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_crash_while_writing_leaves_the_old_one() {
    let scene = scene();
    scene.save("first");
    fs::create_dir(scene.hosts(".new-shop.example.com")).unwrap();
    fs::write(scene.hosts(".new-shop.example.com").join(KEY), "half").unwrap();
    assert_eq!(scene.after_a_start(), ["shop.example.com first"]);
    assert!(!scene.hosts(".new-shop.example.com").exists());
}

#[test]
fn a_crash_between_the_renames_leaves_the_new_one() {
    let scene = scene();
    scene.save("first");
    fs::rename(scene.hosts(HOST), scene.hosts(".aside")).unwrap();
    scene.save("second");
    fs::rename(scene.hosts(HOST), scene.hosts(".new-shop.example.com")).unwrap();
    fs::rename(scene.hosts(".aside"), scene.hosts(".old-shop.example.com")).unwrap();
    assert_eq!(scene.after_a_start(), ["shop.example.com second"]);
    assert!(!scene.hosts(".old-shop.example.com").exists());
}

#[test]
fn a_crash_before_the_old_one_was_removed_leaves_the_new_one() {
    let scene = scene();
    scene.save("first");
    fs::rename(scene.hosts(HOST), scene.hosts(".old-shop.example.com")).unwrap();
    let aside = scene.hosts(".aside");
    fs::rename(scene.hosts(".old-shop.example.com"), &aside).unwrap();
    scene.save("second");
    fs::rename(&aside, scene.hosts(".old-shop.example.com")).unwrap();
    assert_eq!(scene.after_a_start(), ["shop.example.com second"]);
}

#[test]
fn a_damaged_certificate_is_left_out_and_not_removed() {
    let scene = scene();
    scene.save("first");
    fs::write(scene.hosts(HOST).join(KEY), "").unwrap();
    assert_eq!(scene.after_a_start(), Vec::<String>::new());
    assert!(scene.hosts(HOST).exists());
    scene.save("second");
    assert_eq!(scene.after_a_start(), ["shop.example.com second"]);
}

#[test]
fn what_has_ended_is_removed() {
    let scene = scene();
    scene.save("first");
    let far = Timestamp::MAX;
    assert!(scene.store.certificates(far).unwrap().is_empty());
    assert!(!scene.hosts(HOST).exists());
}

#[test]
fn failures_are_found_again_until_they_are_forgotten() {
    let scene = scene();
    let attempt = Attempt {
        failures: 3,
        severity: Severity::Costly,
        not_before: Timestamp::UNIX_EPOCH,
        message: "no".to_owned(),
    };
    scene.store.save_attempt(HOST, &attempt).unwrap();
    assert_eq!(
        scene.store.all_attempts(Timestamp::UNIX_EPOCH).unwrap(),
        [(HOST.to_owned(), attempt.clone())]
    );
    scene.store.forget_attempt(HOST).unwrap();
    scene.store.forget_attempt(HOST).unwrap();
    assert_eq!(scene.store.all_attempts(Timestamp::UNIX_EPOCH).unwrap(), []);
    scene.store.save_attempt(HOST, &attempt).unwrap();
    assert_eq!(scene.store.all_attempts(Timestamp::now()).unwrap(), [], "nobody has tried again for long");
}
