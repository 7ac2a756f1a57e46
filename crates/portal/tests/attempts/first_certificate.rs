//! The first certificate on a token.

use std::sync::atomic::Ordering;

use ycd_pki::{Certificate, KeyPair, cert::SubjectIdKind};
use ycd_portal_api::wire::{
    catalogue::HolderKind,
    certificates::{CertificateState, Holder},
    orders::Reason,
};

use crate::world::{COMPANY, PHONE, TOKEN_ID, World, first_certificate, refused};

#[test]
fn a_personalized_token_has_a_certificate_that_its_phone_can_see() {
    let world = World::new();
    let pair = KeyPair::generate().unwrap();
    let made = world.operator().issue_first_certificate(&first_certificate(TOKEN_ID, PHONE, &pair)).unwrap();
    let certificate = Certificate::from_der(&made.certificate.0).unwrap();
    assert_eq!(certificate.serial_hex(), made.serial);
    assert_eq!(certificate.subject().to_string(), format!("C=CN, O={COMPANY}, CN={COMPANY}"));
    let seen = world.login(PHONE).certificate(&made.serial).unwrap();
    assert_eq!((seen.state, seen.token_id.as_str()), (CertificateState::Valid, TOKEN_ID));
}

#[test]
fn personalization_goes_on_where_it_broke_off_and_gives_one_certificate() {
    let world = World::new();
    let operator = world.operator();
    let pair = KeyPair::generate().unwrap();
    let request = first_certificate(TOKEN_ID, PHONE, &pair);
    let remote = world.remote();
    remote.cut.store(true, Ordering::SeqCst);
    refused(operator.issue_first_certificate(&request), "authority.unavailable");
    remote.cut.store(false, Ordering::SeqCst);
    let made = operator.issue_first_certificate(&request).unwrap();
    assert_eq!(operator.issue_first_certificate(&request).unwrap(), made);
    assert!(world.list().is_empty());
}

#[test]
fn a_key_made_anew_before_it_was_signed_for_leaves_a_revoked_serial_number() {
    let world = World::new();
    let operator = world.operator();
    let (first, second) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let remote = world.remote();
    remote.cut.store(true, Ordering::SeqCst);
    refused(
        operator.issue_first_certificate(&first_certificate(TOKEN_ID, PHONE, &first)),
        "authority.unavailable",
    );
    remote.cut.store(false, Ordering::SeqCst);
    operator.issue_first_certificate(&first_certificate(TOKEN_ID, PHONE, &second)).unwrap();
    refused(
        operator.issue_first_certificate(&first_certificate(TOKEN_ID, PHONE, &first)),
        "personalization.public_key_taken",
    );
    assert_eq!(world.list().len(), 1);
}

#[test]
fn one_token_one_public_key_one_certificate() {
    let world = World::new();
    let operator = world.operator();
    let pair = KeyPair::generate().unwrap();
    let made = operator.issue_first_certificate(&first_certificate(TOKEN_ID, PHONE, &pair)).unwrap();
    refused(
        operator.issue_first_certificate(&first_certificate("softkey:2", PHONE, &pair)),
        "personalization.public_key_taken",
    );
    let other = KeyPair::generate().unwrap();
    refused(
        operator.issue_first_certificate(&first_certificate(TOKEN_ID, PHONE, &other)),
        "personalization.already_personalized",
    );
    // Its certificate revoked, the token can be used again, with another pair.
    operator.revoke_certificate(&made.serial, &Reason { reason: "作废".into() }).unwrap();
    refused(
        operator.issue_first_certificate(&first_certificate(TOKEN_ID, PHONE, &pair)),
        "personalization.public_key_taken",
    );
    operator.issue_first_certificate(&first_certificate(TOKEN_ID, PHONE, &other)).unwrap();
}

#[test]
fn what_cannot_stand_in_a_certificate_is_refused() {
    let world = World::new();
    let operator = world.operator();
    let pair = KeyPair::generate().unwrap();
    let good = first_certificate(TOKEN_ID, PHONE, &pair);
    let mut wrong = good.clone();
    wrong.holder.name = "长".repeat(65);
    refused(operator.issue_first_certificate(&wrong), "personalization.holder_invalid");
    wrong = good.clone();
    wrong.holder.uscc = Some("统一代码".into());
    refused(operator.issue_first_certificate(&wrong), "personalization.holder_invalid");
    wrong = good.clone();
    wrong.holder.kind = HolderKind::Personal;
    refused(operator.issue_first_certificate(&wrong), "personalization.holder_invalid");
    wrong = good.clone();
    wrong.validity_years = 9;
    refused(operator.issue_first_certificate(&wrong), "product.not_found");
    wrong = good.clone();
    wrong.phone = "110".into();
    refused(operator.issue_first_certificate(&wrong), "sms.phone_invalid");
    wrong = good.clone();
    *wrong.request.0.last_mut().unwrap() ^= 1;
    refused(operator.issue_first_certificate(&wrong), "attempt.request_invalid");
    refused(world.login(PHONE).issue_first_certificate(&good), "auth.forbidden");
    operator.issue_first_certificate(&good).unwrap();
}

#[test]
fn a_persons_certificate_bears_the_person_and_the_identity_number() {
    let world = World::new();
    let mut request = first_certificate(TOKEN_ID, PHONE, &KeyPair::generate().unwrap());
    request.product = "sm2-personal".into();
    request.holder = Holder {
        kind: HolderKind::Personal,
        name: "张三".into(),
        uscc: None,
        id_number: Some("11010519491231002X".into()),
        person: None,
    };
    let made = world.operator().issue_first_certificate(&request).unwrap();
    let certificate = Certificate::from_der(&made.certificate.0).unwrap();
    assert_eq!(certificate.subject().to_string(), "C=CN, CN=张三");
    let ids = certificate.subject_ids();
    assert_eq!((ids[0].kind, ids[0].value.as_str()), (SubjectIdKind::IdentityCard, "11010519491231002X"));
}
