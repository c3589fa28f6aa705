use std::fs;

use hops_model::{AppName, Environment};

use super::*;
use crate::form::tests::appling;

fn target(app: &str) -> Target {
    Target::new(AppName::parse(app).unwrap(), Environment::Prod)
}

#[tokio::test]
async fn what_was_written_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(directory.path()).unwrap();
    let (shop, web) = (target("shop"), appling("web", 1));
    ledger
        .update(&shop, &web.name, |entry| entry.coming = Some(Held::beside(web.clone(), None)))
        .await
        .unwrap();

    let ledger = Ledger::open(directory.path()).unwrap();
    let record = ledger.record(&shop).await.unwrap().unwrap();
    assert_eq!(record.applings[&web.name].latest(), Some(&web));
    assert_eq!(ledger.record(&target("other")).await.unwrap(), None);

    ledger.forget(&shop, &web.name).await.unwrap();
    assert!(ledger.all().await[0].applings.is_empty());
    ledger.remove(&shop).await.unwrap();
    assert!(Ledger::open(directory.path()).unwrap().all().await.is_empty());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named_and_hurts_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let web = appling("web", 1);
    let ledger = Ledger::open(directory.path()).unwrap();
    for app in ["shop", "good"] {
        ledger
            .update(&target(app), &web.name, |entry| entry.serving = Some(Held::beside(web.clone(), None)))
            .await
            .unwrap();
    }
    let path = directory.path().join("shop.prod.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() / 2]).unwrap();

    let ledger = Ledger::open(directory.path()).unwrap();
    assert_eq!(ledger.all().await.len(), 1);
    assert!(ledger.broken()[&target("shop")].to_string().contains("shop.prod.json"));
    let error = ledger.update(&target("shop"), &web.name, |_| ()).await.unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("shop.prod.json"));
    assert_eq!(fs::read_to_string(&path).unwrap().len(), text.len() / 2, "it is left as it is");

    fs::write(&path, text.replace("\"version\": 1", "\"version\": 99")).unwrap();
    let ledger = Ledger::open(directory.path()).unwrap();
    assert!(matches!(&*ledger.broken()[&target("shop")], LedgerError::Newer { found: 99, .. }));
}

#[tokio::test]
async fn what_a_crash_left_of_a_write_is_passed_over() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let web = appling("web", 1);
    let ledger = Ledger::open(directory.path()).unwrap();
    ledger
        .update(&target("shop"), &web.name, |entry| entry.serving = Some(Held::beside(web.clone(), None)))
        .await
        .unwrap();
    fs::write(directory.path().join("shop.prod.new"), "{").unwrap();
    let ledger = Ledger::open(directory.path()).unwrap();
    assert!(ledger.broken().is_empty() && ledger.all().await.len() == 1);
    let mode = fs::metadata(directory.path().join("shop.prod.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
