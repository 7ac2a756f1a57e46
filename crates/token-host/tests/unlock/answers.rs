//! Which answers a host believes.

use ycd_pki::unlock::{
    Context, FirstSecrets, PinRules, Purpose, SessionKey, SoPin, UnblockKey, UnlockMethod,
};
use ycd_pki::{KeyPair, PublicKey};
use ycd_token::{Answer, OneTime, Pin, SoLogin, TokenAccess, TokenError, Unlocker};

use crate::setup::{Desk, NEXT, shows_no_secret};

type Change = fn(&mut Context);

/// Each with one field that is not right.
const WRONG: [(&str, Change); 13] = [
    ("portal", |c| c.portal = "portal-2".into()),
    ("key", |c| c.token_id = "softkey:0000".into()),
    ("one-time key", |c| c.one_time_key = [1; 32]),
    ("certificate", |c| c.certificate = [1; 32]),
    ("no certificate", |c| c.certificate = [0; 32]),
    ("no time", |c| c.valid_seconds = 0),
    ("too much time", |c| c.valid_seconds = 601),
    ("short nonce", |c| c.nonce = vec![3; 31]),
    ("long nonce", |c| c.nonce = vec![3; 33]),
    ("a challenge's nonce", |c| c.nonce = vec![3; 16]),
    ("other method", |c| c.method = UnlockMethod::ChallengeResponse),
    ("other method with a nonce that was never a challenge", |c| {
        c.method = UnlockMethod::ChallengeResponse;
        c.nonce = vec![3; 16];
    }),
    ("rules without a PIN", |c| c.pin = PinRules { min_len: 9, max_len: 8, digits_only: true }),
];

