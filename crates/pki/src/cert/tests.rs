use der::{Encode, Tag, asn1::Any};
use time::{Duration, macros::datetime};

use super::*;
use crate::{KeyPair, Signer, name::Attribute};

fn params(key: &KeyPair) -> CertificateParams {
    let name = Name::china()
        .with(Attribute::Organization, "示例公司")
        .with(Attribute::CommonName, "张三")
        .to_der()
        .unwrap();
    CertificateParams {
        profile: Profile::Signature,
        serial: new_serial().unwrap(),
        issuer: name.clone(),
        subject: name,
        public_key: key.public_key(),
        not_before: datetime!(2026-01-01 0:00 UTC),
        not_after: datetime!(2027-01-01 0:00 UTC),
        authority_key_id: key_identifier(&key.public_key()),
        crl_uri: None,
        subject_ids: Vec::new(),
    }
}

fn sequence(content: Vec<u8>) -> Vec<u8> {
    Any::new(Tag::Sequence, content).unwrap().to_der().unwrap()
}

#[test]
fn algorithm_parameters_null_are_read_and_absent_ones_are_written() {
    let key = KeyPair::generate().unwrap();
    let absent = hex::decode("300a06082a811ccf55018375").unwrap();
    let null = hex::decode("300c06082a811ccf550183750500").unwrap();
    let tbs = tbs(&params(&key)).unwrap();
    let parts = members(&tbs, "test").unwrap();
    assert_eq!(parts[2], absent);
    let with = |algorithm: &[u8]| {
        let mut parts = parts.clone();
        parts[2] = algorithm;
        let tbs = sequence(parts.concat());
        let signature = key.sign(&tbs).unwrap().to_der();
        let bits = [&[0x03, u8::try_from(signature.len() + 1).unwrap(), 0][..], &signature].concat();
        Certificate::from_der(&sequence([&tbs[..], algorithm, &bits].concat())).unwrap()
    };
    with(&absent).verify(&key.public_key()).unwrap();
    with(&null).verify(&key.public_key()).unwrap();
    // ecdsa-with-SHA256
    let other = hex::decode("300a06082a8648ce3d040302").unwrap();
    assert_eq!(with(&other).verify(&key.public_key()).unwrap_err().code(), "pki.algorithm");
}

#[test]
fn a_certificate_in_a_users_words() {
    let key = KeyPair::generate().unwrap();
    let certificate = Certificate::from_der(&issue(&params(&key), &key).unwrap()).unwrap();
    let end = certificate.not_after();
    let info = CertificateInfo::of(&certificate, end - Duration::days(60) - Duration::hours(5));
    assert_eq!((info.holder.as_str(), info.organization.as_deref()), ("张三", Some("示例公司")));
    assert_eq!((info.days_left, info.state), (60, CertificateState::Valid));
    assert_eq!(info.serial, hex::encode_upper(certificate.serial()));
    let state = |at| CertificateInfo::of(&certificate, at).state;
    assert_eq!(state(end - Duration::days(30)), CertificateState::ExpiringSoon);
    assert_eq!(state(end), CertificateState::ExpiringSoon);
    assert_eq!(state(end + Duration::SECOND), CertificateState::Expired);
    assert_eq!(CertificateInfo::of(&certificate, end + Duration::SECOND).days_left, -1);
    assert_eq!(state(certificate.not_before() - Duration::SECOND), CertificateState::NotYetValid);
}
