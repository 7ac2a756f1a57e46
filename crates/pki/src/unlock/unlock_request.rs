use zeroize::Zeroizing;

use crate::{
    KeyPair, PkiError, PublicKey,
    text::{Fields, Text},
};

/// What an unlock order is opened with. It travels sealed to the portal's key: the code proves the phone, and the
/// step-up, which the assistant makes and the portal never sends back, is what releases are asked for with afterwards.
/// Who reads the connection learns neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnlockRequest {
    pub token_id: String,
    /// From the SMS.
    pub code: Zeroizing<String>,
    pub step_up: Zeroizing<String>,
}

const NAME: &str = "ycd-unlock-opening-v1";
const LIMIT: usize = 1024;

impl UnlockRequest {
    /// With a new step-up of 32 random bytes, in hexadecimal.
    ///
    /// # Errors
    /// [`PkiError::Random`].
    pub fn new(token_id: &str, code: &str) -> Result<Self, PkiError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|_| PkiError::Random)?;
        Ok(Self {
            token_id: token_id.to_owned(),
            code: Zeroizing::new(code.to_owned()),
            step_up: Zeroizing::new(hex::encode(bytes.as_slice())),
        })
    }

    /// Sealed to the portal's key.
    ///
    /// # Errors
    /// Those of [`PublicKey::seal`].
    pub fn seal(&self, portal: &PublicKey) -> Result<Vec<u8>, PkiError> {
        let text = Text::named(NAME)
            .field(self.token_id.as_bytes())
            .field(self.code.as_bytes())
            .field(self.step_up.as_bytes());
        portal.seal(text.bytes())
    }

    /// # Errors
    /// Those of [`KeyPair::unseal`]; [`PkiError::Malformed`] where the text is no unlock request, or its step-up is not
    /// 64 characters long.
    pub fn unseal(portal: &KeyPair, sealed: &[u8]) -> Result<Self, PkiError> {
        let text = portal.unseal(sealed)?;
        let mut fields = Fields::of("unlock request", NAME, &text, LIMIT)?;
        let unlock_request = Self {
            token_id: fields.text()?,
            code: Zeroizing::new(fields.text()?),
            step_up: Zeroizing::new(fields.text()?),
        };
        if unlock_request.step_up.len() != 64 {
            return Err(fields.bad("a step-up of another length"));
        }
        fields.end()?;
        Ok(unlock_request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unlock_request_reaches_the_portal_alone_and_each_has_a_step_up_of_its_own() {
        let (portal, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let unlock_request = UnlockRequest::new("softkey:3F21", "123456").unwrap();
        let sealed = unlock_request.seal(&portal.public_key()).unwrap();
        assert_eq!(UnlockRequest::unseal(&portal, &sealed).unwrap(), unlock_request);
        assert!(UnlockRequest::unseal(&other, &sealed).is_err());
        assert_ne!(UnlockRequest::new("softkey:3F21", "123456").unwrap().step_up, unlock_request.step_up);
        let short = UnlockRequest { step_up: Zeroizing::new("ab".into()), ..unlock_request };
        assert!(UnlockRequest::unseal(&portal, &short.seal(&portal.public_key()).unwrap()).is_err());
    }
}
