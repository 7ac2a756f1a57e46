//! Everything that can happen to an order, in one table.
//!
//! [`next`] names for every stage and every event the stage that follows, or why it cannot be; [`may_cause`] says who
//! may cause an event, [`concerns`] which orders it can happen to. None has a wildcard over stages or events: whoever
//! adds one decides every case.

use ycd_portal_api::wire::orders::{ActorKind, OrderKind};

pub use super::stage::{Event, Stage};

/// Why an event cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
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
pub fn decide(kind: OrderKind, stage: Stage, event: Event, actor: ActorKind) -> Result<Stage, Refusal> {
    if !may_cause(event, actor) {
        Err(Refusal::NotYours)
    } else if !concerns(event, kind) {
        Err(Refusal::NotOnThisWay)
    } else {
        next(stage, event)
    }
}

/// Whether orders of a kind know an event. An unlock is neither paid nor produced, and its form is no [`OrderForm`]: it
/// is asked for, granted, called off, done, or too late.
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
        | Event::ApproveForProduction
        | Event::ApproveForRenewal
        | Event::ApproveForRecovery
        | Event::ApproveForDownload
        | Event::ApprovalLapsed
        | Event::RenewalConfirmed
        | Event::RecoveryConfirmed
        | Event::DownloadConfirmed
        | Event::AttemptsExhausted
        | Event::TakeOver
        | Event::KeyLost
        | Event::Produced
        | Event::ProductionFailed
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
        Event::ApproveForProduction
        | Event::ApproveForRenewal
        | Event::ApproveForRecovery
        | Event::ApproveForDownload
        | Event::ApproveForUnlock
        | Event::Reject
        | Event::TakeOver
        | Event::KeyLost
        | Event::Produced
        | Event::ProductionFailed
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
pub fn next(stage: Stage, event: Event) -> Result<Stage, Refusal> {
    use Refusal::{AlreadySo, Ended, NotOnThisWay, NotYet, Paid};
    use Stage::{
        AwaitingDownload, AwaitingPayment, AwaitingProduction, AwaitingRecovery, AwaitingRenewal,
        AwaitingReview, AwaitingShipment, AwaitingUnlock, Cancelled, Completed, Deleted, Draft, Lapsed,
        OperatorCare, RefundPending, Refunded, Rejected, Revision,
    };
    match event {
        Event::Submit => match stage {
            Draft => Ok(AwaitingPayment),
            Revision | Rejected => Ok(AwaitingReview),
            AwaitingPayment | AwaitingReview | AwaitingProduction | AwaitingRenewal | AwaitingRecovery
            | AwaitingShipment | AwaitingDownload | AwaitingUnlock | OperatorCare => Err(AlreadySo),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::Edit => match stage {
            AwaitingPayment => Ok(Draft),
            AwaitingReview | Rejected => Ok(Revision),
            Draft | Revision => Err(AlreadySo),
            AwaitingProduction | AwaitingRenewal | AwaitingRecovery | AwaitingShipment | AwaitingDownload
            | AwaitingUnlock | OperatorCare => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::Delete => match stage {
            Draft => Ok(Deleted),
            Deleted => Err(AlreadySo),
            AwaitingPayment => Err(NotOnThisWay),
            AwaitingReview | Revision | Rejected | AwaitingProduction | AwaitingRenewal
            | AwaitingRecovery | AwaitingShipment | AwaitingDownload | AwaitingUnlock | OperatorCare => {
                Err(Paid)
            }
            RefundPending | Completed | Refunded | Cancelled | Lapsed => Err(Ended),
        },
        Event::Cancel => match stage {
            AwaitingPayment => Ok(Cancelled),
            Cancelled => Err(AlreadySo),
            Draft => Err(NotOnThisWay),
            AwaitingReview | Revision | Rejected | AwaitingProduction | AwaitingRenewal
            | AwaitingRecovery | AwaitingShipment | AwaitingDownload | AwaitingUnlock | OperatorCare => {
                Err(Paid)
            }
            RefundPending | Completed | Refunded | Deleted | Lapsed => Err(Ended),
        },
        Event::PaymentReceived => match stage {
            AwaitingPayment => Ok(AwaitingReview),
            // It was taken back to be changed while the money was on its way.
            Draft => Ok(Revision),
            // Nothing will be delivered for it.
            Cancelled | Deleted => Ok(RefundPending),
            Lapsed => Err(Ended),
            AwaitingReview | Revision | Rejected | AwaitingProduction | AwaitingRenewal
            | AwaitingRecovery | AwaitingShipment | AwaitingDownload | AwaitingUnlock | OperatorCare
            | RefundPending | Completed | Refunded => Err(AlreadySo),
        },
        Event::PaymentLapsed => match stage {
            AwaitingPayment => Ok(Cancelled),
            Cancelled => Err(AlreadySo),
            Draft => Err(NotYet),
            AwaitingReview | Revision | Rejected | AwaitingProduction | AwaitingRenewal
            | AwaitingRecovery | AwaitingShipment | AwaitingDownload | AwaitingUnlock | OperatorCare => {
                Err(Paid)
            }
            RefundPending | Completed | Refunded | Deleted | Lapsed => Err(Ended),
        },
        Event::ApproveForProduction => approve(stage, AwaitingProduction),
        Event::ApproveForRenewal => approve(stage, AwaitingRenewal),
        Event::ApproveForRecovery => approve(stage, AwaitingRecovery),
        Event::ApproveForDownload => approve(stage, AwaitingDownload),
        Event::ApproveForUnlock => approve(stage, AwaitingUnlock),
        Event::Reject => match stage {
            AwaitingReview => Ok(Rejected),
            Rejected => Err(AlreadySo),
            Draft | AwaitingPayment | Revision => Err(NotYet),
            AwaitingProduction | AwaitingRenewal | AwaitingRecovery | AwaitingShipment | AwaitingDownload
            | AwaitingUnlock | OperatorCare => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::GrantUnlock => match stage {
            Draft => Ok(AwaitingUnlock),
            AwaitingUnlock => Err(AlreadySo),
            AwaitingPayment | AwaitingReview | Revision | Rejected | AwaitingProduction | AwaitingRenewal
            | AwaitingRecovery | AwaitingShipment | AwaitingDownload | OperatorCare => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::RequestUnlock => match stage {
            Draft | Revision | Rejected => Ok(AwaitingReview),
            AwaitingReview | AwaitingUnlock => Err(AlreadySo),
            AwaitingPayment | AwaitingProduction | AwaitingRenewal | AwaitingRecovery | AwaitingShipment
            | AwaitingDownload | OperatorCare => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::WithdrawUnlock => match stage {
            AwaitingReview | Revision | Rejected | AwaitingUnlock => Ok(Cancelled),
            Cancelled => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingProduction | AwaitingRenewal | AwaitingRecovery
            | AwaitingShipment | AwaitingDownload | OperatorCare => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Deleted | Lapsed => Err(Ended),
        },
        Event::ApprovalLapsed => match stage {
            AwaitingRenewal | AwaitingRecovery | AwaitingDownload => Ok(AwaitingReview),
            AwaitingReview => Err(AlreadySo),
            Draft | AwaitingPayment | Revision | Rejected => Err(NotYet),
            AwaitingProduction | AwaitingShipment | AwaitingUnlock | OperatorCare => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::UnlockExpired => match stage {
            AwaitingUnlock => Ok(Lapsed),
            Lapsed => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(NotYet),
            AwaitingProduction | AwaitingRenewal | AwaitingRecovery | AwaitingShipment | AwaitingDownload
            | OperatorCare => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted => Err(Ended),
        },
        Event::RenewalConfirmed => confirm(stage, AwaitingRenewal),
        Event::RecoveryConfirmed => confirm(stage, AwaitingRecovery),
        Event::DownloadConfirmed => confirm(stage, AwaitingDownload),
        Event::UnlockConfirmed => confirm(stage, AwaitingUnlock),
        Event::AttemptsExhausted => match stage {
            AwaitingRenewal | AwaitingRecovery | AwaitingDownload => Ok(OperatorCare),
            OperatorCare => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(NotYet),
            AwaitingProduction | AwaitingShipment | AwaitingUnlock => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::TakeOver => match stage {
            AwaitingProduction | AwaitingRenewal | AwaitingRecovery | AwaitingDownload => Ok(OperatorCare),
            OperatorCare => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(NotYet),
            AwaitingShipment | AwaitingUnlock => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::KeyLost => match stage {
            AwaitingRenewal | AwaitingRecovery | AwaitingDownload | OperatorCare => Ok(AwaitingProduction),
            AwaitingProduction => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(NotYet),
            AwaitingShipment | AwaitingUnlock => Err(NotOnThisWay),
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::Produced => match stage {
            AwaitingProduction => Ok(AwaitingShipment),
            AwaitingShipment => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(NotYet),
            AwaitingRenewal | AwaitingRecovery | AwaitingDownload | AwaitingUnlock | OperatorCare => {
                Err(NotOnThisWay)
            }
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::ProductionFailed => match stage {
            AwaitingProduction => Ok(AwaitingProduction),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(NotYet),
            AwaitingShipment => Err(AlreadySo),
            AwaitingRenewal | AwaitingRecovery | AwaitingDownload | AwaitingUnlock | OperatorCare => {
                Err(NotOnThisWay)
            }
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::Delivered => match stage {
            AwaitingShipment => Ok(Completed),
            Completed => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected | AwaitingProduction => {
                Err(NotYet)
            }
            AwaitingRenewal | AwaitingRecovery | AwaitingDownload | AwaitingUnlock | OperatorCare => {
                Err(NotOnThisWay)
            }
            RefundPending | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::ShipmentLost => match stage {
            AwaitingShipment => Ok(AwaitingProduction),
            AwaitingProduction => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(NotYet),
            AwaitingRenewal | AwaitingRecovery | AwaitingDownload | AwaitingUnlock | OperatorCare => {
                Err(NotOnThisWay)
            }
            RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Ended),
        },
        Event::RequestRefund => match stage {
            // Where nothing was paid, there is nothing to give back: `transition` looks at that.
            Rejected | Revision | OperatorCare | Lapsed => Ok(RefundPending),
            // Nothing has come in.
            Draft | AwaitingPayment => Err(NotYet),
            // An operator rejects it or takes it over first, so that no certificate is made for money given back.
            AwaitingReview | AwaitingProduction | AwaitingRenewal | AwaitingRecovery | AwaitingShipment
            | AwaitingDownload | AwaitingUnlock => Err(NotOnThisWay),
            RefundPending | Refunded => Err(AlreadySo),
            Completed | Cancelled | Deleted => Err(Ended),
        },
        Event::RefundSent => match stage {
            RefundPending => Ok(Refunded),
            Refunded => Err(AlreadySo),
            Draft | AwaitingPayment | AwaitingReview | Revision | Rejected | AwaitingProduction
            | AwaitingRenewal | AwaitingRecovery | AwaitingShipment | AwaitingDownload | AwaitingUnlock
            | OperatorCare => Err(NotYet),
            Completed | Cancelled | Deleted | Lapsed => Err(Ended),
        },
    }
}

fn approve(stage: Stage, to: Stage) -> Result<Stage, Refusal> {
    use Stage::{
        AwaitingDownload, AwaitingPayment, AwaitingProduction, AwaitingRecovery, AwaitingRenewal,
        AwaitingReview, AwaitingShipment, AwaitingUnlock, Cancelled, Completed, Deleted, Draft, Lapsed,
        OperatorCare, RefundPending, Refunded, Rejected, Revision,
    };
    match stage {
        AwaitingReview | OperatorCare => Ok(to),
        Draft | AwaitingPayment | Revision | Rejected => Err(Refusal::NotYet),
        AwaitingProduction | AwaitingRenewal | AwaitingRecovery | AwaitingShipment | AwaitingDownload
        | AwaitingUnlock => Err(Refusal::AlreadySo),
        RefundPending | Completed | Refunded | Cancelled | Deleted | Lapsed => Err(Refusal::Ended),
    }
}

fn confirm(stage: Stage, from: Stage) -> Result<Stage, Refusal> {
    use Stage::{
        AwaitingDownload, AwaitingPayment, AwaitingProduction, AwaitingRecovery, AwaitingRenewal,
        AwaitingReview, AwaitingShipment, AwaitingUnlock, Cancelled, Completed, Deleted, Draft, Lapsed,
        OperatorCare, RefundPending, Refunded, Rejected, Revision,
    };
    match stage {
        AwaitingRenewal | AwaitingRecovery | AwaitingDownload | AwaitingUnlock if stage == from => {
            Ok(Completed)
        }
        AwaitingRenewal | AwaitingRecovery | AwaitingDownload | AwaitingUnlock | AwaitingProduction
        | AwaitingShipment | OperatorCare => Err(Refusal::NotOnThisWay),
        Draft | AwaitingPayment | AwaitingReview | Revision | Rejected => Err(Refusal::NotYet),
        Completed => Err(Refusal::AlreadySo),
        RefundPending | Refunded | Cancelled | Deleted | Lapsed => Err(Refusal::Ended),
    }
}

/// With which event an order of a kind is approved.
pub fn approval(kind: OrderKind) -> Event {
    match kind {
        OrderKind::Purchase | OrderKind::Reissue => Event::ApproveForProduction,
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

impl Refusal {
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
