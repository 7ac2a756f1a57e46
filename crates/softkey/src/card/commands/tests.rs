use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use proptest::prelude::*;
use tempfile::TempDir;
use ycd_pki::unlock::UNBLOCK_HEADER;

use super::*;
use crate::admin::{self, Kdf, NewToken};
use crate::store::Folder;

const PIN: &str = "12345678";
const SO_PIN: &str = "87654321";
const CONTEXT: [u8; 32] = [3; 32];

struct Bench {
    dir: TempDir,
    card: Card<Box<dyn FnMut(Duration)>>,
    pauses: Receiver<Duration>,
}

impl Bench {
    fn bare() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let new = NewToken {
            serial: Some("K1".into()),
            so_pin: Some(SO_PIN.into()),
            kdf: Kdf::WEAK,
            ..NewToken::default()
        };
        admin::create(dir.path(), &new).unwrap();
        let (paused, pauses) = channel();
        let token = SoftToken::new(&Folder::new(dir.path()), "K1");
        let pause: Box<dyn FnMut(Duration)> = Box::new(move |time| paused.send(time).unwrap());
        Self { card: Card::new(token, 1, pause), dir, pauses }
    }

    /// Selected.
    fn new() -> Self {
        let mut fixture = Self::bare();
        assert_eq!(fixture.sw(&select()), 0x9000);
        fixture
    }

    /// With the unblock key installed.
    fn unblockable() -> Self {
        let mut fixture = Self::new();
        assert_eq!(fixture.sw(&verify(2, SO_PIN)), 0x9000);
        assert_eq!(fixture.sw(&install(7, &secret())), 0x9000);
        fixture.card.reset();
        assert_eq!(fixture.sw(&select()), 0x9000);
        fixture
    }

    fn send(&mut self, command: &[u8]) -> (Vec<u8>, u16) {
        let mut response = self.card.answer(command);
        let status = response.split_off(response.len() - 2);
        (response, u16::from_be_bytes([status[0], status[1]]))
    }

    fn sw(&mut self, command: &[u8]) -> u16 {
        self.send(command).1
    }

    fn challenge(&mut self) -> [u8; 16] {
        let (challenge, status) = self.send(&[0x80, 0x84, 0, 0, 16]);
        assert_eq!(status, 0x9000);
        challenge.try_into().unwrap()
    }

    /// Everything that may unblock the token with this PIN now.
    fn answered(&mut self, pin: &str) -> Vec<u8> {
        let challenge = self.challenge();
        unblock(&challenge, pin)
    }

    fn state(&self) -> Vec<u8> {
        std::fs::read(self.dir.path().join("K1.key")).unwrap()
    }

    fn told(&self) -> admin::TokenState {
        admin::list(self.dir.path()).unwrap().remove(0)
    }
}

fn secret() -> UnblockKey {
    UnblockKey::derive(&[9; 32], 7, "softkey:K1")
}

fn select() -> Vec<u8> {
    [&[0x00, 0xA4, 0x04, 0x00, 11], &AID[..]].concat()
}

fn verify(which: u8, pin: &str) -> Vec<u8> {
    [&[0x00, 0x20, 0x00, which, u8::try_from(pin.len()).unwrap()], pin.as_bytes()].concat()
}

fn install(version: u32, key: &UnblockKey) -> Vec<u8> {
    [&[0x80, 0xDA, 0x02, 0x00, 0x24], &version.to_be_bytes()[..], key.expose()].concat()
}

fn unblock(challenge: &[u8; 16], pin: &str) -> Vec<u8> {
    let key = secret().session_key(challenge, &CONTEXT);
    let command = UnblockCommand::seal(&key, &UNBLOCK_HEADER, CONTEXT, pin.as_bytes()).unwrap();
    [&UNBLOCK_HEADER[..], &command.to_bytes()].concat()
}

fn right_pin(dir: &Path, pin: &str) -> bool {
    SoftToken::new(&Folder::new(dir), "K1").login(Role::User, &pin.into()).is_ok()
}

