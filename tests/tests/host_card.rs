//! The driver host and the key as a smart card, on a real PC/SC service with virtual readers: the challenge road, and
//! the unblock key of a production. The portal is played here.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::{
    ffi::CString,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use pcsc::{Context as Pcsc, Protocols, ReaderState, Scope, ShareMode, State};
use tempfile::TempDir;
use time::OffsetDateTime;
use ycd_pki::{
    KeyPair, PublicKey, Signer,
    cert::{self, CertificateParams},
    name::Name,
    sm3::sm3,
    statement::Statement,
    unlock::{
        Context, FirstSecrets, PinRules, Purpose, Road, SessionKey, SoPin, SoTries, UnblockKey, signed_answer,
    },
};
use ycd_softkey::{
    admin::{self, Kdf, NewKey},
    card::{self, Runner},
};
use ycd_tests::{
    card::{Card, Reset},
    pcscd::{Pcscd, in_own_process},
    world::program,
};
use ycd_token::{
    Answer, Drivers, KeyId, ModuleHost, OneTime, Opened, Pin, PortalKey, SoLogin, Spki, Tag, Token,
    TokenError, Unlocker,
};

const ATR: [u8; 5] = [0x3B, 0x80, 0x80, 0x01, 0x01];
const FACTORY: &str = "8765432187654321";
const SO_PIN: &str = "1111222233334444";
const ORDER: &str = "SAAS120261123120000000001";
const UNBLOCK: [u8; 5] = [0x80, 0x2C, 0x00, 0x01, 0x60];
const CHALLENGE: [u8; 5] = [0x80, 0x84, 0x00, 0x00, 0x10];

/// A key with its certificate, a host for it, and a portal.
struct Desk {
    pcscd: Pcscd,
    folder: TempDir,
    serial: String,
    key: KeyId,
    host: ModuleHost,
    portal: KeyPair,
    unblock_key: UnblockKey,
    spki: Spki,
    certificate: Vec<u8>,
}

impl Desk {
    /// With this many readers, all of them empty. The PIN is the initial one.
    fn new(readers: usize) -> Self {
        let pcscd = Pcscd::start(readers);
        let folder = tempfile::tempdir().unwrap();
        let new = NewKey { kdf: Kdf::WEAK, so_pin: Some(FACTORY.into()), user_tries: 3, ..NewKey::default() };
        let serial = admin::create(folder.path(), &new).unwrap().serial_number;
        let key = KeyId::new("softkey", &serial);
        let (name, socket) = pcscd.environment();
        let drivers = Drivers::load(Some(folder.path())).unwrap().with_env("YCD_SOFTKEY_DIR", folder.path());
        let drivers = drivers.with_env(name, socket).find_modules();
        let driver = drivers.into_iter().find(|driver| driver.profile.name == "softkey").unwrap();
        let mut host = ModuleHost::start(&program("ycd-host"), &driver).unwrap();
        host.login(&key, &Pin::new("12345678")).unwrap();
        let spki = host.generate(&key, &Tag([0xA5; 16])).unwrap();
        let certificate = certificate(&spki);
        host.write_certificate(&key, &certificate).unwrap();
        host.logout(&key).unwrap();
        let unblock_key = UnblockKey::derive(&[7; 32], 1, key.as_str());
        let portal = KeyPair::generate().unwrap();
        Self { pcscd, folder, serial, key, host, portal, unblock_key, spki, certificate }
    }

    /// Makes the key a card in this reader, and waits until the service sees it.
    fn put_in_reader(&self, at: usize) -> Runner {
        let reader = format!("127.0.0.1:{}", self.pcscd.ports()[at]);
        let runner = card::start(self.folder.path(), &self.serial, &reader, |_| ()).unwrap();
        wait(at, true);
        runner
    }

    fn fake(&self, at: usize, status: Words) -> (Card, Arc<Mutex<Vec<Vec<u8>>>>) {
        let said = Arc::new(Mutex::new(Vec::new()));
        let (serial, log) = (self.serial.clone(), said.clone());
        let fake = Card::insert(self.pcscd.ports()[at], &card::ATR, move |apdu| {
            log.lock().unwrap_or_else(PoisonError::into_inner).push(apdu.to_vec());
            match apdu[1] {
                0xA4 => vec![0x90, 0x00],
                0xCA => [serial.as_bytes(), &[0x90, 0x00]].concat(),
                0x84 => [&[5; 16][..], &[0x90, 0x00]].concat(),
                0x20 => status.verify.to_vec(),
                0xDA => status.put.to_vec(),
                0x2C => status.unblock.to_vec(),
                _ => vec![0x6D, 0x00],
            }
        });
        wait(at, true);
        (fake, said)
    }

    fn lock_pin(&mut self) {
        while self.host.login(&self.key, &Pin::new("00000000")).unwrap_err() != TokenError::PinLocked {}
    }

    fn begin(&mut self) -> OneTime {
        let signing_key = Spki(self.portal.public_key().to_spki_der());
        let portal = PortalKey { name: "portal-1".into(), signing_key };
        self.host.unlock_begin(&self.key, &portal).unwrap()
    }

    fn context(&self, one_time: &OneTime, challenge: &[u8]) -> Context {
        Context {
            purpose: Purpose::Unlock,
            portal: "portal-1".into(),
            order: ORDER.into(),
            release: 1,
            road: Road::Challenge,
            key_id: self.key.as_str().into(),
            certificate: sm3(&self.certificate),
            one_time_key: sm3(&one_time.public_key.0),
            nonce: challenge.to_vec(),
            current_version: 0,
            next_version: 0,
            unblock_key_version: 1,
            valid_seconds: 600,
            pin: PinRules { min_len: 6, max_len: 8, digits_only: true },
        }
    }

