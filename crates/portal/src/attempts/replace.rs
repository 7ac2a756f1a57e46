//! Mode *replace*, step 4: the old key agrees to its own destruction.

use axum::{extract::State, http::StatusCode};
use ycd_pki::{Certificate, authorization::Authorization, sm3::sm3};
use ycd_portal_api::problem::attempts as problems;
use ycd_portal_api::{
    Problem,
    wire::attempts::{AttemptView, Mode, NoncePurpose, Replace},
};

use super::{
    evidence::{Expected, take_authorization},
    open::check_allowed,
    record::{self},
    view,
};
use crate::{
    Portal, audit, certificates,
    db::millis,
    http::{Answer, Change, Path, User},
    orders,
};

/// Keeps the old key's agreement with the order; it stands in for its authorization in `issue`.
#[utoipa::path(post, path = "/orders/{order}/replace", request_body = Replace, security(("session" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = AttemptView), (status = "default", body = Problem)))]
pub async fn replace(
    State(portal): State<Portal>,
    user: User,
    Path(no): Path<String>,
    change: Change<Replace>,
) -> Answer {
    let mut tx = change.begin(&portal, user.clone()).await?;
    let now = tx.now();
    let order = orders::load_own(&mut tx, &no, &user).await?;
    let attempt = record::newest(&mut tx, &no).await?.ok_or(problems::NONE)?;
    if order.mode != Some(Mode::Replace) {
        return Err(problems::NOT_REPLACING.into());
    }
    if !record::replace_agreed(&mut tx, &no).await? {
        if !attempt.is_open() {
            return Err(problems::NOT_OPEN.into());
        }
        check_allowed(&portal, &mut tx, &order).await?;
        let old = certificates::load(&mut tx, &order.certificate).await?;
        let signer = Certificate::from_der(&old.der)
            .and_then(|old| old.public_key())
            .map_err(|_| problems::AUTHORIZATION_INVALID)?;
        let expected =
            Expected { order: &no, attempt: attempt.number, purpose: NoncePurpose::Replace, signer: &signer };
        let authorization = |nonce| Authorization::Replace {
            portal: portal.name().into(),
            order: no.clone(),
            token_id: order.token_id.clone(),
            old_certificate: sm3(&old.der),
            nonce,
        };
        take_authorization(&mut tx, expected, &change.body.authorization, authorization, now).await?;
        sqlx::query("UPDATE orders SET consent_at = $1 WHERE no = $2 AND consent_at IS NULL")
            .bind(millis(now))
            .bind(&no)
            .execute(&mut *tx)
            .await?;
        let actor = tx.actor().clone();
        audit::record(&mut tx, &actor, "attempt.replace_agreed", &no, None, now).await?;
    }
    let view = view::newest(&portal, &mut tx, &order).await?;
    tx.answer(StatusCode::OK, &view).await
}
