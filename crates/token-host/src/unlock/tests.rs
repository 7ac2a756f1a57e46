//! Time, which is given here as it pleases, and what is remembered past it.

use ycd_pki::authorization::Authorization;
use ycd_pki::unlock::{Context, LivenessCheck, PinRules, Purpose, SoPin, SoPins, UnlockMethod};
use ycd_pki::{KeyPair, Signer};
use ycd_token::SoLogin;

use super::answer::Secrets;
use super::*;

const SESSION: u64 = 7;

struct Stage {
    unlocks: Unlocks,
    portal: KeyPair,
    token: TokenId,
    start: Instant,
}

impl Stage {
    /// With a one-time key, at the start.
    fn new() -> Self {
        let portal = KeyPair::generate().unwrap();
        let mut stage = Self {
            unlocks: Unlocks::default(),
            portal,
            token: TokenId::new("f", "1"),
            start: Instant::now(),
        };
        stage.begin(0);
        stage
    }

    fn at(&self, seconds: u64) -> Instant {
        self.start + Duration::from_secs(seconds)
    }

    fn begin(&mut self, seconds: u64) {
        let signing_key = Spki(self.portal.public_key().to_spki_der());
        let (portal, now) = (PortalKey { name: "p".into(), signing_key }, self.at(seconds));
        self.unlocks.begin(&self.token, &portal, now).unwrap();
    }

    fn open(&mut self, release: u32, valid_seconds: u32, seconds: u64) -> Result<()> {
        let pin = |text: &str| SoPin::new(text.into()).unwrap();
        let context = Context {
            purpose: Purpose::Unlock,
            portal: "p".into(),
            order: "o".into(),
            release,
            method: UnlockMethod::SoPin,
            token_id: self.token.as_str().into(),
            certificate: [1; 32],
            one_time_key: [2; 32],
            nonce: vec![3; 32],
            current_version: 4,
            next_version: 5,
            unblock_key_version: 0,
            valid_seconds,
            pin: PinRules { min_len: 6, max_len: 8, digits_only: true },
        };
        let secrets = Secrets::Pins(SoPins { current: pin("current"), next: pin("next") });
        let now = self.at(seconds);
        self.unlocks.open(&self.token, Checked { context, secrets }, now).map(drop)
    }

    fn release(&mut self, seconds: u64) -> Result<&mut Release> {
        let now = self.at(seconds);
        self.unlocks.release(&self.token, now)
    }

    fn word(&mut self, nonce: [u8; 32]) -> Vec<u8> {
        let token_id = self.token.as_str().into();
        let liveness = LivenessCheck { portal: "p".into(), order: "o".into(), release: 1, token_id, nonce };
        self.portal.sign(&liveness.to_bytes()).unwrap().to_der()
    }

    fn nonce(&mut self, seconds: u64) -> [u8; 32] {
        let now = self.at(seconds);
        self.unlocks.new_nonce(&self.token, SESSION, now).unwrap()
    }

    fn liveness(&mut self, word: &[u8], session: Option<u64>, seconds: u64) -> Result<()> {
        let now = self.at(seconds);
        self.unlocks.check_liveness(&self.token, Some(word), session, now)
    }

    fn may_say(&self, release: u32, so_pin_version: u32, seconds: u64) -> bool {
        let authorization = Authorization::Unlocked {
            portal: "p".into(),
            order: "o".into(),
            release,
            token_id: self.token.as_str().into(),
            one_time_key: [2; 32],
            so_pin_version,
            nonce: [9; 32],
        };
        self.unlocks.check_authorization(&self.token, &authorization, self.at(seconds)).is_ok()
    }
}

#[test]
fn a_release_is_good_to_its_last_second_and_takes_the_one_time_key_along() {
    let mut stage = Stage::new();
    stage.open(1, 600, 30).unwrap();
    let now = stage.at(629);
    assert_eq!(stage.release(629).unwrap().opened(now).seconds_left, 1);
    assert!(stage.unlocks.are_live(stage.at(629)));
    assert!(!stage.unlocks.are_live(stage.at(630)));
    assert_eq!(stage.release(630).err(), Some(TokenError::ReleaseGone));
    assert!(stage.unlocks.tokens.is_empty());
    assert_eq!(stage.open(1, 600, 630), Err(TokenError::ReleaseGone));
}

#[test]
fn a_one_time_key_waits_for_eleven_minutes() {
    let mut stage = Stage::new();
    assert!(stage.unlocks.are_live(stage.at(659)) && !stage.unlocks.are_live(stage.at(660)));
    stage.open(1, 600, 659).unwrap();
    assert!(stage.unlocks.are_live(stage.at(1258)) && !stage.unlocks.are_live(stage.at(1259)));
    let mut stage = Stage::new();
    assert_eq!(stage.open(1, 600, 660), Err(TokenError::ReleaseGone));
}

