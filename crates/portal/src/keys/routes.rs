//! `GET /operator/keys/{key_id}`, `POST /operator/keys/{key_id}/so-pin`.

use axum::{Json, extract::State, http::StatusCode};
use utoipa_axum::{router::OpenApiRouter, routes};
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::keys::{DeclareSoPin, KeyRecord, SoPinScheme},
};

use super::record::load;
use crate::{
    Error, Portal, audit,
    http::{Answer, Change, Operator, Path},
    orders::name_of,
    unlock::refusals,
};

pub fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new().routes(routes!(key)).routes(routes!(declare))
}

/// What the portal keeps of a key. No secret is in it.
#[utoipa::path(get, path = "/operator/keys/{key_id}", params(("key_id" = String, Path)),
    security(("session" = [])),
    responses((status = 200, body = KeyRecord), (status = "default", body = Problem)))]
async fn key(
    State(portal): State<Portal>,
    _: Operator,
    Path(key_id): Path<String>,
) -> Result<Json<KeyRecord>, Error> {
    let mut db = portal.db().read().await?;
    Ok(Json(load(&mut db, &key_id).await?.view(&mut db).await?))
}

/// How the SO PIN of a key that was made elsewhere came about. `key.so_pin_fixed` for one whose SO PIN was made here.
#[utoipa::path(post, path = "/operator/keys/{key_id}/so-pin", request_body = DeclareSoPin,
    security(("session" = [])), params(("key_id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = KeyRecord), (status = "default", body = Problem)))]
async fn declare(
    State(portal): State<Portal>,
    operator: Operator,
    Path(key_id): Path<String>,
    change: Change<DeclareSoPin>,
) -> Answer {
    let scheme = change.body.scheme;
    let mut tx = change.begin(&portal, operator).await?;
    let now = tx.now();
    let mut key = load(&mut tx, &key_id).await?;
    if key.so_pin == SoPinScheme::Random {
        return Err(refusals::SO_PIN_FIXED.into());
    }
    if scheme == SoPinScheme::Random {
        let detail = "an SO PIN is random only where the portal has made it";
        return Err(Problem::new(kinds::INVALID).detail(detail).into());
    }
    let name = name_of(&scheme)?;
    sqlx::query("UPDATE keys SET so_pin = $1 WHERE key_id = $2")
        .bind(&name)
        .bind(&key_id)
        .execute(&mut *tx)
        .await?;
    let actor = tx.actor().clone();
    audit::record(&mut tx, &actor, "key.so_pin", &key_id, Some(&name), now).await?;
    key.so_pin = scheme;
    let view = key.view(&mut tx).await?;
    tx.answer(StatusCode::OK, &view).await
}