#[test]
fn nothing_works_before_the_application_is_selected() {
    let mut fixture = Bench::bare();
    for command in [&[0x80, 0xCA, 1, 1, 0][..], &[0x00, 0x20, 0, 1], &[0x80, 0x84, 0, 0, 16]] {
        assert_eq!(fixture.sw(command), 0x6985, "{command:02x?}");
    }
    assert_eq!(fixture.sw(&[0x00, 0xA4, 4, 0, 3, 0xF0, 0x59, 0x43]), 0x6A82);
    assert_eq!(fixture.sw(&[0x00, 0xA4, 0, 0, 2, 0x3F, 0]), 0x6A86);
    assert_eq!(fixture.sw(&[0x80, 0xCA, 1, 1, 0]), 0x6985, "a select that failed selects nothing");
    let (fci, status) = fixture.send(&[&select()[..], &[0]].concat());
    assert_eq!((hex::encode_upper(fci).as_str(), status), ("6F0D840BF0594344534F46544B4559", 0x9000));
    assert_eq!(fixture.send(&[0x80, 0xCA, 1, 1, 0]), (b"K1".to_vec(), 0x9000));
    fixture.card.reset();
    assert_eq!(fixture.sw(&[0x80, 0xCA, 1, 1, 0]), 0x6985);
}

#[test]
fn what_is_no_command_is_refused_as_the_standard_says() {
    let mut fixture = Bench::new();
    for (command, status) in [
        (&[][..], 0x6700),
        (&[0x00, 0xB0, 0, 0, 0], 0x6D00),
        (&[0x80, 0x20, 0, 1], 0x6D00),
        (&[0x0C, 0x20, 0, 1], 0x6E00),
        (&[0xFF, 0xCA, 0, 0, 0], 0x6E00),
        (&[0x00, 0x20, 0, 3], 0x6A86),
        (&[0x80, 0xCA, 3, 0, 0], 0x6A86),
        (&[0x80, 0xCA, 1, 1], 0x6700),
        (&[0x80, 0xCA, 1, 1, 1], 0x6C02),
        (&[0x80, 0xCA, 2, 0, 0], 0x6A88),
        (&[0x80, 0x84, 0, 0, 8], 0x6C10),
        (&[0x80, 0x84, 1, 0, 16], 0x6A86),
        (&[0x80, 0xDA, 2, 0, 1, 0], 0x6700),
        (&[0x80, 0x2C, 0, 2, 1, 0], 0x6A86),
        (&[0x80, 0x2C, 0, 1, 1, 0], 0x6700),
    ] {
        assert_eq!(fixture.send(command), (vec![], status), "{command:02x?}");
    }
}

#[test]
fn tries_are_told_spent_and_given_back() {
    let mut fixture = Bench::new();
    assert_eq!(fixture.sw(&[0x00, 0x20, 0, 1]), 0x63CA);
    assert_eq!(fixture.sw(&[0x00, 0x20, 0, 1, 0]), 0x63CA);
    assert_eq!(fixture.sw(&verify(1, "00000000")), 0x63C9);
    assert_eq!(fixture.told().pin_retry_counter, 9);
    assert_eq!(fixture.sw(&verify(1, PIN)), 0x9000);
    assert_eq!(fixture.sw(&[0x00, 0x20, 0, 1]), 0x9000);
    assert_eq!(fixture.told().pin_retry_counter, 10);
    assert_eq!(fixture.sw(&verify(1, "00000000")), 0x63C9, "and with it what was verified is gone");
    assert_eq!(fixture.sw(&[0x00, 0x20, 0, 1]), 0x63C9);
    for left in (0..9).rev() {
        assert_eq!(fixture.sw(&verify(1, "00000000")), 0x63C0 | left);
    }
    assert_eq!(fixture.sw(&verify(1, PIN)), 0x6983);
    assert_eq!(fixture.sw(&[0x00, 0x20, 0, 1]), 0x6983);
    assert_eq!(fixture.sw(&[0x00, 0x20, 0, 2]), 0x63CA);
}

