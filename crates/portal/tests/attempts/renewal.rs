use std::thread;

use time::Duration;
use ycd_pki::{
    Certificate, KeyPair,
    cert::{SubjectIdKind, Usage},
    chain::{Revocation, verify_chain},
};
use ycd_portal_api::wire::{
    Bytes,
    attempts::{AttemptState, Mode},
    certificates::CertificateState,
    orders::PublicStatus,
};

use crate::world::{Applicant, PHONE, USCC, World, spki};

#[test]
fn a_renewal_ends_with_one_new_certificate_and_the_old_one_superseded() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let opened = applicant.open().unwrap();
    assert_eq!((opened.attempt, opened.state, opened.attempts_left), (1, AttemptState::Open, 2));
    assert_eq!((opened.cka_id.0.len(), opened.mode), (16, Mode::SideBySide));
    assert_eq!(opened.inventory, [Bytes(applicant.token.spki())]);
    assert_eq!(opened.old_certificate.0, applicant.token.certificate.der());
    assert_eq!(opened.subject.0, applicant.token.certificate.subject_der());

    let new = KeyPair::generate().unwrap();
    let issued = applicant.issue(&opened, &new).unwrap();
    let view = applicant.view();
    assert_eq!((view.state, view.public_key), (AttemptState::Issued, Some(spki(&new))));
    assert_eq!(view.certificate.as_ref(), Some(&issued.certificate));
    assert!(view.inventory.iter().all(|known| *known != spki(&new)));
    // Superseded by the confirmation, not by issue.
    assert_eq!(
        applicant.client.certificate(&applicant.token.serial()).unwrap().state,
        CertificateState::ExpiringSoon
    );

    let confirmed = applicant.confirm(1, &issued.certificate.0, &new).unwrap();
    assert_eq!(confirmed.public_status, PublicStatus::Completed);
    let certificate = Certificate::from_der(&issued.certificate.0).unwrap();
    assert_eq!(
        applicant.client.certificate(&applicant.token.serial()).unwrap().state,
        CertificateState::Superseded
    );
    assert_eq!(
        applicant.client.certificate(&certificate.serial_hex()).unwrap().state,
        CertificateState::Valid
    );
    assert!(world.list().is_empty(), "superseded is not revoked");
}

#[test]
fn the_new_certificate_is_what_was_ordered() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (new, certificate) = applicant.renewed();
    let old = &applicant.token.certificate;
    assert_eq!(certificate.public_key().unwrap(), new.public_key());
    assert_eq!(certificate.subject_der(), old.subject_der());
    // A year from the old end, to the second, valid at once.
    assert!(certificate.not_before() <= world.now());
    assert!((364..=366).contains(&(certificate.not_after() - old.not_after()).whole_days()));
    assert_eq!(certificate.crl_uris(), ["http://127.0.0.1:8080/api/v1/crl/issuing.crl"]);
    let ids = certificate.subject_ids();
    assert_eq!((ids[0].kind, ids[0].value.as_str()), (SubjectIdKind::SocialCredit, USCC));

    let cas = Certificate::all_from_pem(&world.client().trust_anchors().unwrap()).unwrap();
    let view = applicant.view();
    let chain: Vec<_> = view.chain.iter().map(|ca| Certificate::from_der(&ca.0).unwrap()).collect();
    let list = [world.list()];
    let verified = verify_chain(
        &certificate,
        &chain,
        &cas[..1],
        Revocation::CrlsIfGiven(&list),
        world.now(),
        Usage::Sign,
    );
    assert_eq!(verified.unwrap().certificates.len(), 3);
}

#[test]
fn opening_again_gives_the_same_attempt_and_the_first_inventory() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let first = applicant.open().unwrap();
    let half_done = KeyPair::generate().unwrap();
    let again = applicant.open_with(Mode::Replace, &[applicant.token.spki(), spki(&half_done).0]).unwrap();
    assert_eq!((again.attempt, &again.cka_id, again.mode), (1, &first.cka_id, Mode::SideBySide));
    assert_eq!(again.inventory, first.inventory);
}

#[test]
fn nothing_is_opened_once_the_order_is_complete() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (_, certificate) = applicant.renewed();
    for view in [applicant.open().unwrap(), applicant.view()] {
        assert_eq!((view.attempt, view.state), (1, AttemptState::Confirmed));
        assert_eq!(view.public_status, PublicStatus::Completed);
        assert_eq!(view.certificate.unwrap().0, certificate.der());
    }
}

#[test]
fn two_machines_at_once_open_one_attempt_and_get_one_certificate() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let cka_ids: Vec<_> = thread::scope(|scope| {
        let opening: Vec<_> = (0..6).map(|_| scope.spawn(|| applicant.open().unwrap().cka_id)).collect();
        opening.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(cka_ids.iter().all(|cka_id| *cka_id == cka_ids[0]));

    let (view, new) = (applicant.view(), KeyPair::generate().unwrap());
    let certificates: Vec<_> = thread::scope(|scope| {
        let issuing: Vec<_> =
            (0..6).map(|_| scope.spawn(|| applicant.issue(&view, &new).unwrap().certificate)).collect();
        issuing.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(certificates.iter().all(|certificate| *certificate == certificates[0]));
}

#[test]
fn of_two_keys_made_at_once_one_is_certified_and_the_other_refused() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let view = applicant.open().unwrap();
    let pairs: Vec<_> = (0..4).map(|_| KeyPair::generate().unwrap()).collect();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let applicant = &applicant;
        let view = &view;
        let issuing: Vec<_> =
            pairs.iter().map(|pair| scope.spawn(move || applicant.issue(view, pair))).collect();
        issuing.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let codes: Vec<_> =
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(|e| e.code()).collect();
    assert_eq!(codes, ["attempt.key_conflict"; 3]);
    let bound = applicant.view().public_key.unwrap();
    let winner = outcomes.iter().position(Result::is_ok).unwrap();
    assert_eq!(bound, spki(&pairs[winner]));
}

#[test]
fn a_renewed_certificate_can_be_renewed_again_on_the_same_token() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (pair, certificate) = applicant.renewed();
    world.advance(Duration::days(360));
    let next = Applicant::for_token(
        &world,
        crate::world::Token { id: applicant.token.id.clone(), pair, certificate },
    );
    let (_, newest) = next.renewed();
    let client = world.login(PHONE);
    assert_eq!(client.certificate(&newest.serial_hex()).unwrap().state, CertificateState::Valid);
}
