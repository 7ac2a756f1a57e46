//! The driver host and the token as a smart card, on a real PC/SC service with virtual readers: the challenge-response
//! method, and the unblock key of a personalization. The portal is played here.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod meddler;
mod misuse;
mod setup;

use std::sync::{Arc, Mutex};

use pcsc::{Context as Pcsc, Protocols, Scope, ShareMode};
use ycd_pki::{
    authorization::Authorization,
    unlock::{SoPinRetryCounter, UnblockKey, UnlockMethod},
};
use ycd_softkey::admin;
use ycd_tests::{
    card::{Card, Reset},
    pcscd::in_own_process,
};
use ycd_token::{Pin, TokenAccess, TokenError, Unlocker};

use setup::{ALL_DONE, ATR, CHALLENGE, DONE, Desk, ORDER, UNBLOCK, Words, reader, sent, wait};

#[test]
fn a_token_gets_its_unblock_key_and_by_it_a_new_pin() {
    in_own_process("a_token_gets_its_unblock_key_and_by_it_a_new_pin", || {
        let mut setup = Desk::new(2);
        let token = setup.token.clone();
        assert!(!setup.host.unlock_capabilities(&token).unwrap().on_reader);
        let _runner = setup.put_in_reader(1);
        let capabilities = setup.host.unlock_capabilities(&token).unwrap();
        assert!(capabilities.on_reader && capabilities.allow(UnlockMethod::ChallengeResponse));
        setup.personalization();
        let personalized = |unblock_key_version| Authorization::Personalized {
            portal: "portal-1".into(),
            token_id: token.as_str().into(),
            serial: vec![7; 16],
            so_pin_version: 1,
            unblock_key_version,
            nonce: [9; 32],
        };
        setup.host.init_pin(&token, &Pin::new("314159")).unwrap();
        setup.host.login(&token, &Pin::new("314159")).unwrap();
        let refused = setup.sign(&personalized(1)).unwrap_err();
        assert_eq!(refused.code(), "token.release_refused", "it is not on the token yet");
        setup.host.install_unblock_key(&token).unwrap();
        setup.host.login(&token, &Pin::new("314159")).unwrap();
        setup.sign(&personalized(1)).unwrap();
        assert!(setup.sign(&personalized(2)).is_err());
        setup.host.unlock_end(&token).unwrap();
        assert_eq!(admin::list(setup.folder.path()).unwrap()[0].unblock_key, Some(1));
        setup.lock_pin();
        let one_time = setup.begin();
        let opened = setup.answered(&one_time);
        assert_eq!((opened.method, opened.unblock_key_version), (UnlockMethod::ChallengeResponse, 1));
        setup.unblock("271828").unwrap();
        setup.host.login(&token, &Pin::new("271828")).unwrap();
        let unlocked = |so_pin_version| Authorization::Unlocked {
            portal: "portal-1".into(),
            order: ORDER.into(),
            release: 1,
            token_id: token.as_str().into(),
            one_time_key: opened.one_time_key,
            so_pin_version,
            nonce: [9; 32],
        };
        setup.sign(&unlocked(0)).unwrap();
        assert!(setup.sign(&unlocked(1)).is_err());
        // One command for one answer.
        assert_eq!(setup.code("314159"), "token.challenge_refused");
        assert_eq!(setup.host.unlock_nonce(&token).unwrap_err().code(), "token.release_refused");
        setup.host.login(&token, &Pin::new("271828")).unwrap();
    });
}