#[test]
fn a_pin_that_was_never_set_is_not_there() {
    let mut fixture = Bench::new();
    let mut token = SoftToken::new(&Folder::new(fixture.dir.path()), "K1");
    token.init_token(&SO_PIN.into(), "blank", crate::soft_token::Effect::Kept).unwrap();
    assert_eq!(fixture.sw(&[0x00, 0x20, 0, 1]), 0x6A88);
    assert_eq!(fixture.sw(&verify(1, PIN)), 0x6A88);
}

#[test]
fn the_unblock_key_is_installed_by_the_so_alone() {
    let mut fixture = Bench::new();
    let before = fixture.state();
    assert_eq!(fixture.sw(&install(7, &secret())), 0x6982);
    assert_eq!(fixture.sw(&verify(1, PIN)), 0x9000);
    assert_eq!(fixture.sw(&install(7, &secret())), 0x6982);
    assert_eq!(fixture.sw(&[0x80, 0xCA, 2, 0, 4]), 0x6A88);
    assert!(!fixture.dir.path().join("K1.device").exists());
    assert_eq!(fixture.sw(&verify(2, SO_PIN)), 0x9000);
    assert_eq!(fixture.sw(&install(7, &secret())), 0x9000);
    assert_eq!(fixture.send(&[0x80, 0xCA, 2, 0, 4]), (vec![0, 0, 0, 7], 0x9000));
    assert_eq!(fixture.told().unblock_key, Some(7));
    assert_eq!(fixture.sw(&install(8, &UnblockKey::from_bytes([5; 32]))), 0x9000, "a newer one in its place");
    assert_eq!(fixture.told().unblock_key, Some(8));
    assert_eq!(fixture.sw(&select()), 0x9000);
    assert_eq!(fixture.sw(&install(9, &secret())), 0x6982, "a select ends what was verified");
    assert_ne!(before, fixture.state());
    let secret = hex::encode(secret().expose());
    assert!(!String::from_utf8_lossy(&fixture.state()).contains(&secret));
}

#[test]
fn initializing_the_token_ends_what_the_so_had_verified_and_erases_the_unblock_key() {
    let mut fixture = Bench::unblockable();
    assert_eq!(fixture.sw(&verify(2, SO_PIN)), 0x9000);
    let mut token = SoftToken::new(&Folder::new(fixture.dir.path()), "K1");
    token.init_token(&SO_PIN.into(), "blank", crate::soft_token::Effect::Kept).unwrap();
    assert_eq!(fixture.sw(&install(8, &secret())), 0x6982);
    assert_eq!(fixture.sw(&[0x80, 0xCA, 2, 0, 4]), 0x6A88);
    let command = fixture.answered("271828");
    assert_eq!(fixture.sw(&command), 0x6A88);
    assert!(!fixture.told().pin_is_set);
}

#[test]
fn a_locked_pin_is_set_anew_by_who_answers_the_challenge() {
    let mut fixture = Bench::unblockable();
    while fixture.sw(&verify(1, "00000000")) != 0x6983 {}
    let command = fixture.answered("271828");
    assert_eq!(fixture.sw(&command), 0x9000);
    let told = fixture.told();
    assert_eq!((told.pin_retry_counter, told.pin_is_initial), (10, false));
    assert_eq!(fixture.sw(&[0x00, 0x20, 0, 1]), 0x63CA, "set, not verified");
    assert_eq!(fixture.sw(&verify(1, PIN)), 0x63C9);
    assert_eq!(fixture.sw(&verify(1, "271828")), 0x9000);
}