#[test]
fn the_same_release_again_does_not_last_longer() {
    let mut stage = Stage::new();
    stage.open(1, 100, 0).unwrap();
    stage.release(0).unwrap().found_wrong(Guess::Next);
    stage.open(1, 600, 50).unwrap();
    assert!(stage.release(99).unwrap().is_wrong(Guess::Next));
    assert!(stage.release(100).is_err());
    // Another release is another one.
    stage.begin(100);
    stage.open(1, 100, 100).unwrap();
    stage.release(100).unwrap().found_wrong(Guess::Next);
    stage.open(2, 100, 150).unwrap();
    assert!(!stage.release(249).unwrap().is_wrong(Guess::Next));
}

#[test]
fn the_portals_word_is_good_for_ten_seconds_one_login_and_one_insertion() {
    let mut stage = Stage::new();
    stage.open(1, 600, 0).unwrap();
    let nonce = stage.nonce(5);
    let word = stage.word(nonce);
    stage.liveness(&word, Some(SESSION), 14).unwrap();
    assert_eq!(stage.liveness(&word, Some(SESSION), 14).unwrap_err().code(), "token.release_refused");
    let nonce = stage.nonce(20);
    let word = stage.word(nonce);
    assert_eq!(stage.liveness(&word, Some(SESSION), 30).unwrap_err().code(), "token.release_refused");
    for session in [None, Some(SESSION + 1)] {
        let nonce = stage.nonce(40);
        let word = stage.word(nonce);
        assert_eq!(stage.liveness(&word, session, 40), Err(TokenError::Removed));
        assert!(stage.liveness(&word, Some(SESSION), 40).is_err(), "it is spent");
    }
}

#[test]
fn what_was_proven_may_be_said_for_an_hour_after_the_end() {
    let mut stage = Stage::new();
    stage.open(1, 600, 0).unwrap();
    assert!(!stage.may_say(1, 4, 0) && stage.may_say(1, 0, 0));
    stage.release(0).unwrap().found_right(Guess::Current, SESSION);
    stage.release(0).unwrap().found_right(Guess::Next, SESSION);
    for version in [4, 5] {
        assert!(stage.may_say(1, version, 599));
    }
    assert!(!stage.may_say(1, 6, 0) && !stage.may_say(2, 5, 0));
    stage.unlocks.expire(stage.at(600));
    assert!(stage.may_say(1, 5, 4199) && !stage.may_say(1, 5, 4200));
    stage.unlocks.expire(stage.at(4200));
    assert!(stage.unlocks.over.is_empty());
}

#[test]
fn a_release_that_another_one_follows_is_remembered_too() {
    let mut stage = Stage::new();
    stage.open(1, 600, 0).unwrap();
    stage.release(0).unwrap().found_right(Guess::Current, SESSION);
    stage.open(2, 600, 10).unwrap();
    assert!(stage.may_say(1, 4, 10) && !stage.may_say(2, 4, 10));
    stage.begin(20);
    assert!(stage.may_say(1, 4, 20) && stage.may_say(2, 0, 20));
    let now = stage.at(30);
    stage.unlocks.end(&stage.token, now);
    assert!(stage.may_say(1, 4, 30));
}

#[test]
fn a_rotation_makes_the_next_pin_worth_another_guess_once() {
    let mut stage = Stage::new();
    stage.open(1, 600, 0).unwrap();
    let release = stage.release(0).unwrap();
    for _ in 0..2 {
        release.found_right(Guess::Current, SESSION);
        assert_eq!(release.pin_in_force().map(|(_, pin)| pin), Some("current"));
        release.may_rotate(Guess::Current).unwrap();
        release.may_have_rotated();
        assert!(release.pin_in_force().is_none() && !release.is_wrong(Guess::Next));
        release.found_wrong(Guess::Next);
        assert!(release.is_wrong(Guess::Next) && !release.is_wrong(Guess::Current));
    }
    release.found_right(Guess::Current, SESSION);
    assert!(release.may_rotate(Guess::Current).is_err());
    assert!(release.may_rotate(Guess::Next).is_err());
    assert_eq!(release.so_in(SESSION), Some(Guess::Current));
    assert_eq!(release.so_in(SESSION + 1), None);
    assert!(release.guess(&SoLogin::Factory(ycd_token::Pin::new("current"))).is_err());
}
