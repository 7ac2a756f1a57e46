//! The token as a smart card and as a PKCS#11 token at once: one state behind both interfaces.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this is test code")]
#![allow(clippy::cast_possible_truncation, reason = "counts of a few objects; CK_ULONG has 32 or 64 bits")]
#![allow(clippy::macro_metavars_in_unsafe, reason = "the arguments of `call!` are values")]

mod common;

use std::env;
use std::io::{BufRead, BufReader, Lines, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use common::reader::Reader;
use common::*;
use cryptoki_sys::*;
use ycd_pki::unlock::UnblockKey;
use ycd_softkey::admin;
use ycd_softkey::card::{self, Event, Runner};

const DIR: &str = "YCD_TEST_CARD_DIR";
const READER: &str = "YCD_TEST_CARD_READER";

fn start(dir: &Path, reader: &Reader) -> (Runner, Receiver<Event>) {
    let (told, events) = channel();
    let tell = move |event| {
        // A test that has heard enough does not listen any more.
        let _ = told.send(event);
    };
    (card::start(dir, "K1", &reader.address(), tell).unwrap(), events)
}

fn secret() -> UnblockKey {
    UnblockKey::derive(&[9; 32], 1, "softkey:K1")
}

fn is_inserted(fixture: &Bench) -> bool {
    admin::list(fixture.path()).unwrap()[0].inserted
}

fn session_info(client: &Client, session: CK_SESSION_HANDLE) -> CK_RV {
    let mut info = CK_SESSION_INFO::default();
    call!(client, C_GetSessionInfo(session, &mut info))
}

#[test]
fn the_card_is_in_the_reader_while_the_token_is_inserted() {
    let (fixture, reader) = (Bench::new(), Reader::new());
    admin::remove(fixture.path(), "K1").unwrap();
    let (_runner, events) = start(fixture.path(), &reader);
    for _ in 0..3 {
        admin::insert(fixture.path(), "K1").unwrap();
        let mut card = reader.inserted();
        assert_eq!(card.atr(), card::ATR);
        card.select();
        assert_eq!(card.send(&[0x80, 0xCA, 0x01, 0x01, 0x00]), (b"K1".to_vec(), 0x9000));
        assert_eq!(events.recv(), Ok(Event::Connected));
        assert!(admin::list(fixture.path()).unwrap()[0].in_reader);
        admin::remove(fixture.path(), "K1").unwrap();
        card.until_pulled();
        assert_eq!(events.recv(), Ok(Event::Pulled));
    }
}

#[test]
fn a_token_that_goes_and_comes_at_once_is_a_new_card() {
    let (fixture, reader) = (Bench::new(), Reader::new());
    let (_runner, _events) = start(fixture.path(), &reader);
    let card = reader.inserted();
    admin::remove(fixture.path(), "K1").unwrap();
    admin::insert(fixture.path(), "K1").unwrap();
    card.until_pulled();
    reader.inserted().select();
}

#[test]
fn when_the_reader_closes_the_token_until_pulled_from_its_other_interface_too() {
    let (fixture, reader) = (Bench::new(), Reader::new());
    let (_runner, events) = start(fixture.path(), &reader);
    let card = reader.inserted();
    assert_eq!(events.recv(), Ok(Event::Connected));
    let client = fixture.client();
    let session = client.user();
    drop(card);
    assert_eq!(events.recv(), Ok(Event::ReaderClosed));
    assert_eq!(session_info(&client, session), CKR_DEVICE_REMOVED);
    assert!(client.slots(true).is_empty());
    admin::insert(fixture.path(), "K1").unwrap();
    let mut card = reader.inserted();
    card.select();
    assert_eq!(client.slots(true), [1]);
}

#[test]
fn a_reader_that_cuts_a_frame_short_is_gone_like_any_other() {
    let (fixture, reader) = (Bench::new(), Reader::new());
    let (_runner, events) = start(fixture.path(), &reader);
    let card = reader.inserted();
    card.cut();
    assert_eq!(events.recv(), Ok(Event::Connected));
    assert_eq!(events.recv(), Ok(Event::ReaderClosed));
    assert!(!is_inserted(&fixture));
}

#[test]
fn a_runner_that_ends_pulls_the_token_and_a_second_one_is_refused() {
    let (fixture, reader) = (Bench::new(), Reader::new());
    let (runner, events) = start(fixture.path(), &reader);
    let card = reader.inserted();
    let second = card::start(fixture.path(), "K1", &reader.address(), |_| ());
    assert_eq!(second.err().unwrap().code(), "softkey.in_reader");
    runner.stop().unwrap();
    card.until_pulled();
    assert!(!is_inserted(&fixture));
    assert_eq!(events.iter().collect::<Vec<_>>(), [Event::Connected, Event::Pulled, Event::Ended]);
    let (runner, _) = start(fixture.path(), &reader);
    admin::insert(fixture.path(), "K1").unwrap();
    let card = reader.inserted();
    drop(runner);
    card.until_pulled();
    assert!(!is_inserted(&fixture));
}

#[test]
fn what_is_no_reader_and_no_token_is_told_at_once() {
    let fixture = Bench::new();
    for reader in ["", "localhost", "localhost:", ":1", "localhost:70000"] {
        let refused = card::start(fixture.path(), "K1", reader, |_| ());
        assert_eq!(refused.err().unwrap().code(), "softkey.bad_field", "{reader}");
    }
    let refused = card::start(fixture.path(), "K2", "localhost:1", |_| ());
    assert_eq!(refused.err().unwrap().code(), "softkey.no_such_token");
    assert!(is_inserted(&fixture));
}

/// The runner that [`Elsewhere`] starts and kills; no test by itself.
#[test]
fn the_card_of_another_process() {
    let (Some(dir), Some(reader)) = (env::var_os(DIR), env::var_os(READER)) else { return };
    let reader = reader.into_string().unwrap();
    let _runner = card::start(dir, "K1", &reader, |event| println!("{event:?}")).unwrap();
    // Until it is killed: the other end of the pipe is held by who does it.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Dropping it kills the process.
struct Elsewhere {
    process: Child,
    /// Open, so that it can go on telling.
    _said: Lines<BufReader<ChildStdout>>,
}

impl Elsewhere {
    /// Returns when the card is in the reader; `accept` is what the reader does about it.
    fn start<T>(dir: &Path, reader: &Reader, accept: impl FnOnce() -> T) -> (Self, T) {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "the_card_of_another_process", "--nocapture"])
            .env(DIR, dir)
            .env(READER, reader.address())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let accepted = accept();
        let mut printed = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(printed.any(|line| line.unwrap().ends_with("Connected")));
        (Self { process, _said: printed }, accepted)
    }

    fn kill(self) {}
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn a_runner_killed_hard_leaves_a_token_that_is_out_until_it_is_inserted_again() {
    let (fixture, reader) = (Bench::new(), Reader::new());
    let (elsewhere, card) = Elsewhere::start(fixture.path(), &reader, || reader.inserted());
    let client = fixture.client();
    let session = client.user();
    client.generate(session, b"id");
    let written = std::fs::read(fixture.path().join("K1.key")).unwrap();
    elsewhere.kill();
    card.until_pulled();
    assert_eq!(std::fs::read(fixture.path().join("K1.key")).unwrap(), written, "nobody could write it down");
    assert_eq!(session_info(&client, session), CKR_DEVICE_REMOVED);
    assert_eq!(client.try_open(0), Err(CKR_TOKEN_NOT_PRESENT));
    assert!(!is_inserted(&fixture));

    // The next runner writes the pull down, and waits.
    let (_runner, events) = start(fixture.path(), &reader);
    assert_eq!(session_info(&client, session), CKR_DEVICE_REMOVED);
    assert_ne!(std::fs::read(fixture.path().join("K1.key")).unwrap(), written);
    assert!(events.try_recv().is_err());
    admin::insert(fixture.path(), "K1").unwrap();
    let mut card = reader.inserted();
    card.select();
    assert_eq!(session_info(&client, session), CKR_SESSION_HANDLE_INVALID);
    let session = client.user();
    assert_eq!(client.find(session, Template::class(CKO_PRIVATE_KEY)).len(), 1);
}

#[test]
fn after_a_runner_killed_hard_the_token_is_inserted_without_a_reader_too() {
    let (fixture, reader) = (Bench::new(), Reader::new());
    let (elsewhere, _card) = Elsewhere::start(fixture.path(), &reader, || reader.inserted());
    let client = fixture.client();
    let session = client.user();
    elsewhere.kill();
    admin::insert(fixture.path(), "K1").unwrap();
    assert_eq!(session_info(&client, session), CKR_DEVICE_REMOVED, "it was out in between");
    client.user();
    let token = admin::list(fixture.path()).unwrap().remove(0);
    assert_eq!((token.inserted, token.in_reader), (true, false));
}

#[test]
fn tries_that_one_interface_spends_the_other_tells() {
    let (fixture, reader) = (Bench::new(), Reader::new());
    let (_runner, _events) = start(fixture.path(), &reader);
    let mut card = reader.inserted();
    card.select();
    let client = fixture.client();
    assert_eq!(card.verify(1, "00000000"), 0x63C9);
    assert_ne!(client.flags() & CKF_USER_PIN_COUNT_LOW, 0);
    let session = client.open();
    for _ in 0..8 {
        assert_eq!(client.login(session, CKU_USER, "00000000"), CKR_PIN_INCORRECT);
    }
    assert_eq!(card.send(&[0x00, 0x20, 0x00, 0x01]).1, 0x63C1);
    assert_eq!(card.verify(1, "00000000"), 0x63C0);
    assert_ne!(client.flags() & CKF_USER_PIN_LOCKED, 0);
    assert_eq!(client.login(session, CKU_USER, PIN), CKR_PIN_LOCKED);
}

#[test]
fn a_pin_unblocked_on_the_card_logs_in_at_the_module_and_keys_are_kept() {
    let (fixture, reader) = (Bench::new(), Reader::new());
    let (_runner, _events) = start(fixture.path(), &reader);
    let mut card = reader.inserted();
    card.select();
    card.install(SO_PIN, &secret());
    let client = fixture.client();
    let session = client.user();
    let (public, private) = client.generate(session, b"id");
    client.write_certificate(session, b"id", b"\x30\x00").unwrap();
    ok(call!(client, C_Logout(session)));
    while client.login(session, CKU_USER, "00000000") != CKR_PIN_LOCKED {}
    let command = card.answered(&secret(), "271828");
    assert_eq!(card.send(&command).1, 0x9000);
    assert_eq!(client.flags() & (CKF_USER_PIN_LOCKED | CKF_USER_PIN_COUNT_LOW), 0);
    assert_eq!(client.login(session, CKU_USER, PIN), CKR_PIN_INCORRECT);
    ok(client.login(session, CKU_USER, "271828"));
    let signature = client.sign(session, SM3_DEFAULT_DER, private, b"x").unwrap();
    ok(client.verify(session, SM3_DEFAULT_DER, public, b"x", &signature));
    assert_eq!(client.find(session, Template::class(CKO_CERTIFICATE)).len(), 1);
    // The SO PIN may change: the unblock key goes on.
    ok(call!(client, C_Logout(session)));
    ok(client.login(session, CKU_SO, SO_PIN));
    ok(client.set_pin(session, SO_PIN, "11112222"));
    let command = card.answered(&secret(), "314159");
    assert_eq!(card.send(&command).1, 0x9000);
}

#[test]
fn an_answer_is_worth_nothing_after_a_reset_or_at_the_next_insertion() {
    let (fixture, reader) = (Bench::new(), Reader::new());
    let (_runner, _events) = start(fixture.path(), &reader);
    let mut card = reader.inserted();
    card.select();
    card.install(SO_PIN, &secret());
    for code in [0, 1, 2] {
        let command = card.answered(&secret(), "271828");
        card.control(code);
        assert_eq!(card.send(&command).1, 0x6985, "not selected");
        card.select();
        assert_eq!(card.send(&command).1, 0x6985, "no challenge");
    }
    let command = card.answered(&secret(), "271828");
    admin::remove(fixture.path(), "K1").unwrap();
    card.until_pulled();
    admin::insert(fixture.path(), "K1").unwrap();
    let mut card = reader.inserted();
    card.select();
    assert_eq!(card.send(&command).1, 0x6985);
    assert_eq!(card.verify(1, PIN), 0x9000);
}

/// Each act of one face is one replacement of the state, so none undoes one of the other.
#[test]
fn both_interfaces_used_at_once_lose_nothing() {
    let (fixture, reader) = (Bench::new(), Reader::new());
    let (_elsewhere, mut card) = Elsewhere::start(fixture.path(), &reader, || reader.inserted());
    card.select();
    card.install(SO_PIN, &secret());
    let client = fixture.client();
    let session = client.user();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for id in 0..8 {
                client.generate(session, &[id]);
            }
        });
        for turn in 0..24 {
            let command = card.answered(&secret(), &format!("{:06}", 100_000 + turn));
            assert_eq!(card.send(&command).1, 0x9000);
        }
    });
    assert_eq!(client.find(session, Template::class(CKO_PRIVATE_KEY)).len(), 8);
    assert_eq!(client.find(session, Template::class(CKO_PUBLIC_KEY)).len(), 8);
    assert_eq!(card.verify(1, "100023"), 0x9000);
    ok(call!(client, C_Logout(session)));
    ok(client.login(session, CKU_USER, "100023"));
}

#[test]
fn a_token_made_before_there_was_a_card_becomes_one() {
    let (fixture, reader) = (Bench::empty(), Reader::new());
    std::fs::write(fixture.path().join("OLD1.key"), include_bytes!("state-of-0.1.key")).unwrap();
    let client = fixture.client();
    client.user();
    // What was printed on its tag when it was made.
    let (so_pin, secret) = ("8246376531748258", UnblockKey::from_bytes([1; 32]));
    let _runner = card::start(fixture.path(), "OLD1", &reader.address(), |_| ()).unwrap();
    let mut card = reader.inserted();
    card.select();
    assert_eq!(card.send(&[0x80, 0xCA, 0x02, 0x00, 0x00]).1, 0x6A88);
    card.install(so_pin, &secret);
    let command = card.answered(&secret, "271828");
    assert_eq!(card.send(&command).1, 0x9000);
    let session = client.open();
    assert_eq!(client.login(session, CKU_USER, "271828"), CKR_USER_ALREADY_LOGGED_IN);
    ok(call!(client, C_Logout(session)));
    ok(client.login(session, CKU_USER, "271828"));
}
