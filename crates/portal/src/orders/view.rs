//! An order as its applicant sees it.

use sqlx::Row as _;
use ycd_portal_api::wire::{
    form::FormView,
    masked_phone,
    orders::{OrderAction, OrderKind, OrderSummary, OrderView, PaymentView, TimelineEntry},
};

use super::{
    form::check,
    machine::Stage,
    record::{Order, word},
};
use crate::{Error, Portal, catalogue, certificates, db::Conn, db::moment};

pub(super) fn summary(order: &Order) -> OrderSummary {
    OrderSummary {
        no: order.no.clone(),
        kind: order.kind,
        state: order.state,
        note: order.stage.note(),
        company: order.company.clone(),
        product: order.product.clone(),
        product_name: order.product_name.clone(),
        term_years: order.term_years,
        amount: order.amount,
        created_at: order.created_at.into(),
        reject_reason: order.reject_reason.clone(),
        certificate: order.certificate.clone(),
        key_id: order.key_id.clone(),
        actions: actions(order.kind, order.stage),
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
        "SELECT at, event, to_stage, state, actor_kind, reason FROM order_events WHERE order_no = $1 ORDER BY id",
    )
    .bind(no)
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let stage: String = row.try_get("to_stage")?;
            Ok(TimelineEntry {
                at: moment(row.try_get("at")?).into(),
                event: row.try_get("event")?,
                state: word(row.try_get("state")?)?,
                note: Stage::ALL.into_iter().find(|known| known.name() == stage).and_then(Stage::note),
                actor: word(row.try_get("actor_kind")?)?,
                reason: row.try_get("reason")?,
            })
        })
        .collect()
}

fn actions(kind: OrderKind, stage: Stage) -> Vec<OrderAction> {
    use OrderAction::{Cancel, Confirm, Delete, Edit, Pay, RequestRefund, SaveForm, Unlock, WriteKey};
    if kind == OrderKind::Unlock {
        return match stage {
            // Asking again after a rejection begins at the key, like the rest.
            Stage::AwaitingUnlock | Stage::Rejected | Stage::Revision => vec![Unlock, Cancel],
            Stage::AwaitingReview => vec![Cancel],
            _ => vec![],
        };
    }
    match stage {
        Stage::Draft => vec![SaveForm, Confirm, Delete],
        Stage::AwaitingPayment => vec![Pay, Edit, Cancel],
        Stage::AwaitingReview => vec![Edit],
        Stage::Revision | Stage::Rejected => vec![SaveForm, Confirm, RequestRefund],
        Stage::AwaitingRenewal | Stage::AwaitingRecovery | Stage::AwaitingDownload => vec![WriteKey],
        Stage::OperatorCare => vec![RequestRefund],
        Stage::AwaitingProduction
        | Stage::AwaitingShipment
        | Stage::RefundPending
        | Stage::Completed
        | Stage::Refunded
        | Stage::Cancelled
        | Stage::Lapsed
        | Stage::AwaitingUnlock
        | Stage::Deleted => vec![],
    }
}