fn reason(error: TokenError) -> String {
    shows_no_secret(&error);
    match error {
        TokenError::ReleaseRefused { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_with_one_wrong_field_is_refused_and_leaves_the_open_release() {
    let setup = Desk::new();
    let mut host = setup.host();
    let one_time = setup.begin(&mut host);
    let mut reasons = Vec::new();
    for has_release in [false, true] {
        if has_release {
            let answer = setup.answer(&setup.context(&one_time), &one_time);
            host.unlock_open(setup.token(), &answer).unwrap();
        }
        for (what, change) in WRONG {
            let mut context = Context { release: 2, ..setup.context(&one_time) };
            change(&mut context);
            let error = host.unlock_open(setup.token(), &setup.answer(&context, &one_time)).unwrap_err();
            reasons.push(reason(error));
            let open = host.unlock_opened(setup.token()).unwrap();
            assert_eq!(open.map(|open| open.release), has_release.then_some(1), "{what}");
        }
    }
    reasons.sort();
    reasons.dedup();
    assert_eq!(reasons.len(), 7, "{reasons:?}");
}

#[test]
fn only_the_portals_signature_over_context_and_envelope_counts_and_comes_first() {
    let setup = Desk::new();
    let mut host = setup.host();
    let one_time = setup.begin(&mut host);
    let right = setup.answer(&setup.context(&one_time), &one_time);
    let other = setup.answer(&setup.context(&one_time), &one_time);
    let other_portal = Desk { portal: KeyPair::generate().unwrap(), ..Desk::new() };
    let forged = other_portal.signed(&setup.context(&one_time), right.sealed_envelope.clone());
    let mut cut = right.clone();
    cut.signature.pop();
    for (what, answer) in [
        ("another portal's signature", Answer { signature: forged.signature, ..right.clone() }),
        ("another envelope", Answer { sealed_envelope: other.sealed_envelope.clone(), ..right.clone() }),
        ("no envelope", Answer { sealed_envelope: Vec::new(), ..right.clone() }),
        (
            "another context",
            Answer {
                context: Context { release: 2, ..setup.context(&one_time) }.to_bytes(),
                ..right.clone()
            },
        ),
        ("no signature", Answer { signature: Vec::new(), ..right.clone() }),
        ("half a signature", cut),
        // Whose fields are wrong too: the signature is looked at first.
        (
            "nothing at all",
            Answer {
                purpose: Purpose::Unlock,
                context: vec![1; 5000],
                sealed_envelope: vec![],
                signature: vec![],
            },
        ),
    ] {
        let error = host.unlock_open(setup.token(), &answer).unwrap_err();
        assert_eq!(reason(error), "it is not signed by the portal", "{what}");
    }
    host.unlock_open(setup.token(), &right).unwrap();
}

#[test]
fn a_release_for_another_purpose_is_none() {
    let setup = Desk::new();
    let mut host = setup.host();
    let one_time = setup.begin(&mut host);
    let unlock = setup.answer(&setup.context(&one_time), &one_time);
    let error =
        host.unlock_open(setup.token(), &Answer { purpose: Purpose::Personalize, ..unlock }).unwrap_err();
    assert_eq!(reason(error), "its context is none for this purpose");
    // A personalization of a token with a certificate names none.
    let personalization = Context { purpose: Purpose::Personalize, ..setup.context(&one_time) };
    let error = host.unlock_open(setup.token(), &setup.answer(&personalization, &one_time)).unwrap_err();
    assert_eq!(reason(error), "its certificate is not on the key");
}

#[test]
fn an_envelope_with_something_else_in_it_is_refused() {
    let setup = Desk::new();
    let mut host = setup.host();
    let one_time = setup.begin(&mut host);
    let to = PublicKey::from_spki_der(&one_time.public_key.0).unwrap();
    let context = setup.context(&one_time);
    let stranger = KeyPair::generate().unwrap().public_key();
    let session: SessionKey = UnblockKey::from_bytes([7; 32]).session_key(&[1; 16], &[2; 32]);
    let envelopes = [
        vec![],
        to.seal(&[b'1'; 63]).unwrap(),
        to.seal(&[b'1'; 65]).unwrap(),
        to.seal(&[0; 64]).unwrap(),
        session.seal(&to).unwrap(),
        stranger.seal(&[b'1'; 64]).unwrap(),
    ];
    for sealed in envelopes {
        let error = host.unlock_open(setup.token(), &setup.signed(&context, sealed)).unwrap_err();
        assert_eq!(reason(error), "its sealed envelope does not open, or something else is in it");
    }
    // A personalization says whether there is an unblock key.
    let personalization = |unblock_key_version, unblock_key: Option<UnblockKey>| {
        let context = Context {
            purpose: Purpose::Personalize,
            certificate: [0; 32],
            current_version: 0,
            next_version: 1,
            unblock_key_version,
            ..context.clone()
        };
        let first = FirstSecrets { so_pin: SoPin::new(NEXT.into()).unwrap(), unblock_key };
        setup.signed(&context, first.seal(&to).unwrap())
    };
    for answer in [personalization(1, None), personalization(0, Some(UnblockKey::from_bytes([7; 32])))] {
        let error = host.unlock_open(setup.token(), &answer).unwrap_err();
        assert_eq!(reason(error), "its sealed envelope has another unblock key than it says");
    }
    assert_eq!(host.unlock_opened(setup.token()).unwrap(), None);
}

#[test]
fn a_certificate_that_has_gone_from_the_token_makes_the_answer_stale() {
    let setup = Desk::new();
    let mut host = setup.host();
    // By the operator's own means, the PIN works again.
    setup.opened(&mut host);
    setup.so_login(&mut host, SoLogin::Current).unwrap();
    host.init_pin(setup.token(), &Pin::new("271828")).unwrap();
    let one_time = setup.begin(&mut host);
    host.login(setup.token(), &Pin::new("271828")).unwrap();
    host.remove_certificate(setup.token(), &setup.certificate).unwrap();
    let answer = setup.answer(&setup.context(&one_time), &one_time);
    let error = host.unlock_open(setup.token(), &answer).unwrap_err();
    assert_eq!(reason(error), "its certificate is not on the key");
}

#[test]
fn a_profile_that_does_not_know_its_way_gets_no_release() {
    let setup = Desk::new();
    for (from, to) in [
        ("so_pin = \"yes\"", "so_pin = \"unknown\""),
        ("so_pin = \"yes\"", "so_pin = \"no\""),
        ("keys_survive_init_pin = \"yes\"", "keys_survive_init_pin = \"unknown\""),
        ("keys_survive_init_pin = \"yes\"", "keys_survive_init_pin = \"no\""),
    ] {
        let mut host = setup.fixture.host_with(|text| {
            assert!(text.contains(from));
            text.replace(from, to)
        });
        let one_time: OneTime = setup.begin(&mut host);
        let answer = setup.answer(&setup.context(&one_time), &one_time);
        let error = host.unlock_open(setup.token(), &answer).unwrap_err();
        assert_eq!(reason(error), "this token has no such method", "{to}");
    }
}

#[test]
fn a_portal_without_a_key_of_sm2_is_refused() {
    let setup = Desk::new();
    let mut host = setup.host();
    let mut portal = setup.trusted();
    portal.signing_key.0.pop();
    let error = host.unlock_begin(setup.token(), &portal).unwrap_err();
    assert_eq!(reason(error), "the portal's signing key is none of SM2");
}

#[test]
fn the_same_answer_again_makes_nothing_undone() {
    let setup = Desk::new();
    let mut host = setup.host();
    let one_time = setup.begin(&mut host);
    let pins = setup.pins("0000000000000000", NEXT, &one_time);
    let answer = setup.signed(&setup.context(&one_time), pins);
    let first = host.unlock_open(setup.token(), &answer).unwrap();
    let error = setup.so_login(&mut host, SoLogin::Current).unwrap_err();
    assert_eq!(error.code(), "token.so_pin_incorrect");
    let again = host.unlock_open(setup.token(), &answer).unwrap();
    assert!(again.seconds_left <= first.seconds_left);
    setup.fixture.trace();
    let error = setup.so_login(&mut host, SoLogin::Current).unwrap_err();
    assert_eq!(error.code(), "token.so_pin_incorrect");
    assert_eq!(setup.logins(), 0, "the same wrong PIN is not tried twice");
}
