//! What the portal refuses, and that nothing has changed by it.

use time::Duration;
use ycd_pki::{KeyPair, csr, name::Name, statement::Statement};
use ycd_portal_api::wire::{
    Bytes,
    attempts::{AttemptState, Confirm, Issue, NoncePurpose, OpenAttempt},
    operator::CauseEvent,
    orders::{CreateOrder, OrderKind, OrderState},
};

use crate::world::{Key, PHONE, Work, World, refused, signed};

fn fresh() -> KeyPair {
    KeyPair::generate().unwrap()
}

#[test]
fn a_revoked_certificate_cannot_be_renewed() {
    let world = World::new();
    let work = Work::approved(&world);
    let view = work.open().unwrap();
    let request = work.issue_request(&view, &fresh());
    work.revoke_old();
    refused(work.open(), "certificate.revoked");
    refused(work.client.issue(&work.order, 1, &request), "certificate.revoked");
    assert_eq!(work.view().public_key, None);
}

#[test]
fn revoked_after_issue_the_old_certificate_does_not_hold_the_new_one_up() {
    let world = World::new();
    let work = Work::approved(&world);
    let (view, new) = (work.open().unwrap(), fresh());
    let issued = work.issue(&view, &new).unwrap();
    work.revoke_old();
    work.open().unwrap();
    work.confirm(1, &issued.certificate.0, &new).unwrap();
    // Revoked it stays: a confirmation makes nothing good again.
    assert!(world.list().lookup(work.key.certificate.serial()).is_some());
}

#[test]
fn the_key_is_written_within_ninety_days_by_the_portals_clock() {
    let world = World::new();
    let work = Work::approved(&world);
    let view = work.open().unwrap();
    world.advance(Duration::days(91));
    let client = world.login(PHONE);
    let work = Work { client, ..work };
    refused(work.open(), "attempt.window_closed");
    refused(work.issue(&view, &fresh()), "attempt.window_closed");
}

#[test]
fn an_order_that_is_not_approved_has_no_attempt() {
    let world = World::new();
    let key = Key::personalised(&world, "softkey:draft", PHONE);
    let client = world.login(PHONE);
    let create =
        CreateOrder { kind: OrderKind::Renewal, certificate: key.serial(), term_years: 1, product: None };
    let order = client.create_order(&create).unwrap().summary.no;
    let work = Work { world: &world, client, order, key };
    refused(work.open(), "attempt.order_not_ready");
    refused(work.client.attempt(&work.order), "attempt.not_found");
    refused(work.client.nonce(&work.order, 1, NoncePurpose::Renew), "attempt.not_found");
}

#[test]
fn another_applicants_order_is_not_there() {
    let world = World::new();
    let work = Work::approved(&world);
    let view = work.open().unwrap();
    let request = work.issue_request(&view, &fresh());
    let stranger = world.login("13900000000");
    let open = OpenAttempt { key_id: work.key.id.clone(), public_keys: vec![], mode: view.mode };
    refused(stranger.open_attempt(&work.order, &open), "order.not_found");
    refused(stranger.attempt(&work.order), "order.not_found");
    refused(stranger.nonce(&work.order, 1, NoncePurpose::Renew), "order.not_found");
    refused(stranger.issue(&work.order, 1, &request), "order.not_found");
    refused(world.client().attempt(&work.order), "auth.required");
}

#[test]
fn the_wrong_key_is_refused() {
    let world = World::new();
    let work = Work::approved(&world);
    let key = Key { id: "softkey:other".into(), ..work.key };
    refused(Work { key, ..work }.open(), "key.wrong");
}

#[test]
fn a_nonce_is_good_once_for_one_purpose_within_ten_minutes() {
    let world = World::new();
    let work = Work::approved(&world);
    let (view, new) = (work.open().unwrap(), fresh());
    let issue = |nonce| {
        let request = Bytes(csr::build(&new, &view.subject.0).unwrap());
        let statement = Some(work.renew_statement(&view, &new, nonce));
        work.client.issue(&work.order, 1, &Issue { request, statement, step_up: None })
    };
    refused(issue([7; 32]), "attempt.nonce_invalid");
    refused(issue(work.nonce(1, NoncePurpose::Abandon)), "attempt.nonce_invalid");
    let old = work.nonce(1, NoncePurpose::Renew);
    world.advance(Duration::minutes(11));
    refused(issue(old), "attempt.nonce_invalid");
    let used = work.nonce(1, NoncePurpose::Renew);
    issue(used).unwrap();

    // The next attempt does not take the nonce of the one before, used or not.
    let unused = work.nonce(1, NoncePurpose::Renew);
    let next = work.abandon(1).unwrap();
    for nonce in [used, unused] {
        let new = fresh();
        let request = Bytes(csr::build(&new, &next.subject.0).unwrap());
        let statement = Some(work.renew_statement(&next, &new, nonce));
        refused(
            work.client.issue(&work.order, 2, &Issue { request, statement, step_up: None }),
            "attempt.nonce_invalid",
        );
    }
}

