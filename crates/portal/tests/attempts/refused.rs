//! What the portal refuses, and that nothing has changed by it.

use time::Duration;
use ycd_pki::{KeyPair, authorization::Authorization, csr, name::Name};
use ycd_portal_api::wire::{
    Bytes,
    attempts::{AttemptState, Confirm, Issue, NoncePurpose, OpenAttempt},
    operator::CauseEvent,
    orders::{CreateOrder, OrderKind, PublicStatus},
};

use crate::world::{Applicant, PHONE, Token, World, refused, signed};

fn fresh() -> KeyPair {
    KeyPair::generate().unwrap()
}

#[test]
fn a_revoked_certificate_cannot_be_renewed() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let view = applicant.open().unwrap();
    let request = applicant.issue_request(&view, &fresh());
    applicant.revoke_old();
    refused(applicant.open(), "certificate.revoked");
    refused(applicant.client.issue(&applicant.order, 1, &request), "certificate.revoked");
    assert_eq!(applicant.view().public_key, None);
}

#[test]
fn revoked_after_issue_the_old_certificate_does_not_hold_the_new_one_up() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (view, new) = (applicant.open().unwrap(), fresh());
    let issued = applicant.issue(&view, &new).unwrap();
    applicant.revoke_old();
    applicant.open().unwrap();
    applicant.confirm(1, &issued.certificate.0, &new).unwrap();
    // Revoked it stays: a confirmation makes nothing good again.
    assert!(world.list().lookup(applicant.token.certificate.serial()).is_some());
}

#[test]
fn the_token_is_written_within_ninety_days_by_the_portals_clock() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let view = applicant.open().unwrap();
    world.advance(Duration::days(91));
    let client = world.login(PHONE);
    let applicant = Applicant { client, ..applicant };
    refused(applicant.open(), "attempt.window_closed");
    refused(applicant.issue(&view, &fresh()), "attempt.window_closed");
}

#[test]
fn an_order_that_is_not_approved_has_no_attempt() {
    let world = World::new();
    let token = Token::first_certificate(&world, "softkey:draft", PHONE);
    let client = world.login(PHONE);
    let create = CreateOrder {
        kind: OrderKind::Renewal,
        certificate: token.serial(),
        validity_years: 1,
        product: None,
    };
    let order = client.create_order(&create).unwrap().summary.no;
    let applicant = Applicant { world: &world, client, order, token };
    refused(applicant.open(), "attempt.order_not_ready");
    refused(applicant.client.attempt(&applicant.order), "attempt.not_found");
    refused(applicant.client.nonce(&applicant.order, 1, NoncePurpose::Renew), "attempt.not_found");
}

#[test]
fn another_applicants_order_is_not_there() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let view = applicant.open().unwrap();
    let request = applicant.issue_request(&view, &fresh());
    let stranger = world.login("13900000000");
    let open = OpenAttempt { token_id: applicant.token.id.clone(), public_keys: vec![], mode: view.mode };
    refused(stranger.open_attempt(&applicant.order, &open), "order.not_found");
    refused(stranger.attempt(&applicant.order), "order.not_found");
    refused(stranger.nonce(&applicant.order, 1, NoncePurpose::Renew), "order.not_found");
    refused(stranger.issue(&applicant.order, 1, &request), "order.not_found");
    refused(world.client().attempt(&applicant.order), "auth.required");
}

#[test]
fn the_wrong_token_is_refused() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let token = Token { id: "softkey:other".into(), ..applicant.token };
    refused(Applicant { token, ..applicant }.open(), "order.wrong_token");
}

