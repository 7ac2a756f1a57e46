//! Whatever breaks off in the middle, the same request goes on.

use std::{sync::atomic::Ordering, thread};

use ycd_pki::{Certificate, KeyPair, cert};
use ycd_portal_api::wire::{attempts::AttemptState, orders::PublicStatus};

use crate::world::{Applicant, World, refused, spki};

#[test]
fn the_portal_dies_between_the_key_stored_and_the_certificate_signed() {
    let mut world = World::new();
    let (client, order, request, new, token);
    {
        let applicant = Applicant::approved(&world);
        let view = applicant.open().unwrap();
        new = KeyPair::generate().unwrap();
        request = applicant.issue_request(&view, &new);
        let remote = world.remote();
        remote.cut.store(true, Ordering::SeqCst);
        refused(applicant.client.issue(&applicant.order, 1, &request), "authority.unavailable");
        let view = applicant.view();
        assert_eq!(
            (view.state, view.public_key, view.certificate),
            (AttemptState::Open, Some(spki(&new)), None)
        );
        (client, order, token) = (applicant.client.clone(), applicant.order.clone(), applicant.token);
    }
    drop(client);
    world.restart();
    // The same bytes again, nonce and all: the request was acted on, and goes on.
    let applicant = Applicant { client: world.login(crate::world::PHONE), world: &world, order, token };
    let reserved = applicant.view().public_key;
    let first = applicant.client.issue(&applicant.order, 1, &request).unwrap();
    assert_eq!(reserved, Some(spki(&new)));
    assert_eq!(applicant.client.issue(&applicant.order, 1, &request).unwrap().certificate, first.certificate);
    // And with a new nonce, from another machine that has the same token in hand.
    assert_eq!(applicant.issue(&applicant.view(), &new).unwrap().certificate, first.certificate);
    assert_eq!(
        applicant.confirm(1, &first.certificate.0, &new).unwrap().public_status,
        PublicStatus::Completed
    );
}

#[test]
fn bound_to_a_key_before_it_is_signed_an_attempt_takes_no_other() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let view = applicant.open().unwrap();
    let remote = world.remote();
    remote.cut.store(true, Ordering::SeqCst);
    let first = KeyPair::generate().unwrap();
    refused(applicant.issue(&view, &first), "authority.unavailable");
    remote.cut.store(false, Ordering::SeqCst);
    let asked = remote.asked();
    refused(applicant.issue(&view, &KeyPair::generate().unwrap()), "attempt.key_conflict");
    assert_eq!(remote.asked(), asked, "nothing was signed for the other key");
    assert_eq!(applicant.view().public_key, Some(spki(&first)));
    applicant.issue(&view, &first).unwrap();
}

#[test]
fn a_revocation_comes_in_time_as_long_as_nothing_is_signed() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (view, new) = (applicant.open().unwrap(), KeyPair::generate().unwrap());
    let remote = world.remote();
    remote.cut.store(true, Ordering::SeqCst);
    refused(applicant.issue(&view, &new), "authority.unavailable");
    applicant.revoke_old();
    remote.cut.store(false, Ordering::SeqCst);
    let asked = remote.asked();
    refused(applicant.issue(&view, &new), "certificate.revoked");
    assert_eq!((remote.asked(), applicant.view().certificate), (asked, None));
}

#[test]
fn two_signatures_under_way_for_one_attempt_end_as_one_certificate() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (view, new) = (applicant.open().unwrap(), KeyPair::generate().unwrap());
    let remote = world.remote();
    remote.hold();
    let request = applicant.issue_request(&view, &new);
    let (first, second) = thread::scope(|scope| {
        let send = || applicant.client.issue(&applicant.order, 1, &request).unwrap().certificate;
        let (first, second) = (scope.spawn(send), scope.spawn(send));
        remote.wait_until_asked(2);
        remote.answer();
        (first.join().unwrap(), second.join().unwrap())
    });
    assert_eq!(first, second);
    assert_eq!(applicant.view().certificate, Some(first));
}

#[test]
fn a_signature_that_comes_after_the_attempt_was_given_up_makes_a_revoked_certificate() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (view, new) = (applicant.open().unwrap(), KeyPair::generate().unwrap());
    let remote = world.remote();
    remote.hold();
    let request = applicant.issue_request(&view, &new);
    thread::scope(|scope| {
        let late = scope.spawn(|| applicant.client.issue(&applicant.order, 1, &request));
        remote.wait_until_asked(1);
        assert_eq!(applicant.abandon(1).unwrap().attempt, 2);
        remote.answer();
        refused(late.join().unwrap(), "attempt.not_open");
    });
    assert_eq!(world.list().len(), 1);
    // It has been signed, and is known as revoked.
    let revoked = applicant.client.certificates(&Default::default()).unwrap();
    assert!(
        revoked.items.iter().all(|certificate| certificate.serial == applicant.token.serial()
            || certificate.revoked_reason.is_some())
    );
    // The next attempt is untouched.
    let view = applicant.view();
    assert_eq!((view.attempt, view.state, view.public_key), (2, AttemptState::Open, None));
    assert_eq!(view.abandoned[0].public_key, Some(spki(&new)));
}

#[test]
fn an_authority_that_signs_something_else_is_not_believed() {
    let world = World::new();
    let applicant = Applicant::approved(&world);
    let (view, new) = (applicant.open().unwrap(), KeyPair::generate().unwrap());
    let liar = std::sync::Arc::new(Liar { chain: cas(&world), key: KeyPair::generate().unwrap() });
    world.portal.authority().connect(liar);
    refused(applicant.issue(&view, &new), "portal.internal");
    let view = applicant.view();
    assert_eq!((view.state, view.certificate), (AttemptState::Open, None));
}

fn cas(world: &World) -> Vec<Certificate> {
    let mut cas = Certificate::all_from_pem(&world.client().trust_anchors().unwrap()).unwrap();
    cas.reverse();
    cas
}

/// Signs with a token of its own.
struct Liar {
    chain: Vec<Certificate>,
    key: KeyPair,
}

impl ycd_portal::authority::CertificateAuthority for Liar {
    fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    fn sign<'a>(&'a self, tbs: &'a [u8]) -> ycd_portal::authority::Pending<'a, Vec<u8>> {
        use ycd_pki::Signer as _;
        Box::pin(async move { Ok(cert::assemble(tbs, &self.key.sign(tbs).unwrap()).unwrap()) })
    }

    fn revoke<'a>(&'a self, _: &'a ycd_pki::crl::Revoked) -> ycd_portal::authority::Pending<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn list<'a>(
        &'a self,
        _: ycd_portal::authority::Issuer,
        params: &'a ycd_pki::crl::CrlParams,
    ) -> ycd_portal::authority::Pending<'a, Vec<u8>> {
        Box::pin(async move { Ok(ycd_pki::crl::build(params, &self.key).unwrap()) })
    }
}
