//! SO logins: the portal's word before each, and how many tries are risked.

use ycd_pki::unlock::SoPinRetryCounter;
use ycd_softkey::admin::{Action, Fault, NewToken};
use ycd_token::{ModuleHost, Pin, SoLogin, TokenError, Unlocker};

use crate::setup::{CURRENT, Desk, NEXT, ORDER, shows_no_secret};

const WRONG: &str = "0000000000000000";
const WRONG_TOO: &str = "0000000000000001";

fn code(setup: &Desk, host: &mut ModuleHost, which: SoLogin) -> &'static str {
    let error = setup.so_login(host, which).unwrap_err();
    shows_no_secret(&error);
    error.code()
}

#[test]
fn no_login_without_the_portals_word_for_this_nonce_this_token_and_this_release() {
    let setup = Desk::new();
    let mut host = setup.host();
    let token = setup.token();
    setup.opened(&mut host);
    setup.fixture.trace();
    let before = host.unlock_nonce(token).unwrap();
    let refused = |host: &mut ModuleHost, what: &str, word: Option<&[u8]>| {
        let error = host.so_login(token, &SoLogin::Current, word.unwrap_or_default()).unwrap_err();
        assert_eq!(error.code(), "token.release_refused", "{what}");
    };
    let nonce = host.unlock_nonce(token).unwrap();
    assert_ne!(before, nonce);
    refused(&mut host, "none", None);
    refused(&mut host, "right, after the nonce was spent", Some(&setup.liveness(1, nonce)));
    let nonce = host.unlock_nonce(token).unwrap();
    host.unlock_nonce(token).unwrap();
    refused(&mut host, "for the nonce before", Some(&setup.liveness(1, nonce)));
    let nonce = host.unlock_nonce(token).unwrap();
    refused(&mut host, "of another release", Some(&setup.liveness(2, nonce)));
    let nonce = host.unlock_nonce(token).unwrap();
    refused(&mut host, "empty", Some(&[]));
    assert_ne!(nonce, [0; 32]);
    let stranger = Desk::new();
    let nonce = host.unlock_nonce(token).unwrap();
    refused(&mut host, "of another portal, for another key", Some(&stranger.liveness(1, nonce)));
    refused(&mut host, "without a nonce", Some(&setup.liveness(1, nonce)));
    assert_eq!(setup.logins(), 0, "{ORDER}");
    setup.so_login(&mut host, SoLogin::Current).unwrap();
    assert_eq!(setup.logins(), 1);
    refused(&mut host, "twice", Some(&setup.liveness(1, nonce)));
}

#[test]
fn after_one_definite_wrong_answer_the_other_pin_is_tried_and_never_the_same_again() {
    let setup = Desk::new();
    let mut host = setup.host();
    setup.opened_with(&mut host, WRONG, CURRENT);
    setup.fixture.trace();
    let error = setup.so_login(&mut host, SoLogin::Current).unwrap_err();
    assert_eq!(error, TokenError::SoPinIncorrect { retry_counter: SoPinRetryCounter::Low });
    for _ in 0..3 {
        assert_eq!(code(&setup, &mut host, SoLogin::Current), "token.so_pin_incorrect");
    }
    assert_eq!(setup.logins(), 1);
    setup.so_login(&mut host, SoLogin::Next).unwrap();
    assert_eq!(setup.logins(), 2);
    assert_eq!(code(&setup, &mut host, SoLogin::Current), "token.so_pin_incorrect");
    assert_eq!(setup.logins(), 2);
    // The next one is in force already.
    setup.so_login(&mut host, SoLogin::Next).unwrap();
    assert_eq!(host.rotate_so_pin(setup.token()).unwrap_err().code(), "token.release_refused");
}

#[test]
fn no_third_guess() {
    let setup = Desk::new();
    let mut host = setup.host();
    setup.opened_with(&mut host, WRONG, WRONG_TOO);
    setup.fixture.trace();
    for _ in 0..3 {
        assert_eq!(code(&setup, &mut host, SoLogin::Next), "token.so_pin_incorrect");
        assert_eq!(code(&setup, &mut host, SoLogin::Current), "token.so_pin_incorrect");
    }
    assert_eq!(setup.logins(), 2);
    assert_eq!(setup.state().so_pin_retry_counter, 8);
    let before = setup.state();
    assert_eq!(host.init_pin(setup.token(), &Pin::new("271828")), Err(TokenError::NotLoggedIn));
    assert_eq!(setup.state().pin_retry_counter, before.pin_retry_counter);
}

#[test]
fn one_pin_under_both_names_is_one_guess() {
    let setup = Desk::new();
    let mut host = setup.host();
    setup.opened_with(&mut host, WRONG, WRONG);
    setup.fixture.trace();
    assert_eq!(code(&setup, &mut host, SoLogin::Current), "token.so_pin_incorrect");
    assert_eq!(code(&setup, &mut host, SoLogin::Next), "token.so_pin_incorrect");
    assert_eq!(setup.logins(), 1);
}

