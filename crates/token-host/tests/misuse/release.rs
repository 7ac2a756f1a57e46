//! The portal's side of an unlock, for the operations that work under a release.

use ycd_pki::sm3::sm3;
use ycd_pki::unlock::{Alive, Context, PinRules, Purpose, Road, SoPin, SoPins, signed_answer};
use ycd_pki::{KeyPair, PublicKey, Signer};
use ycd_token::{Answer, KeyId, ModuleHost, OneTime, PortalKey, Result, SoLogin, Spki, Unlocker};

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
    pub fn answer(&self, key: &KeyId, certificate: &[u8], one_time: &OneTime) -> Answer {
        let context = Context {
            purpose: Purpose::Unlock,
            portal: NAME.into(),
            order: ORDER.into(),
            release: 1,
            road: Road::Wrapped,
            key_id: key.as_str().to_owned(),
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
        let sealed_box = SoPins { current: pin(SO_PIN), next: pin(NEXT_SO_PIN) }.seal(&to).unwrap();
        let context = context.to_bytes();
        let signature = self.0.sign(&signed_answer(&context, &sealed_box)).unwrap().to_der();
        Answer { purpose: Purpose::Unlock, context, sealed_box, signature }
    }

    /// The word for a nonce that the release is alive.
    pub fn alive(&self, key: &KeyId, nonce: [u8; 32]) -> Vec<u8> {
        let key_id = key.as_str().to_owned();
        let alive = Alive { portal: NAME.into(), order: ORDER.into(), release: 1, key_id, nonce };
        self.0.sign(&alive.to_bytes()).unwrap().to_der()
    }

    /// Nonce, word, login.
    pub fn so_login(&self, key: &KeyId, host: &mut ModuleHost, which: &SoLogin) -> Result<()> {
        let nonce = host.unlock_nonce(key)?;
        host.so_login(key, which, Some(&self.alive(key, nonce)))
    }
}
