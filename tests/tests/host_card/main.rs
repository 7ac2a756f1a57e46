//! The driver host and the key as a smart card, on a real PC/SC service with virtual readers: the challenge road, and
//! the unblock key of a production. The portal is played here.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod desk;
mod meddler;
mod misuse;

use std::sync::{Arc, Mutex};

use pcsc::{Context as Pcsc, Protocols, Scope, ShareMode};
use ycd_pki::{
    statement::Statement,
    unlock::{Road, SoTries, UnblockKey},
};
use ycd_softkey::admin;
use ycd_tests::{
    card::{Card, Reset},
    pcscd::in_own_process,
};
use ycd_token::{Pin, Token, TokenError, Unlocker};

use desk::{ALL_DONE, ATR, CHALLENGE, DONE, Desk, ORDER, UNBLOCK, Words, reader, sent, wait};

#[test]
fn a_key_gets_its_unblock_key_and_by_it_a_new_pin() {
    in_own_process("a_key_gets_its_unblock_key_and_by_it_a_new_pin", || {
        let mut desk = Desk::new(2);
        let key = desk.key.clone();
        assert!(!desk.host.unlock_ways(&key).unwrap().on_reader);
        let _runner = desk.put_in_reader(1);
        let ways = desk.host.unlock_ways(&key).unwrap();
        assert!(ways.on_reader && ways.allow(Road::Challenge));
        desk.production();
        let produced = |unblock_key_version| Statement::Produced {
            portal: "portal-1".into(),
            key_id: key.as_str().into(),
            serial: vec![7; 16],
            so_pin_version: 1,
            unblock_key_version,
            nonce: [9; 32],
        };
        desk.host.init_pin(&key, &Pin::new("314159")).unwrap();
        desk.host.login(&key, &Pin::new("314159")).unwrap();
        let refused = desk.sign(&produced(1)).unwrap_err();
        assert_eq!(refused.code(), "token.release_refused", "it is not on the key yet");
        desk.host.install_unblock_key(&key).unwrap();
        desk.host.login(&key, &Pin::new("314159")).unwrap();
        desk.sign(&produced(1)).unwrap();
        assert!(desk.sign(&produced(2)).is_err());
        desk.host.unlock_end(&key).unwrap();
        assert_eq!(admin::list(desk.folder.path()).unwrap()[0].unblock_key, Some(1));
        desk.lock_pin();
        let one_time = desk.begin();
        let opened = desk.answered(&one_time);
        assert_eq!((opened.road, opened.unblock_key_version), (Road::Challenge, 1));
        desk.unblock("271828").unwrap();
        desk.host.login(&key, &Pin::new("271828")).unwrap();
        let unlocked = |so_pin_version| Statement::Unlocked {
            portal: "portal-1".into(),
            order: ORDER.into(),
            release: 1,
            key_id: key.as_str().into(),
            one_time_key: opened.one_time_key,
            so_pin_version,
            nonce: [9; 32],
        };
        desk.sign(&unlocked(0)).unwrap();
        assert!(desk.sign(&unlocked(1)).is_err());
        // One command for one answer.
        assert_eq!(desk.code("314159"), "token.challenge_refused");
        assert_eq!(desk.host.unlock_nonce(&key).unwrap_err().code(), "token.release_refused");
        desk.host.login(&key, &Pin::new("271828")).unwrap();
    });
}

#[test]
fn a_pin_is_typed_again_under_the_same_release_with_a_new_challenge() {
    in_own_process("a_pin_is_typed_again_under_the_same_release_with_a_new_challenge", || {
        let mut desk = Desk::new(2);
        let key = desk.key.clone();
        let _runner = desk.put_in_reader(0);
        desk.produced();
        let one_time = desk.begin();
        // The last challenge counts, and each once.
        let before = desk.host.unlock_challenge(&key).unwrap();
        let old = desk.answer(&one_time, before);
        let challenge = desk.host.unlock_challenge(&key).unwrap();
        assert_ne!(before, challenge);
        assert_eq!(desk.host.unlock_open(&key, &old).unwrap_err().code(), "token.release_refused");
        let answer = desk.answer(&one_time, challenge);
        desk.host.unlock_open(&key, &answer).unwrap();
        assert_eq!(desk.host.unlock_open(&key, &answer).unwrap_err().code(), "token.release_refused");
        // A PIN that breaks the rules is not sent, and costs nothing.
        for pin in ["12345", "123456789", "abcdef"] {
            assert_eq!(desk.unblock(pin), Err(TokenError::PinInvalid { min_len: 6, max_len: 8 }));
        }
        desk.unblock("271828").unwrap();
        desk.answered(&one_time);
        desk.unblock("314159").unwrap();
        desk.host.login(&key, &Pin::new("314159")).unwrap();
    });
}

