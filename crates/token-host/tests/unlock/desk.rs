//! A key with a certificate whose PIN is locked, and the portal that keeps its SO PINs.

use ycd_pki::sm3::sm3;
use ycd_pki::statement::Statement;
use ycd_pki::unlock::{Alive, Context, PinRules, Purpose, Road, SoPin, SoPins, signed_answer};
use ycd_pki::{KeyPair, PublicKey, Signer};
use ycd_softkey::admin::{self, Fault, KeyState, NewKey};
use ycd_token::{
    Answer, KeyId, ModuleHost, OneTime, Opened, Pin, PortalKey, Result, SoLogin, Spki, Token, TokenError,
    Unlocker,
};

use crate::common::{Bench, PIN, TAG, certificate};

pub const ORDER: &str = "SAAS120261123120000000001";
pub const CURRENT: &str = "1111222233334444";
pub const NEXT: &str = "5555666677778888";
pub const NEW_PIN: &str = "271828";
pub const CURRENT_VERSION: u32 = 4;
pub const NEXT_VERSION: u32 = 5;

pub struct Desk {
    pub bench: Bench,
    pub portal: KeyPair,
    pub spki: Spki,
    pub certificate: Vec<u8>,
}

impl Desk {
    /// The PIN is locked; the SO PIN is [`CURRENT`].
    pub fn new() -> Self {
        Self::with(NewKey { so_pin: Some(CURRENT.into()), ..NewKey::default() })
    }

    pub fn with(key: NewKey) -> Self {
        let bench = Bench::with(NewKey { user_tries: 3, ..key });
        let mut host = bench.logged_in();
        let spki = host.generate(&bench.key, &TAG).unwrap();
        let certificate = certificate(&spki, 7);
        host.write_certificate(&bench.key, &certificate).unwrap();
        host.logout(&bench.key).unwrap();
        while host.login(&bench.key, &Pin::new("00000000")).unwrap_err() != TokenError::PinLocked {}
        Self { bench, portal: KeyPair::generate().unwrap(), spki, certificate }
    }

    pub fn key(&self) -> &KeyId {
        &self.bench.key
    }

    pub fn host(&self) -> ModuleHost {
        self.bench.host()
    }

    pub fn state(&self) -> KeyState {
        let keys = admin::list(self.bench.dir.path()).unwrap();
        keys.into_iter().find(|key| key.serial_number == self.bench.serial).unwrap()
    }

    pub fn trusted(&self) -> PortalKey {
        PortalKey { name: "portal-1".into(), signing_key: Spki(self.portal.public_key().to_spki_der()) }
    }

    pub fn begin(&self, host: &mut ModuleHost) -> OneTime {
        host.unlock_begin(self.key(), &self.trusted()).unwrap()
    }

    /// Of release 1, right in every field.
    pub fn context(&self, one_time: &OneTime) -> Context {
        Context {
            purpose: Purpose::Unlock,
            portal: "portal-1".into(),
            order: ORDER.into(),
            release: 1,
            road: Road::Wrapped,
            key_id: self.key().as_str().to_owned(),
            certificate: sm3(&self.certificate),
            one_time_key: sm3(&one_time.public_key.0),
            nonce: vec![3; 32],
            current_version: CURRENT_VERSION,
            next_version: NEXT_VERSION,
            unblock_key_version: 0,
            valid_seconds: 600,
            pin: PinRules { min_len: 6, max_len: 8, digits_only: true },
        }
    }

    pub fn signed(&self, context: &Context, sealed_box: Vec<u8>) -> Answer {
        let bytes = context.to_bytes();
        let signature = self.portal.sign(&signed_answer(&bytes, &sealed_box)).unwrap().to_der();
        Answer { purpose: context.purpose, context: bytes, sealed_box, signature }
    }

    pub fn pins(&self, current: &str, next: &str, one_time: &OneTime) -> Vec<u8> {
        let pin = |text: &str| SoPin::new(text.into()).unwrap();
        let to = PublicKey::from_spki_der(&one_time.public_key.0).unwrap();
        SoPins { current: pin(current), next: pin(next) }.seal(&to).unwrap()
    }

    pub fn answer(&self, context: &Context, one_time: &OneTime) -> Answer {
        self.signed(context, self.pins(CURRENT, NEXT, one_time))
    }

    /// Begins, and opens release 1 with these SO PINs.
    pub fn opened_with(&self, host: &mut ModuleHost, current: &str, next: &str) -> Opened {
        let one_time = self.begin(host);
        let answer = self.signed(&self.context(&one_time), self.pins(current, next, &one_time));
        host.unlock_open(self.key(), &answer).unwrap()
    }

    pub fn opened(&self, host: &mut ModuleHost) -> Opened {
        self.opened_with(host, CURRENT, NEXT)
    }

    /// The portal's word for a nonce.
    pub fn alive(&self, release: u32, nonce: [u8; 32]) -> Vec<u8> {
        let key_id = self.key().as_str().to_owned();
        let alive = Alive { portal: "portal-1".into(), order: ORDER.into(), release, key_id, nonce };
        self.portal.sign(&alive.to_bytes()).unwrap().to_der()
    }

    /// Nonce, word, login.
    pub fn so_login(&self, host: &mut ModuleHost, which: SoLogin) -> Result<()> {
        let release = host.unlock_opened(self.key())?.ok_or(TokenError::ReleaseGone)?.release;
        let nonce = host.unlock_nonce(self.key())?;
        host.so_login(self.key(), &which, Some(&self.alive(release, nonce)))
    }

    pub fn unlocked(&self, opened: &Opened, so_pin_version: u32) -> Statement {
        Statement::Unlocked {
            portal: "portal-1".into(),
            order: ORDER.into(),
            release: opened.release,
            key_id: self.key().as_str().to_owned(),
            one_time_key: opened.one_time_key,
            so_pin_version,
            nonce: [9; 32],
        }
    }

    /// With the private key of the certificate; the signature is looked at.
    pub fn sign(&self, host: &mut ModuleHost, statement: &Statement) -> Result<()> {
        let signature = host.sign_statement(self.key(), &self.spki, statement)?;
        let key = PublicKey::from_spki_der(&self.spki.0).unwrap();
        key.verify(&statement.to_bytes(), &signature).unwrap();
        Ok(())
    }

    pub fn fault(&self, fault: &Fault) {
        admin::set_fault(self.bench.dir.path(), Some(&self.bench.serial), fault).unwrap();
    }

    pub fn logins(&self) -> usize {
        self.bench.calls("C_Login")
    }

    /// Which of the two is the key's SO PIN, by the maker's own means: a module of its own in another host.
    pub fn so_pin_is(&self, pin: &str) -> bool {
        let mut host = self.host();
        self.opened_with(&mut host, pin, "9999999999999999");
        self.so_login(&mut host, SoLogin::Current).is_ok()
    }

    pub fn user_pin_is(&self, pin: &str) -> bool {
        self.host().login(self.key(), &Pin::new(pin)).is_ok()
    }
}

/// What none of these may ever show in.
pub fn shows_no_secret(said: &impl std::fmt::Debug) {
    let said = format!("{said:?}");
    for secret in [CURRENT, NEXT, NEW_PIN, PIN] {
        assert!(!said.contains(secret), "{said}");
    }
}
