//! The software token as a smart card on a real PC/SC service, and its PKCS#11 interface in the driver host beside it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::{
    ffi::CString,
    io::{BufRead as _, BufReader, Lines},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use pcsc::{Card, Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode, State};
use tempfile::TempDir;
use ycd_pki::unlock::{UNBLOCK_HEADER, UnblockCommand, UnblockKey};
use ycd_softkey::{
    admin::{self, Kdf, NewToken},
    card::{self, Event, Runner},
};
use ycd_test_skips::skip;
use ycd_tests::{
    pcscd::{Pcscd, in_own_process},
    world::{open_tokens, profile, program},
};
use ycd_token::{Pin, TokenAccess as _, TokenError, TokenId, TokenSet};

const SERIAL: &str = "3F21";
const PIN: &str = "12345678";
const SO_PIN: &str = "87654321";

/// A folder with one token, out, and its PKCS#11 interface.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let new = NewToken {
            serial: Some(SERIAL.into()),
            so_pin: Some(SO_PIN.into()),
            kdf: Kdf::WEAK,
            inserted: false,
            ..NewToken::default()
        };
        admin::create(folder.path(), &new).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn insert(&self) {
        admin::insert(self.path(), SERIAL).unwrap();
    }

    fn is_inserted(&self) -> bool {
        admin::list(self.path()).unwrap()[0].inserted
    }

    fn start(&self, pcscd: &Pcscd) -> (Runner, Receiver<Event>) {
        let (told, events) = channel();
        let tell = move |event| {
            // A test that has heard enough does not listen any more.
            let _ = told.send(event);
        };
        (card::start(self.path(), SERIAL, &address(pcscd), tell).unwrap(), events)
    }
}

fn address(pcscd: &Pcscd) -> String {
    format!("127.0.0.1:{}", pcscd.ports()[0])
}

fn token_id(tokens: &mut TokenSet) -> TokenId {
    tokens.list().unwrap().remove(0).token_id
}

/// The first reader, and what is in it.
struct Reader {
    context: Context,
    name: CString,
}

impl Reader {
    fn open() -> Self {
        let context = Context::establish(Scope::User).unwrap();
        let name = context.list_readers_owned().unwrap().remove(0);
        Self { context, name }
    }

    /// Waits until a card is there, or is not; gives its ATR.
    fn wait(&self, present: bool) -> Vec<u8> {
        let mut states = [ReaderState::new(self.name.clone(), State::UNAWARE)];
        loop {
            self.context.get_status_change(Duration::from_secs(10), &mut states).unwrap();
            if states[0].event_state().contains(State::PRESENT) == present {
                return states[0].atr().to_vec();
            }
            states[0].sync_current_state();
        }
    }

    /// The card, its application selected.
    fn select(&self) -> Card {
        self.wait(true);
        let card = self.context.connect(&self.name, ShareMode::Shared, Protocols::ANY).unwrap();
        let command = [&[0x00, 0xA4, 0x04, 0x00, 11], &card::AID[..]].concat();
        assert_eq!(send(&card, &command).1, 0x9000);
        card
    }
}

fn try_send(card: &Card, command: &[u8]) -> Result<(Vec<u8>, u16), Error> {
    let mut buffer = [0; 300];
    let (data, status) = card.transmit(command, &mut buffer)?.split_last_chunk().unwrap();
    Ok((data.to_vec(), u16::from_be_bytes(*status)))
}

fn send(card: &Card, command: &[u8]) -> (Vec<u8>, u16) {
    try_send(card, command).unwrap()
}

fn secret() -> UnblockKey {
    UnblockKey::derive(&[9; 32], 7, "softkey:3F21")
}

fn install(card: &Card) {
    assert_eq!(send(card, &[&[0x00, 0x20, 0x00, 0x02, 8], SO_PIN.as_bytes()].concat()).1, 0x9000);
    let command = [&[0x80, 0xDA, 0x02, 0x00, 0x24, 0, 0, 0, 7], &secret().expose()[..]].concat();
    assert_eq!(send(card, &command).1, 0x9000);
}

fn answered(card: &Card, pin: &str) -> Vec<u8> {
    let (challenge, status) = send(card, &[0x80, 0x84, 0x00, 0x00, 0x10]);
    assert_eq!(status, 0x9000);
    let session = secret().session_key(&challenge.try_into().unwrap(), &[3; 32]);
    let command = UnblockCommand::seal(&session, &UNBLOCK_HEADER, [3; 32], pin.as_bytes()).unwrap();
    [&UNBLOCK_HEADER[..], &command.to_bytes()].concat()
}

