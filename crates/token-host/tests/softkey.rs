//! Whole operations on the software token, through the host process and its PKCS#11 module.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests and what they are built from"
)]

mod common;

use common::{Bench, CKA_ID, PIN, certificate, host_exe};
use ycd_pki::authorization::Authorization;
use ycd_pki::{PublicKey, csr, name::Name};
use ycd_softkey::admin::{Action, Fault, Leaves, NewToken};
use ycd_token::{
    CkaId, ContainerHandle, KeyPairState, Pin, PinRetryCounter, TokenAccess, TokenError, TokenSet,
};

fn authorization() -> Authorization {
    Authorization::Abandon {
        portal: "portal".into(),
        order: "SAAS1".into(),
        attempt: 1,
        token_id: "softkey:1".into(),
        nonce: [3; 32],
    }
}

fn subject() -> Vec<u8> {
    Name::enterprise("泸州市某某有限公司", None, None).to_der().unwrap()
}

#[test]
fn a_pair_is_made_signs_gets_its_certificate_and_is_destroyed() {
    let fixture = Bench::new();
    let mut host = fixture.host();
    host.ping().unwrap();
    let tokens = host.list().unwrap();
    assert_eq!(tokens.len(), 1);
    assert_eq!(tokens[0].token_id, fixture.token);
    assert_eq!(tokens[0].pin.retry_counter, PinRetryCounter::NotLow);
    assert!(tokens[0].pin.is_initial);

    let empty = host.read(&fixture.token).unwrap();
    assert!(empty.containers.is_empty() && !empty.logged_in && empty.keeps_ids);
    assert_eq!(empty.free_containers, Some(8));

    host.login(&fixture.token, &Pin::new(PIN)).unwrap();
    let spki = host.generate(&fixture.token, &CKA_ID).unwrap();
    let contents = host.read(&fixture.token).unwrap();
    let container = contents.with_key(&spki).unwrap();
    assert_eq!(
        (container.pair, container.has_cka_id(&CKA_ID), container.certificates.len()),
        (KeyPairState::Complete, true, 0)
    );
    assert_eq!(contents.free_containers, Some(7));

    let public = PublicKey::from_spki_der(&spki.0).unwrap();
    let signature = host.sign_authorization(&fixture.token, &spki, &authorization()).unwrap();
    public.verify(&authorization().to_bytes(), &signature).unwrap();
    let request =
        csr::Request::from_der(&host.sign_request(&fixture.token, &spki, &subject()).unwrap()).unwrap();
    request.verify().unwrap();
    assert_eq!((request.public_key(), request.subject_der()), (&public, &subject()[..]));

    let der = certificate(&spki, 1);
    host.write_certificate(&fixture.token, &der).unwrap();
    fixture.trace();
    host.write_certificate(&fixture.token, &der).unwrap();
    assert_eq!(fixture.calls("C_CreateObject"), 0, "an identical one is there");
    assert_eq!(
        host.read(&fixture.token).unwrap().with_key(&spki).unwrap().certificates,
        std::slice::from_ref(&der)
    );

    let newer = certificate(&spki, 2);
    host.write_certificate(&fixture.token, &newer).unwrap();
    assert_eq!(
        host.read(&fixture.token).unwrap().with_key(&spki).unwrap().certificates,
        [der.clone(), newer.clone()]
    );
    host.remove_certificate(&fixture.token, &der).unwrap();
    assert_eq!(host.read(&fixture.token).unwrap().with_key(&spki).unwrap().certificates, [newer]);

    host.logout(&fixture.token).unwrap();
    assert_eq!(host.read(&fixture.token).unwrap().with_key(&spki).unwrap().pair, KeyPairState::PrivateHidden);
    let destroy = ContainerHandle::PublicKey(spki.clone());
    assert_eq!(host.destroy(&fixture.token, &destroy), Err(TokenError::NotLoggedIn));
    host.login(&fixture.token, &Pin::new(PIN)).unwrap();
    host.destroy(&fixture.token, &destroy).unwrap();
    assert!(host.read(&fixture.token).unwrap().containers.is_empty());
}