#[test]
fn a_nonce_is_good_once_for_one_purpose_within_ten_minutes() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (view, new) = (applicant.open().unwrap(), fresh());
    let issue = |nonce| {
        let request = Bytes(csr::build(&new, &view.subject.0).unwrap());
        let authorization = Some(applicant.renew_authorization(&view, &new, nonce));
        applicant.client.issue(&applicant.order, 1, &Issue { request, authorization, step_up: None })
    };
    refused(issue([7; 32]), "attempt.nonce_invalid");
    refused(issue(applicant.nonce(1, NoncePurpose::Abandon)), "attempt.nonce_invalid");
    let old = applicant.nonce(1, NoncePurpose::Renew);
    world.advance(Duration::minutes(11));
    refused(issue(old), "attempt.nonce_invalid");
    let used = applicant.nonce(1, NoncePurpose::Renew);
    issue(used).unwrap();

    // The next attempt does not take the nonce of the one before, used or not.
    let unused = applicant.nonce(1, NoncePurpose::Renew);
    let next = applicant.abandon(1).unwrap();
    for nonce in [used, unused] {
        let new = fresh();
        let request = Bytes(csr::build(&new, &next.subject.0).unwrap());
        let authorization = Some(applicant.renew_authorization(&next, &new, nonce));
        refused(
            applicant.client.issue(&applicant.order, 2, &Issue { request, authorization, step_up: None }),
            "attempt.nonce_invalid",
        );
    }
}

#[test]
fn only_the_old_key_agrees_and_only_to_the_key_in_the_request() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (view, new) = (applicant.open().unwrap(), fresh());
    let request = Bytes(csr::build(&new, &view.subject.0).unwrap());
    let issue = |authorization| {
        applicant.client.issue(
            &applicant.order,
            1,
            &Issue { request: request.clone(), authorization, step_up: None },
        )
    };
    refused(issue(None), "attempt.authorization_missing");
    let nonce = || applicant.nonce(1, NoncePurpose::Renew);
    refused(
        issue(Some(applicant.renew_authorization(&view, &fresh(), nonce()))),
        "attempt.authorization_invalid",
    );
    let mut altered = view.clone();
    altered.portal = "another portal".into();
    refused(
        issue(Some(applicant.renew_authorization(&altered, &new, nonce()))),
        "attempt.authorization_invalid",
    );
    altered = view.clone();
    altered.attempt = 2;
    refused(
        issue(Some(applicant.renew_authorization(&altered, &new, nonce()))),
        "attempt.authorization_invalid",
    );
    let once = nonce();
    let authorization = Authorization::Abandon {
        portal: view.portal.clone(),
        order: view.order.clone(),
        attempt: 1,
        token_id: view.token_id.clone(),
        nonce: once,
    };
    refused(issue(Some(signed(&new, &authorization, once))), "attempt.authorization_invalid");
    let mut raw = applicant.renew_authorization(&view, &new, nonce());
    raw.signature = Bytes(vec![1; 64]);
    refused(issue(Some(raw)), "attempt.authorization_invalid");
    assert_eq!(applicant.view().public_key, None);
}

#[test]
fn a_request_must_be_signed_by_its_own_key_and_bear_the_orders_subject() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (view, new) = (applicant.open().unwrap(), fresh());
    let issue = |request| {
        let authorization =
            Some(applicant.renew_authorization(&view, &new, applicant.nonce(1, NoncePurpose::Renew)));
        applicant.client.issue(
            &applicant.order,
            1,
            &Issue { request: Bytes(request), authorization, step_up: None },
        )
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
    let other = Token::first_certificate(&world, "softkey:other", PHONE);
    let applicant = Applicant::approved(&world);
    let past = fresh();
    let view = applicant
        .open_with(
            ycd_portal_api::wire::attempts::Mode::SideBySide,
            &[applicant.token.spki(), past.public_key().to_spki_der()],
        )
        .unwrap();
    refused(applicant.issue(&view, &applicant.token.pair), "attempt.key_not_new");
    refused(applicant.issue(&view, &past), "attempt.key_not_new");
    refused(applicant.issue(&view, &other.pair), "attempt.key_taken");
}

