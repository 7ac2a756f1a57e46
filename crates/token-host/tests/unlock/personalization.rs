//! The first secrets of a blank token, and what it may say of them.

use ycd_pki::PublicKey;
use ycd_pki::authorization::Authorization;
use ycd_pki::unlock::{Context, FirstSecrets, Purpose, SoPin};
use ycd_softkey::admin::NewToken;
use ycd_token::{ModuleHost, Pin, SoLogin, TokenAccess, TokenError, Unlocker};

use crate::setup::{CURRENT, Desk, NEW_PIN, NEXT};

const FACTORY: &str = "8765432187654321";

fn factory() -> SoLogin {
    SoLogin::Factory(Pin::new(FACTORY))
}

/// Opens a personalization whose SO PIN is [`NEXT`], version 1.
fn open(setup: &Desk, host: &mut ModuleHost) {
    let one_time = setup.begin(host);
    let context = Context {
        purpose: Purpose::Personalize,
        certificate: [0; 32],
        current_version: 0,
        next_version: 1,
        ..setup.context(&one_time)
    };
    let to = PublicKey::from_spki_der(&one_time.public_key.0).unwrap();
    let first = FirstSecrets { so_pin: SoPin::new(NEXT.into()).unwrap(), unblock_key: None };
    host.unlock_open(setup.token(), &setup.signed(&context, first.seal(&to).unwrap())).unwrap();
}

fn blank() -> Desk {
    Desk::with(NewToken { so_pin: Some(FACTORY.into()), ..NewToken::default() })
}

fn personalized(setup: &Desk, so_pin_version: u32, unblock_key_version: u32) -> Authorization {
    Authorization::Personalized {
        portal: "portal-1".into(),
        token_id: setup.token().as_str().to_owned(),
        serial: vec![7; 16],
        so_pin_version,
        unblock_key_version,
        nonce: [9; 32],
    }
}

#[test]
fn a_blank_token_gets_its_so_pin_and_its_pin_even_where_keys_would_not_survive() {
    let setup = blank();
    let mut host = setup.fixture.host_with(|text| {
        text.replace("keys_survive_init_pin = \"yes\"", "keys_survive_init_pin = \"unknown\"")
    });
    let token = setup.token();
    open(&setup, &mut host);
    // The portal's word is not asked for: nobody waits with a phone.
    host.so_login(token, &factory(), &[]).unwrap();
    assert_eq!(host.unlock_opened(token).unwrap().unwrap().proven_version, None);
    host.rotate_so_pin(token).unwrap();
    host.so_login(token, &SoLogin::Next, &[]).unwrap();
    assert_eq!(host.unlock_opened(token).unwrap().unwrap().proven_version, Some(1));
    host.init_pin(token, &Pin::new(NEW_PIN)).unwrap();
    host.login(token, &Pin::new(NEW_PIN)).unwrap();
    setup.sign(&mut host, &personalized(&setup, 1, 0)).unwrap();
    for (so_pin, unblock_key) in [(2, 0), (1, 1), (0, 1)] {
        let error = setup.sign(&mut host, &personalized(&setup, so_pin, unblock_key)).unwrap_err();
        assert_eq!(error.code(), "token.release_refused");
    }
    host.unlock_end(token).unwrap();
    host.login(token, &Pin::new(NEW_PIN)).unwrap();
    setup.sign(&mut host, &personalized(&setup, 1, 0)).unwrap();
    host.logout(token).unwrap();
    assert!(setup.so_pin_is(NEXT));
}

