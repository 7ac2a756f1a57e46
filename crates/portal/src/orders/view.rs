//! An order as its applicant sees it.

use sqlx::Row as _;
use ycd_portal_api::wire::{
    form::FormView,
    masked_phone,
    orders::{OrderAction, OrderKind, OrderSummary, OrderView, PaymentView, TimelineEntry},
};

use super::{
    form::check,
    machine::InternalStatus,
    record::{Order, word},
};
use crate::{Error, Portal, catalogue, certificates, db::Conn, db::moment};

pub(super) fn summary(order: &Order) -> OrderSummary {
    OrderSummary {
        no: order.no.clone(),
        kind: order.kind,
        state: order.state,
        note: order.internal_status.note(),
        company: order.company.clone(),
        product: order.product.clone(),
        product_name: order.product_name.clone(),
        validity_years: order.validity_years,
        amount: order.amount,
        created_at: order.created_at.into(),
        reject_reason: order.reject_reason.clone(),
        certificate: order.certificate.clone(),
        token_id: order.token_id.clone(),
        actions: actions(order.kind, order.internal_status),
    }
}

pub(super) async fn view(portal: &Portal, db: &mut Conn, order: &Order) -> Result<OrderView, Error> {
    let transfer = sqlx::query("SELECT reference FROM transfers WHERE order_no = $1")
        .bind(&order.no)
        .fetch_optional(&mut *db)
        .await?;
    Ok(OrderView {
        summary: summary(order),
        form: form_view(db, order).await?,
        mode: order.mode,
        phone: masked_phone(&order.phone),
        payment: PaymentView {
            method: order.payment_method,
            amount: order.amount,
            paid_at: order.paid_at.map(Into::into),
            reference: transfer.map(|row| row.try_get(0)).transpose()?,
            account: portal.config().project.bank_account.clone(),
        },
        submitted_at: order.submitted_at.map(Into::into),
        work_until: order.work_until(portal).map(Into::into),
        timeline: timeline(db, &order.no).await?,
    })
}

/// The form, checked against product and certificate. An unlock has none of this kind.
pub(super) async fn form_view(db: &mut Conn, order: &Order) -> Result<FormView, Error> {
    if order.kind == OrderKind::Unlock {
        return Ok(FormView { errors: Vec::new(), form: order.form.clone() });
    }
    let product = catalogue::holder_kind(db, &order.product).await?;
    let certificate = certificates::load(db, &order.certificate).await?;
    Ok(FormView { errors: check(&order.form, product, Some(&certificate.holder)), form: order.form.clone() })
}

async fn timeline(db: &mut Conn, no: &str) -> Result<Vec<TimelineEntry>, Error> {
    let rows = sqlx::query(
        "SELECT at, event, to_status, public_status, actor_kind, reason FROM order_events WHERE order_no = $1 ORDER BY id",
    )
    .bind(no)
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let internal_status: String = row.try_get("to_status")?;
            Ok(TimelineEntry {
                at: moment(row.try_get("at")?).into(),
                event: row.try_get("event")?,
                state: word(row.try_get("public_status")?)?,
                note: InternalStatus::ALL
                    .into_iter()
                    .find(|known| known.name() == internal_status)
                    .and_then(InternalStatus::note),
                actor: word(row.try_get("actor_kind")?)?,
                reason: row.try_get("reason")?,
            })
        })
        .collect()
}

fn actions(kind: OrderKind, internal_status: InternalStatus) -> Vec<OrderAction> {
    use OrderAction::{Cancel, Confirm, Delete, Edit, Pay, RequestRefund, SaveForm, Unlock, WriteToken};
    if kind == OrderKind::Unlock {
        return match internal_status {
            // Asking again after a rejection begins at the token, like the rest.
            InternalStatus::AwaitingUnlock | InternalStatus::Rejected | InternalStatus::Revision => {
                vec![Unlock, Cancel]
            }
            InternalStatus::AwaitingReview => vec![Cancel],
            _ => vec![],
        };
    }
    match internal_status {
        InternalStatus::Draft => vec![SaveForm, Confirm, Delete],
        InternalStatus::AwaitingPayment => vec![Pay, Edit, Cancel],
        InternalStatus::AwaitingReview => vec![Edit],
        InternalStatus::Revision | InternalStatus::Rejected => vec![SaveForm, Confirm, RequestRefund],
        InternalStatus::AwaitingRenewal
        | InternalStatus::AwaitingRecovery
        | InternalStatus::AwaitingDownload => vec![WriteToken],
        InternalStatus::OperatorCare => vec![RequestRefund],
        InternalStatus::AwaitingPersonalization
        | InternalStatus::AwaitingShipment
        | InternalStatus::RefundPending
        | InternalStatus::Completed
        | InternalStatus::Refunded
        | InternalStatus::Cancelled
        | InternalStatus::Lapsed
        | InternalStatus::AwaitingUnlock
        | InternalStatus::Deleted => vec![],
    }
}