#[test]
fn what_needs_a_login_says_so() {
    let fixture = Bench::new();
    let spki = fixture.logged_in().generate(&fixture.token, &CKA_ID).unwrap();
    let mut host = fixture.host();
    assert_eq!(host.generate(&fixture.token, &CkaId([1; 16])), Err(TokenError::NotLoggedIn));
    assert_eq!(
        host.sign_authorization(&fixture.token, &spki, &authorization()),
        Err(TokenError::NotLoggedIn)
    );
    assert_eq!(host.sign_request(&fixture.token, &spki, &subject()), Err(TokenError::NotLoggedIn));
    assert_eq!(host.write_certificate(&fixture.token, &certificate(&spki, 1)), Err(TokenError::NotLoggedIn));
    assert_eq!(host.remove_certificate(&fixture.token, &certificate(&spki, 1)), Err(TokenError::NotLoggedIn));
}

#[test]
fn a_certificate_of_no_key_of_this_token_is_refused() {
    let fixture = Bench::new();
    let mut host = fixture.logged_in();
    let spki = host.generate(&fixture.token, &CKA_ID).unwrap();
    host.destroy(&fixture.token, &ContainerHandle::PublicKey(spki.clone())).unwrap();
    let error = host.write_certificate(&fixture.token, &certificate(&spki, 1)).unwrap_err();
    assert_eq!(error.code(), "token.not_found");
}

#[test]
fn a_wrong_pin_tells_the_retry_counter_until_the_token_is_locked() {
    let fixture = Bench::with(NewToken { user_retry_limit: 3, ..NewToken::default() });
    let mut host = fixture.host();
    let wrong = Pin::new("87654321");
    let incorrect = |retry_counter| Err(TokenError::PinIncorrect { retry_counter });
    assert_eq!(host.login(&fixture.token, &wrong), incorrect(PinRetryCounter::Low));
    assert_eq!(host.login(&fixture.token, &wrong), incorrect(PinRetryCounter::FinalTry));
    assert_eq!(host.list().unwrap()[0].pin.retry_counter, PinRetryCounter::FinalTry);
    assert_eq!(host.login(&fixture.token, &wrong), Err(TokenError::PinLocked));
    assert_eq!(host.login(&fixture.token, &Pin::new(PIN)), Err(TokenError::PinLocked));
    assert!(host.list().unwrap()[0].pin.retry_counter.is_locked());
}

#[test]
fn a_pin_that_the_module_finds_too_long_or_unfit_tells_the_tokens_limits() {
    for code in [0xA1, 0xA2] {
        let fixture = Bench::new();
        let mut host = fixture.host();
        let limits = host.list().unwrap()[0].pin.clone();
        fixture.fault(Fault::at("C_Login", Action::Code(code)));
        let error = TokenError::PinInvalid { min_len: limits.min_len, max_len: limits.max_len };
        assert_eq!(host.login(&fixture.token, &Pin::new(PIN)), Err(error));
    }
}

#[test]
fn a_login_while_logged_in_still_checks_the_pin() {
    let fixture = Bench::new();
    let mut host = fixture.logged_in();
    let error = host.login(&fixture.token, &Pin::new("87654321")).unwrap_err();
    assert_eq!(error.code(), "token.pin_incorrect");
    assert!(!host.read(&fixture.token).unwrap().logged_in);
}