#[test]
fn a_confirmation_is_signed_by_the_new_key_over_its_certificate() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (view, new) = (applicant.open().unwrap(), fresh());
    let early = Confirm { authorization: applicant.renew_authorization(&view, &new, [1; 32]) };
    refused(applicant.client.confirm(&applicant.order, 1, &early), "attempt.not_issued");
    let issued = applicant.issue(&view, &new).unwrap();
    refused(
        applicant.confirm(1, &issued.certificate.0, &applicant.token.pair),
        "attempt.authorization_invalid",
    );
    refused(applicant.confirm(1, applicant.token.certificate.der(), &new), "attempt.authorization_invalid");
    assert_eq!(applicant.view().state, AttemptState::Issued);

    let confirmation = applicant.confirmation(1, &issued.certificate.0, &new);
    let first = applicant.client.confirm(&applicant.order, 1, &confirmation).unwrap();
    // Its answer was lost, and it is sent again; or a late duplicate arrives.
    let again = applicant.client.confirm(&applicant.order, 1, &confirmation).unwrap();
    assert_eq!(
        (first.public_status, again.public_status),
        (PublicStatus::Completed, PublicStatus::Completed)
    );
}

#[test]
fn after_the_confirmation_late_requests_change_nothing() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (view, new) = (applicant.open().unwrap(), fresh());
    let request = applicant.issue_request(&view, &new);
    let step_up =
        world.step_up(&applicant.client, &applicant.order, ycd_portal_api::wire::login::Purpose::Abandon);
    let issued = applicant.client.issue(&applicant.order, 1, &request).unwrap();
    applicant.confirm(1, &issued.certificate.0, &new).unwrap();
    refused(applicant.client.issue(&applicant.order, 1, &request), "attempt.not_open");
    let abandon = ycd_portal_api::wire::attempts::Abandon { step_up, authorization: None };
    refused(applicant.client.abandon(&applicant.order, 1, &abandon), "attempt.not_open");
    refused(applicant.client.nonce(&applicant.order, 1, NoncePurpose::Confirm), "attempt.not_open");
    assert_eq!(applicant.view().state, AttemptState::Confirmed);
    assert!(world.list().is_empty());
}

#[test]
fn an_order_that_an_operator_has_taken_over_is_not_worked_on() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (view, new) = (applicant.open().unwrap(), fresh());
    let request = applicant.issue_request(&view, &new);
    let cause = CauseEvent {
        event: ycd_portal_api::wire::operator::OperatorEvent::TakeOver,
        reason: "用户来电".into(),
    };
    world.operator().cause(&applicant.order, &cause).unwrap();
    refused(applicant.client.issue(&applicant.order, 1, &request), "attempt.order_not_ready");
    refused(applicant.abandon(1), "attempt.order_not_ready");
    // Given back, it goes on with the same attempt.
    world.operator().approve(&applicant.order).unwrap();
    assert_eq!(applicant.open().unwrap().cka_id, view.cka_id);
    applicant.client.issue(&applicant.order, 1, &request).unwrap();
}

#[test]
fn two_orders_are_not_worked_on_at_once_on_one_token() {
    let world = World::new();
    let tokens = ["softkey:3F21", "softkey:88A0"].map(|id| Token::first_certificate(&world, id, PHONE));
    world.advance(Duration::days(345));
    let [first, second] = tokens.map(|token| Applicant::for_token(&world, token));
    // As if both certificates were on one token; the portal issues no such pair.
    world.run(async {
        let mut tx = world.portal.db().write().await.unwrap();
        sqlx::query("UPDATE orders SET token_id = $1 WHERE no = $2")
            .bind(&first.token.id)
            .bind(&second.order)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    });
    let second = Applicant { token: Token { id: first.token.id.clone(), ..second.token }, ..second };
    let (view, new) = (first.open().unwrap(), fresh());
    let busy = second.open().unwrap_err();
    assert_eq!(busy.code(), "attempt.token_busy");
    assert_eq!(busy.problem().unwrap().extra["order"], first.order);
    refused(second.client.attempt(&second.order), "attempt.not_found");
    let issued = first.issue(&view, &new).unwrap();
    refused(second.open(), "attempt.token_busy");
    first.confirm(1, &issued.certificate.0, &new).unwrap();
    assert_eq!(second.open().unwrap().attempt, 1);
}
