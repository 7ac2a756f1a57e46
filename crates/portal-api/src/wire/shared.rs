//! What several parts of the API speak of: an order's public status, the mode of a renewal, signed authorizations, PIN
//! rules, the account that money goes to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Bytes;

/// The states a user sees, in the order of the tabs of 我的订单.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PublicStatus {
    /// 填写中
    Draft,
    /// 待支付
    AwaitingPayment,
    /// 待审核
    AwaitingReview,
    /// 审核拒绝
    Rejected,
    /// 待制证
    AwaitingPersonalization,
    /// 待更新
    AwaitingRenewal,
    /// 待恢复
    AwaitingRecovery,
    /// 待配送
    AwaitingShipment,
    /// 已完成
    Completed,
    /// 已退款
    Refunded,
    /// 待下载
    AwaitingDownload,
    /// 待解锁
    AwaitingUnlock,
}

impl PublicStatus {
    /// In the order of the tabs.
    pub const ALL: [Self; 12] = [
        Self::Draft,
        Self::AwaitingPayment,
        Self::AwaitingReview,
        Self::Rejected,
        Self::AwaitingPersonalization,
        Self::AwaitingRenewal,
        Self::AwaitingRecovery,
        Self::AwaitingShipment,
        Self::Completed,
        Self::Refunded,
        Self::AwaitingDownload,
        Self::AwaitingUnlock,
    ];

    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::AwaitingPayment => "awaiting_payment",
            Self::AwaitingReview => "awaiting_review",
            Self::Rejected => "rejected",
            Self::AwaitingPersonalization => "awaiting_personalization",
            Self::AwaitingRenewal => "awaiting_renewal",
            Self::AwaitingRecovery => "awaiting_recovery",
            Self::AwaitingShipment => "awaiting_shipment",
            Self::Completed => "completed",
            Self::Refunded => "refunded",
            Self::AwaitingDownload => "awaiting_download",
            Self::AwaitingUnlock => "awaiting_unlock",
        }
    }

    /// The tab's label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Draft => "填写中",
            Self::AwaitingPayment => "待支付",
            Self::AwaitingReview => "待审核",
            Self::Rejected => "审核拒绝",
            Self::AwaitingPersonalization => "待制证",
            Self::AwaitingRenewal => "待更新",
            Self::AwaitingRecovery => "待恢复",
            Self::AwaitingShipment => "待配送",
            Self::Completed => "已完成",
            Self::Refunded => "已退款",
            Self::AwaitingDownload => "待下载",
            Self::AwaitingUnlock => "待解锁",
        }
    }
}

/// How a new certificate comes onto the token; fixed per order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A new key pair beside the old one: the normal way.
    SideBySide,
    /// A new certificate for the old key pair: where product or token allow nothing else.
    SameKeyPair,
    /// The old key pair goes first, for room: with explicit consent, without a way back.
    Replace,
}

/// The signature and the nonce it was made with; the text itself the portal builds from what it knows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SignedAuthorization {
    pub nonce: Bytes,
    /// DER of `SEQUENCE { r, s }`, SM3withSM2.
    pub signature: Bytes,
}

/// What a new PIN must be. Lengths in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PinRules {
    pub min_len: u8,
    pub max_len: u8,
    pub digits_only: bool,
}

/// Where a transfer goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BankAccount {
    pub payee: String,
    pub bank: String,
    pub account: String,
}
