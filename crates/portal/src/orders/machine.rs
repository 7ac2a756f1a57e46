//! Everything that can happen to an order, in one table.
//!
//! [`next`] names for every status and every event the status that follows, or why it cannot be; [`may_cause`] says who
//! may cause an event, [`concerns`] which orders it can happen to. None has a wildcard over statuses or events: whoever
//! adds one decides every case.

use ycd_portal_api::wire::orders::{ActorKind, OrderKind};

pub use super::status::{Event, InternalStatus};

/// Why an event cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransitionProblem {
    /// Whoever asked may not cause it.
    NotYours,
    /// Something else has to happen first.
    NotYet,
    /// It has happened already.
    AlreadySo,
    /// Money has come in: to end the order, ask for it back.
    Paid,
    /// The order has come to its end.
    Ended,
    /// Orders of this kind, on this way, never come to it.
    NotOnThisWay,
}

/// The table for an order of this kind, and for whoever asks.
pub fn decide(
    kind: OrderKind,
    internal_status: InternalStatus,
    event: Event,
    actor: ActorKind,
) -> Result<InternalStatus, TransitionProblem> {
    if !may_cause(event, actor) {
        Err(TransitionProblem::NotYours)
    } else if !concerns(event, kind) {
        Err(TransitionProblem::NotOnThisWay)
    } else {
        next(internal_status, event)
    }
}

/// Whether orders of a kind know an event. An unlock is neither paid nor personalized, and its form is no
/// [`OrderForm`]: it is asked for, granted, called off, done, or too late.
///
/// [`OrderForm`]: ycd_portal_api::wire::form::OrderForm
pub fn concerns(event: Event, kind: OrderKind) -> bool {
    let unlock = kind == OrderKind::Unlock;
    match event {
        Event::GrantUnlock
        | Event::RequestUnlock
        | Event::WithdrawUnlock
        | Event::ApproveForUnlock
        | Event::UnlockExpired
        | Event::UnlockConfirmed => unlock,
        Event::Reject => true,
        Event::Submit
        | Event::Edit
        | Event::Delete
        | Event::Cancel
        | Event::PaymentReceived
        | Event::PaymentLapsed
        | Event::ApproveForPersonalization
        | Event::ApproveForRenewal
        | Event::ApproveForRecovery
        | Event::ApproveForDownload
        | Event::ApprovalLapsed
        | Event::RenewalConfirmed
        | Event::RecoveryConfirmed
        | Event::DownloadConfirmed
        | Event::AttemptsExhausted
        | Event::TakeOver
        | Event::TokenLost
        | Event::Personalized
        | Event::PersonalizationFailed
        | Event::Delivered
        | Event::ShipmentLost
        | Event::RequestRefund
        | Event::RefundSent => !unlock,
    }
}

/// Who may cause an event.
pub fn may_cause(event: Event, actor: ActorKind) -> bool {
    use ActorKind::{Applicant, Operator, System};
    match event {
        Event::Submit | Event::Edit | Event::Delete | Event::RequestUnlock => actor == Applicant,
        Event::Cancel | Event::WithdrawUnlock => matches!(actor, Applicant | Operator),
        Event::RequestRefund => matches!(actor, Applicant | Operator),
        Event::PaymentReceived => matches!(actor, Operator | System),
        Event::ApproveForPersonalization
        | Event::ApproveForRenewal
        | Event::ApproveForRecovery
        | Event::ApproveForDownload
        | Event::ApproveForUnlock
        | Event::Reject
        | Event::TakeOver
        | Event::TokenLost
        | Event::Personalized
        | Event::PersonalizationFailed
        | Event::ShipmentLost => actor == Operator,
        Event::Delivered | Event::RefundSent => matches!(actor, Operator | System),
        Event::PaymentLapsed
        | Event::GrantUnlock
        | Event::ApprovalLapsed
        | Event::UnlockExpired
        | Event::RenewalConfirmed
        | Event::RecoveryConfirmed
        | Event::DownloadConfirmed
        | Event::UnlockConfirmed
        | Event::AttemptsExhausted => actor == System,
    }
}

