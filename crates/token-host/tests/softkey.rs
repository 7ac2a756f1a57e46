//! Whole operations on the software key, through the host process and its PKCS#11 module.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests and what they are built from"
)]

mod common;

use common::{Bench, PIN, TAG, certificate, host_exe};
use ycd_pki::statement::Statement;
use ycd_pki::{PublicKey, csr, name::Name};
use ycd_softkey::admin::{Action, Fault, Leaves, NewKey};
use ycd_token::{ContainerHandle, Keys, Pair, Pin, Tag, Token, TokenError, TriesLeft};

fn statement() -> Statement {
    Statement::Abandon {
        portal: "portal".into(),
        order: "SAAS1".into(),
        attempt: 1,
        key_id: "softkey:1".into(),
        nonce: [3; 32],
    }
}

fn subject() -> Vec<u8> {
    Name::enterprise("泸州市某某有限公司", None, None).to_der().unwrap()
}

#[test]
fn a_pair_is_made_signs_gets_its_certificate_and_is_destroyed() {
    let bench = Bench::new();
    let mut host = bench.host();
    host.ping().unwrap();
    let keys = host.keys().unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].key_id, bench.key);
    assert_eq!(keys[0].pin.tries, TriesLeft::NotLow);
    assert!(keys[0].pin.is_initial);

    let empty = host.read(&bench.key).unwrap();
    assert!(empty.containers.is_empty() && !empty.logged_in && empty.keeps_ids);
    assert_eq!(empty.free_containers, Some(8));

    host.login(&bench.key, &Pin::new(PIN)).unwrap();
    let spki = host.generate(&bench.key, &TAG).unwrap();
    let contents = host.read(&bench.key).unwrap();
    let container = contents.with_key(&spki).unwrap();
    assert_eq!(
        (container.pair, container.has_tag(&TAG), container.certificates.len()),
        (Pair::Whole, true, 0)
    );
    assert_eq!(contents.free_containers, Some(7));

    let public = PublicKey::from_spki_der(&spki.0).unwrap();
    let signature = host.sign_statement(&bench.key, &spki, &statement()).unwrap();
    public.verify(&statement().to_bytes(), &signature).unwrap();
    let request = csr::Request::from_der(&host.sign_request(&bench.key, &spki, &subject()).unwrap()).unwrap();
    request.verify().unwrap();
    assert_eq!((request.public_key(), request.subject_der()), (&public, &subject()[..]));

    let der = certificate(&spki, 1);
    host.write_certificate(&bench.key, &der).unwrap();
    bench.trace();
    host.write_certificate(&bench.key, &der).unwrap();
    assert_eq!(bench.calls("C_CreateObject"), 0, "an identical one is there");
    assert_eq!(
        host.read(&bench.key).unwrap().with_key(&spki).unwrap().certificates,
        std::slice::from_ref(&der)
    );

    let newer = certificate(&spki, 2);
    host.write_certificate(&bench.key, &newer).unwrap();
    assert_eq!(
        host.read(&bench.key).unwrap().with_key(&spki).unwrap().certificates,
        [der.clone(), newer.clone()]
    );
    host.remove_certificate(&bench.key, &der).unwrap();
    assert_eq!(host.read(&bench.key).unwrap().with_key(&spki).unwrap().certificates, [newer]);

    host.logout(&bench.key).unwrap();
    assert_eq!(host.read(&bench.key).unwrap().with_key(&spki).unwrap().pair, Pair::PrivateHidden);
    let destroy = ContainerHandle::PublicKey(spki.clone());
    assert_eq!(host.destroy(&bench.key, &destroy), Err(TokenError::NotLoggedIn));
    host.login(&bench.key, &Pin::new(PIN)).unwrap();
    host.destroy(&bench.key, &destroy).unwrap();
    assert!(host.read(&bench.key).unwrap().containers.is_empty());
}

#[test]
fn what_needs_a_login_says_so() {
    let bench = Bench::new();
    let spki = bench.logged_in().generate(&bench.key, &TAG).unwrap();
    let mut host = bench.host();
    assert_eq!(host.generate(&bench.key, &Tag([1; 16])), Err(TokenError::NotLoggedIn));
    assert_eq!(host.sign_statement(&bench.key, &spki, &statement()), Err(TokenError::NotLoggedIn));
    assert_eq!(host.sign_request(&bench.key, &spki, &subject()), Err(TokenError::NotLoggedIn));
    assert_eq!(host.write_certificate(&bench.key, &certificate(&spki, 1)), Err(TokenError::NotLoggedIn));
    assert_eq!(host.remove_certificate(&bench.key, &certificate(&spki, 1)), Err(TokenError::NotLoggedIn));
}