#[test]
fn a_token_that_was_pulled_and_put_in_again_needs_a_login() {
    let fixture = Bench::new();
    let mut host = fixture.logged_in();
    let spki = host.generate(&fixture.token, &CKA_ID).unwrap();
    fixture.pull();
    assert_eq!(host.list(), Ok(Vec::new()));
    assert_eq!(host.read(&fixture.token), Err(TokenError::Removed));
    assert_eq!(host.sign_authorization(&fixture.token, &spki, &authorization()), Err(TokenError::Removed));
    fixture.put_in();
    assert_eq!(
        host.sign_authorization(&fixture.token, &spki, &authorization()),
        Err(TokenError::NotLoggedIn)
    );
    let contents = host.read(&fixture.token).unwrap();
    assert_eq!((contents.logged_in, contents.containers[0].pair), (false, KeyPairState::PrivateHidden));
    host.login(&fixture.token, &Pin::new(PIN)).unwrap();
    host.sign_authorization(&fixture.token, &spki, &authorization()).unwrap();
}

#[test]
fn a_token_pulled_and_put_in_between_two_calls_is_read_and_asks_for_the_pin() {
    let fixture = Bench::new();
    let mut host = fixture.logged_in();
    fixture.pull();
    fixture.put_in();
    assert!(!host.read(&fixture.token).unwrap().logged_in);
    let mut host = fixture.logged_in();
    fixture.pull();
    fixture.put_in();
    assert_eq!(host.generate(&fixture.token, &CKA_ID), Err(TokenError::Removed), "as the module says");
    assert_eq!(host.generate(&fixture.token, &CKA_ID), Err(TokenError::NotLoggedIn));
}

#[test]
fn a_token_pulled_in_the_middle_of_any_call_is_removed_whatever_the_module_answers() {
    for function in ["C_GenerateKeyPair", "C_GetAttributeValue", "C_GetSessionInfo"] {
        let fixture = Bench::new();
        let mut host = fixture.logged_in();
        fixture.fault(Fault::at(function, Action::Unplug));
        assert_eq!(host.generate(&fixture.token, &CKA_ID), Err(TokenError::Removed), "{function}");
    }
    // CKR_DEVICE_ERROR, CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED: what other token models say when they are pulled.
    for code in [0x30, 0x05, 0x06] {
        let fixture = Bench::new();
        let mut host = fixture.logged_in();
        fixture.fault(Fault::at("C_GenerateKeyPair", Action::Code(code)));
        let error = host.generate(&fixture.token, &CKA_ID).unwrap_err();
        assert!(
            matches!(error, TokenError::Module { code: told, .. } if told == u64::from(code)),
            "{error:?}"
        );
    }
}

#[test]
fn orphans_are_told_from_complete_pairs_after_login_and_can_be_destroyed() {
    for leaves in [Leaves::PrivateKey, Leaves::PublicKey] {
        let fixture = Bench::new();
        let mut host = fixture.logged_in();
        fixture.fault(Fault::at("C_GenerateKeyPair", Action::Torn(leaves)));
        assert_eq!(host.generate(&fixture.token, &CKA_ID), Err(TokenError::Removed));
        fixture.put_in();
        host.login(&fixture.token, &Pin::new(PIN)).unwrap();
        let contents = host.read(&fixture.token).unwrap();
        let [half] = &contents.containers[..] else { panic!("{contents:?}") };
        assert_eq!((half.pair, half.has_cka_id(&CKA_ID)), (KeyPairState::Orphaned, true), "{leaves:?}");
        host.destroy(&fixture.token, &half.handle).unwrap();
        assert!(host.read(&fixture.token).unwrap().containers.is_empty());
        host.generate(&fixture.token, &CKA_ID).unwrap();
    }
}

#[test]
fn a_certificate_whose_writing_was_cut_off_is_replaced_by_the_whole_one() {
    let fixture = Bench::new();
    let mut host = fixture.logged_in();
    let spki = host.generate(&fixture.token, &CKA_ID).unwrap();
    let der = certificate(&spki, 1);
    fixture.fault(Fault::at("C_CreateObject", Action::Torn(Leaves::PrivateKey)));
    assert_eq!(host.write_certificate(&fixture.token, &der), Err(TokenError::Removed));
    fixture.put_in();
    host.login(&fixture.token, &Pin::new(PIN)).unwrap();
    assert!(host.read(&fixture.token).unwrap().with_key(&spki).unwrap().certificates.is_empty());
    fixture.trace();
    host.write_certificate(&fixture.token, &der).unwrap();
    assert_eq!(fixture.calls("C_DestroyObject"), 1);
    assert_eq!(host.read(&fixture.token).unwrap().with_key(&spki).unwrap().certificates, [der]);
}

