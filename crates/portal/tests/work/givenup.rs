//! Step 11: attempts given up.

use std::sync::atomic::Ordering;

use ycd_pki::{Certificate, KeyPair, crl::Reason as ListReason, statement::Statement};
use ycd_portal_api::wire::{
    attempts::{Abandon, AttemptState, Mode, NoncePurpose},
    login::Purpose,
    operator::{CauseEvent, OperatorEvent},
    orders::{OrderKind, OrderNote, OrderState, Reason},
};

use crate::world::{Work, World, refused, signed, spki};

#[test]
fn giving_up_revokes_what_was_signed_and_opens_the_next_attempt() {
    let world = World::new();
    let work = Work::approved(&world);
    let (first, new) = (work.open().unwrap(), KeyPair::generate().unwrap());
    let issued = work.issue(&first, &new).unwrap();
    let serial = Certificate::from_der(&issued.certificate.0).unwrap().serial().to_vec();

    let second = work.abandon(1).unwrap();
    assert_eq!((second.attempt, second.state, second.attempts_left), (2, AttemptState::Open, 1));
    assert_ne!(second.tag, first.tag);
    assert_eq!(second.abandoned.len(), 1);
    assert_eq!(
        (&second.abandoned[0].tag, second.abandoned[0].public_key.clone()),
        (&first.tag, Some(spki(&new)))
    );
    assert_eq!(second.inventory, first.inventory, "the order's first inventory stays");
    assert_eq!(world.list().lookup(&serial).unwrap().reason, ListReason::CessationOfOperation);

    refused(work.issue(&second, &new), "attempt.key_not_new");
    let newer = KeyPair::generate().unwrap();
    let issued = work.issue(&second, &newer).unwrap();
    assert_eq!(work.confirm(2, &issued.certificate.0, &newer).unwrap().order_state, OrderState::Completed);
    assert_eq!(world.list().len(), 1);
}

#[test]
fn giving_up_revokes_the_serial_number_of_what_was_not_signed_yet() {
    let world = World::new();
    let work = Work::approved(&world);
    let view = work.open().unwrap();
    let remote = world.remote();
    remote.cut.store(true, Ordering::SeqCst);
    let new = KeyPair::generate().unwrap();
    let request = work.issue_request(&view, &new);
    refused(work.client.issue(&work.order, 1, &request), "authority.unavailable");
    work.abandon(1).unwrap();
    remote.cut.store(false, Ordering::SeqCst);
    assert_eq!(world.list().len(), 1);
    let asked = remote.asked();
    refused(work.client.issue(&work.order, 1, &request), "attempt.not_open");
    assert_eq!(remote.asked(), asked);
}

#[test]
fn giving_up_is_answered_again_with_how_things_stand() {
    let world = World::new();
    let work = Work::approved(&world);
    let view = work.open().unwrap();
    let step_up = world.step_up(&work.client, &work.order, Purpose::Abandon);
    let nonce = work.nonce(1, NoncePurpose::Abandon);
    let statement = Statement::Abandon {
        portal: view.portal.clone(),
        order: view.order.clone(),
        attempt: 1,
        key_id: view.key_id.clone(),
        nonce,
    };
    let abandon = Abandon { step_up, statement: Some(signed(&work.key.pair, &statement, nonce)) };
    let first = work.client.abandon(&work.order, 1, &abandon).unwrap();
    let again = work.client.abandon(&work.order, 1, &abandon).unwrap();
    assert_eq!((first.attempt, first.tag), (2, again.tag));
    // The step-up was for one attempt.
    refused(
        work.client.abandon(&work.order, 2, &Abandon { statement: None, ..abandon }),
        "auth.step_up_invalid",
    );
}

