use time::Duration;
use ycd_pki::{Certificate, KeyPair};
use ycd_portal_api::wire::{
    orders::Reason,
    tokens::{DeclareSoPin, SoPinScheme},
    unlock::UnlockMethod,
};

use crate::world::{
    OTHER_PHONE, PHONE, TOKEN_ID, World, assignment, first_certificate, first_certificate_alone, refused,
};

#[test]
fn a_personalized_token_has_its_so_pin_kept_and_proven() {
    let world = World::new();
    let token = world.token();
    let record = world.operator().token_record(TOKEN_ID).unwrap();
    assert_eq!((record.method, record.so_pin), (UnlockMethod::SoPin, SoPinScheme::Random));
    assert_eq!((record.current_version, record.next_version, record.unproven_releases), (1, None, 0));
    assert_eq!(record.certificates, [token.serial()]);
    assert!(record.personalized_at.is_some());
    assert!(token.so_pin.expose().len() == 16 && token.so_pin.expose().bytes().all(|b| b.is_ascii_digit()));
    assert!(token.unblock_key.is_none());
}

#[test]
fn a_personalization_is_taken_up_with_the_same_secrets_whichever_the_one_time_key() {
    let world = World::new();
    let operator = world.operator();
    let mut seen = Vec::new();
    for opening in 1..=3 {
        let host = KeyPair::generate().unwrap();
        let opened = operator
            .open_personalization(&assignment(TOKEN_ID, UnlockMethod::ChallengeResponse, &host))
            .unwrap();
        assert!(!opened.done && opened.certificate.is_none());
        let (context, secrets) = world.first_secrets(&opened, &host);
        assert_eq!((context.release, context.valid_seconds), (opening, 600));
        assert_eq!((context.current_version, context.next_version, context.unblock_key_version), (0, 1, 1));
        assert_eq!((context.certificate, context.token_id.as_str()), ([0; 32], TOKEN_ID));
        seen.push((context.order, secrets));
    }
    assert!(seen[0].1.unblock_key.is_some());
    assert!(seen.iter().all(|secrets| *secrets == seen[0]));
}

#[test]
fn secrets_survive_a_restart_and_lie_nowhere_open() {
    let mut world = World::new();
    let host = KeyPair::generate().unwrap();
    let first = world
        .operator()
        .open_personalization(&assignment(TOKEN_ID, UnlockMethod::ChallengeResponse, &host))
        .unwrap();
    let (_, first) = world.first_secrets(&first, &host);
    world.restart();
    let second = world
        .operator()
        .open_personalization(&assignment(TOKEN_ID, UnlockMethod::ChallengeResponse, &host))
        .unwrap();
    assert_eq!(world.first_secrets(&second, &host).1, first);
    world.stop();
    let so_pin = first.so_pin.expose().as_bytes();
    let unblock_key = first.unblock_key.as_ref().unwrap().expose();
    for entry in std::fs::read_dir(world.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let content = std::fs::read(&path).unwrap();
            assert!(!content.windows(so_pin.len()).any(|window| window == so_pin), "{}", path.display());
            assert!(!content.windows(32).any(|window| window == unblock_key), "{}", path.display());
        }
    }
}

#[test]
fn a_token_in_personalization_is_not_given_to_another_until_its_time_is_over() {
    let world = World::new();
    let operator = world.operator();
    let host = KeyPair::generate().unwrap();
    let wanted = assignment(TOKEN_ID, UnlockMethod::SoPin, &host);
    let first = operator.open_personalization(&wanted).unwrap();
    let (_, first) = world.first_secrets(&first, &host);
    let mut other = wanted.clone();
    other.phone = OTHER_PHONE.into();
    refused(operator.open_personalization(&other), "personalization.other_assignment");
    other = wanted.clone();
    other.validity_years = 2;
    refused(operator.open_personalization(&other), "personalization.other_assignment");
    other = wanted.clone();
    other.method = UnlockMethod::ChallengeResponse;
    refused(operator.open_personalization(&other), "personalization.other_assignment");

    world.advance(Duration::days(31));
    let second = world.operator().open_personalization(&other).unwrap();
    let (context, second) = world.first_secrets(&second, &host);
    // The SO PIN may have come onto the token by now, so it stays.
    assert_eq!((context.next_version, &second.so_pin), (1, &first.so_pin));
    assert!(second.unblock_key.is_some());
}

#[test]
fn a_finished_personalization_says_so_and_gives_no_secrets_any_more() {
    let world = World::new();
    let token = world.token();
    let host = KeyPair::generate().unwrap();
    let operator = world.operator();
    let wanted = assignment(TOKEN_ID, UnlockMethod::SoPin, &host);
    let again = operator.open_personalization(&wanted).unwrap();
    assert!(again.done && again.secrets.sealed_envelope.0.is_empty() && again.secrets.context.0.is_empty());
    assert_eq!(again.certificate.unwrap().serial, token.serial());
    let mut other = wanted.clone();
    other.phone = OTHER_PHONE.into();
    refused(operator.open_personalization(&other), "personalization.other_assignment");
    refused(operator.personalization_nonce(TOKEN_ID), "personalization.done");
    let anew = first_certificate(&KeyPair::generate().unwrap());
    refused(operator.first_certificate(TOKEN_ID, &anew), "personalization.done");
    // The one it has can be had again.
    let same = operator.first_certificate(TOKEN_ID, &first_certificate(&token.pair)).unwrap();
    assert_eq!(same.serial, token.serial());
}