#[test]
fn another_certificate_of_the_same_serial_number_gives_way_but_one_of_another_stays() {
    let fixture = Bench::new();
    let mut host = fixture.logged_in();
    let spki = host.generate(&fixture.token, &CKA_ID).unwrap();
    let (altered, other, right) = (certificate(&spki, 1), certificate(&spki, 2), certificate(&spki, 1));
    assert_ne!(altered, right);
    for der in [&altered, &other, &right] {
        host.write_certificate(&fixture.token, der).unwrap();
    }
    assert_eq!(host.read(&fixture.token).unwrap().with_key(&spki).unwrap().certificates, [other, right]);
}

#[test]
fn a_change_that_the_token_loses_is_noticed() {
    let fixture = Bench::new();
    let mut host = fixture.logged_in();
    let spki = host.generate(&fixture.token, &CKA_ID).unwrap();
    let der = certificate(&spki, 1);
    let lost = Err(TokenError::ReadBackDiffers);
    fixture.fault(Fault::at("C_CreateObject", Action::Eat));
    assert_eq!(host.write_certificate(&fixture.token, &der), lost);
    host.write_certificate(&fixture.token, &der).unwrap();
    fixture.fault(Fault::at("C_DestroyObject", Action::Eat));
    assert_eq!(host.remove_certificate(&fixture.token, &der), lost);
    fixture.fault(Fault::at("C_DestroyObject", Action::Eat).always());
    assert_eq!(host.destroy(&fixture.token, &ContainerHandle::PublicKey(spki)), lost);
    fixture.fault(Fault::at("C_GenerateKeyPair", Action::Eat));
    assert_eq!(host.generate(&fixture.token, &CkaId([1; 16])).map(drop), lost);
}

#[test]
fn a_full_token_has_no_free_capacity() {
    let fixture = Bench::with(NewToken { containers: Some(1), ..NewToken::default() });
    let mut host = fixture.logged_in();
    assert_eq!(host.read(&fixture.token).unwrap().free_containers, Some(1));
    host.generate(&fixture.token, &CKA_ID).unwrap();
    assert_eq!(host.read(&fixture.token).unwrap().free_containers, Some(0));
    assert_eq!(host.generate(&fixture.token, &CkaId([1; 16])), Err(TokenError::NoFreeCapacity));
}

#[test]
fn two_tokens_are_listed_and_each_is_worked_on_alone() {
    let fixture = Bench::new();
    let second = fixture.another_token();
    let mut tokens = TokenSet::open(&fixture.drivers(), Some(host_exe()));
    let listed: Vec<_> = tokens.list().unwrap().into_iter().map(|token| token.token_id).collect();
    assert_eq!(listed, [fixture.token.clone(), second.clone()]);
    tokens.login(&second, &Pin::new(PIN)).unwrap();
    assert!(!tokens.read(&fixture.token).unwrap().logged_in);
    let spki = tokens.generate(&second, &CKA_ID).unwrap();
    assert!(tokens.read(&fixture.token).unwrap().with_key(&spki).is_none());
    assert!(tokens.read(&second).unwrap().with_key(&spki).is_some());
}

#[test]
fn a_token_is_found_without_a_listing_and_an_absent_one_is_removed() {
    let fixture = Bench::new();
    let mut tokens = TokenSet::open(&fixture.drivers(), Some(host_exe()));
    assert!(tokens.read(&fixture.token).unwrap().containers.is_empty());
    fixture.pull();
    let mut tokens = TokenSet::open(&fixture.drivers(), Some(host_exe()));
    assert_eq!(tokens.read(&fixture.token), Err(TokenError::Removed));
}

