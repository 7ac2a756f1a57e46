//! What a USBKEY is, whatever it is spoken to through: identity, PIN state, containers.
//!
//! The words fit PKCS#11 and SKF (GM/T 0016) alike. A *container* holds one key pair with its certificates: in SKF it
//! is a container with its signature slot; in PKCS#11 it is what shares a public key. Objects are matched by public
//! key, never by CKA_ID or label.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Family and normalised serial number of a key, `softkey:3F21…`: guards against mistakes, proves nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyId(String);

impl KeyId {
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

    /// The last four characters, by which people tell keys apart (尾号).
    pub fn tail(&self) -> &str {
        let serial = self.0.rsplit(':').next().unwrap_or_default();
        let at = serial.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
        &serial[at..]
    }
}

impl From<String> for KeyId {
    /// Takes the form that [`KeyId::as_str`] gives.
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 16 random bytes of an attempt: the CKA_ID of the pair made for it (in SKF, what its container is named from).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tag(pub [u8; 16]);

impl fmt::Debug for Tag {
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
pub enum TriesLeft {
    /// A number (SKF; smart cards).
    Exactly(u8),
    /// PKCS#11: no flag is set; nothing was got wrong since the last right PIN, as far as the token tells.
    NotLow,
    /// PKCS#11 `CKF_USER_PIN_COUNT_LOW`: got wrong at least once since the last right PIN.
    Low,
    /// PKCS#11 `CKF_USER_PIN_FINAL_TRY`: one more wrong PIN locks the key.
    Last,
    /// Locked.
    None,
}

impl TriesLeft {
    pub fn is_locked(self) -> bool {
        matches!(self, Self::None | Self::Exactly(0))
    }

    /// Whether the next wrong PIN locks the key: such a try needs an explicit yes.
    pub fn is_last(self) -> bool {
        matches!(self, Self::Last | Self::Exactly(1))
    }
}

/// The user PIN as the token describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinState {
    pub tries: TriesLeft,
    /// The PIN has been set (PKCS#11 `CKF_USER_PIN_INITIALIZED`).
    pub is_set: bool,
    /// The PIN is the factory's and should be changed (PKCS#11 `CKF_USER_PIN_TO_BE_CHANGED`), where the token tells.
    pub is_initial: bool,
    /// Limits of the token, in bytes.
    pub min_len: u8,
    pub max_len: u8,
}

/// One key that is inserted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyInfo {
    pub key_id: KeyId,
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
pub enum Pair {
    /// Private and public key.
    Whole,
    /// One half only: what a key generation leaves that was cut off in the middle.
    Half,
    /// Before login the token does not show private keys.
    PrivateHidden,
    /// A certificate without any key.
    Nothing,
}

/// A key pair with its certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// Names the container to [`Token::destroy`](crate::Token::destroy) within the reading it came from.
    pub handle: ContainerHandle,
    /// `None` where a half pair does not tell its public key.
    pub spki: Option<Spki>,
    /// CKA_ID of the keys (in SKF: from the container's name).
    pub id: Vec<u8>,
    pub label: String,
    pub pair: Pair,
    /// DER, each once, in the order of the token.
    pub certificates: Vec<Vec<u8>>,
}

impl Container {
    pub fn has_tag(&self, tag: &Tag) -> bool {
        self.id == tag.0
    }
}

/// How a container is found again for destroying: by public key where it has one, else by its CKA_ID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerHandle {
    PublicKey(Spki),
    HalfWithId(Vec<u8>),
}

/// All that is on a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    pub containers: Vec<Container>,
    /// How many more key pairs fit, where profile or token tells.
    pub free_containers: Option<u32>,
    /// Whether the token keeps the CKA_ID it is given (from the profile).
    pub keeps_ids: bool,
    /// Whether the user is logged in, so that half pairs can be told from whole ones.
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
    fn the_tail_of_a_key_that_somebody_else_named_is_cut_between_characters() {
        for (text, tail) in [("softkey:00003F21", "3F21"), ("自编:测试号", "测试号"), ("x", "x"), ("", "")]
        {
            assert_eq!(KeyId::from(text.to_owned()).tail(), tail);
        }
    }
}
