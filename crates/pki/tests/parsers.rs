//! Parsers answer every input with a value or an error.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::LazyLock;

use common::{name, root};
use proptest::prelude::*;
use ycd_pki::{
    Certificate, CertificateInfo, KeyPair, PublicKey, Signature,
    crl::Crl,
    csr::{self, Request},
    name::Name,
};

static WORLD: LazyLock<[Vec<u8>; 4]> = LazyLock::new(|| {
    let root = root();
    let key = KeyPair::generate().unwrap();
    let leaf = root.leaf(&key.public_key());
    [
        leaf.der().to_vec(),
        csr::build(&key, &name("变异")).unwrap(),
        root.crl(3, &[&leaf]).der().to_vec(),
        key.sign_digest(&[7; 32]).unwrap().to_der(),
    ]
});

fn read_everything(bytes: &[u8]) {
    let key = PublicKey::from_point(&[0; 64])
        .err()
        .map(|_| KeyPair::from_secret(&[1; 32]).unwrap().public_key())
        .unwrap();
    if let Ok(certificate) = Certificate::from_der(bytes) {
        let _ = CertificateInfo::of(&certificate, common::NOW);
        let _ = (
            certificate.verify(&key),
            certificate.public_key(),
            certificate.is_ca(),
            certificate.path_length(),
        );
        let _ = (
            certificate.crl_uris(),
            certificate.authority_key_id(),
            certificate.unknown_critical_extension(),
        );
    }
    if let Ok(request) = Request::from_der(bytes) {
        let _ = request.verify();
    }
    if let Ok(list) = Crl::from_der(bytes) {
        let _ = (list.verify(&key), list.number(), list.lookup(&[1]), list.next_update());
    }
    let _ = (Name::from_der(bytes), PublicKey::from_spki_der(bytes), PublicKey::from_point(bytes));
    if let Ok(signature) = Signature::from_der(bytes) {
        assert_eq!(signature.to_der(), bytes, "DER has one form");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_parser_panics_on_changed_objects(
        which in 0..4usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut bytes = WORLD[which].clone();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_everything(&bytes);
    }

    #[test]
    fn no_parser_panics_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_everything(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        let _ = ycd_pki::pem::decode_all("CERTIFICATE", &text);
        let _ = ycd_pki::pem::decode_all("CERTIFICATE", &format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----"));
    }

    #[test]
    fn what_a_key_signs_it_verifies_and_nothing_else(message in prop::collection::vec(any::<u8>(), 0..200), other in any::<u8>()) {
        let key = KeyPair::generate().unwrap();
        let signature = key.sign_digest(&key.public_key().digest(&message)).unwrap();
        key.public_key().verify(&message, &signature.to_der()).unwrap();
        prop_assert_eq!(Signature::from_raw(&signature.to_raw()).unwrap(), signature);
        let mut changed = message;
        changed.push(other);
        prop_assert_eq!(key.public_key().verify(&changed, &signature.to_der()).unwrap_err().code(), "pki.bad_signature");
    }
}

#[test]
fn objects_above_their_limits_are_refused_before_they_are_read() {
    let huge = vec![0x30; 5 * 1024 * 1024];
    assert_eq!(Certificate::from_der(&huge).unwrap_err().code(), "pki.too_large");
    assert_eq!(Request::from_der(&huge).unwrap_err().code(), "pki.too_large");
    assert_eq!(Crl::from_der(&huge).unwrap_err().code(), "pki.too_large");
    assert_eq!(Name::from_der(&huge).unwrap_err().code(), "pki.too_large");
}
