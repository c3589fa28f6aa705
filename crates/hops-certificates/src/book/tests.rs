use super::*;
use crate::{
    certificate::{Certificate, tests::made},
    store::Record,
};

const HOST: &str = "shop.example.com";
const NOON: Timestamp = Timestamp::UNIX_EPOCH;

fn book() -> Book {
    Book::new(Directory::default(), true)
}

fn want(book: &mut Book, hosts: &[&str]) {
    book.want(hosts.iter().map(|&host| host.to_owned()).collect());
}

fn later(minutes: i64) -> Timestamp {
    NOON + SignedDuration::from_mins(minutes)
}

/// A certificate that is renewed so many minutes after noon.
fn kept(renew_at: i64) -> Kept {
    kept_from(Directory::default().as_str(), renew_at)
}

fn kept_from(directory: &str, renew_at: i64) -> Kept {
    let (chain, key) = made(&[HOST]);
    let certificate = Certificate::parse(chain.as_bytes(), key.as_bytes()).unwrap();
    Kept { certificate, record: Record { directory: directory.to_owned(), renew_at: later(renew_at) } }
}

/// One whose issuer is named in it, so that it can be asked about.
fn kept_of_an_authority(renew_at: i64) -> Kept {
    let mut authority = rcgen::CertificateParams::new([]).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = rcgen::Issuer::new(authority, rcgen::KeyPair::generate().unwrap());
    let mut leaf = rcgen::CertificateParams::new([HOST.to_owned()]).unwrap();
    leaf.use_authority_key_identifier_extension = true;
    leaf.serial_number = Some(7.into());
    let key = rcgen::KeyPair::generate().unwrap();
    let chain = leaf.signed_by(&key, &issuer).unwrap().pem();
    let certificate = Certificate::parse(chain.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    Kept { certificate, ..kept(renew_at) }
}

/// The hosts for which an order begins, sorted.
fn orders(book: &mut Book, now: Timestamp) -> Vec<String> {
    let begun = book.begin(now);
    begun.into_iter().filter(|(_, job)| matches!(job, Job::Order { .. })).map(|(host, _)| host).collect()
}

fn fail(book: &mut Book, severity: Severity, now: Timestamp) -> Attempt {
    book.failed(HOST, severity, "no".to_owned(), now, Chance(0.0))
}

#[test]
fn a_new_host_is_ordered_once() {
    let mut book = book();
    assert_eq!(book.next(), None);
    want(&mut book, &[HOST]);
    assert_eq!(orders(&mut book, NOON), [HOST]);
    want(&mut book, &[HOST]);
    assert!(orders(&mut book, NOON).is_empty(), "the first order still runs");
    book.issued(HOST, kept(60), NOON);
    assert!(orders(&mut book, NOON).is_empty());
    assert_eq!(book.next(), Some(later(60)));
}

#[test]
fn nothing_is_ordered_that_cannot_be_or_is_not_wanted() {
    let mut book = book();
    want(&mut book, &["localhost", "10.0.0.1", "shop.internal", HOST]);
    want(&mut book, &["localhost", "10.0.0.1", "shop.internal"]);
    assert!(orders(&mut book, NOON).is_empty());
    let mut off = Book::new(Directory::default(), false);
    want(&mut off, &[HOST]);
    assert!(orders(&mut off, NOON).is_empty());
}

#[test]
fn what_files_cover_is_not_ordered_until_they_do_not() {
    let mut book = book();
    want(&mut book, &[HOST]);
    book.cover(|_| true);
    assert!(orders(&mut book, NOON).is_empty());
    book.cover(|_| false);
    assert_eq!(orders(&mut book, NOON), [HOST]);
}

#[test]
fn a_kept_certificate_is_renewed_when_it_is_time() {
    let mut book = book();
    book.remember(vec![(HOST.to_owned(), kept(60))], Vec::new(), NOON);
    want(&mut book, &[HOST]);
    assert!(orders(&mut book, later(59)).is_empty());
    assert_eq!(orders(&mut book, later(60)), [HOST]);
}

#[test]
fn one_of_another_authority_is_replaced_at_once() {
    let mut book = book();
    book.remember(vec![(HOST.to_owned(), kept_from("https://trial/dir", 60))], Vec::new(), NOON);
    want(&mut book, &[HOST]);
    assert_eq!(orders(&mut book, NOON), [HOST]);
}

#[test]
fn a_host_that_comes_back_has_its_certificate_still() {
    let mut book = book();
    want(&mut book, &[HOST]);
    book.begin(NOON);
    want(&mut book, &[]);
    book.issued(HOST, kept(60), NOON);
    assert_eq!(book.wanted().count(), 0);
    want(&mut book, &[HOST]);
    assert!(orders(&mut book, NOON).is_empty());
    assert!(book.wanted().all(|(_, entry)| entry.kept.is_some()));
}

#[test]
fn a_failure_is_waited_for_longer_each_time() {
    let mut book = book();
    want(&mut book, &[HOST]);
    let mut now = 0;
    for pause in [1, 5, 20, 60] {
        assert_eq!(orders(&mut book, later(now)), [HOST]);
        fail(&mut book, Severity::Costly, later(now));
        now += pause;
        assert!(orders(&mut book, later(now - 1)).is_empty());
        assert_eq!(book.next(), Some(later(now)));
    }
}

#[test]
fn days_without_a_dns_record_do_not_count_once_it_is_there() {
    let mut book = book();
    want(&mut book, &[HOST]);
    for _ in 0..100 {
        fail(&mut book, Severity::Free, NOON);
    }
    let first = fail(&mut book, Severity::Costly, NOON);
    assert_eq!((first.failures, first.not_before), (1, later(1)));
}

#[test]
fn failures_are_remembered_over_a_restart() {
    let mut book = book();
    want(&mut book, &[HOST]);
    let meanwhile = book.meanwhile(HOST, NOON, Chance(0.0)).unwrap();
    assert_eq!(meanwhile.not_before, later(1), "killed in the middle: the next start waits as well");
    let mut next = self::book();
    next.remember(Vec::new(), vec![(HOST.to_owned(), meanwhile)], NOON);
    want(&mut next, &[HOST]);
    assert!(orders(&mut next, NOON).is_empty());
    assert_eq!(orders(&mut next, later(1)), [HOST]);
}

#[test]
fn somebody_who_has_mended_the_reason_need_not_wait() {
    let mut book = book();
    want(&mut book, &[HOST]);
    book.begin(NOON);
    fail(&mut book, Severity::Limited, NOON);
    assert!(orders(&mut book, NOON).is_empty());
    book.hurry(NOON);
    assert_eq!(orders(&mut book, NOON), [HOST]);
}

#[test]
fn a_few_are_ordered_at_once_and_those_without_any_certificate_first() {
    let mut book = book();
    book.remember(vec![("a.example.com".to_owned(), kept(0))], Vec::new(), NOON);
    let hosts: Vec<String> =
        ["a", "b", "c", "d", "e", "f"].map(|name| format!("{name}.example.com")).to_vec();
    book.want(hosts.iter().cloned().collect());
    assert_eq!(orders(&mut book, NOON), hosts[1..5]);
    assert_eq!(book.next(), None);
    book.issued("b.example.com", kept(60), NOON);
    assert_eq!(orders(&mut book, NOON), ["f.example.com"]);
    book.issued("c.example.com", kept(60), NOON);
    assert_eq!(orders(&mut book, NOON), ["a.example.com"]);
}

#[test]
fn an_authority_that_wants_an_earlier_renewal_has_its_way() {
    let mut book = book();
    book.remember(vec![(HOST.to_owned(), kept_of_an_authority(600))], Vec::new(), NOON);
    want(&mut book, &[HOST]);
    let begun = book.begin(NOON);
    assert!(matches!(begun.as_slice(), [(_, Job::AskWindow { .. })]), "{begun:?}");
    let window = Window { start: later(60), end: later(120), ask_after: SignedDuration::from_hours(6) };
    let moved = book.window(HOST, &window, NOON, Chance(0.5)).unwrap();
    assert_eq!(moved.record.renew_at, later(90));
    assert_eq!(book.next(), Some(later(90)), "before it would be asked again");
    let begun = book.begin(later(90));
    assert!(matches!(begun.as_slice(), [(_, Job::Order { replaces: Some(_) })]), "{begun:?}");
    fail(&mut book, Severity::Costly, later(90));
    let again = book.begin(later(91));
    assert!(matches!(again.as_slice(), [(_, Job::Order { replaces: None })]), "{again:?}");
}

#[test]
fn a_chosen_time_within_the_window_stays() {
    let mut book = book();
    book.remember(vec![(HOST.to_owned(), kept_of_an_authority(90))], Vec::new(), NOON);
    want(&mut book, &[HOST]);
    book.begin(NOON);
    let window = Window { start: later(60), end: later(120), ask_after: SignedDuration::from_secs(1) };
    assert!(book.window(HOST, &window, NOON, Chance(0.0)).is_none());
    assert_eq!(book.next(), Some(later(60)), "asked again after an hour at the earliest");
}

#[test]
fn an_authority_without_windows_is_not_asked_again() {
    let mut book = book();
    book.remember(vec![(HOST.to_owned(), kept_of_an_authority(600))], Vec::new(), NOON);
    want(&mut book, &[HOST]);
    book.begin(NOON);
    book.no_window(HOST, true, NOON);
    assert_eq!(book.next(), Some(later(600)));
}
