//! What a token passes for: the numbers and habits of another token model's PKCS#11 module, as data in the token's
//! file.
//!
//! The state beneath is the same in every emulation: a pair made in one is found and used in the next. Only what the
//! PKCS#11 interface says and asks for changes, at the next call of every loaded module.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::pin::Pin;

/// The numbers (CKK, CKM, CKA) and habits of a module. The default is this software's own; JSON may leave out what
/// does not differ from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VendorEmulation {
    /// CKA_KEY_TYPE of SM2 keys.
    pub key_type: u32,
    /// Mechanism that makes a key pair.
    pub key_pair_gen: u32,
    /// Mechanisms that sign and verify, in the order of `C_GetMechanismList`.
    pub sign: Vec<Signing>,
    /// SM3.
    pub digest: Option<u32>,
    /// Whether keys show CKA_EC_PARAMS.
    pub tells_curve: bool,
    pub point: Point,
    /// Whether private keys show their public key too.
    pub private_tells_point: bool,
    /// Whether keys and certificates keep the CKA_ID they are given; otherwise it is left empty.
    pub keeps_ids: bool,
    /// The user is logged out after each use of a private key (GM/T 0027-2014 9.2).
    pub pin_per_signature: bool,
    /// New PINs are of digits only.
    pub pin_digits_only: bool,
    /// Whether CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY and CKF_SO_PIN_LOCKED are ever set.
    #[serde(skip_serializing_if = "is_yes")]
    pub tells_so_pin_retry_counter: bool,
    /// Whether C_InitPIN leaves the keys; otherwise it destroys all private objects.
    #[serde(skip_serializing_if = "is_yes")]
    pub init_pin_keeps_keys: bool,
}

fn is_yes(habit: &bool) -> bool {
    *habit
}

/// A mechanism that signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signing {
    pub mechanism: u32,
    pub input: Input,
    pub format: Format,
    /// Takes the distinguishing identifier as its parameter.
    #[serde(default)]
    pub takes_id: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// The token computes SM3(Z ‖ M).
    Message,
    /// 32 bytes, e = SM3(Z ‖ M).
    E,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// r ‖ s, 64 bytes.
    Raw,
    /// DER of `SEQUENCE { r INTEGER, s INTEGER }`.
    Der,
}

/// How a key shows its public point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// CKA_EC_POINT: an OCTET STRING around `04 ‖ X ‖ Y`, as PKCS#11 has it.
    OctetString,
    /// CKA_EC_POINT: `04 ‖ X ‖ Y`.
    Bare,
    /// CKA_EC_POINT: `X ‖ Y`.
    Coordinates,
    /// X and Y, 32 bytes each, in attributes of these numbers; no CKA_EC_POINT.
    Attributes { x: u32, y: u32 },
}

impl Default for VendorEmulation {
    fn default() -> Self {
        use Format::{Der, Raw};
        use Input::{E, Message};
        let sign = [
            (0x8000_8100, Message, Raw, true),
            (0x8000_8101, Message, Der, true),
            (0x8000_8102, Message, Raw, false),
            (0x8000_8103, Message, Der, false),
            (0x8000_8104, E, Der, false),
            (0x8000_8105, E, Raw, false),
        ];
        let signing = |(mechanism, input, format, takes_id)| Signing { mechanism, input, format, takes_id };
        Self {
            key_type: 0x8000_0004,
            key_pair_gen: 0x8000_8001,
            sign: sign.into_iter().map(signing).collect(),
            digest: Some(0x8000_9000),
            tells_curve: true,
            point: Point::OctetString,
            private_tells_point: true,
            keeps_ids: true,
            pin_per_signature: false,
            pin_digits_only: false,
            tells_so_pin_retry_counter: true,
            init_pin_keeps_keys: true,
        }
    }
}

impl VendorEmulation {
    pub(crate) fn is_own(&self) -> bool {
        *self == Self::default()
    }

    /// All mechanisms, each number once.
    pub(crate) fn check(&self) -> Result<()> {
        let mut numbers = self.mechanisms();
        numbers.sort_unstable();
        if numbers.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Error::BadField { field: "mechanisms", rule: "numbers that differ" });
        }
        if let Point::Attributes { x, y } = self.point
            && x == y
        {
            return Err(Error::BadField { field: "point attributes", rule: "numbers that differ" });
        }
        Ok(())
    }

    pub(crate) fn check_pin(&self, pin: &Pin) -> Result<()> {
        if self.pin_digits_only && !pin.expose().iter().all(u8::is_ascii_digit) {
            return Err(Error::BadField { field: "PIN", rule: "of digits only" });
        }
        Ok(())
    }

    pub(crate) fn mechanisms(&self) -> Vec<u32> {
        let signing = self.sign.iter().map(|signing| signing.mechanism);
        std::iter::once(self.key_pair_gen).chain(signing).chain(self.digest).collect()
    }

    pub(crate) fn signing(&self, mechanism: u32) -> Option<&Signing> {
        self.sign.iter().find(|signing| signing.mechanism == mechanism)
    }
}