/// What follows from an event.
pub fn next(internal_status: InternalStatus, event: Event) -> Result<InternalStatus, TransitionProblem> {
    use InternalStatus::{
        AwaitingDownload, AwaitingPayment, AwaitingPersonalization, AwaitingRecovery, AwaitingRenewal,
        AwaitingReview, AwaitingShipment, AwaitingUnlock, Cancelled, Completed, Deleted, Draft, Lapsed,
        OperatorCare, RefundPending, Refunded, Rejected, Revision,
    };
    use TransitionProblem::{AlreadySo, Ended, NotOnThisWay, NotYet, Paid};
    match event {
        Event::Submit => match internal_status {
            Draft => Ok(AwaitingPayment),
            Revision | Rejected => Ok(AwaitingReview),
            AwaitingPayment
            | AwaitingReview
            | AwaitingPersonalization
            | AwaitingRenewal
            | AwaitingRecovery
            | AwaitingShipment
            | AwaitingDownload
            | AwaitingUnlock
            | OperatorCare => Err(AlreadySo),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::Edit => match internal_status {
            AwaitingPayment => Ok(Draft),
            AwaitingReview | Rejected => Ok(Revision),
            Draft | Revision => Err(AlreadySo),
            AwaitingPersonalization
            | AwaitingRenewal
            | AwaitingRecovery
            | AwaitingShipment
            | AwaitingDownload
            | AwaitingUnlock
            | OperatorCare => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::Delete => match internal_status {
            Draft => Ok(Deleted),
            Deleted => Err(AlreadySo),
            AwaitingPayment => Err(NotOnThisWay),
            AwaitingReview
            | Revision
            | Rejected
            | AwaitingPersonalization
            | AwaitingRenewal
            | AwaitingRecovery
            | AwaitingShipment
            | AwaitingDownload
            | AwaitingUnlock
            | OperatorCare => Err(Paid),
            RefundPending | Completed | Refunded | Cancelled | Lapsed => Err(Ended),
        },
        Event::Cancel => match internal_status {
            AwaitingPayment => Ok(Cancelled),
            Cancelled => Err(AlreadySo),
            Draft => Err(NotOnThisWay),
            AwaitingReview
            | Revision
            | Rejected
            | AwaitingPersonalization
            | AwaitingRenewal
            | AwaitingRecovery
            | AwaitingShipment
            | AwaitingDownload
            | AwaitingUnlock
            | OperatorCare => Err(Paid),
            RefundPending | Completed | Refunded | Deleted | Lapsed => Err(Ended),
        },
        Event::PaymentReceived => match internal_status {
            AwaitingPayment => Ok(AwaitingReview),
            // It was taken back to be changed while the money was on its way.
            Draft => Ok(Revision),
            // Nothing will be delivered for it.
            Cancelled | Deleted => Ok(RefundPending),
            Lapsed => Err(Ended),
            AwaitingReview
            | Revision
            | Rejected
            | AwaitingPersonalization
            | AwaitingRenewal
            | AwaitingRecovery
            | AwaitingShipment
            | AwaitingDownload
            | AwaitingUnlock
            | OperatorCare
            | RefundPending
            | Completed
            | Refunded => Err(AlreadySo),
        },
        Event::PaymentLapsed => match internal_status {
            AwaitingPayment => Ok(Cancelled),
            Cancelled => Err(AlreadySo),
            Draft => Err(NotYet),
            AwaitingReview
            | Revision
            | Rejected
            | AwaitingPersonalization
            | AwaitingRenewal
            | AwaitingRecovery
            | AwaitingShipment
            | AwaitingDownload
            | AwaitingUnlock
            | OperatorCare => Err(Paid),
            RefundPending | Completed | Refunded | Deleted | Lapsed => Err(Ended),
        },
        Event::ApproveForPersonalization => approve(internal_status, AwaitingPersonalization),
        Event::ApproveForRenewal => approve(internal_status, AwaitingRenewal),
        Event::ApproveForRecovery => approve(internal_status, AwaitingRecovery),
        Event::ApproveForDownload => approve(internal_status, AwaitingDownload),
        Event::ApproveForUnlock => approve(internal_status, AwaitingUnlock),
        Event::Reject => match internal_status {
            AwaitingReview => Ok(Rejected),
            Rejected => Err(AlreadySo),
            Draft | AwaitingPayment | Revision => Err(NotYet),
            AwaitingPersonalization
            | AwaitingRenewal
            | AwaitingRecovery
            | AwaitingShipment
            | AwaitingDownload
            | AwaitingUnlock
            | OperatorCare => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::GrantUnlock => match internal_status {
            Draft => Ok(AwaitingUnlock),
            AwaitingUnlock => Err(AlreadySo),
            AwaitingPayment
            | AwaitingReview
            | Revision
            | Rejected
            | AwaitingPersonalization
            | AwaitingRenewal
            | AwaitingRecovery
            | AwaitingShipment
            | AwaitingDownload
            | OperatorCare => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::RequestUnlock => match internal_status {
            Draft | Revision | Rejected => Ok(AwaitingReview),
            AwaitingReview | AwaitingUnlock => Err(AlreadySo),
            AwaitingPayment
            | AwaitingPersonalization
            | AwaitingRenewal
            | AwaitingRecovery
            | AwaitingShipment
            | AwaitingDownload
            | OperatorCare => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::WithdrawUnlock => match internal_status {
            AwaitingReview | Revision | Rejected | AwaitingUnlock => Ok(Cancelled),
            Cancelled => Err(AlreadySo),
            Draft
            | AwaitingPayment
            | AwaitingPersonalization
            | AwaitingRenewal
            | AwaitingRecovery
            | AwaitingShipment
            | AwaitingDownload
            | OperatorCare => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Deleted | Lapsed => Err(Ended),
        },
        Event::ApprovalLapsed => match internal_status {
            AwaitingRenewal | AwaitingRecovery | AwaitingDownload => Ok(AwaitingReview),
            AwaitingReview => Err(AlreadySo),
            Draft | AwaitingPayment | Revision | Rejected => Err(NotYet),
            AwaitingPersonalization | AwaitingShipment | AwaitingUnlock | OperatorCare => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::UnlockExpired => match internal_status {
            AwaitingUnlock => Ok(Lapsed),
            Lapsed => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(NotYet),
            AwaitingPersonalization
            | AwaitingRenewal
            | AwaitingRecovery
            | AwaitingShipment
            | AwaitingDownload
            | OperatorCare => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted => Err(Ended),
        },
        Event::RenewalConfirmed => confirm(internal_status, AwaitingRenewal),
        Event::RecoveryConfirmed => confirm(internal_status, AwaitingRecovery),
        Event::DownloadConfirmed => confirm(internal_status, AwaitingDownload),
        Event::UnlockConfirmed => confirm(internal_status, AwaitingUnlock),
        Event::AttemptsExhausted => match internal_status {
            AwaitingRenewal | AwaitingRecovery | AwaitingDownload => Ok(OperatorCare),
            OperatorCare => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(NotYet),
            AwaitingPersonalization | AwaitingShipment | AwaitingUnlock => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::TakeOver => match internal_status {
            AwaitingPersonalization | AwaitingRenewal | AwaitingRecovery | AwaitingDownload => {
                Ok(OperatorCare)
            }
            OperatorCare => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(NotYet),
            AwaitingShipment | AwaitingUnlock => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::TokenLost => match internal_status {
            AwaitingRenewal | AwaitingRecovery | AwaitingDownload | OperatorCare => {
                Ok(AwaitingPersonalization)
            }
            AwaitingPersonalization => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(NotYet),
            AwaitingShipment | AwaitingUnlock => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::Personalized => match internal_status {
            AwaitingPersonalization => Ok(AwaitingShipment),
            AwaitingShipment => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(NotYet),
            AwaitingRenewal | AwaitingRecovery | AwaitingDownload | AwaitingUnlock | OperatorCare => {
                Err(NotOnThisWay)
            }
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::PersonalizationFailed => match internal_status {
            AwaitingPersonalization => Ok(AwaitingPersonalization),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(NotYet),
            AwaitingShipment => Err(AlreadySo),
            AwaitingRenewal | AwaitingRecovery | AwaitingDownload | AwaitingUnlock | OperatorCare => {
                Err(NotOnThisWay)
            }
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::Delivered => match internal_status {
            AwaitingShipment => Ok(Completed),
            Completed => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected | AwaitingPersonalization => {
                Err(NotYet)
            }
            AwaitingRenewal | AwaitingRecovery | AwaitingDownload | AwaitingUnlock | OperatorCare => {
                Err(NotOnThisWay)
            }
            RefundPending | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::ShipmentLost => match internal_status {
            AwaitingShipment => Ok(AwaitingPersonalization),
            AwaitingPersonalization => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(NotYet),
            AwaitingRenewal | AwaitingRecovery | AwaitingDownload | AwaitingUnlock | OperatorCare => {
                Err(NotOnThisWay)
            }
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::RequestRefund => match internal_status {
            // Where nothing was paid, there is nothing to give back: `transition` looks at that.
            Rejected | Revision | OperatorCare | Lapsed => Ok(RefundPending),
            // Nothing has come in.
            Draft | AwaitingPayment => Err(NotYet),
            // An operator rejects it or takes it over first, so that no certificate is made for money given back.
            AwaitingReview
            | AwaitingPersonalization
            | AwaitingRenewal
            | AwaitingRecovery
            | AwaitingShipment
            | AwaitingDownload
            | AwaitingUnlock => Err(NotOnThisWay),
            RefundPending | Refunded => Err(AlreadySo),
            Completed | Cancelled | Deleted => Err(Ended),
        },
        Event::RefundSent => match internal_status {
            RefundPending => Ok(Refunded),
            Refunded => Err(AlreadySo),
            Draft
            | AwaitingPayment
            | AwaitingReview
            | Revision
            | Rejected
            | AwaitingPersonalization
            | AwaitingRenewal
            | AwaitingRecovery
            | AwaitingShipment
            | AwaitingDownload
            | AwaitingUnlock
            | OperatorCare => Err(NotYet),
            Completed | Cancelled | Deleted | Lapsed => Err(Ended),
        },
    }
}

fn approve(internal_status: InternalStatus, to: InternalStatus) -> Result<InternalStatus, TransitionProblem> {
    use InternalStatus::{
        AwaitingDownload, AwaitingPayment, AwaitingPersonalization, AwaitingRecovery, AwaitingRenewal,
        AwaitingReview, AwaitingShipment, AwaitingUnlock, Cancelled, Completed, Deleted, Draft, Lapsed,
        OperatorCare, RefundPending, Refunded, Rejected, Revision,
    };
    match internal_status {
        AwaitingReview | OperatorCare => Ok(to),
        Draft | AwaitingPayment | Revision | Rejected => Err(TransitionProblem::NotYet),
        AwaitingPersonalization
        | AwaitingRenewal
        | AwaitingRecovery
        | AwaitingShipment
        | AwaitingDownload
        | AwaitingUnlock => Err(TransitionProblem::AlreadySo),
        RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(TransitionProblem::Ended),
    }
}

fn confirm(
    internal_status: InternalStatus,
    from: InternalStatus,
) -> Result<InternalStatus, TransitionProblem> {
    use InternalStatus::{
        AwaitingDownload, AwaitingPayment, AwaitingPersonalization, AwaitingRecovery, AwaitingRenewal,
        AwaitingReview, AwaitingShipment, AwaitingUnlock, Cancelled, Completed, Deleted, Draft, Lapsed,
        OperatorCare, RefundPending, Refunded, Rejected, Revision,
    };
    match internal_status {
        AwaitingRenewal | AwaitingRecovery | AwaitingDownload | AwaitingUnlock if internal_status == from => {
            Ok(Completed)
        }
        AwaitingRenewal
        | AwaitingRecovery
        | AwaitingDownload
        | AwaitingUnlock
        | AwaitingPersonalization
        | AwaitingShipment
        | OperatorCare => Err(TransitionProblem::NotOnThisWay),
        Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(TransitionProblem::NotYet),
        Completed => Err(TransitionProblem::AlreadySo),
        RefundPending | Refunded | Cancelled | Deleted | Lapsed => Err(TransitionProblem::Ended),
    }
}

/// With which event an order of a kind is approved.
pub fn approval(kind: OrderKind) -> Event {
    match kind {
        OrderKind::Purchase | OrderKind::Reissue => Event::ApproveForPersonalization,
        OrderKind::Renewal | OrderKind::ExpiredPurchase | OrderKind::Change => Event::ApproveForRenewal,
        OrderKind::Recovery => Event::ApproveForRecovery,
        OrderKind::Download => Event::ApproveForDownload,
        OrderKind::Unlock => Event::ApproveForUnlock,
    }
}

/// With which event an order of a kind is called off.
pub fn cancellation(kind: OrderKind) -> Event {
    if kind == OrderKind::Unlock { Event::WithdrawUnlock } else { Event::Cancel }
}

/// Whether it is one of those that [`approval`] gives.
pub fn is_approval(event: Event) -> bool {
    OrderKind::ALL.into_iter().any(|kind| approval(kind) == event)
}

impl TransitionProblem {
    pub fn name(self) -> &'static str {
        match self {
            Self::NotYours => "not_yours",
            Self::NotYet => "not_yet",
            Self::AlreadySo => "already_so",
            Self::Paid => "paid",
            Self::Ended => "ended",
            Self::NotOnThisWay => "not_on_this_way",
        }
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
