//! The end of a personalization: the first key pair works, and the token's SO PIN is the escrowed one.

use axum::{extract::State, http::StatusCode};
use ycd_pki::{Certificate, authorization::Authorization};
use ycd_portal_api::problem::attempts as taken;
use ycd_portal_api::problem::personalization as problems;
use ycd_portal_api::{
    Problem,
    wire::{
        attempts::Nonce,
        orders::Empty,
        tokens::{PersonalizationProof, TokenRecord},
    },
};

use super::{certificate::of_personalization, record, record::PersonalizationState};
use crate::{
    Error, Portal,
    attempts::{make_nonce, spend_nonce},
    audit,
    db::millis,
    http::{Answer, Change, Operator, Path},
    tokens,
};

const PURPOSE: &str = "personalized";

/// A number for the authorization at the end, once, within ten minutes.
#[utoipa::path(post, path = "/operator/personalizations/{token_id}/nonces", request_body = Empty,
    security(("session" = [])), params(("token_id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = Nonce), (status = "default", body = Problem)))]
pub async fn nonce(
    State(portal): State<Portal>,
    operator: Operator,
    Path(token_id): Path<String>,
    change: Change<Empty>,
) -> Answer {
    let mut tx = change.begin(&portal, operator).await?;
    let now = tx.now();
    let personalization = record::newest(&mut tx, &token_id).await?.ok_or(problems::NONE)?;
    if !personalization.is_open() {
        return Err(problems::DONE.into());
    }
    let nonce = make_nonce(&mut tx, &personalization.no, 0, PURPOSE, now).await?;
    tx.answer(StatusCode::CREATED, &nonce).await
}

/// Ends the personalization. From now on the token can be unlocked. Repeats get the same answer.
#[utoipa::path(post, path = "/operator/personalizations/{token_id}/proven", request_body = PersonalizationProof,
    security(("session" = [])), params(("token_id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = TokenRecord), (status = "default", body = Problem)))]
pub async fn proven(
    State(portal): State<Portal>,
    operator: Operator,
    Path(token_id): Path<String>,
    change: Change<PersonalizationProof>,
) -> Answer {
    let mut tx = change.begin(&portal, operator).await?;
    let now = tx.now();
    let personalization = record::newest(&mut tx, &token_id).await?.ok_or(problems::NONE)?;
    if personalization.state == PersonalizationState::Done {
        let view = tokens::load(&mut tx, &token_id).await?.view(&mut tx).await?;
        return tx.answer(StatusCode::OK, &view).await;
    }
    let PersonalizationProof { so_pin_version, unblock_key_version, authorization } = &change.body;
    if (*so_pin_version, *unblock_key_version)
        != (personalization.so_pin_version, personalization.unblock_key_version)
    {
        return Err(problems::PROOF_MISMATCH.into());
    }
    let issued = of_personalization(&portal, &mut tx, &personalization.no).await?.ok_or(taken::NOT_ISSUED)?;
    let stored = |error: ycd_pki::PkiError| Error::Stored(error.to_string());
    let certificate = Certificate::from_der(&issued.certificate.0).map_err(stored)?;
    let nonce = spend_nonce(&mut tx, &authorization.nonce.0, &personalization.no, 0, PURPOSE, now).await?;
    let text = Authorization::Personalized {
        portal: portal.name().into(),
        token_id: token_id.clone(),
        serial: certificate.serial().to_vec(),
        so_pin_version: *so_pin_version,
        unblock_key_version: *unblock_key_version,
        nonce,
    }
    .to_bytes();
    let signer = certificate.public_key().map_err(stored)?;
    signer.verify(&text, &authorization.signature.0).map_err(|_| taken::AUTHORIZATION_INVALID)?;

    let token = tokens::load(&mut tx, &token_id).await?;
    tokens::prove(&mut tx, &token, *so_pin_version, 0).await?;
    sqlx::query("UPDATE tokens SET personalized_at = $1 WHERE token_id = $2")
        .bind(millis(now))
        .bind(&token_id)
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE personalizations SET text = $1, signature = $2 WHERE no = $3")
        .bind(text)
        .bind(&authorization.signature.0)
        .bind(&personalization.no)
        .execute(&mut *tx)
        .await?;
    record::end(&mut tx, &personalization.no, PersonalizationState::Done, now).await?;
    let actor = tx.actor().clone();
    let detail = format!("{} SO PIN {so_pin_version}", personalization.no);
    audit::record(&mut tx, &actor, "personalization.proven", &token_id, Some(&detail), now).await?;
    let view = tokens::load(&mut tx, &token_id).await?.view(&mut tx).await?;
    tx.answer(StatusCode::OK, &view).await
}