#[test]
fn a_token_locked_at_the_module_is_unblocked_through_pc_sc_and_its_keys_are_kept() {
    in_own_process("a_token_locked_at_the_module_is_unblocked_through_pc_sc_and_its_keys_are_kept", || {
        let (fixture, pcscd) = (Bench::new(), Pcscd::start(2));
        let (_runner, _events) = fixture.start(&pcscd);
        let reader = Reader::open();
        reader.wait(false);
        fixture.insert();
        let atr = reader.wait(true);
        assert!(profile("softkey").recognition.knows_atr(&atr));
        let card = reader.select();
        install(&card);

        let mut tokens = open_tokens(fixture.path());
        let id = token_id(&mut tokens);
        tokens.login(&id, &Pin::new(PIN)).unwrap();
        tokens.generate(&id, &ycd_token::CkaId([7; 16])).unwrap();
        let pairs = |tokens: &mut TokenSet| tokens.read(&id).unwrap().containers.len();
        assert_eq!(pairs(&mut tokens), 1);
        tokens.logout(&id).unwrap();
        while tokens.login(&id, &Pin::new("00000000")).unwrap_err() != TokenError::PinLocked {}
        assert_eq!(send(&card, &[0x00, 0x20, 0x00, 0x01]).1, 0x6983);

        let command = answered(&card, "271828");
        assert_eq!(send(&card, &command).1, 0x9000);
        assert_eq!(send(&card, &command).1, 0x6985, "once");
        assert!(matches!(tokens.login(&id, &Pin::new(PIN)), Err(TokenError::PinIncorrect { .. })));
        tokens.login(&id, &Pin::new("271828")).unwrap();
        assert_eq!(pairs(&mut tokens), 1);
    });
}

#[test]
fn a_challenge_dies_with_a_reset_by_whoever_shares_the_reader() {
    in_own_process("a_challenge_dies_with_a_reset_by_whoever_shares_the_reader", || {
        let (fixture, pcscd) = (Bench::new(), Pcscd::start(2));
        let (_runner, _events) = fixture.start(&pcscd);
        fixture.insert();
        let reader = Reader::open();
        let card = reader.select();
        install(&card);
        let kept = answered(&card, "271828");
        let other = reader.select();
        other.disconnect(Disposition::LeaveCard).unwrap_or_else(|(_, error)| panic!("{error}"));
        assert_eq!(send(&card, &kept).1, 0x9000, "a select by another leaves it");
        let lost = answered(&card, "314159");
        card.disconnect(Disposition::ResetCard).unwrap_or_else(|(_, error)| panic!("{error}"));
        let card = reader.select();
        assert_eq!(send(&card, &lost).1, 0x6985);
    });
}

#[test]
fn a_token_pulled_from_the_module_s_side_leaves_the_reader_and_is_gone_to_both() {
    in_own_process("a_token_pulled_from_the_module_s_side_leaves_the_reader_and_is_gone_to_both", || {
        let (fixture, pcscd) = (Bench::new(), Pcscd::start(2));
        let (_runner, _events) = fixture.start(&pcscd);
        fixture.insert();
        let reader = Reader::open();
        let card = reader.select();
        let mut tokens = open_tokens(fixture.path());
        let id = token_id(&mut tokens);
        tokens.login(&id, &Pin::new(PIN)).unwrap();
        admin::remove(fixture.path(), SERIAL).unwrap();
        assert_eq!(tokens.read(&id).unwrap_err(), TokenError::Removed);
        reader.wait(false);
        assert!(try_send(&card, &[0x80, 0xCA, 0x01, 0x01, 0x00]).is_err());
        fixture.insert();
        reader.select();
        tokens.login(&id, &Pin::new(PIN)).unwrap();
    });
}

#[test]
fn a_service_that_is_killed_pulls_the_token_and_when_it_is_back_the_token_goes_in_again() {
    in_own_process(
        "a_service_that_is_killed_pulls_the_token_and_when_it_is_back_the_token_goes_in_again",
        || {
            let (fixture, mut pcscd) = (Bench::new(), Pcscd::start(2));
            let (_runner, events) = fixture.start(&pcscd);
            fixture.insert();
            Reader::open().select();
            let mut tokens = open_tokens(fixture.path());
            let id = token_id(&mut tokens);
            tokens.login(&id, &Pin::new(PIN)).unwrap();
            pcscd.kill();
            assert_eq!(events.recv(), Ok(Event::Connected));
            assert_eq!(events.recv(), Ok(Event::ReaderClosed));
            assert_eq!(tokens.read(&id).unwrap_err(), TokenError::Removed);
            // Put back before the service is: the card waits for its reader.
            fixture.insert();
            pcscd.restart();
            let card = Reader::open().select();
            assert_eq!(send(&card, &[0x80, 0xCA, 0x01, 0x01, 0x00]).0, SERIAL.as_bytes());
            tokens.login(&id, &Pin::new(PIN)).unwrap();
        },
    );
}

