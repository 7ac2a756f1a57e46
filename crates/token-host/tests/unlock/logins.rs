//! SO logins: the portal's word before each, and how many tries are risked.

use ycd_pki::unlock::SoTries;
use ycd_softkey::admin::{Action, Fault, NewKey};
use ycd_token::{ModuleHost, Pin, SoLogin, TokenError, Unlocker};

use crate::desk::{CURRENT, Desk, NEXT, ORDER, shows_no_secret};

const WRONG: &str = "0000000000000000";
const WRONG_TOO: &str = "0000000000000001";

fn code(desk: &Desk, host: &mut ModuleHost, which: SoLogin) -> &'static str {
    let error = desk.so_login(host, which).unwrap_err();
    shows_no_secret(&error);
    error.code()
}

#[test]
fn no_login_without_the_portals_word_for_this_nonce_this_key_and_this_release() {
    let desk = Desk::new();
    let mut host = desk.host();
    let key = desk.key();
    desk.opened(&mut host);
    desk.bench.trace();
    let before = host.unlock_nonce(key).unwrap();
    let refused = |host: &mut ModuleHost, what: &str, word: Option<&[u8]>| {
        let error = host.so_login(key, &SoLogin::Current, word).unwrap_err();
        assert_eq!(error.code(), "token.release_refused", "{what}");
    };
    let nonce = host.unlock_nonce(key).unwrap();
    assert_ne!(before, nonce);
    refused(&mut host, "none", None);
    refused(&mut host, "right, after the nonce was spent", Some(&desk.alive(1, nonce)));
    let nonce = host.unlock_nonce(key).unwrap();
    host.unlock_nonce(key).unwrap();
    refused(&mut host, "for the nonce before", Some(&desk.alive(1, nonce)));
    let nonce = host.unlock_nonce(key).unwrap();
    refused(&mut host, "of another release", Some(&desk.alive(2, nonce)));
    let nonce = host.unlock_nonce(key).unwrap();
    refused(&mut host, "empty", Some(&[]));
    assert_ne!(nonce, [0; 32]);
    let stranger = Desk::new();
    let nonce = host.unlock_nonce(key).unwrap();
    refused(&mut host, "of another portal, for another key", Some(&stranger.alive(1, nonce)));
    refused(&mut host, "without a nonce", Some(&desk.alive(1, nonce)));
    assert_eq!(desk.logins(), 0, "{ORDER}");
    desk.so_login(&mut host, SoLogin::Current).unwrap();
    assert_eq!(desk.logins(), 1);
    refused(&mut host, "twice", Some(&desk.alive(1, nonce)));
}

#[test]
fn after_one_definite_wrong_answer_the_other_pin_is_tried_and_never_the_same_again() {
    let desk = Desk::new();
    let mut host = desk.host();
    desk.opened_with(&mut host, WRONG, CURRENT);
    desk.bench.trace();
    let error = desk.so_login(&mut host, SoLogin::Current).unwrap_err();
    assert_eq!(error, TokenError::SoPinIncorrect { tries: SoTries::Low });
    for _ in 0..3 {
        assert_eq!(code(&desk, &mut host, SoLogin::Current), "token.so_pin_incorrect");
    }
    assert_eq!(desk.logins(), 1);
    desk.so_login(&mut host, SoLogin::Next).unwrap();
    assert_eq!(desk.logins(), 2);
    assert_eq!(code(&desk, &mut host, SoLogin::Current), "token.so_pin_incorrect");
    assert_eq!(desk.logins(), 2);
    // The next one is in force already.
    desk.so_login(&mut host, SoLogin::Next).unwrap();
    assert_eq!(host.rotate_so_pin(desk.key()).unwrap_err().code(), "token.release_refused");
}

#[test]
fn no_third_guess() {
    let desk = Desk::new();
    let mut host = desk.host();
    desk.opened_with(&mut host, WRONG, WRONG_TOO);
    desk.bench.trace();
    for _ in 0..3 {
        assert_eq!(code(&desk, &mut host, SoLogin::Next), "token.so_pin_incorrect");
        assert_eq!(code(&desk, &mut host, SoLogin::Current), "token.so_pin_incorrect");
    }
    assert_eq!(desk.logins(), 2);
    assert_eq!(desk.state().so_pin_tries_left, 8);
    let before = desk.state();
    assert_eq!(host.init_pin(desk.key(), &Pin::new("271828")), Err(TokenError::NotLoggedIn));
    assert_eq!(desk.state().pin_tries_left, before.pin_tries_left);
}

#[test]
fn one_pin_under_both_names_is_one_guess() {
    let desk = Desk::new();
    let mut host = desk.host();
    desk.opened_with(&mut host, WRONG, WRONG);
    desk.bench.trace();
    assert_eq!(code(&desk, &mut host, SoLogin::Current), "token.so_pin_incorrect");
    assert_eq!(code(&desk, &mut host, SoLogin::Next), "token.so_pin_incorrect");
    assert_eq!(desk.logins(), 1);
}

