//! The texts that a key in a token signs, besides certification requests.
//!
//! A key in a token never signs bytes handed to it from outside. The driver host takes an [`Authorization`], builds its
//! text here, and signs that; the portal builds the same text from what *it* knows and verifies. A text begins with
//! its own name, so that no authorization can pass for another, and names the portal, so that none can be carried to
//! another portal.
//!
//! Encoding: for each field a big-endian `u32` length in bytes and the bytes; integers are 4 bytes, big-endian.

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// A one-time number of the portal.
pub const NONCE_LEN: usize = 32;

/// An authorization that a key signs, with SM3withSM2 and the default distinguishing identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Authorization {
    /// Step 4: the old key agrees to one new public key.
    Renew {
        portal: String,
        order: String,
        attempt: u32,
        token_id: String,
        /// SM3 over the DER of the order's old certificate.
        old_certificate: [u8; 32],
        /// SM3 over the DER of the new SubjectPublicKeyInfo.
        new_public_key: [u8; 32],
        nonce: [u8; NONCE_LEN],
    },
    /// Mode *replace*, step 4: the old key agrees to its own destruction, before there is a new one.
    Replace {
        portal: String,
        order: String,
        token_id: String,
        old_certificate: [u8; 32],
        nonce: [u8; NONCE_LEN],
    },
    /// Step 8: the new key says that its certificate lies beside it on the token.
    Confirm {
        portal: String,
        order: String,
        attempt: u32,
        /// The certificate's serial number: the content octets of the DER INTEGER.
        serial: Vec<u8>,
        nonce: [u8; NONCE_LEN],
    },
    /// Step 11: the old key agrees that the attempt is given up.
    Abandon { portal: String, order: String, attempt: u32, token_id: String, nonce: [u8; NONCE_LEN] },
    /// The end of an unlock: the certificate's key works under the new PIN.
    Unlocked {
        portal: String,
        order: String,
        /// Number of the release it was done under.
        release: u32,
        token_id: String,
        /// SM3 over the DER of the release's one-time public key; zeros where the PIN was found to work already.
        one_time_key: [u8; 32],
        /// Version of the SO PIN that a login has proven under this release; 0 where none was.
        so_pin_version: u32,
        nonce: [u8; NONCE_LEN],
    },
    /// The end of a personalization: the first key pair works, and the token's SO PIN is the escrowed one.
    Personalized {
        portal: String,
        token_id: String,
        /// The first certificate's serial number: the content octets of the DER INTEGER.
        serial: Vec<u8>,
        /// Version of the SO PIN that a login has proven.
        so_pin_version: u32,
        /// Version of the unblock key that the token has taken; 0 where it has none.
        unblock_key_version: u32,
        nonce: [u8; NONCE_LEN],
    },
}

impl Authorization {
    /// The name the text begins with.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Renew { .. } => "ycd-renew-v1",
            Self::Replace { .. } => "ycd-replace-v1",
            Self::Confirm { .. } => "ycd-confirm-v1",
            Self::Abandon { .. } => "ycd-abandon-v1",
            Self::Unlocked { .. } => "ycd-unlocked-v1",
            Self::Personalized { .. } => "ycd-personalized-v1",
        }
    }

    /// The text to sign.
    pub fn to_bytes(&self) -> Vec<u8> {
        let text = Text::named(self.name());
        match self {
            Self::Renew { portal, order, attempt, token_id, old_certificate, new_public_key, nonce } => text
                .field(portal.as_bytes())
                .field(order.as_bytes())
                .field(&attempt.to_be_bytes())
                .field(token_id.as_bytes())
                .field(old_certificate)
                .field(new_public_key)
                .field(nonce),
            Self::Replace { portal, order, token_id, old_certificate, nonce } => text
                .field(portal.as_bytes())
                .field(order.as_bytes())
                .field(token_id.as_bytes())
                .field(old_certificate)
                .field(nonce),
            Self::Confirm { portal, order, attempt, serial, nonce } => text
                .field(portal.as_bytes())
                .field(order.as_bytes())
                .field(&attempt.to_be_bytes())
                .field(serial)
                .field(nonce),
            Self::Abandon { portal, order, attempt, token_id, nonce } => text
                .field(portal.as_bytes())
                .field(order.as_bytes())
                .field(&attempt.to_be_bytes())
                .field(token_id.as_bytes())
                .field(nonce),
            Self::Unlocked { portal, order, release, token_id, one_time_key, so_pin_version, nonce } => text
                .field(portal.as_bytes())
                .field(order.as_bytes())
                .number(*release)
                .field(token_id.as_bytes())
                .field(one_time_key)
                .number(*so_pin_version)
                .field(nonce),
            Self::Personalized { portal, token_id, serial, so_pin_version, unblock_key_version, nonce } => {
                text.field(portal.as_bytes())
                    .field(token_id.as_bytes())
                    .field(serial)
                    .number(*so_pin_version)
                    .number(*unblock_key_version)
                    .field(nonce)
            }
        }
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_begins_with_its_name_and_every_field_has_its_length() {
        let text = Authorization::Confirm {
            portal: "p".into(),
            order: "o".into(),
            attempt: 1,
            serial: vec![7, 8],
            nonce: [9; 32],
        }
        .to_bytes();
        let mut expected = vec![0, 0, 0, 14];
        expected.extend_from_slice(
            b"ycd-confirm-v1\0\0\0\x01p\0\0\0\x01o\0\0\0\x04\0\0\0\x01\0\0\0\x02\x07\x08\0\0\0\x20",
        );
        expected.extend_from_slice(&[9; 32]);
        assert_eq!(text, expected);
    }

    #[test]
    fn moving_a_byte_from_one_field_to_the_next_changes_the_text() {
        let make = |portal: &str, order: &str| {
            Authorization::Abandon {
                portal: portal.into(),
                order: order.into(),
                attempt: 1,
                token_id: "k".into(),
                nonce: [0; 32],
            }
            .to_bytes()
        };
        assert_ne!(make("ab", "c"), make("a", "bc"));
    }
}
