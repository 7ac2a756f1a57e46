//! What is told of an attempt.

use ycd_portal_api::problem::attempts as problems;
use ycd_portal_api::wire::{
    Bytes,
    attempts::{AbandonedAttempt, AttemptState, AttemptView, Mode},
    orders::OrderNote,
};

use super::{
    MAX_ATTEMPTS,
    record::{self, Attempt},
};
use crate::{Error, Portal, certificates, db::Conn, orders::Order};

/// The order's newest attempt, and all that a machine needs to go on with it. `attempt.not_found` before the first.
pub async fn newest(portal: &Portal, db: &mut Conn, order: &Order) -> Result<AttemptView, Error> {
    let attempts = record::all(db, &order.no).await?;
    let attempt = attempts.last().ok_or(problems::NONE)?;
    let old = certificates::load(db, &order.certificate).await?;
    let mode = order.mode.ok_or_else(|| Error::Stored(format!("order {} has no mode", order.no)))?;
    let mut inventory = record::inventory(db, &order.no).await?;
    // In the other modes a pair that an attempt is bound to was made by the order, whatever a machine saw first.
    if mode != Mode::SameKeyPair {
        inventory.retain(|spki| attempts.iter().all(|attempt| attempt.spki() != Some(spki)));
    }
    let abandoned = attempts
        .iter()
        .filter(|other| other.state == AttemptState::Closed && other.number != attempt.number)
        .map(|other| AbandonedAttempt {
            attempt: other.number,
            cka_id: Bytes(other.cka_id.clone()),
            public_key: other.spki().map(|spki| Bytes(spki.to_vec())),
        })
        .collect();
    Ok(AttemptView {
        portal: portal.name().into(),
        order: order.no.clone(),
        public_status: order.state,
        token_id: order.token_id.clone(),
        mode,
        attempt: attempt.number,
        state: attempt.state,
        cka_id: Bytes(attempt.cka_id.clone()),
        public_key: attempt.spki().map(|spki| Bytes(spki.to_vec())),
        certificate: attempt.certificate().map(|der| Bytes(der.to_vec())),
        chain: portal.authority().chain(),
        old_certificate: Bytes(old.der),
        subject: Bytes(old.subject),
        inventory: inventory.into_iter().map(Bytes).collect(),
        abandoned,
        replace_agreed: record::replace_agreed(db, &order.no).await?,
        operator_care: order.internal_status.note() == Some(OrderNote::OperatorCare),
        attempts_left: attempts_left(order, &attempts),
        validity_years: order.validity_years.into(),
        portal_time: portal.now().into(),
    })
}

/// Attempts that may still be opened. An operator who approves the order again allows as many as before.
pub fn attempts_left(order: &Order, attempts: &[Attempt]) -> u32 {
    let counted = attempts
        .iter()
        .filter(|attempt| attempt.is_open() || order.approved_at.is_none_or(|at| attempt.opened_at >= at))
        .count();
    MAX_ATTEMPTS.saturating_sub(u32::try_from(counted).unwrap_or(u32::MAX))
}
