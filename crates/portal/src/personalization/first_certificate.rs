//! A first certificate without a personalization: for tokens whose SO PIN the portal does not know.

use axum::extract::State;
use ycd_portal_api::{
    Problem,
    wire::tokens::{FirstCertificate, IssueFirstCertificate},
};

use super::{assignment::Assignment, certificate::issue};
use crate::{
    Portal,
    attempts::checked_request,
    http::{Answer, Change, Operator},
    tokens,
};

/// Issues the first certificate and binds token, public key and phone. Repeated for the same token and public key it
/// gives the same certificate.
#[utoipa::path(post, path = "/operator/tokens", request_body = IssueFirstCertificate, security(("session" = [])),
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = FirstCertificate), (status = "default", body = Problem)))]
pub async fn first_certificate(
    State(portal): State<Portal>,
    operator: Operator,
    change: Change<IssueFirstCertificate>,
) -> Answer {
    let request = checked_request(&change.body.request.0)?;
    let mut tx = change.begin(&portal, operator.clone()).await?;
    let (now, body) = (tx.now(), &change.body);
    let assignment = Assignment {
        token_id: body.token_id.clone(),
        holder: body.holder.clone(),
        phone: body.phone.clone(),
        product: body.product.clone(),
        validity_years: body.validity_years,
    };
    let assignment = assignment.check(&portal, &mut tx, now).await?;
    tokens::ensure(&mut tx, portal.config(), &assignment.token_id).await?;
    issue(&portal, &change, tx, operator, &assignment, None, &request).await
}
