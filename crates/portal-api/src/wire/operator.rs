//! The operator's side.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroize as _;

use super::{Timestamp, orders::OrderView, unlock::UnlockForm};

/// `POST /operator/login`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorLogin {
    pub name: String,
    pub password: String,
}

/// Wiped: it is a secret.
impl Drop for OperatorLogin {
    fn drop(&mut self) {
        self.password.zeroize();
    }
}

impl std::fmt::Debug for OperatorLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OperatorLogin").field("name", &self.name).finish_non_exhaustive()
    }
}

/// `GET /operator/orders/{order}`: what the applicant sees, and what only operators do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperatorOrder {
    pub order: OrderView,
    /// Whole.
    pub phone: String,
    pub transfers: Vec<TransferView>,
    /// Events an operator may cause now, by name.
    pub events: Vec<String>,
    /// Of an unlock order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlock: Option<UnlockForm>,
}

/// `POST /operator/orders/{order}/transfers`: money came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordTransfer {
    /// The bank's reference, unique over all orders.
    pub reference: String,
    /// Fen; must be the order's amount.
    pub amount: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TransferView {
    pub reference: String,
    /// Fen.
    pub amount: i64,
    pub recorded_at: Timestamp,
    pub recorded_by: String,
    pub refunded_at: Option<Timestamp>,
}

/// `POST /operator/orders/{order}/events`: what has no endpoint of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CauseEvent {
    pub event: OperatorEvent,
    /// Kept with the order, and shown in its timeline.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperatorEvent {
    Cancel,
    /// Takes the work on the token over; approving gives it back.
    TakeOver,
    /// Token lost or broken: a new one is made for the same payment (补办).
    TokenLost,
    Personalized,
    PersonalizationFailed,
    Delivered,
    ShipmentLost,
    RequestRefund,
    RefundSent,
}

/// A row of `GET /operator/sms-outbox`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SmsMessage {
    pub id: i64,
    pub at: Timestamp,
    pub phone: String,
    pub text: String,
    /// The code in the text, where it brings one.
    pub code: Option<String>,
    pub order: Option<String>,
}

impl std::fmt::Debug for SmsMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmsMessage").field("id", &self.id).field("at", &self.at).finish_non_exhaustive()
    }
}

/// The search of `GET /operator/sms-outbox`; newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OutboxQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
}

/// A row of `GET /operator/audit`; newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    pub id: i64,
    pub at: Timestamp,
    /// `operator:admin`, `applicant:12`, `system`
    pub actor: String,
    /// For example `order.approve`.
    pub action: String,
    /// Order number, certificate serial number, operator.
    pub target: String,
    pub detail: Option<String>,
}

/// The search of `GET /operator/audit`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// An order, a certificate, an operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
}
