//! The first secrets of a blank key, and what it may say of them.

use ycd_pki::PublicKey;
use ycd_pki::statement::Statement;
use ycd_pki::unlock::{Context, FirstSecrets, Purpose, SoPin};
use ycd_softkey::admin::NewKey;
use ycd_token::{ModuleHost, Pin, SoLogin, Token, TokenError, Unlocker};

use crate::desk::{CURRENT, Desk, NEW_PIN, NEXT};

const FACTORY: &str = "8765432187654321";

fn factory() -> SoLogin {
    SoLogin::Factory(Pin::new(FACTORY))
}

/// Opens a production whose SO PIN is [`NEXT`], version 1.
fn open(desk: &Desk, host: &mut ModuleHost) {
    let one_time = desk.begin(host);
    let context = Context {
        purpose: Purpose::Produce,
        certificate: [0; 32],
        current_version: 0,
        next_version: 1,
        ..desk.context(&one_time)
    };
    let to = PublicKey::from_spki_der(&one_time.public_key.0).unwrap();
    let first = FirstSecrets { so_pin: SoPin::new(NEXT.into()).unwrap(), unblock_key: None };
    host.unlock_open(desk.key(), &desk.signed(&context, first.seal(&to).unwrap())).unwrap();
}

fn blank() -> Desk {
    Desk::with(NewKey { so_pin: Some(FACTORY.into()), ..NewKey::default() })
}

fn produced(desk: &Desk, so_pin_version: u32, unblock_key_version: u32) -> Statement {
    Statement::Produced {
        portal: "portal-1".into(),
        key_id: desk.key().as_str().to_owned(),
        serial: vec![7; 16],
        so_pin_version,
        unblock_key_version,
        nonce: [9; 32],
    }
}

#[test]
fn a_blank_key_gets_its_so_pin_and_its_pin_even_where_keys_would_not_survive() {
    let desk = blank();
    let mut host = desk.bench.host_with(|text| {
        text.replace("keys_survive_init_pin = \"yes\"", "keys_survive_init_pin = \"unknown\"")
    });
    let key = desk.key();
    open(&desk, &mut host);
    // The portal's word is not asked for: nobody waits with a phone.
    host.so_login(key, &factory(), None).unwrap();
    assert_eq!(host.unlock_opened(key).unwrap().unwrap().proven_version, None);
    host.rotate_so_pin(key).unwrap();
    host.so_login(key, &SoLogin::Next, None).unwrap();
    assert_eq!(host.unlock_opened(key).unwrap().unwrap().proven_version, Some(1));
    host.init_pin(key, &Pin::new(NEW_PIN)).unwrap();
    host.login(key, &Pin::new(NEW_PIN)).unwrap();
    desk.sign(&mut host, &produced(&desk, 1, 0)).unwrap();
    for (so_pin, unblock_key) in [(2, 0), (1, 1), (0, 1)] {
        let error = desk.sign(&mut host, &produced(&desk, so_pin, unblock_key)).unwrap_err();
        assert_eq!(error.code(), "token.release_refused");
    }
    host.unlock_end(key).unwrap();
    host.login(key, &Pin::new(NEW_PIN)).unwrap();
    desk.sign(&mut host, &produced(&desk, 1, 0)).unwrap();
    host.logout(key).unwrap();
    assert!(desk.so_pin_is(NEXT));
}

#[test]
fn a_production_that_broke_off_is_taken_up_with_either_pin() {
    for rotated in [false, true] {
        let desk = blank();
        let mut host = desk.host();
        open(&desk, &mut host);
        host.so_login(desk.key(), &factory(), None).unwrap();
        if rotated {
            host.rotate_so_pin(desk.key()).unwrap();
        }
        host.rest();
        open(&desk, &mut host);
        let first = host.so_login(desk.key(), &factory(), None);
        if rotated {
            assert_eq!(first.unwrap_err().code(), "token.so_pin_incorrect");
            // What was typed before it was wrong, and another one is another guess.
            let error = host.so_login(desk.key(), &SoLogin::Factory(Pin::new(CURRENT)), None).unwrap_err();
            assert_eq!(error.code(), "token.release_refused");
            assert_eq!(desk.state().so_pin_tries_left, 9);
        } else {
            first.unwrap();
            host.rotate_so_pin(desk.key()).unwrap();
        }
        host.so_login(desk.key(), &SoLogin::Next, None).unwrap();
        assert_eq!(desk.state().so_pin_tries_left, 10);
    }
}

#[test]
fn a_production_has_no_current_pin_and_unlocks_nothing() {
    let desk = blank();
    let mut host = desk.host();
    open(&desk, &mut host);
    let error = host.so_login(desk.key(), &SoLogin::Current, None).unwrap_err();
    assert_eq!(error.code(), "token.release_refused");
    assert_eq!(host.init_pin(desk.key(), &Pin::new(NEW_PIN)), Err(TokenError::NotLoggedIn));
    assert_eq!(host.install_unblock_key(desk.key()).unwrap_err().code(), "token.release_refused");
    // Nothing is said of an unlock by a production.
    host.so_login(desk.key(), &factory(), None).unwrap();
    host.rotate_so_pin(desk.key()).unwrap();
    host.so_login(desk.key(), &SoLogin::Next, None).unwrap();
    host.init_pin(desk.key(), &Pin::new(NEW_PIN)).unwrap();
    host.login(desk.key(), &Pin::new(NEW_PIN)).unwrap();
    let opened = host.unlock_opened(desk.key()).unwrap().unwrap();
    let error = desk.sign(&mut host, &desk.unlocked(&opened, 1)).unwrap_err();
    assert_eq!(error.code(), "token.release_refused");
}

#[test]
fn a_key_says_of_an_unlock_only_what_this_host_has_seen() {
    let desk = Desk::new();
    let mut host = desk.host();
    let key = desk.key();
    let opened = desk.opened(&mut host);
    desk.so_login(&mut host, SoLogin::Current).unwrap();
    host.init_pin(key, &Pin::new(NEW_PIN)).unwrap();
    host.login(key, &Pin::new(NEW_PIN)).unwrap();
    let right = desk.unlocked(&opened, 4);
    desk.sign(&mut host, &right).unwrap();
    let changed = |change: &dyn Fn(&mut Statement)| {
        let mut statement = right.clone();
        change(&mut statement);
        statement
    };
    macro_rules! with {
        ($field:ident = $value:expr) => {
            changed(&|statement| {
                if let Statement::Unlocked { $field, .. } = statement {
                    *$field = $value;
                }
            })
        };
    }
    for wrong in [
        with!(portal = "portal-2".into()),
        with!(order = "SAAS2".into()),
        with!(release = 2),
        with!(key_id = "softkey:0000".into()),
        with!(one_time_key = [1; 32]),
        with!(so_pin_version = 5),
    ] {
        let error = desk.sign(&mut host, &wrong).unwrap_err();
        assert_eq!(error.code(), "token.release_refused", "{wrong:?}");
    }
    // The PIN works already: nothing is claimed.
    let mut unclaimed = right.clone();
    if let Statement::Unlocked { one_time_key, so_pin_version, .. } = &mut unclaimed {
        (*one_time_key, *so_pin_version) = ([0; 32], 0);
    }
    desk.sign(&mut host, &unclaimed).unwrap();
    // Another host has seen nothing.
    host.rest();
    host.login(key, &Pin::new(NEW_PIN)).unwrap();
    assert_eq!(desk.sign(&mut host, &right).unwrap_err().code(), "token.release_refused");
    desk.sign(&mut host, &unclaimed).unwrap();
}