#[test]
fn a_pin_is_typed_again_under_the_same_release_with_a_new_challenge() {
    in_own_process("a_pin_is_typed_again_under_the_same_release_with_a_new_challenge", || {
        let mut setup = Desk::new(2);
        let token = setup.token.clone();
        let _runner = setup.put_in_reader(0);
        setup.personalized();
        let one_time = setup.begin();
        // The last challenge counts, and each once.
        let before = setup.host.unlock_challenge(&token).unwrap();
        let old = setup.answer(&one_time, before);
        let challenge = setup.host.unlock_challenge(&token).unwrap();
        assert_ne!(before, challenge);
        assert_eq!(setup.host.unlock_open(&token, &old).unwrap_err().code(), "token.release_refused");
        let answer = setup.answer(&one_time, challenge);
        setup.host.unlock_open(&token, &answer).unwrap();
        assert_eq!(setup.host.unlock_open(&token, &answer).unwrap_err().code(), "token.release_refused");
        // A PIN that breaks the rules is not sent, and costs nothing.
        for pin in ["12345", "123456789", "abcdef"] {
            assert_eq!(setup.unblock(pin), Err(TokenError::PinInvalid { min_len: 6, max_len: 8 }));
        }
        setup.unblock("271828").unwrap();
        setup.answered(&one_time);
        setup.unblock("314159").unwrap();
        setup.host.login(&token, &Pin::new("314159")).unwrap();
    });
}

#[test]
fn an_answer_that_the_token_does_not_take_is_told_and_another_one_helps() {
    in_own_process("an_answer_that_the_token_does_not_take_is_told_and_another_one_helps", || {
        let mut setup = Desk::new(2);
        let token = setup.token.clone();
        let runner = setup.put_in_reader(0);
        setup.personalized();
        let one_time = setup.begin();
        // With the wrong unblock key: the MAC is wrong.
        let right = std::mem::replace(&mut setup.unblock_key, UnblockKey::from_bytes([1; 32]));
        setup.answered(&one_time);
        assert_eq!(setup.code("271828"), "token.challenge_refused");
        setup.unblock_key = right;
        // Another program asks for a challenge of its own in between.
        setup.answered(&one_time);
        let context = Pcsc::establish(Scope::User).unwrap();
        let other = context.connect(&reader(&context, 0), ShareMode::Shared, Protocols::ANY).unwrap();
        let mut buffer = [0; 258];
        other.transmit(&CHALLENGE, &mut buffer).unwrap();
        assert_eq!(setup.code("271828"), "token.challenge_refused");
        // It resets the card: the challenge is gone.
        setup.answered(&one_time);
        other.disconnect(pcsc::Disposition::ResetCard).map_err(|(_, error)| error).unwrap();
        assert_eq!(setup.code("271828"), "token.challenge_refused");
        // Pulled, and in again.
        setup.answered(&one_time);
        admin::remove(setup.folder.path(), &setup.serial).unwrap();
        wait(0, false);
        assert_eq!(setup.code("271828"), "token.removed");
        assert_eq!(setup.host.unlock_challenge(&token), Err(TokenError::CardMissing));
        admin::insert(setup.folder.path(), &setup.serial).unwrap();
        wait(0, true);
        assert_eq!(setup.code("271828"), "token.challenge_refused");
        assert_eq!(admin::list(setup.folder.path()).unwrap()[0].pin_retry_counter, 0);
        setup.answered(&one_time);
        setup.unblock("271828").unwrap();
        runner.stop().unwrap();
    });
}

#[test]
fn without_service_reader_or_the_tokens_own_card_there_is_no_challenge() {
    in_own_process("without_service_reader_or_the_tokens_own_card_there_is_no_challenge", || {
        let mut setup = Desk::new(4);
        let token = setup.token.clone();
        setup.begin();
        let missing = |setup: &mut Desk, what: &str| {
            assert_eq!(setup.host.unlock_challenge(&token), Err(TokenError::CardMissing), "{what}");
            assert!(!setup.host.unlock_capabilities(&token).unwrap().on_reader, "{what}");
        };
        missing(&mut setup, "no card");
        // Cards of others are asked for nothing but this application, and those that tell another serial number.
        let printed = Arc::new(Mutex::new(Vec::new()));
        let log = printed.clone();
        let foreign = Card::insert(setup.pcscd.ports()[0], &ATR, move |apdu| {
            log.lock().unwrap().push(apdu.to_vec());
            vec![0x6A, 0x82]
        });
        wait(0, true);
        let _mute = Card::mute(setup.pcscd.ports()[1], Reset::Empty);
        let serial = std::mem::replace(&mut setup.serial, "0000000000000000".into());
        let (_other, told) = setup.fake(2, ALL_DONE);
        missing(&mut setup, "others' cards");
        assert!(printed.lock().unwrap().iter().all(|apdu| apdu[1] == 0xA4));
        assert!(told.lock().unwrap().iter().all(|apdu| matches!(apdu[1], 0xA4 | 0xCA)));
        // Beside them the right one is found.
        setup.serial = serial;
        let runner = setup.put_in_reader(3);
        assert!(setup.host.unlock_capabilities(&token).unwrap().on_reader);
        setup.host.unlock_challenge(&token).unwrap();
        runner.stop().unwrap();
        foreign.pull();
        admin::insert(setup.folder.path(), &setup.serial).unwrap();
        setup.pcscd.kill();
        missing(&mut setup, "no service");
    });
}