#[test]
fn what_is_not_definite_is_not_wrong() {
    const CKR_DEVICE_ERROR: u32 = 0x30;
    const CKR_PIN_INCORRECT: u32 = 0xA0;
    const CKR_PIN_LOCKED: u32 = 0xA4;
    const CKR_USER_ALREADY_LOGGED_IN: u32 = 0x100;
    let setup = Desk::new();
    for (fault, expected) in [
        (Fault::at("C_Login", Action::Code(CKR_DEVICE_ERROR)), "token.module_error"),
        (Fault::at("C_Login", Action::Code(CKR_DEVICE_ERROR)).after(), "token.module_error"),
        (Fault::at("C_Login", Action::Code(CKR_USER_ALREADY_LOGGED_IN)), "token.module_error"),
        // It shows that the SO is in.
        (Fault::at("C_Login", Action::Code(CKR_PIN_INCORRECT)).after(), "token.outcome_unknown"),
        (Fault::at("C_Login", Action::Code(CKR_PIN_LOCKED)).after(), "token.outcome_unknown"),
    ] {
        let mut host = setup.host();
        setup.opened(&mut host);
        setup.fault(&fault);
        assert_eq!(code(&setup, &mut host, SoLogin::Current), expected, "{fault:?}");
        assert_eq!(host.init_pin(setup.token(), &Pin::new("271828")), Err(TokenError::NotLoggedIn));
        setup.so_login(&mut host, SoLogin::Current).unwrap();
    }
    for (rv, expected) in
        [(CKR_PIN_INCORRECT, "token.so_pin_incorrect"), (CKR_PIN_LOCKED, "token.so_pin_locked")]
    {
        let mut host = setup.host();
        setup.opened(&mut host);
        setup.fault(&Fault::at("C_Login", Action::Code(rv)));
        assert_eq!(code(&setup, &mut host, SoLogin::Current), expected);
        assert_eq!(code(&setup, &mut host, SoLogin::Current), "token.so_pin_incorrect");
    }
}

#[test]
fn too_few_tries_are_left_alone_where_the_module_tells() {
    for (retry_counter, spent, expected) in [
        (2, 1, TokenError::SoPinRetryCounterLow { retry_counter: SoPinRetryCounter::FinalTry }),
        (1, 1, TokenError::SoPinLocked),
    ] {
        let new = NewToken {
            so_pin: Some(CURRENT.into()),
            so_pin_retry_limit: retry_counter,
            ..NewToken::default()
        };
        let setup = Desk::with(new);
        for _ in 0..spent {
            // A module that does not tell is believed to have tries: the portal counts.
            let mut host = setup.fixture.host_with(|text| {
                text.replace(
                    "tells_so_pin_retry_counter = \"yes\"",
                    "tells_so_pin_retry_counter = \"unknown\"",
                )
            });
            assert_eq!(
                host.unlock_capabilities(setup.token()).unwrap().so_pin_retry_counter,
                SoPinRetryCounter::Unreadable
            );
            setup.opened_with(&mut host, WRONG, NEXT);
            let error = setup.so_login(&mut host, SoLogin::Current).unwrap_err();
            assert_eq!(error, TokenError::SoPinIncorrect { retry_counter: SoPinRetryCounter::Unreadable });
        }
        let mut host = setup.host();
        setup.opened(&mut host);
        setup.fixture.trace();
        assert_eq!(setup.so_login(&mut host, SoLogin::Current).unwrap_err(), expected);
        assert_eq!(setup.logins(), 0);
        assert_eq!(setup.state().so_pin_retry_counter, retry_counter - spent);
    }
}

#[test]
fn the_second_guess_needs_two_tries() {
    for (retry_counter, expected) in [(4, None), (3, None), (2, Some("token.so_pin_retry_counter_low"))] {
        let new = NewToken {
            so_pin: Some(CURRENT.into()),
            so_pin_retry_limit: retry_counter,
            ..NewToken::default()
        };
        let setup = Desk::with(new);
        let mut host = setup.host();
        setup.opened_with(&mut host, WRONG, CURRENT);
        assert_eq!(code(&setup, &mut host, SoLogin::Current), "token.so_pin_incorrect");
        let second = setup.so_login(&mut host, SoLogin::Next);
        assert_eq!(second.err().map(|error| error.code()), expected, "{retry_counter}");
    }
}

#[test]
fn the_envelope_of_an_unlock_has_no_factory_pin() {
    let setup = Desk::new();
    let mut host = setup.host();
    setup.opened(&mut host);
    setup.fixture.trace();
    assert_eq!(code(&setup, &mut host, SoLogin::Factory(Pin::new(CURRENT))), "token.release_refused");
    assert_eq!(host.install_unblock_key(setup.token()).unwrap_err().code(), "token.release_refused");
    assert_eq!(host.unblock(setup.token(), &Pin::new("271828")).unwrap_err().code(), "token.release_refused");
    assert_eq!(setup.logins(), 0);
}