/// `ycd softkey card`, which is killed when this is dropped.
struct Ycd {
    process: Child,
    printed: Lines<BufReader<ChildStdout>>,
}

impl Ycd {
    fn start(fixture: &Bench, reader: &str, insert: bool) -> Self {
        let mut command = Command::new(program("ycd"));
        command.arg("--json").arg("--softkey-dir").arg(fixture.path());
        command.args(["softkey", "card", SERIAL, "--reader", reader]);
        command.args(insert.then_some("--insert"));
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let printed = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, printed }
    }

    /// The next line, as an event or a result.
    fn says(&mut self) -> serde_json::Value {
        serde_json::from_str(&self.printed.next().unwrap().unwrap()).unwrap()
    }

    fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }
}

impl Drop for Ycd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_command_is_the_card_until_it_is_ended_and_a_killed_one_leaves_a_token_that_is_out() {
    in_own_process(
        "the_command_is_the_card_until_it_is_ended_and_a_killed_one_leaves_a_token_that_is_out",
        || {
            let (fixture, pcscd) = (Bench::new(), Pcscd::start(2));
            let reader = Reader::open();
            let mut ycd = Ycd::start(&fixture, &address(&pcscd), true);
            assert_eq!(ycd.says()["event"], "connected");
            reader.select();
            let mut tokens = open_tokens(fixture.path());
            let id = token_id(&mut tokens);
            tokens.login(&id, &Pin::new(PIN)).unwrap();
            drop(ycd);
            assert_eq!(tokens.read(&id).unwrap_err(), TokenError::Removed);
            assert!(!fixture.is_inserted());
            reader.wait(false);

            let mut ycd = Ycd::start(&fixture, &address(&pcscd), true);
            assert_eq!(ycd.says()["event"], "connected");
            reader.select();
            tokens.login(&id, &Pin::new(PIN)).unwrap();
            let mut second = Ycd::start(&fixture, &address(&pcscd), true);
            assert_eq!(second.says()["error"]["code"], "softkey.in_reader");
            ycd.terminate();
            assert_eq!(ycd.says()["event"], "pulled");
            assert_eq!(ycd.says()["inserted"], false);
            assert!(ycd.process.wait().unwrap().success());
            assert_eq!(tokens.read(&id).unwrap_err(), TokenError::Removed);
            reader.wait(false);
        },
    );
}

/// OpenSC's view: its own reading of the ATR, its own way of asking and telling.
#[test]
fn opensc_reads_the_card() {
    if Command::new("opensc-tool").arg("--version").output().is_err() {
        return skip("opensc_reads_the_card", "opensc-tool is missing (Debian's package opensc)");
    }
    in_own_process("opensc_reads_the_card", || {
        let (fixture, pcscd) = (Bench::new(), Pcscd::start(2));
        let (_runner, _events) = fixture.start(&pcscd);
        fixture.insert();
        Reader::open().wait(true);
        let opensc = |arguments: &[&str]| {
            let mut command = Command::new("opensc-tool");
            command.args(["--reader", "0", "--card-driver", "default"]);
            let output = command.args(arguments).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let atr: Vec<String> = card::ATR.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(opensc(&["--atr"]).trim(), atr.join(":"));
        let told = opensc(&[
            "--send-apdu",
            "00:A4:04:00:0B:F0:59:43:44:53:4F:46:54:4B:45:59:00",
            "--send-apdu",
            "80:CA:01:01:00",
            "--send-apdu",
            "00:20:00:01",
        ]);
        let answers: Vec<&str> = told.lines().filter(|line| line.starts_with("Received")).collect();
        assert_eq!(answers.len(), 3, "{told}");
        assert!(answers[0].contains("SW1=0x90, SW2=0x00"), "{told}");
        assert!(told.contains("33 46 32 31 3F21"), "{told}");
        assert!(answers[2].contains("SW1=0x63, SW2=0xCA"), "{told}");
    });
}
