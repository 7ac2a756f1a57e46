//! The wrapped road from its beginning to its end.

use ycd_pki::unlock::{Road, SoTries};
use ycd_token::{KeyId, Pin, SoLogin, Token, TokenError, Unlocker};

use crate::common::Bench;
use crate::desk::{CURRENT, CURRENT_VERSION, Desk, NEW_PIN, NEXT, NEXT_VERSION, shows_no_secret};

#[test]
fn a_locked_pin_is_unlocked_the_so_pin_replaced_and_both_proven() {
    let desk = Desk::new();
    let mut host = desk.host();
    let key = desk.key();
    assert_eq!(desk.state().pin_tries_left, 0);
    let ways = host.unlock_ways(key).unwrap();
    assert!(ways.allow(Road::Wrapped));
    assert_eq!((ways.so_tries, ways.on_reader), (SoTries::Full, false));
    let opened = desk.opened(&mut host);
    shows_no_secret(&opened);
    assert_eq!(opened.proven_version, None);
    assert!((590..=600).contains(&opened.seconds_left));
    desk.so_login(&mut host, SoLogin::Current).unwrap();
    assert_eq!(host.unlock_opened(key).unwrap().unwrap().proven_version, Some(CURRENT_VERSION));
    host.init_pin(key, &Pin::new(NEW_PIN)).unwrap();
    desk.bench.trace();
    host.rotate_so_pin(key).unwrap();
    assert_eq!(desk.bench.calls("C_Logout"), 1);
    // Nobody is in, and nothing is proven before a login with the next one.
    assert_eq!(host.init_pin(key, &Pin::new(NEW_PIN)), Err(TokenError::NotLoggedIn));
    assert_eq!(host.unlock_opened(key).unwrap().unwrap().proven_version, Some(CURRENT_VERSION));
    desk.so_login(&mut host, SoLogin::Next).unwrap();
    host.login(key, &Pin::new(NEW_PIN)).unwrap();
    let opened = host.unlock_opened(key).unwrap().unwrap();
    assert_eq!(opened.proven_version, Some(NEXT_VERSION));
    desk.sign(&mut host, &desk.unlocked(&opened, NEXT_VERSION)).unwrap();
    host.unlock_end(key).unwrap();
    assert_eq!(host.unlock_opened(key).unwrap(), None);
    assert!(desk.so_pin_is(NEXT) && !desk.so_pin_is(CURRENT));
    // The statement was not answered: it is signed once more.
    host.login(key, &Pin::new(NEW_PIN)).unwrap();
    desk.sign(&mut host, &desk.unlocked(&opened, NEXT_VERSION)).unwrap();
    assert_eq!(desk.state().certificates, 1);
}

#[test]
fn the_user_who_was_logged_in_is_logged_out_first() {
    let desk = Desk::new();
    let mut host = desk.host();
    desk.opened(&mut host);
    desk.so_login(&mut host, SoLogin::Current).unwrap();
    host.init_pin(desk.key(), &Pin::new(NEW_PIN)).unwrap();
    host.login(desk.key(), &Pin::new(NEW_PIN)).unwrap();
    assert!(host.read(desk.key()).unwrap().logged_in);
    // By the user the SO was logged out.
    assert_eq!(host.init_pin(desk.key(), &Pin::new("314159")), Err(TokenError::NotLoggedIn));
    desk.so_login(&mut host, SoLogin::Current).unwrap();
    assert!(!host.read(desk.key()).unwrap().logged_in);
    host.logout(desk.key()).unwrap();
    assert_eq!(host.rotate_so_pin(desk.key()), Err(TokenError::NotLoggedIn));
}

#[test]
fn a_new_pin_outside_the_releases_rules_or_the_keys_limits_is_not_sent() {
    let desk = Desk::new();
    let mut host = desk.host();
    desk.opened(&mut host);
    desk.so_login(&mut host, SoLogin::Current).unwrap();
    desk.bench.trace();
    for pin in ["12345", "123456789", "12345x", ""] {
        let error = host.init_pin(desk.key(), &Pin::new(pin)).unwrap_err();
        assert_eq!(error, TokenError::PinInvalid { min_len: 6, max_len: 8 }, "{pin}");
    }
    assert_eq!(desk.bench.calls("C_InitPIN"), 0);
    host.init_pin(desk.key(), &Pin::new(NEW_PIN)).unwrap();
}

