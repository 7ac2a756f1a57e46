//! Where an order can stand, and what can happen to it, by name.

use ycd_portal_api::wire::orders::{OrderNote, PublicStatus};

/// Where an order stands: the twelve states that users see, and what lies between and after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InternalStatus {
    Draft,
    AwaitingPayment,
    AwaitingReview,
    /// Paid, and taken out of review to be changed.
    Revision,
    Rejected,
    AwaitingPersonalization,
    AwaitingRenewal,
    AwaitingRecovery,
    AwaitingShipment,
    AwaitingDownload,
    AwaitingUnlock,
    /// The work on the token has failed as often as it may, or an operator has taken it over.
    OperatorCare,
    RefundPending,
    Completed,
    Refunded,
    /// Ended without payment.
    Cancelled,
    /// The time for what was approved is over, and nothing was done.
    Lapsed,
    /// A draft thrown away: its owner does not see it any more.
    Deleted,
}

impl InternalStatus {
    pub const ALL: [Self; 18] = [
        Self::Draft,
        Self::AwaitingPayment,
        Self::AwaitingReview,
        Self::Revision,
        Self::Rejected,
        Self::AwaitingPersonalization,
        Self::AwaitingRenewal,
        Self::AwaitingRecovery,
        Self::AwaitingShipment,
        Self::AwaitingDownload,
        Self::AwaitingUnlock,
        Self::OperatorCare,
        Self::RefundPending,
        Self::Completed,
        Self::Refunded,
        Self::Cancelled,
        Self::Lapsed,
        Self::Deleted,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::AwaitingPayment => "awaiting_payment",
            Self::AwaitingReview => "awaiting_review",
            Self::Revision => "revision",
            Self::Rejected => "rejected",
            Self::AwaitingPersonalization => "awaiting_personalization",
            Self::AwaitingRenewal => "awaiting_renewal",
            Self::AwaitingRecovery => "awaiting_recovery",
            Self::AwaitingShipment => "awaiting_shipment",
            Self::AwaitingDownload => "awaiting_download",
            Self::AwaitingUnlock => "awaiting_unlock",
            Self::OperatorCare => "operator_care",
            Self::RefundPending => "refund_pending",
            Self::Completed => "completed",
            Self::Refunded => "refunded",
            Self::Cancelled => "cancelled",
            Self::Lapsed => "lapsed",
            Self::Deleted => "deleted",
        }
    }

    /// The tab it is shown in; `None`: in the one it was in before.
    pub fn shown(self) -> Option<PublicStatus> {
        Some(match self {
            Self::Draft | Self::Revision => PublicStatus::Draft,
            Self::AwaitingPayment => PublicStatus::AwaitingPayment,
            Self::AwaitingReview => PublicStatus::AwaitingReview,
            Self::Rejected => PublicStatus::Rejected,
            Self::AwaitingPersonalization => PublicStatus::AwaitingPersonalization,
            Self::AwaitingRenewal => PublicStatus::AwaitingRenewal,
            Self::AwaitingRecovery => PublicStatus::AwaitingRecovery,
            Self::AwaitingShipment => PublicStatus::AwaitingShipment,
            Self::AwaitingDownload => PublicStatus::AwaitingDownload,
            Self::AwaitingUnlock => PublicStatus::AwaitingUnlock,
            Self::RefundPending | Self::Refunded => PublicStatus::Refunded,
            Self::Completed => PublicStatus::Completed,
            Self::OperatorCare | Self::Cancelled | Self::Lapsed | Self::Deleted => return None,
        })
    }

    pub fn note(self) -> Option<OrderNote> {
        match self {
            Self::Cancelled => Some(OrderNote::Cancelled),
            Self::Lapsed => Some(OrderNote::Lapsed),
            Self::Revision => Some(OrderNote::Revision),
            Self::RefundPending => Some(OrderNote::RefundPending),
            Self::OperatorCare => Some(OrderNote::OperatorCare),
            Self::Draft
            | Self::AwaitingPayment
            | Self::AwaitingReview
            | Self::Rejected
            | Self::AwaitingPersonalization
            | Self::AwaitingRenewal
            | Self::AwaitingRecovery
            | Self::AwaitingShipment
            | Self::AwaitingDownload
            | Self::AwaitingUnlock
            | Self::Completed
            | Self::Refunded
            | Self::Deleted => None,
        }
    }

    /// While this is so, its certificate can have no other order of this kind.
    pub fn open(self) -> bool {
        match self {
            Self::Draft
            | Self::AwaitingPayment
            | Self::AwaitingReview
            | Self::Revision
            | Self::Rejected
            | Self::AwaitingPersonalization
            | Self::AwaitingRenewal
            | Self::AwaitingRecovery
            | Self::AwaitingShipment
            | Self::AwaitingDownload
            | Self::AwaitingUnlock
            | Self::OperatorCare => true,
            Self::RefundPending
            | Self::Completed
            | Self::Refunded
            | Self::Cancelled
            | Self::Lapsed
            | Self::Deleted => false,
        }
    }
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The applicant hands the order in, confirmed by SMS.
    Submit,
    /// The applicant takes it back to change it.
    Edit,
    Delete,
    Cancel,
    /// The whole amount came in.
    PaymentReceived,
    /// Nothing came in for too long.
    PaymentLapsed,
    ApproveForPersonalization,
    ApproveForRenewal,
    ApproveForRecovery,
    ApproveForDownload,
    ApproveForUnlock,
    Reject,
    /// The project lets its holders unlock without an operator.
    GrantUnlock,
    /// The holder asks an operator for an unlock, or asks again.
    RequestUnlock,
    /// An unlock is called off.
    WithdrawUnlock,
    /// The time for the work on the token is over: it is reviewed anew.
    ApprovalLapsed,
    UnlockExpired,
    /// The new certificate is on its key and proven.
    RenewalConfirmed,
    RecoveryConfirmed,
    DownloadConfirmed,
    UnlockConfirmed,
    /// No attempt is left.
    AttemptsExhausted,
    /// An operator takes the work over; approving the order again gives it back.
    TakeOver,
    /// The token is lost or broken: a new one is made and shipped for the same payment (补办).
    TokenLost,
    Personalized,
    /// It is made again.
    PersonalizationFailed,
    Delivered,
    /// It is made again.
    ShipmentLost,
    RequestRefund,
    RefundSent,
}

