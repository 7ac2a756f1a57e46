//! Steps 8 and 9: the new key and its certificate are together on the token; the order is complete.

use axum::{extract::State, http::StatusCode};
use ycd_pki::{Certificate, authorization::Authorization};
use ycd_portal_api::problem::attempts as problems;
use ycd_portal_api::{
    Problem,
    wire::attempts::{AttemptState, Confirm, Confirmed, NoncePurpose},
};

use super::{
    evidence::{Expected, take_authorization},
    issue::{check_not_revoked, open_attempt},
    record::{self},
};
use crate::{
    Error, Portal, audit, certificates,
    http::{Actor, Answer, Change, Path, User},
    orders::{self, Event},
};

/// Completes the order. The old certificate is superseded by this, not before. Repeats get the same answer.
#[utoipa::path(post, path = "/orders/{order}/attempts/{attempt}/confirm", request_body = Confirm,
    security(("session" = [])),
    params(("order" = String, Path), ("attempt" = u32, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Confirmed), (status = "default", body = Problem)))]
pub async fn confirm(
    State(portal): State<Portal>,
    user: User,
    Path((no, number)): Path<(String, u32)>,
    change: Change<Confirm>,
) -> Answer {
    let mut tx = change.begin(&portal, user.clone()).await?;
    let now = tx.now();
    let order = orders::load_own(&mut tx, &no, &user).await?;
    if record::load(&mut tx, &no, number).await?.state == AttemptState::Confirmed {
        return tx.answer(StatusCode::OK, &Confirmed { public_status: order.state }).await;
    }
    let attempt = open_attempt(&mut tx, &order, number).await?;
    let der = attempt.certificate().ok_or(problems::NOT_ISSUED)?;
    let stored = |error: ycd_pki::PkiError| Error::Stored(error.to_string());
    let certificate = Certificate::from_der(der).map_err(stored)?;
    check_not_revoked(&mut tx, &certificate.serial_hex()).await?;
    let signer = certificate.public_key().map_err(stored)?;
    let expected = Expected { order: &no, attempt: number, purpose: NoncePurpose::Confirm, signer: &signer };
    let authorization = |nonce| Authorization::Confirm {
        portal: portal.name().into(),
        order: no.clone(),
        attempt: number,
        serial: certificate.serial().to_vec(),
        nonce,
    };
    take_authorization(&mut tx, expected, &change.body.authorization, authorization, now).await?;

    record::set_state(&mut tx, &attempt, AttemptState::Confirmed, now).await?;
    certificates::supersede(&mut tx, &order.certificate, &certificate.serial_hex()).await?;
    let order = orders::transition(&mut tx, &no, Event::RenewalConfirmed, &Actor::System, None, now).await?;
    let actor = tx.actor().clone();
    audit::record(&mut tx, &actor, "attempt.confirm", &no, Some(&certificate.serial_hex()), now).await?;
    tx.answer(StatusCode::OK, &Confirmed { public_status: order.state }).await
}
