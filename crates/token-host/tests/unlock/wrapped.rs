//! The SO PIN method from its beginning to its end.

use ycd_pki::unlock::{SoPinRetryCounter, UnlockMethod};
use ycd_token::{Pin, SoLogin, TokenAccess, TokenError, TokenId, Unlocker};

use crate::common::Bench;
use crate::setup::{CURRENT, CURRENT_VERSION, Desk, NEW_PIN, NEXT, NEXT_VERSION, shows_no_secret};

#[test]
fn a_locked_pin_is_unlocked_the_so_pin_replaced_and_both_proven() {
    let setup = Desk::new();
    let mut host = setup.host();
    let token = setup.token();
    assert_eq!(setup.state().pin_retry_counter, 0);
    let capabilities = host.unlock_capabilities(token).unwrap();
    assert!(capabilities.allow(UnlockMethod::SoPin));
    assert_eq!((capabilities.so_pin_retry_counter, capabilities.on_reader), (SoPinRetryCounter::Full, false));
    let opened = setup.opened(&mut host);
    shows_no_secret(&opened);
    assert_eq!(opened.proven_version, None);
    assert!((590..=600).contains(&opened.seconds_left));
    setup.so_login(&mut host, SoLogin::Current).unwrap();
    assert_eq!(host.unlock_opened(token).unwrap().unwrap().proven_version, Some(CURRENT_VERSION));
    host.init_pin(token, &Pin::new(NEW_PIN)).unwrap();
    setup.fixture.trace();
    host.rotate_so_pin(token).unwrap();
    assert_eq!(setup.fixture.calls("C_Logout"), 1);
    // Nobody is in, and nothing is proven before a login with the next one.
    assert_eq!(host.init_pin(token, &Pin::new(NEW_PIN)), Err(TokenError::NotLoggedIn));
    assert_eq!(host.unlock_opened(token).unwrap().unwrap().proven_version, Some(CURRENT_VERSION));
    setup.so_login(&mut host, SoLogin::Next).unwrap();
    host.login(token, &Pin::new(NEW_PIN)).unwrap();
    let opened = host.unlock_opened(token).unwrap().unwrap();
    assert_eq!(opened.proven_version, Some(NEXT_VERSION));
    setup.sign(&mut host, &setup.unlocked(&opened, NEXT_VERSION)).unwrap();
    host.unlock_end(token).unwrap();
    assert_eq!(host.unlock_opened(token).unwrap(), None);
    assert!(setup.so_pin_is(NEXT) && !setup.so_pin_is(CURRENT));
    // The authorization was not answered: it is signed once more.
    host.login(token, &Pin::new(NEW_PIN)).unwrap();
    setup.sign(&mut host, &setup.unlocked(&opened, NEXT_VERSION)).unwrap();
    assert_eq!(setup.state().certificates, 1);
}

#[test]
fn the_user_who_was_logged_in_is_logged_out_first() {
    let setup = Desk::new();
    let mut host = setup.host();
    setup.opened(&mut host);
    setup.so_login(&mut host, SoLogin::Current).unwrap();
    host.init_pin(setup.token(), &Pin::new(NEW_PIN)).unwrap();
    host.login(setup.token(), &Pin::new(NEW_PIN)).unwrap();
    assert!(host.read(setup.token()).unwrap().logged_in);
    // By the user the SO was logged out.
    assert_eq!(host.init_pin(setup.token(), &Pin::new("314159")), Err(TokenError::NotLoggedIn));
    setup.so_login(&mut host, SoLogin::Current).unwrap();
    assert!(!host.read(setup.token()).unwrap().logged_in);
    host.logout(setup.token()).unwrap();
    assert_eq!(host.rotate_so_pin(setup.token()), Err(TokenError::NotLoggedIn));
}

#[test]
fn a_new_pin_outside_the_releases_rules_or_the_tokens_limits_is_not_sent() {
    let setup = Desk::new();
    let mut host = setup.host();
    setup.opened(&mut host);
    setup.so_login(&mut host, SoLogin::Current).unwrap();
    setup.fixture.trace();
    for pin in ["12345", "123456789", "12345x", ""] {
        let error = host.init_pin(setup.token(), &Pin::new(pin)).unwrap_err();
        assert_eq!(error, TokenError::PinInvalid { min_len: 6, max_len: 8 }, "{pin}");
    }
    assert_eq!(setup.fixture.calls("C_InitPIN"), 0);
    host.init_pin(setup.token(), &Pin::new(NEW_PIN)).unwrap();
}