impl Event {
    pub const ALL: [Self; 30] = [
        Self::Submit,
        Self::Edit,
        Self::Delete,
        Self::Cancel,
        Self::PaymentReceived,
        Self::PaymentLapsed,
        Self::ApproveForPersonalization,
        Self::ApproveForRenewal,
        Self::ApproveForRecovery,
        Self::ApproveForDownload,
        Self::ApproveForUnlock,
        Self::Reject,
        Self::GrantUnlock,
        Self::RequestUnlock,
        Self::WithdrawUnlock,
        Self::ApprovalLapsed,
        Self::UnlockExpired,
        Self::RenewalConfirmed,
        Self::RecoveryConfirmed,
        Self::DownloadConfirmed,
        Self::UnlockConfirmed,
        Self::AttemptsExhausted,
        Self::TakeOver,
        Self::TokenLost,
        Self::Personalized,
        Self::PersonalizationFailed,
        Self::Delivered,
        Self::ShipmentLost,
        Self::RequestRefund,
        Self::RefundSent,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::Cancel => "cancel",
            Self::PaymentReceived => "payment_received",
            Self::PaymentLapsed => "payment_lapsed",
            Self::ApproveForPersonalization => "approve_for_personalization",
            Self::ApproveForRenewal => "approve_for_renewal",
            Self::ApproveForRecovery => "approve_for_recovery",
            Self::ApproveForDownload => "approve_for_download",
            Self::ApproveForUnlock => "approve_for_unlock",
            Self::Reject => "reject",
            Self::GrantUnlock => "grant_unlock",
            Self::RequestUnlock => "request_unlock",
            Self::WithdrawUnlock => "withdraw_unlock",
            Self::ApprovalLapsed => "approval_lapsed",
            Self::UnlockExpired => "unlock_expired",
            Self::RenewalConfirmed => "renewal_confirmed",
            Self::RecoveryConfirmed => "recovery_confirmed",
            Self::DownloadConfirmed => "download_confirmed",
            Self::UnlockConfirmed => "unlock_confirmed",
            Self::AttemptsExhausted => "attempts_exhausted",
            Self::TakeOver => "take_over",
            Self::TokenLost => "token_lost",
            Self::Personalized => "personalized",
            Self::PersonalizationFailed => "personalization_failed",
            Self::Delivered => "delivered",
            Self::ShipmentLost => "shipment_lost",
            Self::RequestRefund => "request_refund",
            Self::RefundSent => "refund_sent",
        }
    }
}