#[test]
fn without_a_release_nothing_is_done() {
    let desk = Desk::new();
    let mut host = desk.host();
    let key = desk.key();
    for begun in [false, true] {
        if begun {
            desk.begin(&mut host);
        } else {
            host.ping().unwrap();
        }
        desk.bench.trace();
        assert_eq!(host.unlock_opened(key).unwrap(), None);
        assert_eq!(host.unlock_nonce(key), Err(TokenError::ReleaseGone));
        assert_eq!(host.so_login(key, &SoLogin::Current, Some(&[])), Err(TokenError::ReleaseGone));
        assert_eq!(host.init_pin(key, &Pin::new(NEW_PIN)), Err(TokenError::ReleaseGone));
        assert_eq!(host.rotate_so_pin(key), Err(TokenError::ReleaseGone));
        assert_eq!(host.install_unblock_key(key), Err(TokenError::ReleaseGone));
        assert_eq!(host.unblock(key, &Pin::new(NEW_PIN)), Err(TokenError::ReleaseGone));
        for function in ["C_Login", "C_InitPIN", "C_SetPIN"] {
            assert_eq!(desk.bench.calls(function), 0);
        }
    }
}

#[test]
fn a_new_one_time_key_is_the_end_of_the_release_before() {
    let desk = Desk::new();
    let mut host = desk.host();
    desk.opened(&mut host);
    desk.so_login(&mut host, SoLogin::Current).unwrap();
    desk.begin(&mut host);
    assert_eq!(host.unlock_opened(desk.key()).unwrap(), None);
    assert_eq!(host.init_pin(desk.key(), &Pin::new(NEW_PIN)), Err(TokenError::ReleaseGone));
    assert_eq!(desk.state().pin_tries_left, 0);
}

#[test]
fn one_keys_release_is_no_other_keys() {
    let desk = Desk::new();
    let other = desk.bench.another_key();
    let mut host = desk.host();
    desk.opened(&mut host);
    assert_eq!(host.unlock_opened(&other).unwrap(), None);
    assert_eq!(host.unlock_nonce(&other), Err(TokenError::ReleaseGone));
    let absent = KeyId::new("softkey", "NOSUCHKEY");
    assert_eq!(host.unlock_ways(&absent), Err(TokenError::Removed));
    assert_eq!(host.unlock_begin(&absent, &desk.trusted()), Err(TokenError::Removed));
}

#[test]
fn a_key_that_is_pulled_loses_login_and_nonce_and_keeps_the_release() {
    let desk = Desk::new();
    let mut host = desk.host();
    let key = desk.key();
    let pulled = |bench: &Bench| {
        bench.pull();
        bench.put_in();
    };
    desk.opened(&mut host);
    desk.so_login(&mut host, SoLogin::Current).unwrap();
    pulled(&desk.bench);
    let error = host.init_pin(key, &Pin::new(NEW_PIN)).unwrap_err();
    assert!(matches!(error, TokenError::NotLoggedIn | TokenError::Removed), "{error}");
    assert!(host.unlock_opened(key).unwrap().is_some());
    let nonce = host.unlock_nonce(key).unwrap();
    pulled(&desk.bench);
    desk.bench.trace();
    let word = desk.alive(1, nonce);
    assert_eq!(host.so_login(key, &SoLogin::Current, Some(&word)), Err(TokenError::Removed));
    // Not while it is out either, and not with the old word afterwards.
    desk.bench.pull();
    assert_eq!(host.unlock_nonce(key), Err(TokenError::Removed));
    assert!(host.unlock_opened(key).unwrap().is_some());
    desk.bench.put_in();
    assert_eq!(
        host.so_login(key, &SoLogin::Current, Some(&word)).unwrap_err().code(),
        "token.release_refused"
    );
    assert_eq!(desk.logins(), 0);
    desk.so_login(&mut host, SoLogin::Current).unwrap();
    host.init_pin(key, &Pin::new(NEW_PIN)).unwrap();
    assert!(desk.user_pin_is(NEW_PIN));
}

#[test]
fn the_end_logs_out_and_may_come_twice() {
    let desk = Desk::new();
    let mut host = desk.host();
    desk.opened(&mut host);
    desk.so_login(&mut host, SoLogin::Current).unwrap();
    desk.bench.trace();
    host.unlock_end(desk.key()).unwrap();
    assert_eq!(desk.bench.calls("C_Logout"), 1);
    host.unlock_end(desk.key()).unwrap();
    desk.bench.pull();
    host.unlock_end(desk.key()).unwrap();
    host.rest();
    host.unlock_end(desk.key()).unwrap();
}