#[test]
fn a_certificate_of_no_key_of_this_token_is_refused() {
    let bench = Bench::new();
    let mut host = bench.logged_in();
    let spki = host.generate(&bench.key, &TAG).unwrap();
    host.destroy(&bench.key, &ContainerHandle::PublicKey(spki.clone())).unwrap();
    let error = host.write_certificate(&bench.key, &certificate(&spki, 1)).unwrap_err();
    assert_eq!(error.code(), "token.not_found");
}

#[test]
fn a_wrong_pin_tells_the_tries_left_until_the_key_is_locked() {
    let bench = Bench::with(NewKey { user_tries: 3, ..NewKey::default() });
    let mut host = bench.host();
    let wrong = Pin::new("87654321");
    let incorrect = |tries| Err(TokenError::PinIncorrect { tries });
    assert_eq!(host.login(&bench.key, &wrong), incorrect(TriesLeft::Low));
    assert_eq!(host.login(&bench.key, &wrong), incorrect(TriesLeft::Last));
    assert_eq!(host.keys().unwrap()[0].pin.tries, TriesLeft::Last);
    assert_eq!(host.login(&bench.key, &wrong), Err(TokenError::PinLocked));
    assert_eq!(host.login(&bench.key, &Pin::new(PIN)), Err(TokenError::PinLocked));
    assert!(host.keys().unwrap()[0].pin.tries.is_locked());
}

#[test]
fn a_pin_that_the_module_finds_too_long_or_unfit_tells_the_keys_limits() {
    for code in [0xA1, 0xA2] {
        let bench = Bench::new();
        let mut host = bench.host();
        let limits = host.keys().unwrap()[0].pin.clone();
        bench.fault(Fault::at("C_Login", Action::Code(code)));
        let error = TokenError::PinInvalid { min_len: limits.min_len, max_len: limits.max_len };
        assert_eq!(host.login(&bench.key, &Pin::new(PIN)), Err(error));
    }
}

#[test]
fn a_login_while_logged_in_still_checks_the_pin() {
    let bench = Bench::new();
    let mut host = bench.logged_in();
    let error = host.login(&bench.key, &Pin::new("87654321")).unwrap_err();
    assert_eq!(error.code(), "token.pin_incorrect");
    assert!(!host.read(&bench.key).unwrap().logged_in);
}

#[test]
fn a_key_that_was_pulled_and_put_in_again_needs_a_login() {
    let bench = Bench::new();
    let mut host = bench.logged_in();
    let spki = host.generate(&bench.key, &TAG).unwrap();
    bench.pull();
    assert_eq!(host.keys(), Ok(Vec::new()));
    assert_eq!(host.read(&bench.key), Err(TokenError::Removed));
    assert_eq!(host.sign_statement(&bench.key, &spki, &statement()), Err(TokenError::Removed));
    bench.put_in();
    assert_eq!(host.sign_statement(&bench.key, &spki, &statement()), Err(TokenError::NotLoggedIn));
    let contents = host.read(&bench.key).unwrap();
    assert_eq!((contents.logged_in, contents.containers[0].pair), (false, Pair::PrivateHidden));
    host.login(&bench.key, &Pin::new(PIN)).unwrap();
    host.sign_statement(&bench.key, &spki, &statement()).unwrap();
}

#[test]
fn a_key_pulled_and_put_in_between_two_calls_is_read_and_asks_for_the_pin() {
    let bench = Bench::new();
    let mut host = bench.logged_in();
    bench.pull();
    bench.put_in();
    assert!(!host.read(&bench.key).unwrap().logged_in);
    let mut host = bench.logged_in();
    bench.pull();
    bench.put_in();
    assert_eq!(host.generate(&bench.key, &TAG), Err(TokenError::Removed), "as the module says");
    assert_eq!(host.generate(&bench.key, &TAG), Err(TokenError::NotLoggedIn));
}