#[test]
fn every_way_of_signing_that_a_profile_may_name_gives_the_same_kind_of_signature() {
    let fixture = Bench::new();
    let spki = fixture.logged_in().generate(&fixture.token, &CKA_ID).unwrap();
    let public = PublicKey::from_spki_der(&spki.0).unwrap();
    for (number, input) in [("0x80008102", "message"), ("0x80008104", "e"), ("0x80008105", "e")] {
        // A number that the token does not report is passed over; a wrong format in the profile does no harm.
        let mut host = fixture.host_with(|text| {
            let (head, tail) = text.split_once("[[pkcs11.sign]]").unwrap();
            let limits = &tail[tail.find("[limits]").unwrap()..];
            let sign = |number, input| {
                format!("[[pkcs11.sign]]\nmechanism = {number}\ninput = \"{input}\"\nformat = \"der\"\nsource = \"own\"\n")
            };
            format!("{head}{}{}{limits}", sign("0x80001234", "e"), sign(number, input))
        });
        host.login(&fixture.token, &Pin::new(PIN)).unwrap();
        let signature = host.sign_authorization(&fixture.token, &spki, &authorization()).unwrap();
        public.verify(&authorization().to_bytes(), &signature).unwrap();
    }
}

const NEW_PIN: &str = "271828";

fn retry_counter(host: &mut ycd_token::ModuleHost) -> PinRetryCounter {
    host.list().unwrap()[0].pin.retry_counter
}

#[test]
fn a_pin_is_changed_with_one_try_and_proven_and_nobody_stays_logged_in() {
    let fixture = Bench::new();
    let mut host = fixture.logged_in();
    let spki = host.generate(&fixture.token, &CKA_ID).unwrap();
    fixture.trace();
    host.change_pin(&fixture.token, &Pin::new(PIN), &Pin::new(NEW_PIN)).unwrap();
    assert_eq!((fixture.calls("C_SetPIN"), fixture.calls("C_Login")), (1, 1));
    assert!(!host.read(&fixture.token).unwrap().logged_in);
    assert!(!host.list().unwrap()[0].pin.is_initial);
    host.sign_authorization(&fixture.token, &spki, &authorization()).unwrap_err();
    host.login(&fixture.token, &Pin::new(NEW_PIN)).unwrap();
    host.sign_authorization(&fixture.token, &spki, &authorization()).unwrap();
    assert!(matches!(
        host.login(&fixture.token, &Pin::new(PIN)),
        Err(TokenError::PinIncorrect { retry_counter: PinRetryCounter::Low })
    ));
}

#[test]
fn a_wrong_old_pin_costs_one_try_each_until_the_token_is_locked() {
    let fixture = Bench::with(NewToken { user_retry_limit: 3, ..NewToken::default() });
    let mut host = fixture.host();
    let mut change =
        || host.change_pin(&fixture.token, &Pin::new("00000000"), &Pin::new(NEW_PIN)).unwrap_err();
    assert_eq!(change(), TokenError::PinIncorrect { retry_counter: PinRetryCounter::Low });
    assert_eq!(change(), TokenError::PinIncorrect { retry_counter: PinRetryCounter::FinalTry });
    assert_eq!(change(), TokenError::PinLocked);
    assert_eq!(change(), TokenError::PinLocked);
}

#[test]
fn a_new_pin_outside_the_tokens_limits_is_not_sent() {
    let fixture = Bench::new();
    let mut host = fixture.host();
    fixture.trace();
    for new in ["1", &"1".repeat(200)] {
        let error = host.change_pin(&fixture.token, &Pin::new(PIN), &Pin::new(new)).unwrap_err();
        assert!(matches!(error, TokenError::PinInvalid { .. }), "{error:?}");
    }
    assert_eq!((fixture.calls("C_SetPIN"), retry_counter(&mut host)), (0, PinRetryCounter::NotLow));
}