#[test]
fn an_answer_works_once_and_for_the_live_challenge_only() {
    let mut fixture = Bench::unblockable();
    let command = fixture.answered("271828");
    assert_eq!(fixture.sw(&command), 0x9000);
    assert_eq!(fixture.sw(&command), 0x6985, "used");
    let (old, new) = (fixture.answered("314159"), fixture.answered("314159"));
    assert_eq!(fixture.sw(&old), 0x6988, "replaced by a newer challenge");
    assert_eq!(fixture.sw(&new), 0x6985, "gone with the wrong MAC");
    let command = fixture.answered("314159");
    fixture.card.reset();
    assert_eq!(fixture.sw(&select()), 0x9000);
    assert_eq!(fixture.sw(&command), 0x6985, "gone with the reset");
    let command = fixture.answered("314159");
    assert_eq!(fixture.sw(&select()), 0x9000);
    assert_eq!(fixture.sw(&command), 0x9000, "a select keeps it");
    assert!(right_pin(fixture.dir.path(), "314159"));
}

#[test]
fn an_answer_made_for_a_token_that_has_another_unblock_key_since_is_refused() {
    let mut fixture = Bench::unblockable();
    let command = fixture.answered("271828");
    assert_eq!(fixture.sw(&verify(2, SO_PIN)), 0x9000);
    assert_eq!(fixture.sw(&install(8, &UnblockKey::from_bytes([5; 32]))), 0x9000);
    assert_eq!(fixture.sw(&command), 0x6988);
    assert!(right_pin(fixture.dir.path(), PIN));
}

#[test]
fn a_pin_outside_the_tokens_limits_changes_nothing_and_takes_a_new_challenge() {
    let mut fixture = Bench::unblockable();
    while fixture.sw(&verify(1, "00000000")) != 0x6983 {}
    let before = fixture.state();
    for pin in ["", "27182", "12345678901234567"] {
        let command = fixture.answered(pin);
        assert_eq!(fixture.sw(&command), 0x6A80, "{pin:?}");
        assert_eq!(fixture.sw(&command), 0x6985, "{pin:?}");
        assert_eq!(fixture.state(), before);
    }
    let command = fixture.answered("1234567890123456");
    assert_eq!(fixture.sw(&command), 0x9000);
}

#[test]
fn a_model_that_takes_digits_only_takes_no_letters_here() {
    let mut fixture = Bench::unblockable();
    let emulation = admin::VendorEmulation { pin_digits_only: true, ..admin::VendorEmulation::default() };
    let emulation = admin::Appearance { emulation: Some(emulation), ..admin::Appearance::default() };
    admin::set_appearance(fixture.dir.path(), "K1", &emulation).unwrap();
    let command = fixture.answered("abcdefgh");
    assert_eq!(fixture.sw(&command), 0x6A80);
    assert!(right_pin(fixture.dir.path(), PIN));
}

#[test]
fn a_thousand_wrong_macs_cost_time_and_nothing_else() {
    let mut fixture = Bench::unblockable();
    let before = fixture.state();
    for _ in 0..1000 {
        let mut command = fixture.answered("271828");
        *command.last_mut().unwrap() ^= 1;
        assert_eq!(fixture.sw(&command), 0x6988);
    }
    assert_eq!(fixture.state(), before);
    let pauses: Vec<Duration> = fixture.pauses.try_iter().collect();
    assert_eq!(pauses.len(), 1000);
    assert_eq!(pauses[..3], [10, 20, 40].map(Duration::from_millis));
    assert!(pauses.is_sorted());
    assert_eq!(pauses[999], Duration::from_secs(1));
    fixture.card.reset();
    assert_eq!(fixture.sw(&select()), 0x9000);
    let mut command = fixture.answered("271828");
    command[5] ^= 1;
    assert_eq!(fixture.sw(&command), 0x6988);
    assert_eq!(fixture.pauses.try_iter().collect::<Vec<_>>(), [Duration::from_millis(10)], "forgotten");
    let command = fixture.answered("271828");
    assert_eq!(fixture.sw(&command), 0x9000);
}

#[test]
fn a_token_that_was_pulled_since_is_not_unblocked_even_when_it_is_back() {
    let mut fixture = Bench::unblockable();
    let command = fixture.answered("271828");
    admin::remove(fixture.dir.path(), "K1").unwrap();
    admin::insert(fixture.dir.path(), "K1").unwrap();
    assert_eq!(fixture.sw(&command), 0x6F00);
    assert!(right_pin(fixture.dir.path(), PIN));
}

