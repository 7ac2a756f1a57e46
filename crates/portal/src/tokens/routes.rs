//! `GET /operator/tokens/{token_id}`, `POST /operator/tokens/{token_id}/so-pin`.

use axum::{Json, extract::State, http::StatusCode};
use utoipa_axum::{router::OpenApiRouter, routes};
use ycd_portal_api::problem::personalization as problems;
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::tokens::{DeclareSoPin, SoPinScheme, TokenRecord},
};

use super::record::load;
use crate::{
    Error, Portal, audit,
    http::{Answer, Change, Operator, Path},
    orders::name_of,
};

pub fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new().routes(routes!(token)).routes(routes!(declare))
}

/// What the portal keeps of a token. No secret is in it.
#[utoipa::path(get, path = "/operator/tokens/{token_id}", params(("token_id" = String, Path)),
    security(("session" = [])),
    responses((status = 200, body = TokenRecord), (status = "default", body = Problem)))]
async fn token(
    State(portal): State<Portal>,
    _: Operator,
    Path(token_id): Path<String>,
) -> Result<Json<TokenRecord>, Error> {
    let mut db = portal.db().read().await?;
    Ok(Json(load(&mut db, &token_id).await?.view(&mut db).await?))
}

/// How the SO PIN of a token that was made elsewhere came about. `personalization.so_pin_fixed` for one whose SO PIN
/// was made here.
#[utoipa::path(post, path = "/operator/tokens/{token_id}/so-pin", request_body = DeclareSoPin,
    security(("session" = [])), params(("token_id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = TokenRecord), (status = "default", body = Problem)))]
async fn declare(
    State(portal): State<Portal>,
    operator: Operator,
    Path(token_id): Path<String>,
    change: Change<DeclareSoPin>,
) -> Answer {
    let scheme = change.body.scheme;
    let mut tx = change.begin(&portal, operator).await?;
    let now = tx.now();
    let mut token = load(&mut tx, &token_id).await?;
    if token.so_pin == SoPinScheme::Random {
        return Err(problems::SO_PIN_FIXED.into());
    }
    if scheme == SoPinScheme::Random {
        let detail = "an SO PIN is random only where the portal has made it";
        return Err(Problem::new(kinds::INVALID).detail(detail).into());
    }
    let name = name_of(&scheme)?;
    sqlx::query("UPDATE tokens SET so_pin = $1 WHERE token_id = $2")
        .bind(&name)
        .bind(&token_id)
        .execute(&mut *tx)
        .await?;
    let actor = tx.actor().clone();
    audit::record(&mut tx, &actor, "key.so_pin", &token_id, Some(&name), now).await?;
    token.so_pin = scheme;
    let view = token.view(&mut tx).await?;
    tx.answer(StatusCode::OK, &view).await
}