#[test]
fn each_answer_of_a_card_is_told_for_what_it_is_and_one_command_goes_out() {
    in_own_process("each_answer_of_a_card_is_told_for_what_it_is_and_one_command_goes_out", || {
        let mut setup = Desk::new(2);
        let token = setup.token.clone();
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
            let (fake, printed) = setup.fake(0, Words { unblock, ..ALL_DONE });
            let one_time = setup.begin();
            setup.answered(&one_time);
            assert_eq!(setup.unblock("271828").err(), expected, "{unblock:02x?}");
            // The session key is gone, whatever came back.
            assert_eq!(setup.unblock("271828"), Err(TokenError::ChallengeRefused));
            assert_eq!(sent(&printed, &UNBLOCK), 1);
            let known = [&[0x00, 0xA4, 0x04, 0x00][..], &[0x80, 0xCA, 0x01, 0x01], &CHALLENGE, &UNBLOCK];
            let printed = printed.lock().unwrap().clone();
            assert!(
                printed.iter().all(|apdu| known.iter().any(|known| apdu.starts_with(known))),
                "{printed:02x?}"
            );
            fake.pull();
            wait(0, false);
            setup.host.unlock_end(&token).unwrap();
        }
    });
}

#[test]
fn an_unblock_key_that_was_not_taken_is_not_said_to_be_there() {
    in_own_process("an_unblock_key_that_was_not_taken_is_not_said_to_be_there", || {
        let mut setup = Desk::new(2);
        let token = setup.token.clone();
        setup.personalization();
        assert_eq!(setup.host.install_unblock_key(&token), Err(TokenError::CardMissing));
        let personalized = Authorization::Personalized {
            portal: "portal-1".into(),
            token_id: token.as_str().into(),
            serial: vec![7; 16],
            so_pin_version: 1,
            unblock_key_version: 1,
            nonce: [9; 32],
        };
        for (verify, put, expected) in [
            (DONE, &[0x69, 0x82][..], TokenError::Module { function: "PUT DATA".into(), code: 0x6982 }),
            (DONE, &[0x90], TokenError::Unknown { operation: "install_unblock_key".into() }),
            (&[0x69, 0x83], DONE, TokenError::SoPinLocked),
            (
                &[0x63, 0xC2],
                DONE,
                TokenError::SoPinIncorrect { retry_counter: SoPinRetryCounter::Exactly(2) },
            ),
        ] {
            let (fake, printed) = setup.fake(0, Words { verify, put, ..ALL_DONE });
            assert_eq!(setup.host.install_unblock_key(&token).unwrap_err(), expected);
            assert_eq!(sent(&printed, &[0x80, 0xDA]), usize::from(verify == DONE));
            assert!(setup.sign(&personalized).is_err());
            fake.pull();
            wait(0, false);
        }
        // What the card called wrong is not sent to it again.
        let (_fake, printed) = setup.fake(0, ALL_DONE);
        let error = setup.host.install_unblock_key(&token).unwrap_err();
        assert_eq!(error.code(), "token.release_refused");
        assert_eq!(sent(&printed, &[0x00, 0x20]), 0);
    });
}
