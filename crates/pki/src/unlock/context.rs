use serde::{Deserialize, Serialize};

use super::UnlockMethod;
use crate::{
    PkiError,
    sm3::sm3,
    text::{Fields, Text},
};

/// What a release of secrets is for: one token, one order, one host, a short time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    pub purpose: Purpose,
    /// The portal's name.
    pub portal: String,
    /// Number of the unlock order; of a personalization, its own.
    pub order: String,
    /// From 1, counted within the order.
    pub release: u32,
    pub method: UnlockMethod,
    pub token_id: String,
    /// SM3 over the DER of the certificate on the token; zeros for a token that has none yet.
    pub certificate: [u8; 32],
    /// SM3 over the DER of the host's one-time public key.
    pub one_time_key: [u8; 32],
    /// 32 bytes of the portal, or, on [`UnlockMethod::ChallengeResponse`], the token's challenge of 16.
    pub nonce: Vec<u8>,
    /// Versions of the SO PINs in the envelope: the one that is expected on the token, and the one to be put in its
    /// place. 0 is the vendor's own; both are 0 on [`UnlockMethod::ChallengeResponse`].
    pub current_version: u32,
    pub next_version: u32,
    /// Version of the unblock key: the one the answer was made with, or the one in the envelope; 0 where there is none.
    pub unblock_key_version: u32,
    /// Seconds for which the host may use it, by a clock of its own that only goes forward.
    pub valid_seconds: u32,
    pub pin: PinRules,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A new user PIN.
    Unlock,
    /// The first secrets of a blank token.
    Personalize,
}

/// What the order lets a new PIN be. Lengths in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinRules {
    pub min_len: u8,
    pub max_len: u8,
    pub digits_only: bool,
}

const LIMIT: usize = 4096;

impl Context {
    pub fn to_bytes(&self) -> Vec<u8> {
        Text::named(self.purpose.name())
            .field(self.portal.as_bytes())
            .field(self.order.as_bytes())
            .number(self.release)
            .field(self.method.name().as_bytes())
            .field(self.token_id.as_bytes())
            .field(&self.certificate)
            .field(&self.one_time_key)
            .field(&self.nonce)
            .number(self.current_version)
            .number(self.next_version)
            .number(self.unblock_key_version)
            .number(self.valid_seconds)
            .field(&[self.pin.min_len, self.pin.max_len, u8::from(self.pin.digits_only)])
            .into_bytes()
    }

    /// # Errors
    /// [`PkiError::Malformed`] unless the bytes are exactly what [`Self::to_bytes`] gives.
    pub fn from_bytes(purpose: Purpose, bytes: &[u8]) -> Result<Self, PkiError> {
        let mut fields = Fields::of("context of a release", purpose.name(), bytes, LIMIT)?;
        let context = Self {
            purpose,
            portal: fields.text()?,
            order: fields.text()?,
            release: fields.number()?,
            method: UnlockMethod::from_name(fields.next()?).ok_or_else(|| fields.bad("an unknown method"))?,
            token_id: fields.text()?,
            certificate: fields.array()?,
            one_time_key: fields.array()?,
            nonce: fields.next()?.to_vec(),
            current_version: fields.number()?,
            next_version: fields.number()?,
            unblock_key_version: fields.number()?,
            valid_seconds: fields.number()?,
            pin: {
                let [min_len, max_len, digits] = fields.array()?;
                if digits > 1 {
                    return Err(fields.bad("neither yes nor no"));
                }
                PinRules { min_len, max_len, digits_only: digits == 1 }
            },
        };
        fields.end()?;
        Ok(context)
    }

    /// SM3(CTX).
    pub fn hash(&self) -> [u8; 32] {
        sm3(&self.to_bytes())
    }
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Unlock => "ycd-unlock-v1",
            Self::Personalize => "ycd-produce-v1",
        }
    }
}

/// What the portal signs: CTX ‖ SM3(sealed envelope).
pub fn signed_answer(context: &[u8], sealed_envelope: &[u8]) -> Vec<u8> {
    [context, &sm3(sealed_envelope)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context {
            purpose: Purpose::Unlock,
            portal: "portal-1".into(),
            order: "SAAS120261123120000000001".into(),
            release: 2,
            method: UnlockMethod::SoPin,
            token_id: "softkey:3F21".into(),
            certificate: [1; 32],
            one_time_key: [2; 32],
            nonce: vec![3; 32],
            current_version: 4,
            next_version: 5,
            unblock_key_version: 0,
            valid_seconds: 600,
            pin: PinRules { min_len: 6, max_len: 8, digits_only: true },
        }
    }

    #[test]
    fn a_context_is_read_as_it_was_written() {
        let context = context();
        assert_eq!(Context::from_bytes(Purpose::Unlock, &context.to_bytes()).unwrap(), context);
    }

    #[test]
    fn a_context_of_another_purpose_or_with_a_byte_too_many_or_too_few_is_refused() {
        let bytes = context().to_bytes();
        assert!(Context::from_bytes(Purpose::Personalize, &bytes).is_err());
        assert!(Context::from_bytes(Purpose::Unlock, &[bytes.as_slice(), &[0]].concat()).is_err());
        for len in 0..bytes.len() {
            assert!(Context::from_bytes(Purpose::Unlock, &bytes[..len]).is_err(), "cut at {len}");
        }
        assert!(Context::from_bytes(Purpose::Unlock, &vec![0; LIMIT + 1]).is_err());
    }
}
