//! Step 11: attempts given up.

use std::sync::atomic::Ordering;

use ycd_pki::{Certificate, KeyPair, authorization::Authorization, crl::Reason as ListReason};
use ycd_portal_api::wire::{
    attempts::{Abandon, AttemptState, Mode, NoncePurpose},
    login::Purpose,
    operator::{CauseEvent, OperatorEvent},
    orders::{OrderKind, OrderNote, PublicStatus, Reason},
};

use crate::world::{Applicant, World, refused, signed, spki};

#[test]
fn giving_up_revokes_what_was_signed_and_opens_the_next_attempt() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (first, new) = (applicant.open().unwrap(), KeyPair::generate().unwrap());
    let issued = applicant.issue(&first, &new).unwrap();
    let serial = Certificate::from_der(&issued.certificate.0).unwrap().serial().to_vec();

    let second = applicant.abandon(1).unwrap();
    assert_eq!((second.attempt, second.state, second.attempts_left), (2, AttemptState::Open, 1));
    assert_ne!(second.cka_id, first.cka_id);
    assert_eq!(second.abandoned.len(), 1);
    assert_eq!(
        (&second.abandoned[0].cka_id, second.abandoned[0].public_key.clone()),
        (&first.cka_id, Some(spki(&new)))
    );
    assert_eq!(second.inventory, first.inventory, "the order's first inventory stays");
    assert_eq!(world.list().lookup(&serial).unwrap().reason, ListReason::CessationOfOperation);

    refused(applicant.issue(&second, &new), "attempt.key_not_new");
    let newer = KeyPair::generate().unwrap();
    let issued = applicant.issue(&second, &newer).unwrap();
    assert_eq!(
        applicant.confirm(2, &issued.certificate.0, &newer).unwrap().public_status,
        PublicStatus::Completed
    );
    assert_eq!(world.list().len(), 1);
}

#[test]
fn giving_up_revokes_the_serial_number_of_what_was_not_signed_yet() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let view = applicant.open().unwrap();
    let remote = world.remote();
    remote.cut.store(true, Ordering::SeqCst);
    let new = KeyPair::generate().unwrap();
    let request = applicant.issue_request(&view, &new);
    refused(applicant.client.issue(&applicant.order, 1, &request), "authority.unavailable");
    applicant.abandon(1).unwrap();
    remote.cut.store(false, Ordering::SeqCst);
    assert_eq!(world.list().len(), 1);
    let asked = remote.asked();
    refused(applicant.client.issue(&applicant.order, 1, &request), "attempt.not_open");
    assert_eq!(remote.asked(), asked);
}

#[test]
fn giving_up_is_answered_again_with_how_things_stand() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let view = applicant.open().unwrap();
    let step_up = world.step_up(&applicant.client, &applicant.order, Purpose::Abandon);
    let nonce = applicant.nonce(1, NoncePurpose::Abandon);
    let authorization = Authorization::Abandon {
        portal: view.portal.clone(),
        order: view.order.clone(),
        attempt: 1,
        token_id: view.token_id.clone(),
        nonce,
    };
    let abandon =
        Abandon { step_up, authorization: Some(signed(&applicant.token.pair, &authorization, nonce)) };
    let first = applicant.client.abandon(&applicant.order, 1, &abandon).unwrap();
    let again = applicant.client.abandon(&applicant.order, 1, &abandon).unwrap();
    assert_eq!((first.attempt, first.cka_id), (2, again.cka_id));
    // The step-up was for one attempt.
    refused(
        applicant.client.abandon(&applicant.order, 2, &Abandon { authorization: None, ..abandon }),
        "auth.step_up_invalid",
    );
}