#[test]
fn without_a_release_nothing_is_done() {
    let setup = Desk::new();
    let mut host = setup.host();
    let token = setup.token();
    for begun in [false, true] {
        if begun {
            setup.begin(&mut host);
        } else {
            host.ping().unwrap();
        }
        setup.fixture.trace();
        assert_eq!(host.unlock_opened(token).unwrap(), None);
        assert_eq!(host.unlock_nonce(token), Err(TokenError::ReleaseGone));
        assert_eq!(host.so_login(token, &SoLogin::Current, &[]), Err(TokenError::ReleaseGone));
        assert_eq!(host.init_pin(token, &Pin::new(NEW_PIN)), Err(TokenError::ReleaseGone));
        assert_eq!(host.rotate_so_pin(token), Err(TokenError::ReleaseGone));
        assert_eq!(host.install_unblock_key(token), Err(TokenError::ReleaseGone));
        assert_eq!(host.unblock(token, &Pin::new(NEW_PIN)), Err(TokenError::ReleaseGone));
        for function in ["C_Login", "C_InitPIN", "C_SetPIN"] {
            assert_eq!(setup.fixture.calls(function), 0);
        }
    }
}

#[test]
fn a_new_one_time_key_is_the_end_of_the_release_before() {
    let setup = Desk::new();
    let mut host = setup.host();
    setup.opened(&mut host);
    setup.so_login(&mut host, SoLogin::Current).unwrap();
    setup.begin(&mut host);
    assert_eq!(host.unlock_opened(setup.token()).unwrap(), None);
    assert_eq!(host.init_pin(setup.token(), &Pin::new(NEW_PIN)), Err(TokenError::ReleaseGone));
    assert_eq!(setup.state().pin_retry_counter, 0);
}

#[test]
fn one_tokens_release_is_no_other_tokens() {
    let setup = Desk::new();
    let other = setup.fixture.another_token();
    let mut host = setup.host();
    setup.opened(&mut host);
    assert_eq!(host.unlock_opened(&other).unwrap(), None);
    assert_eq!(host.unlock_nonce(&other), Err(TokenError::ReleaseGone));
    let absent = TokenId::new("softkey", "NOSUCHKEY");
    assert_eq!(host.unlock_capabilities(&absent), Err(TokenError::Removed));
    assert_eq!(host.unlock_begin(&absent, &setup.trusted()), Err(TokenError::Removed));
}

#[test]
fn a_token_that_is_pulled_loses_login_and_nonce_and_keeps_the_release() {
    let setup = Desk::new();
    let mut host = setup.host();
    let token = setup.token();
    let pulled = |fixture: &Bench| {
        fixture.pull();
        fixture.put_in();
    };
    setup.opened(&mut host);
    setup.so_login(&mut host, SoLogin::Current).unwrap();
    pulled(&setup.fixture);
    let error = host.init_pin(token, &Pin::new(NEW_PIN)).unwrap_err();
    assert!(matches!(error, TokenError::NotLoggedIn | TokenError::Removed), "{error}");
    assert!(host.unlock_opened(token).unwrap().is_some());
    let nonce = host.unlock_nonce(token).unwrap();
    pulled(&setup.fixture);
    setup.fixture.trace();
    let word = setup.liveness(1, nonce);
    assert_eq!(host.so_login(token, &SoLogin::Current, &word), Err(TokenError::Removed));
    // Not while it is out either, and not with the old word afterwards.
    setup.fixture.pull();
    assert_eq!(host.unlock_nonce(token), Err(TokenError::Removed));
    assert!(host.unlock_opened(token).unwrap().is_some());
    setup.fixture.put_in();
    assert_eq!(host.so_login(token, &SoLogin::Current, &word).unwrap_err().code(), "token.release_refused");
    assert_eq!(setup.logins(), 0);
    setup.so_login(&mut host, SoLogin::Current).unwrap();
    host.init_pin(token, &Pin::new(NEW_PIN)).unwrap();
    assert!(setup.user_pin_is(NEW_PIN));
}

#[test]
fn the_end_logs_out_and_may_come_twice() {
    let setup = Desk::new();
    let mut host = setup.host();
    setup.opened(&mut host);
    setup.so_login(&mut host, SoLogin::Current).unwrap();
    setup.fixture.trace();
    host.unlock_end(setup.token()).unwrap();
    assert_eq!(setup.fixture.calls("C_Logout"), 1);
    host.unlock_end(setup.token()).unwrap();
    setup.fixture.pull();
    host.unlock_end(setup.token()).unwrap();
    host.rest();
    host.unlock_end(setup.token()).unwrap();
}
