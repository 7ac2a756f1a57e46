use serde::Serialize;
use utoipa::ToSchema;
use ycd_portal_api::wire::Timestamp;

use super::Failure;

/// The tokens that are inserted, and what keeps one from being seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TokensView {
    /// Grows with every change.
    pub version: u32,
    /// The first look is not over.
    pub looking: bool,
    pub tokens: Vec<TokenView>,
    /// Makes whose device is plugged in and whose driver is not installed.
    pub drivers_missing: Vec<MissingDriver>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MissingDriver {
    /// Name of the driver profile.
    pub profile: String,
    /// What people call the token model.
    pub model_name: String,
    /// Where its driver is to be had, in words that go on after "from".
    pub from: Option<String>,
}

/// A token, named as people tell tokens apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TokenRef {
    pub token_id: String,
    /// 尾号: the last four characters of its number.
    pub tail: String,
    /// Of the certificate in force, where the token has been read.
    pub holder: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TokenView {
    pub token_id: String,
    pub tail: String,
    /// What people call the token model.
    pub model_name: String,
    pub label: String,
    pub model: String,
    pub serial_number: String,
    pub state: TokenState,
    /// Where it is unreadable: why.
    pub failure: Option<Failure>,
    pub pin: PinView,
    /// Index in `certificates` of the one that counts: the newest that can be used, else the newest.
    pub current: Option<u32>,
    /// Newest first.
    pub certificates: Vec<CertificateOnToken>,
    /// Key pairs that have no certificate: what a broken-off work left, or one that was made elsewhere.
    pub pairs_without_certificate: u32,
    /// How many more key pairs fit, where the token tells.
    pub free_pairs: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// Its certificates are being read.
    Reading,
    Read,
    Unreadable,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PinView {
    pub retry_counter: Tries,
    pub is_locked: bool,
    /// The next wrong PIN locks the token.
    pub is_last_try: bool,
    /// Somebody has set a PIN.
    pub is_set: bool,
    /// It is still the one that tokens are handed out with.
    pub is_initial: bool,
    /// Limits of the token, characters.
    pub min_len: u8,
    pub max_len: u8,
}

/// How many tries are left, in the form the token gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Tries {
    Exactly { n: u8 },
    NotLow,
    Low,
    FinalTry,
    Locked,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CertificateOnToken {
    /// Upper-case hexadecimal.
    pub serial: String,
    pub holder: String,
    pub organization: Option<String>,
    pub issuer: String,
    pub subject: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// Whole days until the end; negative after it.
    pub days_left: i64,
    pub state: OnTokenState,
    pub pair: PairOnToken,
    /// SM3 over the DER, hexadecimal.
    pub fingerprint: String,
}

/// How a certificate on a token stands: by its term, and by the authority's revocation list where that could be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnTokenState {
    NotYetValid,
    Valid,
    ExpiringSoon,
    Expired,
    Revoked,
}

impl OnTokenState {
    /// Whether it can be used today.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Valid | Self::ExpiringSoon)
    }
}

/// What there is of the key pair beside a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairOnToken {
    /// As far as can be seen before login.
    There,
    /// One half only.
    Orphaned,
    None,
}