#[test]
fn an_answer_that_the_key_does_not_take_is_told_and_another_one_helps() {
    in_own_process("an_answer_that_the_key_does_not_take_is_told_and_another_one_helps", || {
        let mut desk = Desk::new(2);
        let key = desk.key.clone();
        let runner = desk.put_in_reader(0);
        desk.produced();
        let one_time = desk.begin();
        // With the wrong unblock key: the MAC is wrong.
        let right = std::mem::replace(&mut desk.unblock_key, UnblockKey::from_bytes([1; 32]));
        desk.answered(&one_time);
        assert_eq!(desk.code("271828"), "token.challenge_refused");
        desk.unblock_key = right;
        // Another program asks for a challenge of its own in between.
        desk.answered(&one_time);
        let context = Pcsc::establish(Scope::User).unwrap();
        let other = context.connect(&reader(&context, 0), ShareMode::Shared, Protocols::ANY).unwrap();
        let mut buffer = [0; 258];
        other.transmit(&CHALLENGE, &mut buffer).unwrap();
        assert_eq!(desk.code("271828"), "token.challenge_refused");
        // It resets the card: the challenge is gone.
        desk.answered(&one_time);
        other.disconnect(pcsc::Disposition::ResetCard).map_err(|(_, error)| error).unwrap();
        assert_eq!(desk.code("271828"), "token.challenge_refused");
        // Pulled, and in again.
        desk.answered(&one_time);
        admin::remove(desk.folder.path(), &desk.serial).unwrap();
        wait(0, false);
        assert_eq!(desk.code("271828"), "token.removed");
        assert_eq!(desk.host.unlock_challenge(&key), Err(TokenError::CardMissing));
        admin::insert(desk.folder.path(), &desk.serial).unwrap();
        wait(0, true);
        assert_eq!(desk.code("271828"), "token.challenge_refused");
        assert_eq!(admin::list(desk.folder.path()).unwrap()[0].pin_tries_left, 0);
        desk.answered(&one_time);
        desk.unblock("271828").unwrap();
        runner.stop().unwrap();
    });
}

#[test]
fn without_service_reader_or_the_keys_own_card_there_is_no_challenge() {
    in_own_process("without_service_reader_or_the_keys_own_card_there_is_no_challenge", || {
        let mut desk = Desk::new(4);
        let key = desk.key.clone();
        desk.begin();
        let missing = |desk: &mut Desk, what: &str| {
            assert_eq!(desk.host.unlock_challenge(&key), Err(TokenError::CardMissing), "{what}");
            assert!(!desk.host.unlock_ways(&key).unwrap().on_reader, "{what}");
        };
        missing(&mut desk, "no card");
        // Cards of others are asked for nothing but this application, and those that tell another serial number.
        let said = Arc::new(Mutex::new(Vec::new()));
        let log = said.clone();
        let foreign = Card::insert(desk.pcscd.ports()[0], &ATR, move |apdu| {
            log.lock().unwrap().push(apdu.to_vec());
            vec![0x6A, 0x82]
        });
        wait(0, true);
        let _mute = Card::mute(desk.pcscd.ports()[1], Reset::Empty);
        let serial = std::mem::replace(&mut desk.serial, "0000000000000000".into());
        let (_other, told) = desk.fake(2, ALL_DONE);
        missing(&mut desk, "others' cards");
        assert!(said.lock().unwrap().iter().all(|apdu| apdu[1] == 0xA4));
        assert!(told.lock().unwrap().iter().all(|apdu| matches!(apdu[1], 0xA4 | 0xCA)));
        // Beside them the right one is found.
        desk.serial = serial;
        let runner = desk.put_in_reader(3);
        assert!(desk.host.unlock_ways(&key).unwrap().on_reader);
        desk.host.unlock_challenge(&key).unwrap();
        runner.stop().unwrap();
        foreign.pull();
        admin::insert(desk.folder.path(), &desk.serial).unwrap();
        desk.pcscd.kill();
        missing(&mut desk, "no service");
    });
}