#[test]
fn what_is_not_definite_is_not_wrong() {
    const CKR_DEVICE_ERROR: u32 = 0x30;
    const CKR_PIN_INCORRECT: u32 = 0xA0;
    const CKR_PIN_LOCKED: u32 = 0xA4;
    const CKR_USER_ALREADY_LOGGED_IN: u32 = 0x100;
    let desk = Desk::new();
    for (fault, expected) in [
        (Fault::at("C_Login", Action::Code(CKR_DEVICE_ERROR)), "token.module_error"),
        (Fault::at("C_Login", Action::Code(CKR_DEVICE_ERROR)).after(), "token.module_error"),
        (Fault::at("C_Login", Action::Code(CKR_USER_ALREADY_LOGGED_IN)), "token.module_error"),
        // It shows that the SO is in.
        (Fault::at("C_Login", Action::Code(CKR_PIN_INCORRECT)).after(), "token.outcome_unknown"),
        (Fault::at("C_Login", Action::Code(CKR_PIN_LOCKED)).after(), "token.outcome_unknown"),
    ] {
        let mut host = desk.host();
        desk.opened(&mut host);
        desk.fault(&fault);
        assert_eq!(code(&desk, &mut host, SoLogin::Current), expected, "{fault:?}");
        assert_eq!(host.init_pin(desk.key(), &Pin::new("271828")), Err(TokenError::NotLoggedIn));
        desk.so_login(&mut host, SoLogin::Current).unwrap();
    }
    for (rv, expected) in
        [(CKR_PIN_INCORRECT, "token.so_pin_incorrect"), (CKR_PIN_LOCKED, "token.so_pin_locked")]
    {
        let mut host = desk.host();
        desk.opened(&mut host);
        desk.fault(&Fault::at("C_Login", Action::Code(rv)));
        assert_eq!(code(&desk, &mut host, SoLogin::Current), expected);
        assert_eq!(code(&desk, &mut host, SoLogin::Current), "token.so_pin_incorrect");
    }
}

#[test]
fn too_few_tries_are_left_alone_where_the_module_tells() {
    for (tries, spent, expected) in
        [(2, 1, TokenError::SoTriesLow { tries: SoTries::Last }), (1, 1, TokenError::SoPinLocked)]
    {
        let new = NewKey { so_pin: Some(CURRENT.into()), so_tries: tries, ..NewKey::default() };
        let desk = Desk::with(new);
        for _ in 0..spent {
            // A module that does not tell is believed to have tries: the portal counts.
            let mut host = desk
                .bench
                .host_with(|text| text.replace("tells_so_tries = \"yes\"", "tells_so_tries = \"unknown\""));
            assert_eq!(host.unlock_ways(desk.key()).unwrap().so_tries, SoTries::Unreadable);
            desk.opened_with(&mut host, WRONG, NEXT);
            let error = desk.so_login(&mut host, SoLogin::Current).unwrap_err();
            assert_eq!(error, TokenError::SoPinIncorrect { tries: SoTries::Unreadable });
        }
        let mut host = desk.host();
        desk.opened(&mut host);
        desk.bench.trace();
        assert_eq!(desk.so_login(&mut host, SoLogin::Current).unwrap_err(), expected);
        assert_eq!(desk.logins(), 0);
        assert_eq!(desk.state().so_pin_tries_left, tries - spent);
    }
}

#[test]
fn the_second_guess_needs_two_tries() {
    for (tries, expected) in [(4, None), (3, None), (2, Some("token.so_tries_low"))] {
        let new = NewKey { so_pin: Some(CURRENT.into()), so_tries: tries, ..NewKey::default() };
        let desk = Desk::with(new);
        let mut host = desk.host();
        desk.opened_with(&mut host, WRONG, CURRENT);
        assert_eq!(code(&desk, &mut host, SoLogin::Current), "token.so_pin_incorrect");
        let second = desk.so_login(&mut host, SoLogin::Next);
        assert_eq!(second.err().map(|error| error.code()), expected, "{tries}");
    }
}

#[test]
fn the_box_of_an_unlock_has_no_makers_pin() {
    let desk = Desk::new();
    let mut host = desk.host();
    desk.opened(&mut host);
    desk.bench.trace();
    assert_eq!(code(&desk, &mut host, SoLogin::Factory(Pin::new(CURRENT))), "token.release_refused");
    assert_eq!(host.install_unblock_key(desk.key()).unwrap_err().code(), "token.release_refused");
    assert_eq!(host.unblock(desk.key(), &Pin::new("271828")).unwrap_err().code(), "token.release_refused");
    assert_eq!(desk.logins(), 0);
}