#[test]
fn giving_up_takes_a_fresh_sms_code_and_a_statement_that_is_right_if_there_is_one() {
    let world = World::new();
    let work = Work::approved(&world);
    work.open().unwrap();
    let abandon = |step_up, statement| work.client.abandon(&work.order, 1, &Abandon { step_up, statement });
    refused(abandon("no such token".into(), None), "auth.step_up_invalid");
    let wrong_purpose = Abandon { step_up: String::new(), statement: None };
    refused(work.client.abandon(&work.order, 1, &wrong_purpose), "auth.step_up_invalid");

    let step_up = world.step_up(&work.client, &work.order, Purpose::Abandon);
    let nonce = work.nonce(1, NoncePurpose::Abandon);
    let statement = Statement::Abandon {
        portal: world.portal.name().into(),
        order: work.order.clone(),
        attempt: 1,
        key_id: work.key.id.clone(),
        nonce,
    };
    let by_another = signed(&KeyPair::generate().unwrap(), &statement, nonce);
    refused(abandon(step_up.clone(), Some(by_another)), "attempt.statement_invalid");
    // The refusal has used up neither.
    abandon(step_up, Some(signed(&work.key.pair, &statement, nonce))).unwrap();
}

#[test]
fn after_three_attempts_an_operator_takes_over_and_can_give_three_more() {
    let world = World::new();
    let work = Work::approved(&world);
    let first = work.open().unwrap();
    assert_eq!(work.abandon(1).unwrap().attempt, 2);
    assert_eq!(work.abandon(2).unwrap().attempts_left, 0);
    let last = work.abandon(3).unwrap();
    assert_eq!((last.attempt, last.state, last.attempts_left), (3, AttemptState::Closed, 0));
    assert_eq!(work.client.order(&work.order).unwrap().summary.note, Some(OrderNote::OperatorCare));
    assert_eq!(work.open().unwrap().state, AttemptState::Closed);

    world.advance(time::Duration::minutes(1));
    world.operator().approve(&work.order).unwrap();
    let left_over = spki(&KeyPair::generate().unwrap()).0;
    let view = work.open_with(Mode::SideBySide, &[work.key.spki(), left_over]).unwrap();
    assert_eq!(view.inventory, first.inventory);
    assert_eq!((view.attempt, view.state, view.attempts_left), (4, AttemptState::Open, 2));
    assert_eq!(view.abandoned.len(), 3);
    let new = KeyPair::generate().unwrap();
    let issued = work.issue(&view, &new).unwrap();
    work.confirm(4, &issued.certificate.0, &new).unwrap();
}

#[test]
fn an_operator_closes_an_attempt_whose_key_is_gone() {
    let world = World::new();
    let work = Work::approved(&world);
    let (view, new) = (work.open().unwrap(), KeyPair::generate().unwrap());
    let issued = work.issue(&view, &new).unwrap();
    let reason = Reason { reason: "USBKEY 已被重新初始化".into() };
    let closed = world.operator().close_attempt(&work.order, 1, &reason).unwrap();
    assert_eq!((closed.attempt, closed.state), (1, AttemptState::Closed));
    let serial = Certificate::from_der(&issued.certificate.0).unwrap().serial().to_vec();
    assert!(world.list().lookup(&serial).is_some());
    assert_eq!(work.client.order(&work.order).unwrap().summary.note, Some(OrderNote::OperatorCare));
    refused(work.client.close_attempt(&work.order, 1, &reason), "auth.forbidden");

    let lost = CauseEvent { event: OperatorEvent::KeyLost, reason: "补办".into() };
    let order = world.operator().cause(&work.order, &lost).unwrap().order.summary;
    assert_eq!((order.kind, order.state), (OrderKind::Reissue, OrderState::AwaitingProduction));
    assert_eq!(work.open().unwrap().state, AttemptState::Closed);
}

#[test]
fn a_lost_key_closes_the_open_attempt_by_itself() {
    let world = World::new();
    let work = Work::approved(&world);
    let view = work.open().unwrap();
    work.issue(&view, &KeyPair::generate().unwrap()).unwrap();
    let lost = CauseEvent { event: OperatorEvent::KeyLost, reason: "丢失".into() };
    world.operator().cause(&work.order, &lost).unwrap();
    assert_eq!(work.view().state, AttemptState::Closed);
    assert_eq!(world.list().len(), 1);
}
