//! SMS codes, login, step-ups.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroize as _;

use super::Timestamp;

/// What an SMS code or step-up is good for; one made for one purpose is worth nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    Login,
    /// Handing an order in.
    OrderConfirm,
    /// Destroying the old key pair for room.
    Replace,
    /// Giving an attempt up.
    Abandon,
    /// A new PIN for a token in hand; has endpoints of its own.
    Unlock,
}

impl Purpose {
    pub const ALL: [Self; 5] = [Self::Login, Self::OrderConfirm, Self::Replace, Self::Abandon, Self::Unlock];

    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::OrderConfirm => "order_confirm",
            Self::Replace => "replace",
            Self::Abandon => "abandon",
            Self::Unlock => "unlock",
        }
    }
}

/// `POST /sms/codes`. For [`Purpose::Login`] the phone, for all else the order; then the code goes to the phone that
/// the portal has for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestCode {
    pub purpose: Purpose,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CodeSent {
    /// `138****0000`
    pub phone: String,
    /// Seconds.
    pub valid_for: u32,
    /// Seconds until another can be asked for.
    pub next_after: u32,
}

/// `POST /login`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    pub phone: String,
    pub code: String,
}

/// Wiped: it is a secret.
impl Drop for Login {
    fn drop(&mut self) {
        self.code.zeroize();
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

/// A session, of an applicant or an operator.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Session {
    #[schema(value_type = String)]
    pub session_token: SessionToken,
    /// Moves on with use.
    pub expires_at: Timestamp,
}

/// Proof of a login. Wiped when dropped, and never printed.
#[derive(Clone, Serialize, Deserialize, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
#[serde(transparent)]
pub struct SessionToken(String);

impl SessionToken {
    pub fn new(session_token: String) -> Self {
        Self(session_token)
    }

    /// The token itself, for the `Authorization` header and for a sealed place to keep it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionToken")
    }
}

/// `POST /sms/step-ups`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestStepUp {
    pub purpose: Purpose,
    pub order: String,
    pub code: String,
}

/// Wiped: it is a secret.
impl Drop for RequestStepUp {
    fn drop(&mut self) {
        self.code.zeroize();
    }
}

impl std::fmt::Debug for RequestStepUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestStepUp").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

/// A fresh proof of the phone, for one act, once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepUp {
    pub step_up: String,
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for StepUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StepUp").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// `GET /me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    pub phone: String,
    pub since: Timestamp,
}
