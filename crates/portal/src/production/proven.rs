//! The end of a production: the first key pair works, and the key's SO PIN is the escrowed one.

use axum::{extract::State, http::StatusCode};
use ycd_pki::{Certificate, statement::Statement};
use ycd_portal_api::{
    Problem,
    wire::{
        attempts::Nonce,
        keys::{KeyRecord, Produced},
        orders::Empty,
    },
};

use super::{certificate::of_production, record, record::ProductionState, refusals};
use crate::{
    Error, Portal,
    attempts::{make_nonce, refusals as taken, spend_nonce},
    audit,
    db::millis,
    http::{Answer, Change, Operator, Path},
    keys,
};

const PURPOSE: &str = "produced";

/// A number for the statement at the end, once, within ten minutes.
#[utoipa::path(post, path = "/operator/productions/{key_id}/nonces", request_body = Empty,
    security(("session" = [])), params(("key_id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = Nonce), (status = "default", body = Problem)))]
pub async fn nonce(
    State(portal): State<Portal>,
    operator: Operator,
    Path(key_id): Path<String>,
    change: Change<Empty>,
) -> Answer {
    let mut tx = change.begin(&portal, operator).await?;
    let now = tx.now();
    let production = record::newest(&mut tx, &key_id).await?.ok_or(refusals::NONE)?;
    if !production.is_open() {
        return Err(refusals::DONE.into());
    }
    let nonce = make_nonce(&mut tx, &production.no, 0, PURPOSE, now).await?;
    tx.answer(StatusCode::CREATED, &nonce).await
}

/// Ends the production. From now on the key can be unlocked. Repeats get the same answer.
#[utoipa::path(post, path = "/operator/productions/{key_id}/proven", request_body = Produced,
    security(("session" = [])), params(("key_id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = KeyRecord), (status = "default", body = Problem)))]
pub async fn proven(
    State(portal): State<Portal>,
    operator: Operator,
    Path(key_id): Path<String>,
    change: Change<Produced>,
) -> Answer {
    let mut tx = change.begin(&portal, operator).await?;
    let now = tx.now();
    let production = record::newest(&mut tx, &key_id).await?.ok_or(refusals::NONE)?;
    if production.state == ProductionState::Done {
        let view = keys::load(&mut tx, &key_id).await?.view(&mut tx).await?;
        return tx.answer(StatusCode::OK, &view).await;
    }
    let Produced { so_pin_version, unblock_key_version, statement } = &change.body;
    if (*so_pin_version, *unblock_key_version) != (production.so_pin_version, production.unblock_key_version)
    {
        return Err(refusals::PROOF_MISMATCH.into());
    }
    let issued = of_production(&portal, &mut tx, &production.no).await?.ok_or(taken::NOT_ISSUED)?;
    let stored = |error: ycd_pki::PkiError| Error::Stored(error.to_string());
    let certificate = Certificate::from_der(&issued.certificate.0).map_err(stored)?;
    let nonce = spend_nonce(&mut tx, &statement.nonce.0, &production.no, 0, PURPOSE, now).await?;
    let text = Statement::Produced {
        portal: portal.name().into(),
        key_id: key_id.clone(),
        serial: certificate.serial().to_vec(),
        so_pin_version: *so_pin_version,
        unblock_key_version: *unblock_key_version,
        nonce,
    }
    .to_bytes();
    let signer = certificate.public_key().map_err(stored)?;
    signer.verify(&text, &statement.signature.0).map_err(|_| taken::STATEMENT_INVALID)?;

    let key = keys::load(&mut tx, &key_id).await?;
    keys::prove(&mut tx, &key, *so_pin_version, 0).await?;
    sqlx::query("UPDATE keys SET produced_at = $1 WHERE key_id = $2")
        .bind(millis(now))
        .bind(&key_id)
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE productions SET text = $1, signature = $2 WHERE no = $3")
        .bind(text)
        .bind(&statement.signature.0)
        .bind(&production.no)
        .execute(&mut *tx)
        .await?;
    record::end(&mut tx, &production.no, ProductionState::Done, now).await?;
    let actor = tx.actor().clone();
    let detail = format!("{} SO PIN {so_pin_version}", production.no);
    audit::record(&mut tx, &actor, "production.proven", &key_id, Some(&detail), now).await?;
    let view = keys::load(&mut tx, &key_id).await?.view(&mut tx).await?;
    tx.answer(StatusCode::OK, &view).await
}