#[test]
fn a_key_pulled_in_the_middle_of_any_call_is_removed_whatever_the_module_answers() {
    for function in ["C_GenerateKeyPair", "C_GetAttributeValue", "C_GetSessionInfo"] {
        let bench = Bench::new();
        let mut host = bench.logged_in();
        bench.fault(Fault::at(function, Action::Unplug));
        assert_eq!(host.generate(&bench.key, &TAG), Err(TokenError::Removed), "{function}");
    }
    // CKR_DEVICE_ERROR, CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED: what other makes say when they are pulled.
    for code in [0x30, 0x05, 0x06] {
        let bench = Bench::new();
        let mut host = bench.logged_in();
        bench.fault(Fault::at("C_GenerateKeyPair", Action::Code(code)));
        let error = host.generate(&bench.key, &TAG).unwrap_err();
        assert!(
            matches!(error, TokenError::Module { code: told, .. } if told == u64::from(code)),
            "{error:?}"
        );
    }
}

#[test]
fn halves_of_a_pair_are_told_from_whole_ones_after_login_and_can_be_destroyed() {
    for leaves in [Leaves::PrivateKey, Leaves::PublicKey] {
        let bench = Bench::new();
        let mut host = bench.logged_in();
        bench.fault(Fault::at("C_GenerateKeyPair", Action::Torn(leaves)));
        assert_eq!(host.generate(&bench.key, &TAG), Err(TokenError::Removed));
        bench.put_in();
        host.login(&bench.key, &Pin::new(PIN)).unwrap();
        let contents = host.read(&bench.key).unwrap();
        let [half] = &contents.containers[..] else { panic!("{contents:?}") };
        assert_eq!((half.pair, half.has_tag(&TAG)), (Pair::Half, true), "{leaves:?}");
        host.destroy(&bench.key, &half.handle).unwrap();
        assert!(host.read(&bench.key).unwrap().containers.is_empty());
        host.generate(&bench.key, &TAG).unwrap();
    }
}

#[test]
fn a_certificate_whose_writing_was_cut_off_is_replaced_by_the_whole_one() {
    let bench = Bench::new();
    let mut host = bench.logged_in();
    let spki = host.generate(&bench.key, &TAG).unwrap();
    let der = certificate(&spki, 1);
    bench.fault(Fault::at("C_CreateObject", Action::Torn(Leaves::PrivateKey)));
    assert_eq!(host.write_certificate(&bench.key, &der), Err(TokenError::Removed));
    bench.put_in();
    host.login(&bench.key, &Pin::new(PIN)).unwrap();
    assert!(host.read(&bench.key).unwrap().with_key(&spki).unwrap().certificates.is_empty());
    bench.trace();
    host.write_certificate(&bench.key, &der).unwrap();
    assert_eq!(bench.calls("C_DestroyObject"), 1);
    assert_eq!(host.read(&bench.key).unwrap().with_key(&spki).unwrap().certificates, [der]);
}

#[test]
fn another_certificate_of_the_same_serial_number_gives_way_but_one_of_another_stays() {
    let bench = Bench::new();
    let mut host = bench.logged_in();
    let spki = host.generate(&bench.key, &TAG).unwrap();
    let (altered, other, right) = (certificate(&spki, 1), certificate(&spki, 2), certificate(&spki, 1));
    assert_ne!(altered, right);
    for der in [&altered, &other, &right] {
        host.write_certificate(&bench.key, der).unwrap();
    }
    assert_eq!(host.read(&bench.key).unwrap().with_key(&spki).unwrap().certificates, [other, right]);
}

#[test]
fn a_change_that_the_token_loses_is_noticed() {
    let bench = Bench::new();
    let mut host = bench.logged_in();
    let spki = host.generate(&bench.key, &TAG).unwrap();
    let der = certificate(&spki, 1);
    let lost = Err(TokenError::ReadBackDiffers);
    bench.fault(Fault::at("C_CreateObject", Action::Eat));
    assert_eq!(host.write_certificate(&bench.key, &der), lost);
    host.write_certificate(&bench.key, &der).unwrap();
    bench.fault(Fault::at("C_DestroyObject", Action::Eat));
    assert_eq!(host.remove_certificate(&bench.key, &der), lost);
    bench.fault(Fault::at("C_DestroyObject", Action::Eat).always());
    assert_eq!(host.destroy(&bench.key, &ContainerHandle::PublicKey(spki)), lost);
    bench.fault(Fault::at("C_GenerateKeyPair", Action::Eat));
    assert_eq!(host.generate(&bench.key, &Tag([1; 16])).map(drop), lost);
}

