//! What a USBKEY is, whatever it is spoken to through: identity, PIN state, containers.
//!
//! The words fit PKCS#11 and SKF (GM/T 0016) alike. A *container* holds one key pair with its certificates: in SKF it
//! is a container with its signature slot; in PKCS#11 it is what shares a public key. Objects are matched by public
//! token, never by CKA_ID or label.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Family and normalised serial number of a token, `softkey:3F21…`: guards against mistakes, proves nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenId(String);

impl TokenId {
    /// The serial number is upper-cased; everything but ASCII letters and digits is dropped.
    pub fn new(family: &str, serial_number: &str) -> Self {
        let serial: String = serial_number
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        Self(format!("{family}:{serial}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last four characters, by which people tell tokens apart (尾号).
    pub fn tail(&self) -> &str {
        let serial = self.0.rsplit(':').next().unwrap_or_default();
        let at = serial.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
        &serial[at..]
    }
}

impl From<String> for TokenId {
    /// Takes the form that [`TokenId::as_str`] gives.
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 16 random bytes of an attempt: the CKA_ID of the pair made for it (in SKF, what its container is named from).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CkaId(pub [u8; 16]);

impl fmt::Debug for CkaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", hex::encode(self.0))
    }
}

/// A user PIN. Wiped when dropped; printed as dots; written nowhere but into the host's pipe.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin(Zeroizing<String>);

impl Pin {
    pub fn new(pin: impl Into<String>) -> Self {
        Self(Zeroizing::new(pin.into()))
    }

    /// For the one call that hands it to the module.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(••••)")
    }
}

/// How many tries a PIN has left, in the form the interface gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinRetryCounter {
    /// A number (SKF; smart cards).
    Exactly(u8),
    /// PKCS#11: no flag is set; nothing was got wrong since the last right PIN, as far as the token tells.
    NotLow,
    /// PKCS#11 `CKF_USER_PIN_COUNT_LOW`: got wrong at least once since the last right PIN.
    Low,
    /// PKCS#11 `CKF_USER_PIN_FINAL_TRY`: one more wrong PIN locks the token.
    FinalTry,
    /// Locked.
    None,
}

impl PinRetryCounter {
    pub fn is_locked(self) -> bool {
        matches!(self, Self::None | Self::Exactly(0))
    }

    /// Whether the next wrong PIN locks the token: such a try needs an explicit yes.
    pub fn is_last(self) -> bool {
        matches!(self, Self::FinalTry | Self::Exactly(1))
    }
}

/// The user PIN as the token describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinState {
    pub retry_counter: PinRetryCounter,
    /// The PIN has been set (PKCS#11 `CKF_USER_PIN_INITIALIZED`).
    pub is_set: bool,
    /// The PIN is the factory's and should be changed (PKCS#11 `CKF_USER_PIN_TO_BE_CHANGED`), where the token tells.
    pub is_initial: bool,
    /// Limits of the token, in bytes.
    pub min_len: u8,
    pub max_len: u8,
}

/// One token that is inserted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenInfo {
    pub token_id: TokenId,
    /// The name of the driver profile it was read through.
    pub profile: String,
    pub label: String,
    pub serial_number: String,
    pub manufacturer: String,
    pub model: String,
    /// Slot of the module; changes from one insertion to the next, so it identifies nothing.
    pub slot: u64,
    pub pin: PinState,
}

/// A public key as DER of SubjectPublicKeyInfo: what objects on a token are matched by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Spki(pub Vec<u8>);

impl fmt::Debug for Spki {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tail = &self.0[self.0.len().saturating_sub(4)..];
        write!(f, "Spki(…{})", hex::encode(tail))
    }
}

/// What is there of a key pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPairState {
    /// Private and public key.
    Complete,
    /// One half only: what a key generation leaves that was cut off in the middle.
    Orphaned,
    /// Before login the token does not show private keys.
    PrivateHidden,
    /// A certificate without any token.
    Nothing,
}

/// A key pair with its certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// Names the container to [`TokenAccess::destroy`](crate::TokenAccess::destroy) within the reading it came from.
    pub handle: ContainerHandle,
    /// `None` where a orphaned pair does not tell its public key.
    pub spki: Option<Spki>,
    /// CKA_ID of the tokens (in SKF: from the container's name).
    pub id: Vec<u8>,
    pub label: String,
    pub pair: KeyPairState,
    /// DER, each once, in the order of the token.
    pub certificates: Vec<Vec<u8>>,
}

impl Container {
    pub fn has_cka_id(&self, cka_id: &CkaId) -> bool {
        self.id == cka_id.0
    }
}

/// How a container is found again for destroying: by public key where it has one, else by its CKA_ID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerHandle {
    PublicKey(Spki),
    OrphanWithId(Vec<u8>),
}

/// All that is on a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    pub containers: Vec<Container>,
    /// How many more key pairs fit, where profile or token tells.
    pub free_containers: Option<u32>,
    /// Whether the token keeps the CKA_ID it is given (from the profile).
    pub keeps_ids: bool,
    /// Whether the user is logged in, so that orphaned pairs can be told from whole ones.
    pub logged_in: bool,
}

impl Contents {
    pub fn with_key(&self, spki: &Spki) -> Option<&Container> {
        self.containers.iter().find(|c| c.spki.as_ref() == Some(spki))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_token_that_somebody_else_named_is_cut_between_characters() {
        for (text, tail) in [("softkey:00003F21", "3F21"), ("自编:测试号", "测试号"), ("x", "x"), ("", "")]
        {
            assert_eq!(TokenId::from(text.to_owned()).tail(), tail);
        }
    }
}
