//! Same key pair; replace.

use ycd_pki::{Certificate, KeyPair, csr};
use ycd_portal_api::wire::{
    Bytes,
    attempts::{AttemptState, Issue, Mode},
    login::Purpose,
    orders::{FixKey, OrderState},
};

use crate::world::{Work, World, refused};

#[test]
fn the_same_key_pair_gets_a_new_certificate_and_no_other_pair_does() {
    let world = World::new();
    let work = Work::approved(&world);
    let view = work.open_as(Mode::SameKeyPair).unwrap();
    refused(work.issue(&view, &KeyPair::generate().unwrap()), "attempt.key_not_old");
    let issued = work.issue(&view, &work.key.pair).unwrap();
    let certificate = Certificate::from_der(&issued.certificate.0).unwrap();
    assert_eq!(certificate.spki_der(), work.key.spki());
    assert_ne!(certificate.serial(), work.key.certificate.serial());
    assert_eq!(work.view().inventory, [Bytes(work.key.spki())]);
    let confirmed = work.confirm(1, &issued.certificate.0, &work.key.pair).unwrap();
    assert_eq!(confirmed.order_state, OrderState::Completed);
}

#[test]
fn a_renewal_of_the_same_key_pair_cannot_be_given_up() {
    let world = World::new();
    let work = Work::approved(&world);
    work.open_as(Mode::SameKeyPair).unwrap();
    refused(work.abandon(1), "attempt.same_key_pair");
    assert_eq!(work.view().state, AttemptState::Open);
}

#[test]
fn replacing_takes_the_old_keys_agreement_before_its_end_and_nothing_after() {
    let world = World::new();
    let work = Work::approved(&world);
    let view = work.open_as(Mode::Replace).unwrap();
    assert!(!view.replace_agreed);
    let new = KeyPair::generate().unwrap();
    let mut without =
        Issue { request: Bytes(csr::build(&new, &view.subject.0).unwrap()), statement: None, step_up: None };
    refused(work.client.issue(&work.order, 1, &without), "attempt.statement_missing");

    assert!(work.replace(&view).unwrap().replace_agreed);
    // The old pair is destroyed now; another machine goes on.
    let view = work.open_with(Mode::Replace, &[]).unwrap();
    assert!(view.replace_agreed);
    refused(work.client.issue(&work.order, 1, &without), "auth.step_up_invalid");
    without.step_up = Some(world.step_up(&work.client, &work.order, Purpose::Abandon));
    refused(work.client.issue(&work.order, 1, &without), "auth.step_up_invalid");
    without.step_up = Some(world.step_up(&work.client, &work.order, Purpose::Replace));
    let issued = work.client.issue(&work.order, 1, &without).unwrap();
    // The step-up is spent; the answer stands all the same.
    assert_eq!(work.client.issue(&work.order, 1, &without).unwrap().certificate, issued.certificate);
    assert_eq!(work.confirm(1, &issued.certificate.0, &new).unwrap().order_state, OrderState::Completed);
}

#[test]
fn the_agreement_to_replace_counts_for_every_attempt_of_its_order() {
    let world = World::new();
    let work = Work::approved(&world);
    let view = work.open_as(Mode::Replace).unwrap();
    work.replace(&view).unwrap();
    let next = work.abandon(1).unwrap();
    assert!(next.replace_agreed);
    let new = KeyPair::generate().unwrap();
    let without = Issue {
        request: Bytes(csr::build(&new, &next.subject.0).unwrap()),
        statement: None,
        step_up: Some(world.step_up(&work.client, &work.order, Purpose::Replace)),
    };
    work.client.issue(&work.order, 2, &without).unwrap();
    // Sent again, when its answer was lost, it changes nothing.
    assert!(work.replace(&next).unwrap().replace_agreed);
}

#[test]
fn an_order_side_by_side_takes_no_agreement_to_replace() {
    let world = World::new();
    let work = Work::approved(&world);
    let view = work.open().unwrap();
    refused(work.replace(&view), "attempt.not_replacing");
}

#[test]
fn an_order_side_by_side_turns_to_replace_with_consent_until_its_attempt_is_bound() {
    let world = World::new();
    let work = Work::approved(&world);
    let view = work.open().unwrap();
    let fix = |consent| FixKey { key_id: view.key_id.clone(), mode: Mode::Replace, consent };
    refused(work.client.fix_key(&work.order, &fix(false)), "order.consent_required");
    assert_eq!(work.client.fix_key(&work.order, &fix(true)).unwrap().mode, Some(Mode::Replace));
    assert_eq!(work.view().mode, Mode::Replace);

    let world = World::new();
    let work = Work::approved(&world);
    let view = work.open().unwrap();
    work.issue(&view, &KeyPair::generate().unwrap()).unwrap();
    let fix = FixKey { key_id: view.key_id.clone(), mode: Mode::Replace, consent: true };
    refused(work.client.fix_key(&work.order, &fix), "order.mode_fixed");
}