#[test]
fn each_answer_of_a_card_is_told_for_what_it_is_and_one_command_goes_out() {
    in_own_process("each_answer_of_a_card_is_told_for_what_it_is_and_one_command_goes_out", || {
        let mut desk = Desk::new(2);
        let key = desk.key.clone();
        let module = |code| TokenError::Module { function: "UNBLOCK".into(), code };
        for (unblock, expected) in [
            (&[0x90, 0x00][..], None),
            (&[0x69, 0x88], Some(TokenError::ChallengeRefused)),
            (&[0x69, 0x82], Some(TokenError::ChallengeRefused)),
            (&[0x69, 0x85], Some(TokenError::ChallengeRefused)),
            (&[0x6A, 0x80], Some(TokenError::PinInvalid { min_len: 6, max_len: 16 })),
            (&[0x65, 0x81], Some(module(0x6581))),
            (&[0x6F, 0x00], Some(module(0x6F00))),
            // Half a status word: nobody knows.
            (&[0x90], Some(TokenError::Unknown { operation: "unblock".into() })),
        ] {
            let (fake, said) = desk.fake(0, Words { unblock, ..ALL_DONE });
            let one_time = desk.begin();
            desk.answered(&one_time);
            assert_eq!(desk.unblock("271828").err(), expected, "{unblock:02x?}");
            // The session key is gone, whatever came back.
            assert_eq!(desk.unblock("271828"), Err(TokenError::ChallengeRefused));
            assert_eq!(sent(&said, &UNBLOCK), 1);
            let known = [&[0x00, 0xA4, 0x04, 0x00][..], &[0x80, 0xCA, 0x01, 0x01], &CHALLENGE, &UNBLOCK];
            let said = said.lock().unwrap().clone();
            assert!(said.iter().all(|apdu| known.iter().any(|known| apdu.starts_with(known))), "{said:02x?}");
            fake.pull();
            wait(0, false);
            desk.host.unlock_end(&key).unwrap();
        }
    });
}

#[test]
fn an_unblock_key_that_was_not_taken_is_not_said_to_be_there() {
    in_own_process("an_unblock_key_that_was_not_taken_is_not_said_to_be_there", || {
        let mut desk = Desk::new(2);
        let key = desk.key.clone();
        desk.production();
        assert_eq!(desk.host.install_unblock_key(&key), Err(TokenError::CardMissing));
        let produced = Statement::Produced {
            portal: "portal-1".into(),
            key_id: key.as_str().into(),
            serial: vec![7; 16],
            so_pin_version: 1,
            unblock_key_version: 1,
            nonce: [9; 32],
        };
        for (verify, put, expected) in [
            (DONE, &[0x69, 0x82][..], TokenError::Module { function: "PUT DATA".into(), code: 0x6982 }),
            (DONE, &[0x90], TokenError::Unknown { operation: "install_unblock_key".into() }),
            (&[0x69, 0x83], DONE, TokenError::SoPinLocked),
            (&[0x63, 0xC2], DONE, TokenError::SoPinIncorrect { tries: SoTries::Exactly(2) }),
        ] {
            let (fake, said) = desk.fake(0, Words { verify, put, ..ALL_DONE });
            assert_eq!(desk.host.install_unblock_key(&key).unwrap_err(), expected);
            assert_eq!(sent(&said, &[0x80, 0xDA]), usize::from(verify == DONE));
            assert!(desk.sign(&produced).is_err());
            fake.pull();
            wait(0, false);
        }
        // What the card called wrong is not sent to it again.
        let (_fake, said) = desk.fake(0, ALL_DONE);
        let error = desk.host.install_unblock_key(&key).unwrap_err();
        assert_eq!(error.code(), "token.release_refused");
        assert_eq!(sent(&said, &[0x00, 0x20]), 0);
    });
}
