//! Signed authorizations: taken once, verified, and kept as evidence.

use time::OffsetDateTime;
use ycd_pki::{PublicKey, authorization::Authorization};
use ycd_portal_api::{
    problem::attempts as problems,
    wire::attempts::{NoncePurpose, SignedAuthorization},
};

use super::nonce::spend;
use crate::{
    Error,
    db::{Conn, millis},
    orders::name_of,
};

/// What an authorization is about, and with which key it has to be signed.
pub struct Expected<'a> {
    pub order: &'a str,
    pub attempt: u32,
    pub purpose: NoncePurpose,
    pub signer: &'a PublicKey,
}

/// Takes an authorization: uses up its nonce, verifies the signature over the text that the portal builds itself, and
/// keeps both as evidence. `attempt.nonce_invalid`, `attempt.authorization_invalid`.
pub async fn take_authorization(
    db: &mut Conn,
    expected: Expected<'_>,
    signed: &SignedAuthorization,
    authorization: impl FnOnce([u8; ycd_pki::authorization::NONCE_LEN]) -> Authorization,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let purpose = name_of(&expected.purpose)?;
    let nonce = spend(db, &signed.nonce.0, expected.order, expected.attempt, &purpose, now).await?;
    let text = authorization(nonce).to_bytes();
    expected.signer.verify(&text, &signed.signature.0).map_err(|_| problems::AUTHORIZATION_INVALID)?;
    keep_authorization(db, expected.order, expected.attempt, &purpose, &text, &signed.signature.0, now).await
}

/// Keeps what a token has signed as evidence.
pub(crate) async fn keep_authorization(
    db: &mut Conn,
    order: &str,
    attempt: u32,
    purpose: &str,
    text: &[u8],
    signature: &[u8],
    now: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO authorizations (order_no, attempt, purpose, text, signature, at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(order)
    .bind(attempt)
    .bind(purpose)
    .bind(text)
    .bind(signature)
    .bind(millis(now))
    .execute(db)
    .await?;
    Ok(())
}
