//! Every way in which a certificate is not good has its own code.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{Ca, NOW, name, root};
use time::{Duration, OffsetDateTime};
use ycd_pki::{
    Certificate, ChainError, KeyPair, PublicKey,
    cert::{self, Profile, Usage},
    chain::{Revocation, verify_chain},
    crl::{self, Crl},
};

fn world() -> (Ca, Ca, Certificate) {
    let root = root();
    let issuing = root.authority("示例签发");
    let leaf = issuing.leaf(&key());
    (root, issuing, leaf)
}

fn key() -> PublicKey {
    KeyPair::generate().unwrap().public_key()
}

fn code(result: Result<ycd_pki::VerifiedChain, ChainError>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| "ok")
}

fn check(
    leaf: &Certificate,
    issuing: &Ca,
    root: &Ca,
    revocation: Revocation<'_>,
    at: OffsetDateTime,
) -> &'static str {
    let (issuing, root) = ([issuing.certificate.clone()], [root.certificate.clone()]);
    code(verify_chain(leaf, &issuing, &root, revocation, at, Usage::Sign))
}

#[test]
fn a_good_certificate_gives_its_whole_chain() {
    let (root, issuing, leaf) = world();
    let crls = [root.crl(1, &[]), issuing.crl(1, &[])];
    let chain = verify_chain(
        &leaf,
        std::slice::from_ref(&issuing.certificate),
        std::slice::from_ref(&root.certificate),
        Revocation::Crls(&crls),
        NOW,
        Usage::NonRepudiation,
    )
    .unwrap();
    assert_eq!(chain.certificates, [leaf, issuing.certificate, root.certificate]);
}

#[test]
fn the_term_holds_to_the_second_on_both_ends() {
    let (root, issuing, leaf) = world();
    let check = |at| check(&leaf, &issuing, &root, Revocation::Ignored, at);
    assert_eq!(check(leaf.not_before()), "ok");
    assert_eq!(check(leaf.not_before() - Duration::SECOND), "pki.not_yet_valid");
    assert_eq!(check(leaf.not_after()), "ok");
    assert_eq!(check(leaf.not_after() + Duration::SECOND), "pki.expired");
}

#[test]
fn an_expired_authority_makes_a_leaf_bad() {
    let root = root();
    let key = KeyPair::generate().unwrap();
    let mut params = root.params(Profile::Issuing, &name("短命"), &key.public_key());
    params.not_after = NOW - Duration::days(1);
    let issuing = Ca { certificate: root.issue(&params), key };
    let leaf = issuing.leaf(&self::key());
    assert_eq!(check(&leaf, &issuing, &root, Revocation::Ignored, NOW), "pki.expired");
}

#[test]
fn an_authority_that_is_not_trusted_is_unknown_even_under_a_trusted_name() {
    let (root, issuing, leaf) = world();
    let stranger = common::root();
    assert_eq!(check(&leaf, &issuing, &stranger, Revocation::Ignored, NOW), "pki.unknown_ca");
    assert_eq!(check(&leaf, &stranger, &root, Revocation::Ignored, NOW), "pki.unknown_ca");
    let lone = common::root();
    assert_eq!(
        code(verify_chain(
            &lone.certificate,
            &[],
            &[root.certificate],
            Revocation::Ignored,
            NOW,
            Usage::CertSign
        )),
        "pki.unknown_ca"
    );
}

#[test]
fn a_changed_byte_in_the_signed_part_or_the_signature_is_a_bad_signature() {
    let (root, issuing, leaf) = world();
    let holder = "示例酒业有限公司".as_bytes();
    let place = leaf.der().windows(holder.len()).position(|window| window == holder).unwrap();
    let mut der = leaf.der().to_vec();
    der[place + 2] ^= 1;
    let forged = Certificate::from_der(&der).unwrap();
    assert_eq!(check(&forged, &issuing, &root, Revocation::Ignored, NOW), "pki.chain_signature");
    let mut der = leaf.der().to_vec();
    let last = der.len() - 1;
    der[last] ^= 1;
    let forged = Certificate::from_der(&der).unwrap();
    assert_eq!(check(&forged, &issuing, &root, Revocation::Ignored, NOW), "pki.chain_signature");
}

#[test]
fn a_leaf_cannot_issue() {
    let (root, issuing, _) = world();
    let key = KeyPair::generate().unwrap();
    let certificate = issuing.leaf(&key.public_key());
    let impostor = Ca { certificate, key };
    let below = impostor.leaf(&self::key());
    let intermediates = [impostor.certificate, issuing.certificate];
    let result =
        verify_chain(&below, &intermediates, &[root.certificate], Revocation::Ignored, NOW, Usage::Sign);
    assert_eq!(code(result), "pki.not_a_ca");
}

