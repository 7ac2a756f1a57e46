//! Driver profiles: all that differs between token models, as data.
//!
//! A profile is one TOML file of `drivers-config/`, embedded in the program, or of the administrator's folder, which
//! overrides by file name. Its JSON schema is `drivers-config/profile.schema.json`; the types here are what counts.

mod drivers;
mod error;
mod hex;
mod locations;
mod parse;
mod placeholders;
mod recognition;
mod registry;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::hex::Hex;
pub use drivers::{Driver, Drivers, Lookup, default_admin_folder};
pub use error::ProfileError;
pub(crate) use placeholders::exe_dir;
pub use recognition::{Recognition, UsbId};

/// One token model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Stable, unique; the file's name without `.toml`.
    pub name: String,
    /// First part of every [`TokenId`](crate::TokenId) of this token model; several profiles may share it.
    pub family: String,
    pub interface: Interface,
    /// Whether hardware has confirmed the profile as a whole.
    #[serde(default)]
    pub verified: bool,
    pub display: Names,
    #[serde(default)]
    pub recognition: Recognition,
    /// Where the module may lie. Nothing outside these folders is ever loaded.
    pub modules: Vec<ModulePlaces>,
    /// Needed where `interface = "pkcs11"`.
    #[serde(default)]
    pub pkcs11: Option<Pkcs11>,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub unlock: Unlock,
    #[serde(default)]
    pub windows_store: Option<WindowsStore>,
    #[serde(default)]
    pub quirks: Quirks,
    #[serde(default)]
    pub deadlines: Deadlines,
    /// Where the numbers come from, by the short names that `source` fields use.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
}

impl Profile {
    /// Reads and checks one profile. `file` is only named in errors.
    ///
    /// # Errors
    /// [`ProfileError::Invalid`] with line, column and field of the first thing that is wrong.
    pub fn from_toml(file: &str, text: &str) -> Result<Self, ProfileError> {
        parse::profile(file, text)
    }
}

/// What the module speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interface {
    Pkcs11,
    /// GM/T 0016. Reserved: profiles may be written, no back end reads them yet.
    Skf,
}

/// What people call the token model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    pub zh: String,
    pub en: String,
    /// Where its driver is to be had, in words that go on after "from": `the download page of …`.
    #[serde(default)]
    pub driver_from: Option<Words>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub zh: String,
    pub en: String,
}

/// Module files of one system and bitness, tried in order: every folder with every file name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModulePlaces {
    pub os: Os,
    /// 32 or 64: what `{system32}` and `{program_files}` stand for. Which host loads the module its own header decides.
    pub bits: u8,
    /// Absolute, or beginning with a placeholder: `{exe_dir}`, `{build_dir}`, `{system32}`, `{program_files}`,
    /// `{program_data}`.
    pub directories: Vec<String>,
    /// Windows: values of the registry that name more folders, `HKLM\SOFTWARE\…\value`, as programs of `bits` see
    /// them. Only folders under System32, SysWOW64 and Program Files count.
    #[serde(default)]
    pub registry: Vec<String>,
    pub files: Vec<String>,
    /// Short name in `sources`.
    pub source: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    Linux,
    Windows,
    Macos,
}

/// A number with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sourced<T> {
    pub value: T,
    /// Short name in `sources`.
    pub source: String,
    /// Whether hardware has confirmed it.
    #[serde(default)]
    pub verified: bool,
}

/// Vendor-defined numbers: no version of PKCS#11 defines SM2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pkcs11 {
    /// CKA_KEY_TYPE of an SM2 key (CKK). Absent: not given at key generation.
    #[serde(default)]
    pub key_type: Option<Sourced<u32>>,
    /// Mechanism (CKM) that generates an SM2 key pair.
    pub key_pair_gen: Sourced<u32>,
    /// Attributes (CKA) that hold the coordinates of a public key, for token models that tell no CKA_EC_POINT. Both or
    /// none.
    #[serde(default)]
    pub point_x: Option<Sourced<u32>>,
    #[serde(default)]
    pub point_y: Option<Sourced<u32>>,
    /// Mechanisms that sign, the preferred first. The first one that the token reports is used.
    pub sign: Vec<SignMechanism>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignMechanism {
    /// CKM number.
    pub mechanism: u32,
    pub input: SignInput,
    /// Which form the signature is expected in. Both are accepted.
    pub format: SignatureFormat,
    /// Short name in `sources`.
    pub source: String,
    /// Whether hardware has confirmed it.
    #[serde(default)]
    pub verified: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignInput {
    /// The message: the module computes SM3(Z ‖ M) with the default distinguishing identifier.
    Message,
    /// The 32 bytes e = SM3(Z ‖ M), computed in the host (GM/T 0009).
    E,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignatureFormat {
    /// r ‖ s, 64 bytes.
    Raw,
    /// DER of `SEQUENCE { r INTEGER, s INTEGER }`.
    Der,
}

/// Limits of the token model. What the token itself tells goes first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes.
    #[serde(default)]
    pub pin_min_len: Option<Sourced<u8>>,
    /// Bytes.
    #[serde(default)]
    pub pin_max_len: Option<Sourced<u8>>,
    #[serde(default)]
    pub pin_retry_limit: Option<Sourced<u8>>,
    /// Key pairs that fit on one token.
    #[serde(default)]
    pub containers: Option<Sourced<u32>>,
    /// Bytes of private memory that the token counts for one key pair: with it, its total private memory
    /// (CK_TOKEN_INFO) tells how many fit, where `containers` is absent.
    #[serde(default)]
    pub container_bytes: Option<Sourced<u32>>,
}

/// How a locked PIN is unlocked. Unknown counts as no.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unlock {
    /// Login with the SO PIN, then C_InitPIN.
    #[serde(default)]
    pub so_pin: Tristate,
    /// Whether the flags for the tries of the SO PIN (PKCS#11 `CKF_SO_PIN_COUNT_LOW`, `CKF_SO_PIN_FINAL_TRY`,
    /// `CKF_SO_PIN_LOCKED`) are kept. Unknown counts as no: then nothing is believed of them.
    #[serde(default)]
    pub tells_so_pin_retry_counter: Tristate,
    /// A challenge of the token, answered by who keeps its unblock key; needs `card`.
    #[serde(default)]
    pub challenge_response: Tristate,
    /// The commands for it, to the token as a smart card.
    #[serde(default)]
    pub card: Option<CardCommands>,
}