#[test]
fn a_module_that_wants_a_login_before_the_change_gets_one_and_no_try_is_lost() {
    const CKR_USER_NOT_LOGGED_IN: u32 = 0x101;
    let fixture = Bench::new();
    let mut host = fixture.host();
    fixture.fault(Fault::at("C_SetPIN", Action::Code(CKR_USER_NOT_LOGGED_IN)));
    host.change_pin(&fixture.token, &Pin::new(PIN), &Pin::new(NEW_PIN)).unwrap();
    host.login(&fixture.token, &Pin::new(NEW_PIN)).unwrap();

    // The wrong one is found out at the login, and costs one try.
    fixture.fault(Fault::at("C_SetPIN", Action::Code(CKR_USER_NOT_LOGGED_IN)));
    let error = host.change_pin(&fixture.token, &Pin::new(PIN), &Pin::new("314159")).unwrap_err();
    assert_eq!(error, TokenError::PinIncorrect { retry_counter: PinRetryCounter::Low });
    host.login(&fixture.token, &Pin::new(NEW_PIN)).unwrap();
}

#[test]
fn a_change_that_stops_in_the_middle_is_not_known_and_is_not_sent_again() {
    const CKR_DEVICE_ERROR: u32 = 0x30;
    for (fault, in_force) in [
        (Fault::at("C_SetPIN", Action::Crash), PIN),
        (Fault::at("C_SetPIN", Action::Crash).after(), NEW_PIN),
        (Fault::at("C_SetPIN", Action::Code(CKR_DEVICE_ERROR)), PIN),
        (Fault::at("C_SetPIN", Action::Code(CKR_DEVICE_ERROR)).after(), NEW_PIN),
        (Fault::at("C_SetPIN", Action::Unplug).after(), NEW_PIN),
        (Fault::at("C_Login", Action::Unplug), NEW_PIN),
        (Fault::at("C_Login", Action::Crash), NEW_PIN),
    ] {
        let fixture = Bench::new();
        let mut host = fixture.host();
        fixture.trace();
        fixture.fault(fault.clone());
        let error = host.change_pin(&fixture.token, &Pin::new(PIN), &Pin::new(NEW_PIN)).unwrap_err();
        assert_eq!(error, TokenError::Unknown { operation: "change_pin".into() }, "{fault:?}");
        assert_eq!(fixture.calls("C_SetPIN"), 1, "{fault:?}");
        fixture.put_in();
        assert_eq!(retry_counter(&mut host), PinRetryCounter::NotLow, "{fault:?}");
        host.login(&fixture.token, &Pin::new(in_force)).unwrap();
    }
}

#[test]
fn a_change_that_hangs_ends_at_its_deadline_and_is_not_known() {
    let fixture = Bench::new();
    let mut host = fixture.host_with(|text| text.replace("write_ms = 30000", "write_ms = 300"));
    fixture.fault(Fault::at("C_SetPIN", Action::Hang));
    let error = host.change_pin(&fixture.token, &Pin::new(PIN), &Pin::new(NEW_PIN)).unwrap_err();
    assert_eq!(error, TokenError::Unknown { operation: "change_pin".into() });
    host.login(&fixture.token, &Pin::new(PIN)).unwrap();
}

#[test]
fn a_change_that_the_module_claims_and_the_token_does_not_have_is_not_believed() {
    let fixture = Bench::new();
    let mut host = fixture.host();
    fixture.fault(Fault::at("C_SetPIN", Action::Eat));
    let error = host.change_pin(&fixture.token, &Pin::new(PIN), &Pin::new(NEW_PIN)).unwrap_err();
    assert_eq!(error, TokenError::Unknown { operation: "change_pin".into() });
    host.login(&fixture.token, &Pin::new(PIN)).unwrap();
}
