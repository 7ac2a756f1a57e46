//! The portal's side of an unlock, for the operations that work under a release.

use ycd_pki::sm3::sm3;
use ycd_pki::unlock::{
    Context, LivenessCheck, PinRules, Purpose, SoPin, SoPins, UnlockMethod, signed_answer,
};
use ycd_pki::{KeyPair, PublicKey, Signer};
use ycd_token::{Answer, ModuleHost, OneTime, PortalKey, Result, SoLogin, Spki, TokenId, Unlocker};

/// In force before.
pub const SO_PIN: &str = "1111222233334444";
const NEXT_SO_PIN: &str = "5555666677778888";
const NAME: &str = "portal-1";
const ORDER: &str = "SAAS120261123120000000001";

pub struct Portal(KeyPair);

impl Portal {
    pub fn new() -> Self {
        Self(KeyPair::generate().unwrap())
    }

    pub fn trusted(&self) -> PortalKey {
        PortalKey { name: NAME.into(), signing_key: Spki(self.0.public_key().to_spki_der()) }
    }

    /// A release, right in every field.
    pub fn answer(&self, token: &TokenId, certificate: &[u8], one_time: &OneTime) -> Answer {
        let context = Context {
            purpose: Purpose::Unlock,
            portal: NAME.into(),
            order: ORDER.into(),
            release: 1,
            method: UnlockMethod::SoPin,
            token_id: token.as_str().to_owned(),
            certificate: sm3(certificate),
            one_time_key: sm3(&one_time.public_key.0),
            nonce: vec![3; 32],
            current_version: 4,
            next_version: 5,
            unblock_key_version: 0,
            valid_seconds: 600,
            pin: PinRules { min_len: 6, max_len: 8, digits_only: true },
        };
        let pin = |text: &str| SoPin::new(text.into()).unwrap();
        let to = PublicKey::from_spki_der(&one_time.public_key.0).unwrap();
        let sealed_envelope = SoPins { current: pin(SO_PIN), next: pin(NEXT_SO_PIN) }.seal(&to).unwrap();
        let context = context.to_bytes();
        let signature = self.0.sign(&signed_answer(&context, &sealed_envelope)).unwrap().to_der();
        Answer { purpose: Purpose::Unlock, context, sealed_envelope, signature }
    }

    /// The word for a nonce that the release is alive.
    pub fn liveness(&self, token: &TokenId, nonce: [u8; 32]) -> Vec<u8> {
        let token_id = token.as_str().to_owned();
        let liveness =
            LivenessCheck { portal: NAME.into(), order: ORDER.into(), release: 1, token_id, nonce };
        self.0.sign(&liveness.to_bytes()).unwrap().to_der()
    }

    /// Nonce, word, login.
    pub fn so_login(&self, token: &TokenId, host: &mut ModuleHost, which: &SoLogin) -> Result<()> {
        let nonce = host.unlock_nonce(token)?;
        host.so_login(token, which, &self.liveness(token, nonce))
    }
}