#[test]
fn an_issuing_authority_allows_no_authority_below_it() {
    let (root, issuing, _) = world();
    let deeper = issuing.authority("更深");
    let leaf = deeper.leaf(&key());
    let intermediates = [deeper.certificate, issuing.certificate];
    let result =
        verify_chain(&leaf, &intermediates, &[root.certificate], Revocation::Ignored, NOW, Usage::Sign);
    assert_eq!(code(result), "pki.path_length");
}

#[test]
fn a_signature_certificate_is_not_for_other_uses() {
    let (root, issuing, leaf) = world();
    for usage in [Usage::KeyEncipherment, Usage::CertSign, Usage::CrlSign] {
        let result = verify_chain(
            &leaf,
            std::slice::from_ref(&issuing.certificate),
            std::slice::from_ref(&root.certificate),
            Revocation::Ignored,
            NOW,
            usage,
        );
        assert_eq!(code(result), "pki.wrong_usage");
    }
}

#[test]
fn revocation_says_when_and_why_and_a_missing_stale_or_unsigned_list_is_no_answer() {
    let (root, issuing, leaf) = world();
    let clean = root.crl(1, &[]);
    let check = |crls: &[Crl], at| check(&leaf, &issuing, &root, Revocation::Crls(crls), at);
    assert_eq!(check(&[clean.clone(), issuing.crl(1, &[])], NOW), "ok");
    assert_eq!(check(&[clean.clone(), issuing.crl(2, &[&leaf])], NOW), "pki.revoked");
    assert_eq!(check(std::slice::from_ref(&clean), NOW), "pki.crl_missing");
    let later = NOW + Duration::days(2);
    assert_eq!(check(&[clean.clone(), issuing.crl(1, &[])], later), "pki.crl_stale");
    assert_eq!(check(&[clean.clone(), issuing.crl(2, &[&leaf])], later), "pki.revoked");
    let foreign = KeyPair::generate().unwrap();
    let unsigned = Crl::from_der(&crl::build(&issuing.crl_params(3, &[]), &foreign).unwrap()).unwrap();
    assert_eq!(check(&[clean, unsigned], NOW), "pki.crl_signature");

    let crls = [issuing.crl(2, &[&leaf])];
    let error = verify_chain(
        &leaf,
        std::slice::from_ref(&issuing.certificate),
        std::slice::from_ref(&root.certificate),
        Revocation::CrlsIfGiven(&crls),
        NOW,
        Usage::Sign,
    )
    .unwrap_err();
    let ChainError::Revoked { at, reason, .. } = error else { panic!("{error}") };
    assert_eq!((at, reason), (NOW - Duration::hours(2), crl::Reason::KeyCompromise));
}

#[test]
fn the_newest_of_several_lists_counts() {
    let (root, issuing, leaf) = world();
    let old = issuing.crl(1, &[]);
    let mut params = issuing.crl_params(2, &[&leaf]);
    params.this_update += Duration::minutes(1);
    let new = Crl::from_der(&crl::build(&params, &issuing.key).unwrap()).unwrap();
    for crls in [[new.clone(), old.clone()], [old, new]] {
        assert_eq!(check(&leaf, &issuing, &root, Revocation::CrlsIfGiven(&crls), NOW), "pki.revoked");
    }
}

#[test]
fn what_goes_into_a_certificate_comes_out_of_it() {
    let (_, issuing, _) = world();
    let key = key();
    let params = issuing.params(Profile::Signature, &name("内容"), &key);
    let certificate = issuing.issue(&params);
    assert_eq!(certificate.serial(), params.serial);
    assert_eq!(certificate.subject_der(), params.subject);
    assert_eq!(certificate.issuer_der(), issuing.certificate.subject_der());
    assert_eq!(certificate.public_key().unwrap(), key);
    assert_eq!(certificate.spki_der(), key.to_spki_der());
    assert_eq!((certificate.not_before(), certificate.not_after()), (params.not_before, params.not_after));
    assert_eq!(certificate.crl_uris(), [params.crl_uri.clone().unwrap()]);
    assert_eq!(certificate.subject_key_id().unwrap(), cert::key_identifier(&key));
    assert_eq!(certificate.authority_key_id(), issuing.certificate.subject_key_id());
    let mut ids = certificate.subject_ids();
    ids.reverse();
    assert_eq!(ids, params.subject_ids);
    assert_eq!(certificate.tbs_der(), cert::tbs(&params).unwrap());
}

#[test]
fn serial_numbers_are_sixteen_bytes_positive_and_never_twice() {
    let mut seen = std::collections::HashSet::new();
    for _ in 0..1000 {
        let serial = cert::new_serial().unwrap();
        assert_eq!(serial.len(), 16);
        assert!((0x40..0x80).contains(&serial[0]));
        assert!(seen.insert(serial));
    }
    let (_, issuing, _) = world();
    let mut params = issuing.params(Profile::Signature, &name("负"), &key());
    params.serial = vec![0x80; 16];
    assert_eq!(cert::tbs(&params).unwrap_err().code(), "pki.unfit");
}
