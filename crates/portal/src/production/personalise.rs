//! A first certificate without a production: for keys whose SO PIN the portal does not know.

use axum::extract::State;
use ycd_portal_api::{
    Problem,
    wire::keys::{PersonaliseKey, PersonalisedKey},
};

use super::{assignment::Assignment, certificate::issue};
use crate::{
    Portal,
    attempts::checked_request,
    http::{Answer, Change, Operator},
    keys,
};

/// Issues the first certificate and binds key, public key and phone. Repeated for the same key and public key it
/// gives the same certificate.
#[utoipa::path(post, path = "/operator/keys", request_body = PersonaliseKey, security(("session" = [])),
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = PersonalisedKey), (status = "default", body = Problem)))]
pub async fn personalise(
    State(portal): State<Portal>,
    operator: Operator,
    change: Change<PersonaliseKey>,
) -> Answer {
    let request = checked_request(&change.body.request.0)?;
    let mut tx = change.begin(&portal, operator.clone()).await?;
    let (now, body) = (tx.now(), &change.body);
    let assignment = Assignment {
        key_id: body.key_id.clone(),
        holder: body.holder.clone(),
        phone: body.phone.clone(),
        product: body.product.clone(),
        term_years: body.term_years,
    };
    let assignment = assignment.check(&portal, &mut tx, now).await?;
    keys::ensure(&mut tx, portal.config(), &assignment.key_id).await?;
    issue(&portal, &change, tx, operator, &assignment, None, &request).await
}
