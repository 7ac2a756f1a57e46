//! Personalisation, at the operator's station: the first certificate on a key.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Bytes, certificates::Holder};

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