#[test]
fn a_full_key_has_no_room() {
    let bench = Bench::with(NewKey { containers: Some(1), ..NewKey::default() });
    let mut host = bench.logged_in();
    assert_eq!(host.read(&bench.key).unwrap().free_containers, Some(1));
    host.generate(&bench.key, &TAG).unwrap();
    assert_eq!(host.read(&bench.key).unwrap().free_containers, Some(0));
    assert_eq!(host.generate(&bench.key, &Tag([1; 16])), Err(TokenError::NoRoom));
}

#[test]
fn two_keys_are_listed_and_each_is_worked_on_alone() {
    let bench = Bench::new();
    let second = bench.another_key();
    let mut keys = Keys::open(&bench.drivers(), Some(host_exe()));
    let listed: Vec<_> = keys.keys().unwrap().into_iter().map(|key| key.key_id).collect();
    assert_eq!(listed, [bench.key.clone(), second.clone()]);
    keys.login(&second, &Pin::new(PIN)).unwrap();
    assert!(!keys.read(&bench.key).unwrap().logged_in);
    let spki = keys.generate(&second, &TAG).unwrap();
    assert!(keys.read(&bench.key).unwrap().with_key(&spki).is_none());
    assert!(keys.read(&second).unwrap().with_key(&spki).is_some());
}

#[test]
fn a_key_is_found_without_a_listing_and_an_absent_one_is_removed() {
    let bench = Bench::new();
    let mut keys = Keys::open(&bench.drivers(), Some(host_exe()));
    assert!(keys.read(&bench.key).unwrap().containers.is_empty());
    bench.pull();
    let mut keys = Keys::open(&bench.drivers(), Some(host_exe()));
    assert_eq!(keys.read(&bench.key), Err(TokenError::Removed));
}

#[test]
fn every_way_of_signing_that_a_profile_may_name_gives_the_same_kind_of_signature() {
    let bench = Bench::new();
    let spki = bench.logged_in().generate(&bench.key, &TAG).unwrap();
    let public = PublicKey::from_spki_der(&spki.0).unwrap();
    for (number, input) in [("0x80008102", "message"), ("0x80008104", "e"), ("0x80008105", "e")] {
        // A number that the token does not report is passed over; a wrong format in the profile does no harm.
        let mut host = bench.host_with(|text| {
            let (head, tail) = text.split_once("[[pkcs11.sign]]").unwrap();
            let limits = &tail[tail.find("[limits]").unwrap()..];
            let sign = |number, input| {
                format!("[[pkcs11.sign]]\nmechanism = {number}\ninput = \"{input}\"\nformat = \"der\"\nsource = \"own\"\n")
            };
            format!("{head}{}{}{limits}", sign("0x80001234", "e"), sign(number, input))
        });
        host.login(&bench.key, &Pin::new(PIN)).unwrap();
        let signature = host.sign_statement(&bench.key, &spki, &statement()).unwrap();
        public.verify(&statement().to_bytes(), &signature).unwrap();
    }
}

const NEW_PIN: &str = "271828";

fn tries(host: &mut ycd_token::ModuleHost) -> TriesLeft {
    host.keys().unwrap()[0].pin.tries
}

#[test]
fn a_pin_is_changed_with_one_try_and_proven_and_nobody_stays_logged_in() {
    let bench = Bench::new();
    let mut host = bench.logged_in();
    let spki = host.generate(&bench.key, &TAG).unwrap();
    bench.trace();
    host.change_pin(&bench.key, &Pin::new(PIN), &Pin::new(NEW_PIN)).unwrap();
    assert_eq!((bench.calls("C_SetPIN"), bench.calls("C_Login")), (1, 1));
    assert!(!host.read(&bench.key).unwrap().logged_in);
    assert!(!host.keys().unwrap()[0].pin.is_initial);
    host.sign_statement(&bench.key, &spki, &statement()).unwrap_err();
    host.login(&bench.key, &Pin::new(NEW_PIN)).unwrap();
    host.sign_statement(&bench.key, &spki, &statement()).unwrap();
    assert!(matches!(
        host.login(&bench.key, &Pin::new(PIN)),
        Err(TokenError::PinIncorrect { tries: TriesLeft::Low })
    ));
}