#[test]
fn a_personalization_that_broke_off_is_taken_up_with_either_pin() {
    for rotated in [false, true] {
        let setup = blank();
        let mut host = setup.host();
        open(&setup, &mut host);
        host.so_login(setup.token(), &factory(), &[]).unwrap();
        if rotated {
            host.rotate_so_pin(setup.token()).unwrap();
        }
        host.rest();
        open(&setup, &mut host);
        let first = host.so_login(setup.token(), &factory(), &[]);
        if rotated {
            assert_eq!(first.unwrap_err().code(), "token.so_pin_incorrect");
            // What was typed before it was wrong, and another one is another guess.
            let error = host.so_login(setup.token(), &SoLogin::Factory(Pin::new(CURRENT)), &[]).unwrap_err();
            assert_eq!(error.code(), "token.release_refused");
            assert_eq!(setup.state().so_pin_retry_counter, 9);
        } else {
            first.unwrap();
            host.rotate_so_pin(setup.token()).unwrap();
        }
        host.so_login(setup.token(), &SoLogin::Next, &[]).unwrap();
        assert_eq!(setup.state().so_pin_retry_counter, 10);
    }
}

#[test]
fn a_personalization_has_no_current_pin_and_unlocks_nothing() {
    let setup = blank();
    let mut host = setup.host();
    open(&setup, &mut host);
    let error = host.so_login(setup.token(), &SoLogin::Current, &[]).unwrap_err();
    assert_eq!(error.code(), "token.release_refused");
    assert_eq!(host.init_pin(setup.token(), &Pin::new(NEW_PIN)), Err(TokenError::NotLoggedIn));
    assert_eq!(host.install_unblock_key(setup.token()).unwrap_err().code(), "token.release_refused");
    // Nothing is said of an unlock by a personalization.
    host.so_login(setup.token(), &factory(), &[]).unwrap();
    host.rotate_so_pin(setup.token()).unwrap();
    host.so_login(setup.token(), &SoLogin::Next, &[]).unwrap();
    host.init_pin(setup.token(), &Pin::new(NEW_PIN)).unwrap();
    host.login(setup.token(), &Pin::new(NEW_PIN)).unwrap();
    let opened = host.unlock_opened(setup.token()).unwrap().unwrap();
    let error = setup.sign(&mut host, &setup.unlocked(&opened, 1)).unwrap_err();
    assert_eq!(error.code(), "token.release_refused");
}

#[test]
fn a_token_says_of_an_unlock_only_what_this_host_has_seen() {
    let setup = Desk::new();
    let mut host = setup.host();
    let token = setup.token();
    let opened = setup.opened(&mut host);
    setup.so_login(&mut host, SoLogin::Current).unwrap();
    host.init_pin(token, &Pin::new(NEW_PIN)).unwrap();
    host.login(token, &Pin::new(NEW_PIN)).unwrap();
    let right = setup.unlocked(&opened, 4);
    setup.sign(&mut host, &right).unwrap();
    let changed = |change: &dyn Fn(&mut Authorization)| {
        let mut authorization = right.clone();
        change(&mut authorization);
        authorization
    };
    macro_rules! with {
        ($field:ident = $value:expr) => {
            changed(&|authorization| {
                if let Authorization::Unlocked { $field, .. } = authorization {
                    *$field = $value;
                }
            })
        };
    }
    for wrong in [
        with!(portal = "portal-2".into()),
        with!(order = "SAAS2".into()),
        with!(release = 2),
        with!(token_id = "softkey:0000".into()),
        with!(one_time_key = [1; 32]),
        with!(so_pin_version = 5),
    ] {
        let error = setup.sign(&mut host, &wrong).unwrap_err();
        assert_eq!(error.code(), "token.release_refused", "{wrong:?}");
    }
    // The PIN works already: nothing is claimed.
    let mut unclaimed = right.clone();
    if let Authorization::Unlocked { one_time_key, so_pin_version, .. } = &mut unclaimed {
        (*one_time_key, *so_pin_version) = ([0; 32], 0);
    }
    setup.sign(&mut host, &unclaimed).unwrap();
    // Another host has seen nothing.
    host.rest();
    host.login(token, &Pin::new(NEW_PIN)).unwrap();
    assert_eq!(setup.sign(&mut host, &right).unwrap_err().code(), "token.release_refused");
    setup.sign(&mut host, &unclaimed).unwrap();
}