#[test]
fn a_token_whose_certificate_is_revoked_is_personalized_again_with_the_so_pin_it_has() {
    let world = World::new();
    let token = world.token();
    let operator = world.operator();
    operator.revoke_certificate(&token.serial(), &Reason { reason: "作废".into() }).unwrap();
    let host = KeyPair::generate().unwrap();
    let mut wanted = assignment(TOKEN_ID, UnlockMethod::SoPin, &host);
    wanted.phone = OTHER_PHONE.into();
    let opened = operator.open_personalization(&wanted).unwrap();
    assert!(!opened.done && opened.certificate.is_none());
    let (context, secrets) = world.first_secrets(&opened, &host);
    assert_eq!((context.next_version, &secrets.so_pin), (1, &token.so_pin));
    // It says that this SO PIN was proven.
    assert_eq!(context.current_version, 1);
}

#[test]
fn a_personalization_is_proven_by_the_first_certificates_key_and_by_nothing_else() {
    let world = World::new();
    let operator = world.operator();
    let host = KeyPair::generate().unwrap();
    refused(operator.personalization_nonce(TOKEN_ID), "personalization.not_found");
    operator.open_personalization(&assignment(TOKEN_ID, UnlockMethod::ChallengeResponse, &host)).unwrap();
    let pair = KeyPair::generate().unwrap();
    let issued = operator.first_certificate(TOKEN_ID, &first_certificate(&pair)).unwrap();
    let certificate = Certificate::from_der(&issued.certificate.0).unwrap();

    let by_another = world.personalization_proof(TOKEN_ID, &KeyPair::generate().unwrap(), &certificate, 1, 1);
    refused(operator.personalized(TOKEN_ID, &by_another), "attempt.authorization_invalid");
    for (so_pin, unblock_key) in [(0, 1), (2, 1), (1, 0), (1, 2)] {
        let proof = world.personalization_proof(TOKEN_ID, &pair, &certificate, so_pin, unblock_key);
        refused(operator.personalized(TOKEN_ID, &proof), "personalization.proof_mismatch");
    }
    let mut replayed = world.personalization_proof(TOKEN_ID, &pair, &certificate, 1, 1);
    replayed.authorization.nonce.0[0] ^= 1;
    refused(operator.personalized(TOKEN_ID, &replayed), "attempt.nonce_invalid");
    assert_eq!(operator.token_record(TOKEN_ID).unwrap().current_version, 0);

    let proof = world.personalization_proof(TOKEN_ID, &pair, &certificate, 1, 1);
    let record = operator.personalized(TOKEN_ID, &proof).unwrap();
    assert_eq!((record.current_version, record.next_version), (1, None));
    assert_eq!(operator.personalized(TOKEN_ID, &proof).unwrap(), record);
}

#[test]
fn nothing_is_proven_before_there_is_a_certificate() {
    let world = World::new();
    let operator = world.operator();
    let (host, pair) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    operator.open_personalization(&assignment(TOKEN_ID, UnlockMethod::SoPin, &host)).unwrap();
    let other = world.personalized("softkey:0002", UnlockMethod::SoPin);
    let proof = world.personalization_proof(TOKEN_ID, &pair, &other.certificate, 1, 0);
    refused(operator.personalized(TOKEN_ID, &proof), "attempt.not_issued");
}

#[test]
fn what_a_personalization_is_asked_with_is_checked() {
    let world = World::new();
    let operator = world.operator();
    let host = KeyPair::generate().unwrap();
    let good = assignment(TOKEN_ID, UnlockMethod::SoPin, &host);
    for (min_len, max_len) in [(0, 0), (9, 8), (33, 40)] {
        let mut wrong = good.clone();
        (wrong.so_pin_min_len, wrong.so_pin_max_len) = (min_len, max_len);
        refused(operator.open_personalization(&wrong), "personalization.invalid");
    }
    let mut wrong = good.clone();
    wrong.one_time_key.0.truncate(40);
    refused(operator.open_personalization(&wrong), "personalization.invalid");
    wrong = good.clone();
    wrong.token_id = "with blank".into();
    refused(operator.open_personalization(&wrong), "personalization.holder_invalid");
    wrong = good.clone();
    wrong.holder.name = "长".repeat(65);
    refused(operator.open_personalization(&wrong), "personalization.holder_invalid");
    wrong = good.clone();
    wrong.validity_years = 9;
    refused(operator.open_personalization(&wrong), "product.not_found");
    world.advance(Duration::seconds(61));
    let applicant = world.client().with_session(world.session(PHONE));
    refused(applicant.open_personalization(&good), "auth.forbidden");
    refused(operator.token_record(TOKEN_ID), "unlock.token_unknown");
}

#[test]
fn a_token_made_elsewhere_has_no_so_pin_here_and_its_kind_can_be_declared() {
    let world = World::new();
    let operator = world.operator();
    let pair = KeyPair::generate().unwrap();
    operator.issue_first_certificate(&first_certificate_alone(TOKEN_ID, &pair)).unwrap();
    assert_eq!(operator.token_record(TOKEN_ID).unwrap().so_pin, SoPinScheme::None);
    for scheme in [SoPinScheme::Shared, SoPinScheme::Derived, SoPinScheme::None] {
        let record = operator.declare_so_pin(TOKEN_ID, &DeclareSoPin { scheme }).unwrap();
        assert_eq!((record.so_pin, record.current_version), (scheme, 0));
    }
    let random = DeclareSoPin { scheme: SoPinScheme::Random };
    refused(operator.declare_so_pin(TOKEN_ID, &random), "request.invalid");
    world.personalized("softkey:0002", UnlockMethod::SoPin);
    let shared = DeclareSoPin { scheme: SoPinScheme::Shared };
    refused(operator.declare_so_pin("softkey:0002", &shared), "personalization.so_pin_fixed");
    let host = KeyPair::generate().unwrap();
    let taken = operator.open_personalization(&assignment(TOKEN_ID, UnlockMethod::SoPin, &host));
    refused(taken, "personalization.already_personalized");
}
