//! A former release is put into effect again.

use hops_control::ControlError;
use hops_model::{ReleaseNumber, release::Origin};

use crate::platform::{Platform, ROOT, appling, results, target};

#[tokio::test]
async fn a_rollback_puts_the_former_record_into_effect_without_a_build() {
    let platform = Platform::start().await;
    platform.deploy_to_end(&platform.commit(ROOT, "one").await).await;
    platform.deploy_to_end(&platform.commit(ROOT, "two").await).await;
    let deploy = platform.control.rollback(&target(), None).await.unwrap();
    let outcome = platform.outcome(deploy.id).await;
    assert_eq!(outcome.release, Some(ReleaseNumber(3)));
    let one = platform.store.release(&target(), ReleaseNumber(1)).await.unwrap().unwrap();
    let three = platform.store.release(&target(), ReleaseNumber(3)).await.unwrap().unwrap();
    assert_eq!(three.desired.applings, one.desired.applings);
    assert_eq!(three.origin, Origin::Rollback { to: ReleaseNumber(1) });
    assert_eq!(platform.builder.built.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn releases_that_failed_are_passed_over() {
    let platform = Platform::start().await;
    platform.deploy_to_end(&platform.commit(ROOT, "one").await).await;
    platform.engine.failing.lock().unwrap().insert(appling("web"));
    platform.deploy_to_end(&platform.commit(ROOT, "two").await).await;
    platform.engine.failing.lock().unwrap().clear();
    platform.deploy_to_end(&platform.commit(ROOT, "three").await).await;
    let deploy = platform.control.rollback(&target(), None).await.unwrap();
    assert_eq!(deploy.origin, Origin::Rollback { to: ReleaseNumber(1) });
    assert_eq!(results(&platform.outcome(deploy.id).await), "api unchanged, web unchanged");
}

#[tokio::test]
async fn there_has_to_be_something_to_go_back_to() {
    let platform = Platform::start().await;
    assert!(matches!(platform.control.rollback(&target(), None).await, Err(ControlError::NoRelease(_))));
    platform.deploy_to_end(&platform.commit(ROOT, "one").await).await;
    let nothing = platform.control.rollback(&target(), None).await;
    assert!(matches!(nothing, Err(ControlError::NothingToRollBackTo(_))));
    let unknown = platform.control.rollback(&target(), Some(ReleaseNumber(9))).await;
    assert!(matches!(unknown, Err(ControlError::NoSuchRelease { .. })));
}
