//! Production, at the operator's station: a blank key gets its SO PIN, its first key pair and its first certificate.
//!
//! Every call is answered the same way when it is repeated, so that a production that was cut off anywhere is taken up.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Bytes, Timestamp,
    attempts::SignedStatement,
    certificates::Holder,
    unlock::{ReleaseAnswer, Road},
};

/// `POST /operator/productions`: opens the production of a key, or takes it up. The portal makes the key's SO PIN once,
/// keeps it encrypted, and gives it, in every answer the same, sealed to the station's one-time key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenProduction {
    pub key_id: String,
    pub holder: Holder,
    /// The applicant's, whole: codes go there.
    pub phone: String,
    /// Product code.
    pub product: String,
    pub term_years: u8,
    /// How the key will be unlocked; fixed from now on.
    pub road: Road,
    /// What the key takes as SO PIN, in bytes.
    pub so_pin_min_len: u8,
    pub so_pin_max_len: u8,
    /// DER of the SubjectPublicKeyInfo of the driver host's one-time key.
    pub one_time_key: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Production {
    pub portal: String,
    pub key_id: String,
    /// Its SO PIN (and unblock key), for the station's driver host alone. Of a production that is done all three parts
    /// are empty: then only an unlock order releases what is on the key.
    pub secrets: ReleaseAnswer,
    /// The first certificate, once issued.
    pub certificate: Option<PersonalisedKey>,
    /// All of it is done and proven.
    pub done: bool,
}

/// `POST /operator/productions/{key_id}/certificate`. Repeated for the same public key it gives the same certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstCertificate {
    /// PKCS#10, DER: proof of possession. Its subject is not looked at; the holder decides.
    pub request: Bytes,
}

/// `POST /operator/keys`. Issues the first certificate and binds key, public key and phone. Repeated for the same key
/// and public key it gives the same certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonaliseKey {
    pub key_id: String,
    pub holder: Holder,
    /// The applicant's, whole: codes go there.
    pub phone: String,
    /// Product code.
    pub product: String,
    pub term_years: u8,
    /// PKCS#10, DER: proof of possession. Its subject is not looked at; the holder decides.
    pub request: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonalisedKey {
    pub key_id: String,
    /// Upper-case hexadecimal.
    pub serial: String,
    /// DER.
    pub certificate: Bytes,
    /// DER, issuing CA first, without the root.
    pub chain: Vec<Bytes>,
}

/// `POST /operator/productions/{key_id}/proven`: the key has read back and signed; its SO PIN is the escrowed one.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Produced {
    /// Version of the SO PIN that a login has proven.
    pub so_pin_version: u32,
    /// Version of the unblock key that the key has taken; 0 on the wrapped road.
    pub unblock_key_version: u32,
    /// `ycd-produced-v1`, with a nonce of `POST /operator/productions/{key_id}/nonces`.
    pub statement: SignedStatement,
}

/// `GET /operator/keys/{key_id}`: what the portal keeps of a key. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyRecord {
    pub key_id: String,
    pub road: Road,
    pub so_pin: SoPinScheme,
    /// Version of the SO PIN that is proven to be on the key; 0 before that.
    pub current_version: u32,
    /// Version that waits to be proven.
    pub next_version: Option<u32>,
    /// Releases since a login was last proven.
    pub unproven_releases: u32,
    /// Serial numbers of its certificates, newest first.
    pub certificates: Vec<String>,
    pub produced_at: Option<Timestamp>,
}

/// Where a key's SO PIN comes from. Only random ones are ever released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SoPinScheme {
    /// Made by the portal for this key alone.
    Random,
    /// One for many keys.
    Shared,
    /// Computed from the serial number.
    Derived,
    /// Not known to the portal.
    None,
}

/// `POST /operator/keys/{key_id}/so-pin`: how the SO PIN of a key that was made elsewhere came about. It is not handed
/// in: what is shared or derivable would never be released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclareSoPin {
    pub scheme: SoPinScheme,
}
