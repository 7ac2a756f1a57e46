use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::UnlockMethod;
use crate::{
    KeyPair, PkiError, PublicKey,
    text::{Fields, Text},
};

/// What a release is asked for with. It travels sealed to the portal's key, so that nobody on the way, not even inside
/// TLS, can put a one-time key of their own into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseRequest {
    pub order: String,
    /// That of the order's [`UnlockRequest`](super::UnlockRequest).
    pub step_up: Zeroizing<String>,
    /// The host's one-time public key.
    pub one_time_key: PublicKey,
    pub token_id: String,
    pub method: UnlockMethod,
    /// SM3 over the DER of the certificate read from the token.
    pub certificate: [u8; 32],
    /// The token's challenge on [`UnlockMethod::ChallengeResponse`]; else empty.
    pub challenge: Vec<u8>,
    pub so_pin_retry_counter: SoPinRetryCounter,
}

/// The retry counter of the SO PIN, in the form the interface gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoPinRetryCounter {
    Exactly(u8),
    /// PKCS#11, of a module known to tell: `CKF_SO_PIN_COUNT_LOW` is clear.
    Full,
    /// `CKF_SO_PIN_COUNT_LOW`.
    Low,
    /// `CKF_SO_PIN_FINAL_TRY`.
    FinalTry,
    /// `CKF_SO_PIN_LOCKED`: only the vendor can help.
    None,
    /// The module does not tell, or is not known to.
    Unreadable,
}

const NAME: &str = "ycd-unlock-request-v1";
const LIMIT: usize = 4096;

impl ReleaseRequest {
    /// Sealed to the portal's key.
    ///
    /// # Errors
    /// Those of [`PublicKey::seal`].
    pub fn seal(&self, portal: &PublicKey) -> Result<Vec<u8>, PkiError> {
        let (retry_counter, count) = self.so_pin_retry_counter.code();
        let text = Text::named(NAME)
            .field(self.order.as_bytes())
            .field(self.step_up.as_bytes())
            .field(&self.one_time_key.to_point())
            .field(self.token_id.as_bytes())
            .field(self.method.name().as_bytes())
            .field(&self.certificate)
            .field(&self.challenge)
            .field(&[retry_counter, count]);
        portal.seal(text.bytes())
    }

    /// # Errors
    /// Those of [`KeyPair::unseal`]; [`PkiError::Malformed`] where the text is no request.
    pub fn unseal(portal: &KeyPair, sealed: &[u8]) -> Result<Self, PkiError> {
        let text = portal.unseal(sealed)?;
        let mut fields = Fields::of("request for a release", NAME, &text, LIMIT)?;
        let request = Self {
            order: fields.text()?,
            step_up: Zeroizing::new(fields.text()?),
            one_time_key: PublicKey::from_point(&fields.array::<65>()?)?,
            token_id: fields.text()?,
            method: UnlockMethod::from_name(fields.next()?).ok_or_else(|| fields.bad("an unknown method"))?,
            certificate: fields.array()?,
            challenge: fields.next()?.to_vec(),
            so_pin_retry_counter: SoPinRetryCounter::from_code(fields.array()?)
                .ok_or_else(|| fields.bad("unknown tries"))?,
        };
        fields.end()?;
        Ok(request)
    }
}

impl SoPinRetryCounter {
    fn code(self) -> (u8, u8) {
        match self {
            Self::Unreadable => (0, 0),
            Self::Exactly(count) => (1, count),
            Self::Full => (2, 0),
            Self::Low => (3, 0),
            Self::FinalTry => (4, 0),
            Self::None => (5, 0),
        }
    }

    fn from_code([kind, count]: [u8; 2]) -> Option<Self> {
        match (kind, count) {
            (0, 0) => Some(Self::Unreadable),
            (1, count) => Some(Self::Exactly(count)),
            (2, 0) => Some(Self::Full),
            (3, 0) => Some(Self::Low),
            (4, 0) => Some(Self::FinalTry),
            (5, 0) => Some(Self::None),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reaches_the_portal_alone_and_whole() {
        let (portal, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        for so_pin_retry_counter in [
            SoPinRetryCounter::Exactly(3),
            SoPinRetryCounter::Full,
            SoPinRetryCounter::Low,
            SoPinRetryCounter::FinalTry,
            SoPinRetryCounter::None,
        ] {
            let request = ReleaseRequest {
                order: "SAAS1".into(),
                step_up: Zeroizing::new("feedface".into()),
                one_time_key: other.public_key(),
                token_id: "softkey:3F21".into(),
                method: UnlockMethod::ChallengeResponse,
                certificate: [1; 32],
                challenge: vec![2; 16],
                so_pin_retry_counter,
            };
            let sealed = request.seal(&portal.public_key()).unwrap();
            assert_eq!(ReleaseRequest::unseal(&portal, &sealed).unwrap(), request);
            assert!(ReleaseRequest::unseal(&other, &sealed).is_err());
        }
        let no_request = portal.public_key().seal(b"\0\0\0\x01x").unwrap();
        assert_eq!(ReleaseRequest::unseal(&portal, &no_request).unwrap_err().code(), "pki.malformed");
    }
}
