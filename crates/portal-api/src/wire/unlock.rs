//! Unlocking: a new PIN for a token in hand, without login (`docs/protocols/unlock.md`).
//!
//! Whoever holds the token and reads its phone gets a token for one unlock order. Releases of secrets are asked for
//! with a step-up inside a sealed request; the other calls carry the token as a session (`Authorization: Bearer`).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use super::shared::PinRules;
use super::{
    Bytes, Timestamp,
    login::SessionToken,
    orders::OrderNote,
    shared::{PublicStatus, SignedAuthorization},
};

/// `GET /unlock/portal`: what an assistant keeps of its portal when it is set up, and believes no other afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PortalKeys {
    /// The portal's name in signed authorizations.
    pub portal: String,
    /// DER of the SubjectPublicKeyInfo that its answers are signed with.
    pub signing_key: Bytes,
    /// DER of the SubjectPublicKeyInfo that requests are sealed to.
    pub sealing_key: Bytes,
}

/// How a token is unlocked; fixed for each when it is personalized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnlockMethod {
    /// Its SO PIN, encrypted to the driver host, and the next one.
    SoPin,
    /// The token asks, the portal answers.
    ChallengeResponse,
}

/// `POST /unlock/check` and `POST /unlock/codes`: the token that is inserted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenInHand {
    pub token_id: String,
    /// DER, as read from the token.
    pub certificate: Bytes,
}

/// Whether and how a token can be unlocked, before a code is spent. Problems: `unlock.not_escrowed`,
/// `unlock.token_unknown`, `certificate.revoked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnlockOffer {
    pub portal: String,
    /// `138****0000`
    pub phone: String,
    pub method: UnlockMethod,
    /// What the project lets a new PIN be.
    pub pin: PinRules,
    /// An operator has to approve first.
    pub approval: bool,
    /// The token's open unlock order.
    pub open_order: Option<UnlockOrder>,
}

/// `POST /unlock/orders`: opens the token's unlock order, or takes up the open one, and lets work on it for ten
/// minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenUnlock {
    pub token_id: String,
    /// DER, as read from the token.
    pub certificate: Bytes,
    /// The code of `POST /unlock/codes` and a step-up, sealed to the portal's key: what
    /// `ycd_pki::unlock::UnlockRequest` makes.
    pub sealed: Bytes,
    /// The PIN is locked now; kept from the order's first opening.
    pub locked: bool,
    /// The order that is meant, where there is one: `unlock.order_other` if it is not this token's open one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    #[serde(default)]
    pub form: UnlockForm,
}

/// What an operator reads before approving.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UnlockForm {
    /// 证书使用商
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_at: Option<String>,
    /// 备注
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UnlockGrant {
    pub order: UnlockOrder,
    /// For this order alone, for an hour, and for everything but releases: those take the step-up, which is not sent
    /// back.
    #[schema(value_type = String)]
    pub ticket: SessionToken,
    /// Until when releases can be asked for.
    pub releases_until: Timestamp,
}

/// `GET /unlock/orders/{order}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnlockOrder {
    pub no: String,
    /// [`PublicStatus::AwaitingReview`] while it waits for approval, [`PublicStatus::AwaitingUnlock`] when a release
    /// can be had, [`PublicStatus::Completed`] at the end.
    pub state: PublicStatus,
    /// [`OrderNote::Cancelled`] and [`OrderNote::Lapsed`]: it has come to its end without a new PIN.
    #[serde(default)]
    pub note: Option<OrderNote>,
    pub token_id: String,
    pub method: UnlockMethod,
    pub pin: PinRules,
    /// The PIN was locked when the order was opened.
    pub was_locked: bool,
    /// Number of the newest release; 0 before the first.
    pub newest_release: u32,
    /// Releases that can still be had without an operator.
    pub releases_left: u32,
    pub reject_reason: Option<String>,
    pub created_at: Timestamp,
}

/// `POST /unlock/orders/{order}/releases`. The same one-time key gets the same release for ten minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskRelease {
    /// Sealed to the portal's key: what `ycd_pki::unlock::ReleaseRequest` makes.
    pub sealed: Bytes,
}

/// A release: what it is for, its secrets sealed to the one-time key, the portal's signature over both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseAnswer {
    /// CTX, as `ycd_pki::unlock::Context` writes it.
    pub context: Bytes,
    pub sealed_envelope: Bytes,
    /// DER of `SEQUENCE { r, s }`, SM3withSM2, over CTX ‖ SM3(sealed envelope).
    pub signature: Bytes,
}

/// `POST /unlock/orders/{order}/liveness`: directly before an SO login. `unlock.release_stale` unless the release
/// is the newest of an open order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskLiveness {
    pub release: u32,
    /// 32 bytes of the driver host.
    pub nonce: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LivenessAnswer {
    /// DER of `SEQUENCE { r, s }`, SM3withSM2, over `ycd_pki::unlock::LivenessCheck`.
    pub signature: Bytes,
}

/// `POST /unlock/orders/{order}/unlocked`: the end, proven by the certificate's key under the new PIN. Repeats get the
/// same answer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unlocked {
    /// The release it was done under; the newest, where the PIN was found to work already.
    pub release: u32,
    /// SM3 over the DER of the release's one-time public key; 32 zeros where the PIN was found to work already.
    pub one_time_key: Bytes,
    /// Version of the SO PIN that a login has proven; 0 where none was.
    pub so_pin_version: u32,
    /// `ycd-unlocked-v1`, with a nonce of `POST /unlock/orders/{order}/nonces`.
    pub authorization: SignedAuthorization,
}
