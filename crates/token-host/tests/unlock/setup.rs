//! A token with a certificate whose PIN is locked, and the portal that keeps its SO PINs.

use ycd_pki::authorization::Authorization;
use ycd_pki::sm3::sm3;
use ycd_pki::unlock::{
    Context, LivenessCheck, PinRules, Purpose, SoPin, SoPins, UnlockMethod, signed_answer,
};
use ycd_pki::{KeyPair, PublicKey, Signer};
use ycd_softkey::admin::{self, Fault, NewToken, TokenState};
use ycd_token::{
    Answer, ModuleHost, OneTime, Opened, Pin, PortalKey, Result, SoLogin, Spki, TokenAccess, TokenError,
    TokenId, Unlocker,
};

use crate::common::{Bench, CKA_ID, PIN, certificate};

pub const ORDER: &str = "SAAS120261123120000000001";
pub const CURRENT: &str = "1111222233334444";
pub const NEXT: &str = "5555666677778888";
pub const NEW_PIN: &str = "271828";
pub const CURRENT_VERSION: u32 = 4;
pub const NEXT_VERSION: u32 = 5;

pub struct Desk {
    pub fixture: Bench,
    pub portal: KeyPair,
    pub spki: Spki,
    pub certificate: Vec<u8>,
}

impl Desk {
    /// The PIN is locked; the SO PIN is [`CURRENT`].
    pub fn new() -> Self {
        Self::with(NewToken { so_pin: Some(CURRENT.into()), ..NewToken::default() })
    }

    pub fn with(token: NewToken) -> Self {
        let fixture = Bench::with(NewToken { user_retry_limit: 3, ..token });
        let mut host = fixture.logged_in();
        let spki = host.generate(&fixture.token, &CKA_ID).unwrap();
        let certificate = certificate(&spki, 7);
        host.write_certificate(&fixture.token, &certificate).unwrap();
        host.logout(&fixture.token).unwrap();
        while host.login(&fixture.token, &Pin::new("00000000")).unwrap_err() != TokenError::PinLocked {}
        Self { fixture, portal: KeyPair::generate().unwrap(), spki, certificate }
    }

    pub fn token(&self) -> &TokenId {
        &self.fixture.token
    }

    pub fn host(&self) -> ModuleHost {
        self.fixture.host()
    }

    pub fn state(&self) -> TokenState {
        let tokens = admin::list(self.fixture.dir.path()).unwrap();
        tokens.into_iter().find(|token| token.serial_number == self.fixture.serial).unwrap()
    }

    pub fn trusted(&self) -> PortalKey {
        PortalKey { name: "portal-1".into(), signing_key: Spki(self.portal.public_key().to_spki_der()) }
    }

    pub fn begin(&self, host: &mut ModuleHost) -> OneTime {
        host.unlock_begin(self.token(), &self.trusted()).unwrap()
    }

    /// Of release 1, right in every field.
    pub fn context(&self, one_time: &OneTime) -> Context {
        Context {
            purpose: Purpose::Unlock,
            portal: "portal-1".into(),
            order: ORDER.into(),
            release: 1,
            method: UnlockMethod::SoPin,
            token_id: self.token().as_str().to_owned(),
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

    pub fn signed(&self, context: &Context, sealed_envelope: Vec<u8>) -> Answer {
        let bytes = context.to_bytes();
        let signature = self.portal.sign(&signed_answer(&bytes, &sealed_envelope)).unwrap().to_der();
        Answer { purpose: context.purpose, context: bytes, sealed_envelope, signature }
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
        host.unlock_open(self.token(), &answer).unwrap()
    }

    pub fn opened(&self, host: &mut ModuleHost) -> Opened {
        self.opened_with(host, CURRENT, NEXT)
    }

    /// The portal's word for a nonce.
    pub fn liveness(&self, release: u32, nonce: [u8; 32]) -> Vec<u8> {
        let token_id = self.token().as_str().to_owned();
        let liveness =
            LivenessCheck { portal: "portal-1".into(), order: ORDER.into(), release, token_id, nonce };
        self.portal.sign(&liveness.to_bytes()).unwrap().to_der()
    }

    /// Nonce, word, login.
    pub fn so_login(&self, host: &mut ModuleHost, which: SoLogin) -> Result<()> {
        let release = host.unlock_opened(self.token())?.ok_or(TokenError::ReleaseGone)?.release;
        let nonce = host.unlock_nonce(self.token())?;
        host.so_login(self.token(), &which, &self.liveness(release, nonce))
    }

    pub fn unlocked(&self, opened: &Opened, so_pin_version: u32) -> Authorization {
        Authorization::Unlocked {
            portal: "portal-1".into(),
            order: ORDER.into(),
            release: opened.release,
            token_id: self.token().as_str().to_owned(),
            one_time_key: opened.one_time_key,
            so_pin_version,
            nonce: [9; 32],
        }
    }

    /// With the private key of the certificate; the signature is looked at.
    pub fn sign(&self, host: &mut ModuleHost, authorization: &Authorization) -> Result<()> {
        let signature = host.sign_authorization(self.token(), &self.spki, authorization)?;
        let key = PublicKey::from_spki_der(&self.spki.0).unwrap();
        key.verify(&authorization.to_bytes(), &signature).unwrap();
        Ok(())
    }

    pub fn fault(&self, fault: &Fault) {
        admin::set_fault(self.fixture.dir.path(), Some(&self.fixture.serial), fault).unwrap();
    }

    pub fn logins(&self) -> usize {
        self.fixture.calls("C_Login")
    }

    /// Which of the two is the token's SO PIN, by the maker's own means: a module of its own in another host.
    pub fn so_pin_is(&self, pin: &str) -> bool {
        let mut host = self.host();
        self.opened_with(&mut host, pin, "9999999999999999");
        self.so_login(&mut host, SoLogin::Current).is_ok()
    }

    pub fn user_pin_is(&self, pin: &str) -> bool {
        self.host().login(self.token(), &Pin::new(pin)).is_ok()
    }
}

/// What none of these may ever show in.
pub fn shows_no_secret(printed: &impl std::fmt::Debug) {
    let printed = format!("{printed:?}");
    for secret in [CURRENT, NEXT, NEW_PIN, PIN] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