#[test]
fn giving_up_takes_a_fresh_sms_code_and_an_authorization_that_is_right_if_there_is_one() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    applicant.open().unwrap();
    let abandon = |step_up, authorization| {
        applicant.client.abandon(&applicant.order, 1, &Abandon { step_up, authorization })
    };
    refused(abandon("no such token".into(), None), "auth.step_up_invalid");
    let wrong_purpose = Abandon { step_up: String::new(), authorization: None };
    refused(applicant.client.abandon(&applicant.order, 1, &wrong_purpose), "auth.step_up_invalid");

    let step_up = world.step_up(&applicant.client, &applicant.order, Purpose::Abandon);
    let nonce = applicant.nonce(1, NoncePurpose::Abandon);
    let authorization = Authorization::Abandon {
        portal: world.portal.name().into(),
        order: applicant.order.clone(),
        attempt: 1,
        token_id: applicant.token.id.clone(),
        nonce,
    };
    let by_another = signed(&KeyPair::generate().unwrap(), &authorization, nonce);
    refused(abandon(step_up.clone(), Some(by_another)), "attempt.authorization_invalid");
    // The refusal has used up neither.
    abandon(step_up, Some(signed(&applicant.token.pair, &authorization, nonce))).unwrap();
}

#[test]
fn after_three_attempts_an_operator_takes_over_and_can_give_three_more() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let first = applicant.open().unwrap();
    assert_eq!(applicant.abandon(1).unwrap().attempt, 2);
    assert_eq!(applicant.abandon(2).unwrap().attempts_left, 0);
    let last = applicant.abandon(3).unwrap();
    assert_eq!((last.attempt, last.state, last.attempts_left), (3, AttemptState::Closed, 0));
    assert_eq!(applicant.client.order(&applicant.order).unwrap().summary.note, Some(OrderNote::OperatorCare));
    assert_eq!(applicant.open().unwrap().state, AttemptState::Closed);

    world.advance(time::Duration::minutes(1));
    world.operator().approve(&applicant.order).unwrap();
    let left_over = spki(&KeyPair::generate().unwrap()).0;
    let view = applicant.open_with(Mode::SideBySide, &[applicant.token.spki(), left_over]).unwrap();
    assert_eq!(view.inventory, first.inventory);
    assert_eq!((view.attempt, view.state, view.attempts_left), (4, AttemptState::Open, 2));
    assert_eq!(view.abandoned.len(), 3);
    let new = KeyPair::generate().unwrap();
    let issued = applicant.issue(&view, &new).unwrap();
    applicant.confirm(4, &issued.certificate.0, &new).unwrap();
}

#[test]
fn an_operator_closes_an_attempt_whose_token_is_gone() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (view, new) = (applicant.open().unwrap(), KeyPair::generate().unwrap());
    let issued = applicant.issue(&view, &new).unwrap();
    let reason = Reason { reason: "USBKEY 已被重新初始化".into() };
    let closed = world.operator().close_attempt(&applicant.order, 1, &reason).unwrap();
    assert_eq!((closed.attempt, closed.state), (1, AttemptState::Closed));
    let serial = Certificate::from_der(&issued.certificate.0).unwrap().serial().to_vec();
    assert!(world.list().lookup(&serial).is_some());
    assert_eq!(applicant.client.order(&applicant.order).unwrap().summary.note, Some(OrderNote::OperatorCare));
    refused(applicant.client.close_attempt(&applicant.order, 1, &reason), "auth.forbidden");

    let lost = CauseEvent { event: OperatorEvent::TokenLost, reason: "补办".into() };
    let order = world.operator().cause(&applicant.order, &lost).unwrap().order.summary;
    assert_eq!((order.kind, order.state), (OrderKind::Reissue, PublicStatus::AwaitingPersonalization));
    assert_eq!(applicant.open().unwrap().state, AttemptState::Closed);
}

#[test]
fn a_lost_token_closes_the_open_attempt_by_itself() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let view = applicant.open().unwrap();
    applicant.issue(&view, &KeyPair::generate().unwrap()).unwrap();
    let lost = CauseEvent { event: OperatorEvent::TokenLost, reason: "丢失".into() };
    world.operator().cause(&applicant.order, &lost).unwrap();
    assert_eq!(applicant.view().state, AttemptState::Closed);
    assert_eq!(world.list().len(), 1);
}