#[test]
fn a_wrong_old_pin_costs_one_try_each_until_the_key_is_locked() {
    let bench = Bench::with(NewKey { user_tries: 3, ..NewKey::default() });
    let mut host = bench.host();
    let mut change = || host.change_pin(&bench.key, &Pin::new("00000000"), &Pin::new(NEW_PIN)).unwrap_err();
    assert_eq!(change(), TokenError::PinIncorrect { tries: TriesLeft::Low });
    assert_eq!(change(), TokenError::PinIncorrect { tries: TriesLeft::Last });
    assert_eq!(change(), TokenError::PinLocked);
    assert_eq!(change(), TokenError::PinLocked);
}

#[test]
fn a_new_pin_outside_the_keys_limits_is_not_sent() {
    let bench = Bench::new();
    let mut host = bench.host();
    bench.trace();
    for new in ["1", &"1".repeat(200)] {
        let error = host.change_pin(&bench.key, &Pin::new(PIN), &Pin::new(new)).unwrap_err();
        assert!(matches!(error, TokenError::PinInvalid { .. }), "{error:?}");
    }
    assert_eq!((bench.calls("C_SetPIN"), tries(&mut host)), (0, TriesLeft::NotLow));
}

#[test]
fn a_module_that_wants_a_login_before_the_change_gets_one_and_no_try_is_lost() {
    const CKR_USER_NOT_LOGGED_IN: u32 = 0x101;
    let bench = Bench::new();
    let mut host = bench.host();
    bench.fault(Fault::at("C_SetPIN", Action::Code(CKR_USER_NOT_LOGGED_IN)));
    host.change_pin(&bench.key, &Pin::new(PIN), &Pin::new(NEW_PIN)).unwrap();
    host.login(&bench.key, &Pin::new(NEW_PIN)).unwrap();

    // The wrong one is found out at the login, and costs one try.
    bench.fault(Fault::at("C_SetPIN", Action::Code(CKR_USER_NOT_LOGGED_IN)));
    let error = host.change_pin(&bench.key, &Pin::new(PIN), &Pin::new("314159")).unwrap_err();
    assert_eq!(error, TokenError::PinIncorrect { tries: TriesLeft::Low });
    host.login(&bench.key, &Pin::new(NEW_PIN)).unwrap();
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
        let bench = Bench::new();
        let mut host = bench.host();
        bench.trace();
        bench.fault(fault.clone());
        let error = host.change_pin(&bench.key, &Pin::new(PIN), &Pin::new(NEW_PIN)).unwrap_err();
        assert_eq!(error, TokenError::Unknown { operation: "change_pin".into() }, "{fault:?}");
        assert_eq!(bench.calls("C_SetPIN"), 1, "{fault:?}");
        bench.put_in();
        assert_eq!(tries(&mut host), TriesLeft::NotLow, "{fault:?}");
        host.login(&bench.key, &Pin::new(in_force)).unwrap();
    }
}

#[test]
fn a_change_that_hangs_ends_at_its_deadline_and_is_not_known() {
    let bench = Bench::new();
    let mut host = bench.host_with(|text| text.replace("write_ms = 30000", "write_ms = 300"));
    bench.fault(Fault::at("C_SetPIN", Action::Hang));
    let error = host.change_pin(&bench.key, &Pin::new(PIN), &Pin::new(NEW_PIN)).unwrap_err();
    assert_eq!(error, TokenError::Unknown { operation: "change_pin".into() });
    host.login(&bench.key, &Pin::new(PIN)).unwrap();
}

#[test]
fn a_change_that_the_module_claims_and_the_key_does_not_have_is_not_believed() {
    let bench = Bench::new();
    let mut host = bench.host();
    bench.fault(Fault::at("C_SetPIN", Action::Eat));
    let error = host.change_pin(&bench.key, &Pin::new(PIN), &Pin::new(NEW_PIN)).unwrap_err();
    assert_eq!(error, TokenError::Unknown { operation: "change_pin".into() });
    host.login(&bench.key, &Pin::new(PIN)).unwrap();
}
