//! The work on the token: attempts of an order, as `docs/protocols/renewal.md` numbers the steps.
//!
//! Bytes travel as base64 ([`Bytes`]). Every call here is answered the same way when it is repeated.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use super::shared::{Mode, SignedAuthorization};
use super::{Bytes, Timestamp, shared::PublicStatus};

/// `POST /orders/{order}/attempts`: step 1. Gives the order's one open attempt, or opens the first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OpenAttempt {
    pub token_id: String,
    /// DER of the SubjectPublicKeyInfo of every pair on the token now. The order's first list is kept as its inventory.
    pub public_keys: Vec<Bytes>,
    /// Decides the mode where the order has none yet; ignored afterwards.
    pub mode: Mode,
}

/// Where the work of an order stands, as far as the portal knows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    /// The portal's name in signed authorizations.
    pub portal: String,
    pub order: String,
    pub public_status: PublicStatus,
    pub token_id: String,
    pub mode: Mode,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    pub state: AttemptState,
    /// 16 bytes: the CKA_ID of the pair of this attempt.
    pub cka_id: Bytes,
    /// SubjectPublicKeyInfo that the attempt is bound to, once `issue` has come.
    pub public_key: Option<Bytes>,
    /// DER, once signed.
    pub certificate: Option<Bytes>,
    /// DER, issuing CA first, without the root.
    pub chain: Vec<Bytes>,
    /// DER of the order's old certificate.
    pub old_certificate: Bytes,
    /// DER of the distinguished name that the request must bear.
    pub subject: Bytes,
    /// The order's first inventory: public keys that were on the token before the order touched it.
    pub inventory: Vec<Bytes>,
    /// Attempts given up, whose pairs are to be destroyed.
    pub abandoned: Vec<AbandonedAttempt>,
    /// Mode *replace*: the old key's agreement is here.
    pub replace_agreed: bool,
    /// An operator has taken the order over: the work on the token waits until it is given back.
    pub operator_care: bool,
    /// Attempts that may still be opened after this one.
    pub attempts_left: u32,
    /// Years of the term that was paid for.
    pub validity_years: u32,
    /// The portal's time: terms are judged by it, not by the clock of the applicant's machine.
    pub portal_time: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AbandonedAttempt {
    pub attempt: u32,
    pub cka_id: Bytes,
    pub public_key: Option<Bytes>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// No certificate yet; the public key may be fixed already.
    Open,
    /// The certificate is signed.
    Issued,
    /// The new key has proven that its certificate is on the token: the order is complete.
    Confirmed,
    /// Given up; its serial number is revoked.
    Closed,
}

/// `POST /orders/{order}/attempts/{attempt}/nonces` (with the purpose; single use, ten minutes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NonceRequest {
    pub purpose: NoncePurpose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoncePurpose {
    Renew,
    Replace,
    Confirm,
    Abandon,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Nonce {
    /// 32 bytes.
    pub nonce: Bytes,
}

/// `POST /orders/{order}/attempts/{attempt}/issue`: step 6.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Issue {
    /// PKCS#10, DER.
    pub request: Bytes,
    /// The old key's `ycd-renew-v1`. In mode *replace* it may be left out: then `replace_agreed` and `step_up` stand
    /// in for it.
    pub authorization: Option<SignedAuthorization>,
    /// From `POST /sms/step-ups` for the purpose `replace`: what the old key's agreement could not say, because the
    /// new public key was not there yet, the person says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_up: Option<String>,
}

/// `POST /orders/{order}/replace`: mode *replace*, before the old pair is destroyed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Replace {
    pub authorization: SignedAuthorization,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Issued {
    pub certificate: Bytes,
    /// DER, issuing CA first, without the root.
    pub chain: Vec<Bytes>,
}

/// `POST /orders/{order}/attempts/{attempt}/confirm`: steps 8 and 9.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Confirm {
    pub authorization: SignedAuthorization,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Confirmed {
    pub public_status: PublicStatus,
}

/// `POST /orders/{order}/attempts/{attempt}/abandon`: step 11. Answers with the [`AttemptView`] of the next attempt,
/// or, where none is left, of this one, closed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Abandon {
    /// From `POST /sms/step-ups` for the purpose `abandon`.
    pub step_up: String,
    /// The old key's `ycd-abandon-v1`, when the token is in hand.
    pub authorization: Option<SignedAuthorization>,
}