#[test]
fn only_the_old_key_agrees_and_only_to_the_key_in_the_request() {
    let world = World::new();
    let work = Work::approved(&world);
    let (view, new) = (work.open().unwrap(), fresh());
    let request = Bytes(csr::build(&new, &view.subject.0).unwrap());
    let issue = |statement| {
        work.client.issue(&work.order, 1, &Issue { request: request.clone(), statement, step_up: None })
    };
    refused(issue(None), "attempt.statement_missing");
    let nonce = || work.nonce(1, NoncePurpose::Renew);
    refused(issue(Some(work.renew_statement(&view, &fresh(), nonce()))), "attempt.statement_invalid");
    let mut altered = view.clone();
    altered.portal = "another portal".into();
    refused(issue(Some(work.renew_statement(&altered, &new, nonce()))), "attempt.statement_invalid");
    altered = view.clone();
    altered.attempt = 2;
    refused(issue(Some(work.renew_statement(&altered, &new, nonce()))), "attempt.statement_invalid");
    let once = nonce();
    let statement = Statement::Abandon {
        portal: view.portal.clone(),
        order: view.order.clone(),
        attempt: 1,
        key_id: view.key_id.clone(),
        nonce: once,
    };
    refused(issue(Some(signed(&new, &statement, once))), "attempt.statement_invalid");
    let mut raw = work.renew_statement(&view, &new, nonce());
    raw.signature = Bytes(vec![1; 64]);
    refused(issue(Some(raw)), "attempt.statement_invalid");
    assert_eq!(work.view().public_key, None);
}

#[test]
fn a_request_must_be_signed_by_its_own_key_and_bear_the_orders_subject() {
    let world = World::new();
    let work = Work::approved(&world);
    let (view, new) = (work.open().unwrap(), fresh());
    let issue = |request| {
        let statement = Some(work.renew_statement(&view, &new, work.nonce(1, NoncePurpose::Renew)));
        work.client.issue(&work.order, 1, &Issue { request: Bytes(request), statement, step_up: None })
    };
    let other = Name::enterprise("另一家公司", None, None).to_der().unwrap();
    refused(issue(csr::build(&new, &other).unwrap()), "attempt.subject_mismatch");
    let mut broken = csr::build(&new, &view.subject.0).unwrap();
    *broken.last_mut().unwrap() ^= 1;
    refused(issue(broken), "attempt.request_invalid");
    refused(issue(b"not a request".to_vec()), "attempt.request_invalid");
}

#[test]
fn a_key_that_was_there_before_or_is_certified_already_is_refused() {
    let world = World::new();
    let other = Key::personalised(&world, "softkey:other", PHONE);
    let work = Work::approved(&world);
    let past = fresh();
    let view = work
        .open_with(
            ycd_portal_api::wire::attempts::Mode::SideBySide,
            &[work.key.spki(), past.public_key().to_spki_der()],
        )
        .unwrap();
    refused(work.issue(&view, &work.key.pair), "attempt.key_not_new");
    refused(work.issue(&view, &past), "attempt.key_not_new");
    refused(work.issue(&view, &other.pair), "attempt.key_taken");
}

#[test]
fn a_confirmation_is_signed_by_the_new_key_over_its_certificate() {
    let world = World::new();
    let work = Work::approved(&world);
    let (view, new) = (work.open().unwrap(), fresh());
    let early = Confirm { statement: work.renew_statement(&view, &new, [1; 32]) };
    refused(work.client.confirm(&work.order, 1, &early), "attempt.not_issued");
    let issued = work.issue(&view, &new).unwrap();
    refused(work.confirm(1, &issued.certificate.0, &work.key.pair), "attempt.statement_invalid");
    refused(work.confirm(1, work.key.certificate.der(), &new), "attempt.statement_invalid");
    assert_eq!(work.view().state, AttemptState::Issued);

    let confirmation = work.confirmation(1, &issued.certificate.0, &new);
    let first = work.client.confirm(&work.order, 1, &confirmation).unwrap();
    // Its answer was lost, and it is sent again; or a late duplicate arrives.
    let again = work.client.confirm(&work.order, 1, &confirmation).unwrap();
    assert_eq!((first.order_state, again.order_state), (OrderState::Completed, OrderState::Completed));
}

#[test]
fn after_the_confirmation_late_requests_change_nothing() {
    let world = World::new();
    let work = Work::approved(&world);
    let (view, new) = (work.open().unwrap(), fresh());
    let request = work.issue_request(&view, &new);
    let step_up = world.step_up(&work.client, &work.order, ycd_portal_api::wire::login::Purpose::Abandon);
    let issued = work.client.issue(&work.order, 1, &request).unwrap();
    work.confirm(1, &issued.certificate.0, &new).unwrap();
    refused(work.client.issue(&work.order, 1, &request), "attempt.not_open");
    let abandon = ycd_portal_api::wire::attempts::Abandon { step_up, statement: None };
    refused(work.client.abandon(&work.order, 1, &abandon), "attempt.not_open");
    refused(work.client.nonce(&work.order, 1, NoncePurpose::Confirm), "attempt.not_open");
    assert_eq!(work.view().state, AttemptState::Confirmed);
    assert!(world.list().is_empty());
}

#[test]
fn an_order_that_an_operator_has_taken_over_is_not_worked_on() {
    let world = World::new();
    let work = Work::approved(&world);
    let (view, new) = (work.open().unwrap(), fresh());
    let request = work.issue_request(&view, &new);
    let cause = CauseEvent {
        event: ycd_portal_api::wire::operator::OperatorEvent::TakeOver,
        reason: "用户来电".into(),
    };
    world.operator().cause(&work.order, &cause).unwrap();
    refused(work.client.issue(&work.order, 1, &request), "attempt.order_not_ready");
    refused(work.abandon(1), "attempt.order_not_ready");
    // Given back, it goes on with the same attempt.
    world.operator().approve(&work.order).unwrap();
    assert_eq!(work.open().unwrap().tag, view.tag);
    work.client.issue(&work.order, 1, &request).unwrap();
}
