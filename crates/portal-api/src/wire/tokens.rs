//! Personalization, at the personalization workstation: a blank token gets its SO PIN, its first key pair and its first
//! certificate.
//!
//! Every call is answered the same way when it is repeated, so that a personalization that was cut off anywhere is
//! taken up.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Bytes, Timestamp,
    attempts::SignedAuthorization,
    certificates::Holder,
    unlock::{ReleaseAnswer, UnlockMethod},
};

/// `POST /operator/personalizations`: opens the personalization of a token, or takes it up. The portal makes the
/// token's SO PIN once, keeps it encrypted, and gives it, in every answer the same, sealed to the workstation's
/// one-time key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenPersonalization {
    pub token_id: String,
    pub holder: Holder,
    /// The applicant's, whole: codes go there.
    pub phone: String,
    /// Product code.
    pub product: String,
    pub validity_years: u8,
    /// How the token will be unlocked; fixed from now on.
    pub method: UnlockMethod,
    /// What the token takes as SO PIN, in bytes.
    pub so_pin_min_len: u8,
    pub so_pin_max_len: u8,
    /// DER of the SubjectPublicKeyInfo of the driver host's one-time key.
    pub one_time_key: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Personalization {
    pub portal: String,
    pub token_id: String,
    /// Its SO PIN (and unblock key), for the workstation's driver host alone. Of a personalization that is done all
    /// three parts are empty: then only an unlock order releases what is on the token.
    pub secrets: ReleaseAnswer,
    /// The first certificate, once issued.
    pub certificate: Option<FirstCertificate>,
    /// All of it is done and proven.
    pub done: bool,
}

/// `POST /operator/personalizations/{token_id}/certificate`. Repeated for the same public key it gives the same
/// certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstCertificateRequest {
    /// PKCS#10, DER: proof of possession. Its subject is not looked at; the holder decides.
    pub request: Bytes,
}

/// `POST /operator/tokens`. Issues the first certificate and binds token, public key and phone. Repeated for the same
/// token and public key it gives the same certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueFirstCertificate {
    pub token_id: String,
    pub holder: Holder,
    /// The applicant's, whole: codes go there.
    pub phone: String,
    /// Product code.
    pub product: String,
    pub validity_years: u8,
    /// PKCS#10, DER: proof of possession. Its subject is not looked at; the holder decides.
    pub request: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FirstCertificate {
    pub token_id: String,
    /// Upper-case hexadecimal.
    pub serial: String,
    /// DER.
    pub certificate: Bytes,
    /// DER, issuing CA first, without the root.
    pub chain: Vec<Bytes>,
}

/// `POST /operator/personalizations/{token_id}/proven`: the token has read back and signed; its SO PIN is the escrowed
/// one.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonalizationProof {
    /// Version of the SO PIN that a login has proven.
    pub so_pin_version: u32,
    /// Version of the unblock key that the token has taken; 0 by SO PIN.
    pub unblock_key_version: u32,
    /// `ycd-personalized-v1`, with a nonce of `POST /operator/personalizations/{token_id}/nonces`.
    pub authorization: SignedAuthorization,
}

/// `GET /operator/tokens/{token_id}`: what the portal keeps of a token. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenRecord {
    pub token_id: String,
    pub method: UnlockMethod,
    pub so_pin: SoPinScheme,
    /// Version of the SO PIN that is proven to be on the token; 0 before that.
    pub current_version: u32,
    /// Version that waits to be proven.
    pub next_version: Option<u32>,
    /// Releases since a login was last proven.
    pub unproven_releases: u32,
    /// Serial numbers of its certificates, newest first.
    pub certificates: Vec<String>,
    pub personalized_at: Option<Timestamp>,
}

/// Where a token's SO PIN comes from. Only random ones are ever released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SoPinScheme {
    /// Made by the portal for this token alone.
    Random,
    /// One for many tokens.
    Shared,
    /// Computed from the serial number.
    Derived,
    /// Not known to the portal.
    None,
}

/// `POST /operator/tokens/{token_id}/so-pin`: how the SO PIN of a token that was made elsewhere came about. It is not
/// handed in: what is shared or derivable would never be released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclareSoPin {
    pub scheme: SoPinScheme,
}