    fn signed(&self, context: &Context, sealed_box: Vec<u8>) -> Answer {
        let bytes = context.to_bytes();
        let signature = self.portal.sign(&signed_answer(&bytes, &sealed_box)).unwrap().to_der();
        Answer { purpose: context.purpose, context: bytes, sealed_box, signature }
    }

    /// What the portal makes of a challenge.
    fn answer(&self, one_time: &OneTime, challenge: [u8; 16]) -> Answer {
        let context = self.context(one_time, &challenge);
        let session: SessionKey = self.unblock_key.session_key(&challenge, &context.hash());
        self.signed(&context, session.seal(&public(one_time)).unwrap())
    }

    fn answered(&mut self, one_time: &OneTime) -> Opened {
        let challenge = self.host.unlock_challenge(&self.key).unwrap();
        let answer = self.answer(one_time, challenge);
        self.host.unlock_open(&self.key, &answer).unwrap()
    }

    fn unblock(&mut self, pin: &str) -> Result<(), TokenError> {
        self.host.unblock(&self.key, &Pin::new(pin))
    }

    /// Opens a production with SO PIN and unblock key, logs in with the maker's SO PIN, and replaces that.
    fn production(&mut self) {
        let one_time = self.begin();
        let context = Context {
            purpose: Purpose::Produce,
            road: Road::Wrapped,
            certificate: [0; 32],
            next_version: 1,
            ..self.context(&one_time, &[3; 32])
        };
        let unblock_key = Some(self.unblock_key.clone());
        let first = FirstSecrets { so_pin: SoPin::new(SO_PIN.into()).unwrap(), unblock_key };
        let answer = self.signed(&context, first.seal(&public(&one_time)).unwrap());
        self.host.unlock_open(&self.key, &answer).unwrap();
        self.host.so_login(&self.key, &SoLogin::Factory(Pin::new(FACTORY)), None).unwrap();
        self.host.rotate_so_pin(&self.key).unwrap();
        self.host.so_login(&self.key, &SoLogin::Next, None).unwrap();
    }

    /// A key that has its unblock key, and a locked PIN.
    fn produced(&mut self) {
        self.production();
        self.host.install_unblock_key(&self.key).unwrap();
        self.host.unlock_end(&self.key).unwrap();
        self.lock_pin();
    }

    fn code(&mut self, pin: &str) -> &'static str {
        self.unblock(pin).unwrap_err().code()
    }
}

/// What a fake card answers to what changes it.
#[derive(Clone, Copy)]
struct Words {
    verify: &'static [u8],
    put: &'static [u8],
    unblock: &'static [u8],
}

const DONE: &[u8] = &[0x90, 0x00];
const ALL_DONE: Words = Words { verify: DONE, put: DONE, unblock: DONE };

fn public(one_time: &OneTime) -> PublicKey {
    PublicKey::from_spki_der(&one_time.public_key.0).unwrap()
}

fn sent(said: &Arc<Mutex<Vec<Vec<u8>>>>, header: &[u8]) -> usize {
    said.lock().unwrap().iter().filter(|apdu| apdu.starts_with(header)).count()
}

fn certificate(spki: &Spki) -> Vec<u8> {
    let authority = KeyPair::generate().unwrap();
    let name = |text: &str| Name::enterprise(text, None, None).to_der().unwrap();
    let params = CertificateParams {
        profile: cert::Profile::Signature,
        serial: vec![7; 16],
        issuer: name("Authority"),
        subject: name("泸州市某某有限公司"),
        public_key: PublicKey::from_spki_der(&spki.0).unwrap(),
        not_before: OffsetDateTime::UNIX_EPOCH,
        not_after: OffsetDateTime::UNIX_EPOCH + time::Duration::days(365),
        authority_key_id: cert::key_id(&authority.public_key()),
        crl_uri: None,
        subject_ids: Vec::new(),
    };
    cert::issue(&params, &authority).unwrap()
}

fn reader(context: &Pcsc, at: usize) -> CString {
    let mut readers = context.list_readers_owned().unwrap();
    readers.sort();
    readers.remove(at)
}

/// Waits until a card is in this reader, or none is.
fn wait(at: usize, present: bool) {
    let context = Pcsc::establish(Scope::User).unwrap();
    let mut states = [ReaderState::new(reader(&context, at), State::UNAWARE)];
    loop {
        context.get_status_change(Duration::from_secs(20), &mut states).unwrap();
        if states[0].event_state().contains(State::PRESENT) == present {
            return;
        }
        states[0].sync_current_state();
    }
}

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
        let refused = desk.host.sign_statement(&key, &desk.spki, &produced(1)).unwrap_err();
        assert_eq!(refused.code(), "token.release_refused", "it is not on the key yet");
        desk.host.install_unblock_key(&key).unwrap();
        desk.host.login(&key, &Pin::new("314159")).unwrap();
        desk.host.sign_statement(&key, &desk.spki, &produced(1)).unwrap();
        assert!(desk.host.sign_statement(&key, &desk.spki, &produced(2)).is_err());
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
        desk.host.sign_statement(&key, &desk.spki, &unlocked(0)).unwrap();
        assert!(desk.host.sign_statement(&key, &desk.spki, &unlocked(1)).is_err());
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
            assert!(desk.host.sign_statement(&key, &desk.spki, &produced).is_err());
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
