//! `check(instances, how they stand)`.

use hops_model::CauseCode;

use super::*;

fn view(stage: Stage) -> View {
    View { stage, ..View::new("web-1".to_owned()) }
}

fn status(status: u16) -> Told {
    Told { asked: Asked::Readiness, answer: Answer::Status { status, text: String::new() } }
}

fn exited(restarts: u32, code: i64) -> View {
    let exit = Some(Exit { sidecar: None, code, is_out_of_memory: code == 137 });
    View { restarts, exit, ..view(Stage::Exited) }
}

fn rolling(views: &[View]) -> (u32, String, Option<Doubt<Finding>>) {
    match judge(views) {
        Standing::Rolling { ready, message, doubt } => (ready, message, doubt),
        other => panic!("{other:?}"),
    }
}

#[test]
fn live_is_when_every_instance_takes_requests() {
    assert_eq!(judge(&[view(Stage::Ready), view(Stage::Ready)]), Standing::Live);
    let (ready, message, doubt) = rolling(&[view(Stage::Ready), view(Stage::Running)]);
    assert_eq!((ready, message.as_str(), doubt), (1, "waiting for the readiness path", None));
}

#[test]
fn an_appling_that_is_to_have_no_instances_is_live() {
    assert_eq!(judge(&[]), Standing::Live);
}

#[test]
fn one_exit_is_forgiven_the_second_is_not() {
    let (_, message, _) = rolling(&[exited(0, 1)]);
    assert_eq!(message, "exited with 1, to be started again");
    assert!(matches!(judge(&[exited(1, 7)]), Standing::Failed(Finding::Exited { restarts: 1, .. })));
    assert!(matches!(judge(&[exited(1, 137)]), Standing::Failed(Finding::OutOfMemory { .. })));
    // It came back: what it did before says nothing.
    rolling(&[View { stage: Stage::Running, ..exited(1, 7) }]);
}

#[test]
fn what_cannot_be_made_has_failed_once_that_is_certain() {
    let cause = Cause::new(CauseCode::SecretMissing, "no", "make it");
    let creating = |is_certain, attempts| {
        view(Stage::Creating(Some(Trouble { cause: cause.clone(), is_certain, attempts })))
    };
    assert_eq!(judge(&[creating(true, 1)]), Standing::Failed(Finding::Known(cause.clone())));
    assert_eq!(rolling(&[creating(false, 2)]).1, "no");
    assert_eq!(judge(&[creating(false, 3)]), Standing::Failed(Finding::Known(cause.clone())));
    assert_eq!(overdue(&[creating(false, 2)]), Finding::Known(cause.clone()));
}

#[test]
fn a_client_error_and_a_refused_connection_are_doubtful_others_are_not() {
    let running = |told| View { told: Some(told), ..view(Stage::Running) };
    assert!(matches!(rolling(&[running(status(404))]).2, Some(Doubt::Mistaken(_))));
    assert_eq!(rolling(&[running(status(503))]), (0, "the readiness path answers 503".to_owned(), None));
    let refused = Told { asked: Asked::Readiness, answer: Answer::Refused };
    assert!(matches!(rolling(&[running(refused)]).2, Some(Doubt::Refuses { .. })));
}

#[test]
fn a_sidecar_is_waited_for_by_name() {
    let name = ApplingName::parse("proxy").unwrap();
    let told = Some(Told { asked: Asked::Startup(name.clone()), answer: Answer::Refused });
    let (_, message, doubt) = rolling(&[View { told, ..view(Stage::Starting(Some(name))) }]);
    assert_eq!(message, "waiting for the sidecar proxy: nothing listens on the port yet");
    assert_eq!(doubt, None, "it is not the app that refuses");
}

#[test]
fn what_runs_at_the_deadline_is_not_ready() {
    let late = View { told: Some(status(503)), ..view(Stage::Running) };
    let finding = overdue(&[view(Stage::Ready), late]);
    assert!(matches!(finding, Finding::NotReady { told: Some(_), .. }), "{finding:?}");
    assert!(matches!(overdue(&[view(Stage::Starting(None))]), Finding::TimedOut { .. }));
}
