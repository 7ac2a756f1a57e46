//! Same key pair; replace.

use ycd_pki::{Certificate, KeyPair, csr};
use ycd_portal_api::wire::{
    Bytes,
    attempts::{AttemptState, Issue, Mode},
    login::Purpose,
    orders::{FixMode, PublicStatus},
};

use crate::world::{Applicant, World, refused};

#[test]
fn the_same_key_pair_gets_a_new_certificate_and_no_other_pair_does() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let view = applicant.open_as(Mode::SameKeyPair).unwrap();
    refused(applicant.issue(&view, &KeyPair::generate().unwrap()), "attempt.key_not_old");
    let issued = applicant.issue(&view, &applicant.token.pair).unwrap();
    let certificate = Certificate::from_der(&issued.certificate.0).unwrap();
    assert_eq!(certificate.spki_der(), applicant.token.spki());
    assert_ne!(certificate.serial(), applicant.token.certificate.serial());
    assert_eq!(applicant.view().inventory, [Bytes(applicant.token.spki())]);
    let confirmed = applicant.confirm(1, &issued.certificate.0, &applicant.token.pair).unwrap();
    assert_eq!(confirmed.public_status, PublicStatus::Completed);
}

#[test]
fn a_renewal_of_the_same_key_pair_cannot_be_given_up() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    applicant.open_as(Mode::SameKeyPair).unwrap();
    refused(applicant.abandon(1), "attempt.same_key_pair");
    assert_eq!(applicant.view().state, AttemptState::Open);
}

#[test]
fn replacing_takes_the_old_keys_agreement_before_its_end_and_nothing_after() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let view = applicant.open_as(Mode::Replace).unwrap();
    assert!(!view.replace_agreed);
    let new = KeyPair::generate().unwrap();
    let mut without = Issue {
        request: Bytes(csr::build(&new, &view.subject.0).unwrap()),
        authorization: None,
        step_up: None,
    };
    refused(applicant.client.issue(&applicant.order, 1, &without), "attempt.authorization_missing");

    assert!(applicant.replace(&view).unwrap().replace_agreed);
    // The old pair is destroyed now; another machine goes on.
    let view = applicant.open_with(Mode::Replace, &[]).unwrap();
    assert!(view.replace_agreed);
    refused(applicant.client.issue(&applicant.order, 1, &without), "auth.step_up_invalid");
    without.step_up = Some(world.step_up(&applicant.client, &applicant.order, Purpose::Abandon));
    refused(applicant.client.issue(&applicant.order, 1, &without), "auth.step_up_invalid");
    without.step_up = Some(world.step_up(&applicant.client, &applicant.order, Purpose::Replace));
    let issued = applicant.client.issue(&applicant.order, 1, &without).unwrap();
    // The step-up is spent; the answer stands all the same.
    assert_eq!(
        applicant.client.issue(&applicant.order, 1, &without).unwrap().certificate,
        issued.certificate
    );
    assert_eq!(
        applicant.confirm(1, &issued.certificate.0, &new).unwrap().public_status,
        PublicStatus::Completed
    );
}

#[test]
fn the_agreement_to_replace_counts_for_every_attempt_of_its_order() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let view = applicant.open_as(Mode::Replace).unwrap();
    applicant.replace(&view).unwrap();
    let next = applicant.abandon(1).unwrap();
    assert!(next.replace_agreed);
    let new = KeyPair::generate().unwrap();
    let without = Issue {
        request: Bytes(csr::build(&new, &next.subject.0).unwrap()),
        authorization: None,
        step_up: Some(world.step_up(&applicant.client, &applicant.order, Purpose::Replace)),
    };
    applicant.client.issue(&applicant.order, 2, &without).unwrap();
    // Sent again, when its answer was lost, it changes nothing.
    assert!(applicant.replace(&next).unwrap().replace_agreed);
}

#[test]
fn an_order_side_by_side_takes_no_agreement_to_replace() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let view = applicant.open().unwrap();
    refused(applicant.replace(&view), "attempt.not_replacing");
}

#[test]
fn an_order_side_by_side_turns_to_replace_with_consent_until_its_attempt_is_bound() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let view = applicant.open().unwrap();
    let fix = |consent| FixMode { token_id: view.token_id.clone(), mode: Mode::Replace, consent };
    refused(applicant.client.fix_mode(&applicant.order, &fix(false)), "order.consent_required");
    assert_eq!(applicant.client.fix_mode(&applicant.order, &fix(true)).unwrap().mode, Some(Mode::Replace));
    assert_eq!(applicant.view().mode, Mode::Replace);

    let world = World::new();
    let applicant = Applicant::approved(&world);
    let view = applicant.open().unwrap();
    applicant.issue(&view, &KeyPair::generate().unwrap()).unwrap();
    let fix = FixMode { token_id: view.token_id.clone(), mode: Mode::Replace, consent: true };
    refused(applicant.client.fix_mode(&applicant.order, &fix), "order.mode_fixed");
}