/// Commands of ISO 7816-4, as hexadecimal bytes. Nothing beyond them is ever sent to a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardCommands {
    /// Selects the application; whole.
    pub select: Hex,
    /// Reads the serial number, in ASCII; whole. The card is the token whose serial number it tells.
    pub serial_number: Hex,
    /// Asks for a challenge of 16 bytes; whole.
    pub challenge: Hex,
    /// CLA INS P1 P2 Lc; 96 bytes follow, as `ycd_pki::unlock::UnblockCommand` has them.
    pub unblock: Hex,
    /// CLA INS P1 P2 of a VERIFY of the SO PIN; Lc and the PIN follow. Of a personalization only.
    pub verify_so: Hex,
    /// CLA INS P1 P2 Lc; version (4 bytes, big-endian) and unblock key (32) follow. Of a personalization only.
    pub put_unblock_key: Hex,
    /// Short name in `sources`.
    pub source: String,
    /// Whether hardware has confirmed them.
    #[serde(default)]
    pub verified: bool,
}

/// How a certificate is registered in the user's certificate store of Windows, so that other programs find the token by
/// it. Without this section none is registered: one that names no provider, or the wrong one, helps nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowsStore {
    /// Name of the provider as the vendor's driver installs it.
    pub provider: Sourced<String>,
    /// `PROV_…` of a CSP. Absent: a key storage provider of CNG.
    #[serde(default)]
    pub provider_type: Option<Sourced<u32>>,
    /// What the provider calls the container of a key pair: `{id}` stands for its CKA_ID in lower-case hexadecimal,
    /// `{serial}` for the token's serial number.
    pub container: Sourced<String>,
}

impl WindowsStore {
    /// Whether hardware has confirmed all of it.
    pub fn is_verified(&self) -> bool {
        let of_type = self.provider_type.as_ref().is_none_or(|number| number.verified);
        self.provider.verified && of_type && self.container.verified
    }

    /// The container of the pair with this CKA_ID on the token with this serial number.
    pub fn container_of(&self, id: &[u8], serial_number: &str) -> String {
        self.container.value.replace("{id}", &::hex::encode(id)).replace("{serial}", serial_number)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quirks {
    /// Whether the token keeps the CKA_ID it is given.
    #[serde(default = "yes")]
    pub keeps_ids: bool,
    /// Whether C_InitPIN leaves the keys. Unknown counts as no.
    #[serde(default)]
    pub keys_survive_init_pin: Tristate,
    /// The module bears one process only: no second host waits for slot events.
    #[serde(default)]
    pub single_process: bool,
    /// Logs the user out after every use of a private key: the PIN is asked for again (see
    /// [`TokenSet::on_pin_needed`](crate::TokenSet::on_pin_needed)).
    #[serde(default)]
    pub pin_per_signature: bool,
    /// Milliseconds between two looks, for a module that cannot wait for slot events. Absent: no polling.
    #[serde(default)]
    pub poll_ms: Option<u32>,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            keeps_ids: true,
            keys_survive_init_pin: Tristate::Unknown,
            single_process: false,
            pin_per_signature: false,
            poll_ms: None,
        }
    }
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tristate {
    Yes,
    No,
    #[default]
    Unknown,
}

/// Milliseconds after which a call counts as hung. GM/T 0027 annex A expects 5 s at most for a key pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadlines {
    #[serde(default = "thirty_seconds")]
    pub generate_ms: u32,
    #[serde(default = "thirty_seconds")]
    pub write_ms: u32,
    #[serde(default = "ten_seconds")]
    pub other_ms: u32,
}

impl Deadlines {
    pub fn generate(&self) -> Duration {
        Duration::from_millis(self.generate_ms.into())
    }

    pub fn write(&self) -> Duration {
        Duration::from_millis(self.write_ms.into())
    }

    pub fn other(&self) -> Duration {
        Duration::from_millis(self.other_ms.into())
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { generate_ms: thirty_seconds(), write_ms: thirty_seconds(), other_ms: ten_seconds() }
    }
}

fn thirty_seconds() -> u32 {
    30_000
}

fn ten_seconds() -> u32 {
    10_000
}