#[test]
fn without_the_secret_of_the_device_the_state_alone_unblocks_nothing() {
    let mut fixture = Bench::unblockable();
    std::fs::remove_file(fixture.dir.path().join("K1.device")).unwrap();
    let command = fixture.answered("271828");
    assert_eq!(fixture.sw(&command), 0x6F00);
    assert_eq!(fixture.sw(&verify(2, SO_PIN)), 0x9000);
    assert_eq!(fixture.sw(&install(7, &secret())), 0x9000, "personalized anew");
    let command = fixture.answered("271828");
    assert_eq!(fixture.sw(&command), 0x9000);
}

/// Bytes that come near a command more often than chance would have it.
fn commands() -> impl Strategy<Value = Vec<u8>> {
    let class = prop_oneof![Just(0x00), Just(0x80), any::<u8>()];
    let known = [0xA4, 0x20, 0xCA, 0x84, 0xDA, 0x2C];
    let instruction = prop_oneof![4 => prop::sample::select(known.to_vec()), 1 => any::<u8>()];
    let near =
        (class, instruction, 0..5_u8, 0..3_u8, prop::collection::vec(any::<u8>(), 0..130), any::<bool>());
    let near = near.prop_map(|(class, instruction, p1, p2, data, le)| {
        let mut bytes = vec![class, instruction, p1, p2];
        if !data.is_empty() {
            bytes.push(u8::try_from(data.len()).unwrap());
            bytes.extend(data);
        }
        if le {
            bytes.push(0);
        }
        bytes
    });
    prop_oneof![3 => near, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(commands(), 1..24)) {
        let mut fixture = Bench::unblockable();
        for command in bytes {
            let before = fixture.state();
            let (data, status) = fixture.send(&command);
            prop_assert!(data.is_empty() || status == 0x9000);
            prop_assert!((0x61..=0x6F).contains(&(status >> 8)) || status == 0x9000);
            let tried = status >> 4 == 0x63C && command.len() > 5;
            // No random bytes are a PIN or a MAC: what they can do is spend tries.
            prop_assert!(tried || fixture.state() == before, "{command:02x?} answered {status:04x}");
            prop_assert!(tried || status != 0x9000 || matches!(command[1], 0xA4 | 0xCA | 0x84));
        }
        prop_assert_eq!(fixture.told().unblock_key, Some(7));
        prop_assert_eq!(fixture.sw(&select()), 0x9000);
        let command = fixture.answered("271828");
        prop_assert_eq!(fixture.sw(&command), 0x9000);
    }
}

#[test]
fn the_example_of_the_specification_is_what_the_card_takes() {
    let specification = include_str!("../../../../../docs/softcard.md");
    let mut fixture = Bench::new();
    let secret: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let challenge: [u8; 16] = std::array::from_fn(|at| 0xA0 + u8::try_from(at).unwrap());
    let told = |bytes: &[u8]| {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        hex.join(" ")
    };
    let words: Vec<&str> = specification.split_whitespace().collect();
    let words = words.join(" ");
    assert!(words.contains(&told(&super::super::ATR)));
    let install = install(7, &UnblockKey::from_bytes(secret));
    assert!(words.contains(&told(&install)));
    assert_eq!(fixture.sw(&verify(2, SO_PIN)), 0x9000);
    assert_eq!(fixture.sw(&install), 0x9000);
    let context = ycd_pki::sm3::sm3(b"abc");
    let key = UnblockKey::from_bytes(secret).session_key(&challenge, &context);
    let command = UnblockCommand::seal(&key, &UNBLOCK_HEADER, context, b"271828").unwrap();
    let command = [&UNBLOCK_HEADER[..], &command.to_bytes()].concat();
    assert!(words.contains(&format!("→ {} ←", told(&command))), "→ {}", told(&command));
    fixture.card.session.challenge = Some(challenge);
    assert_eq!(fixture.sw(&command), 0x9000);
    assert!(right_pin(fixture.dir.path(), "271828"));
}
