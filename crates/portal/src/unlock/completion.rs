//! The end: the certificate's key works under the new PIN.

use axum::{extract::State, http::StatusCode};
use sqlx::Row as _;
use ycd_pki::{Certificate, authorization::Authorization};
use ycd_portal_api::problem::attempts;
use ycd_portal_api::problem::unlock as problems;
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::unlock::{UnlockOrder, Unlocked},
};

use super::{
    open::notify,
    order::{Unlock, newest_release},
    ticket::StepUpTicket,
};
use crate::{
    Error, Portal,
    attempts::{keep_authorization, spend_nonce},
    audit, certificates,
    db::Conn,
    http::{Actor, Answer, Change, Path},
    orders::{self, Event, InternalStatus},
    tokens,
};

/// Of nonces and authorizations.
pub const PURPOSE: &str = "unlocked";
/// One-time key of a proof that the PIN was found to work already.
const NONE: [u8; 32] = [0; 32];

/// Completes the order, and moves the SO PIN on to the version that a login has proven. Repeats get the same answer.
#[utoipa::path(post, path = "/unlock/orders/{order}/unlocked", request_body = Unlocked, security(("session" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = UnlockOrder), (status = "default", body = Problem)))]
pub async fn unlocked(
    State(portal): State<Portal>,
    holder: StepUpTicket,
    Path(no): Path<String>,
    change: Change<Unlocked>,
) -> Answer {
    holder.of(&no)?;
    let proof = &change.body;
    let one_time_key: [u8; 32] = proof
        .one_time_key
        .0
        .as_slice()
        .try_into()
        .map_err(|_| Problem::new(kinds::INVALID).detail("one_time_key: 32 bytes"))?;

    let mut tx = change.begin(&portal, holder.actor()).await?;
    let now = tx.now();
    let unlock = Unlock::load(&mut tx, &no).await?;
    if unlock.order.internal_status == InternalStatus::Completed {
        let view = unlock.view(&portal, &mut tx).await?;
        return tx.answer(StatusCode::OK, &view).await;
    }
    unlock.check_ready()?;
    let newest = newest_release(&mut tx, &no).await?;
    check_release(&mut tx, &no, newest, proof, &one_time_key).await?;

    let certificate = certificates::load(&mut tx, &unlock.order.certificate).await?;
    let signer = Certificate::from_der(&certificate.der)
        .and_then(|certificate| certificate.public_key())
        .map_err(|error| Error::Stored(error.to_string()))?;
    let nonce = spend_nonce(&mut tx, &proof.authorization.nonce.0, &no, 0, PURPOSE, now).await?;
    let text = Authorization::Unlocked {
        portal: portal.name().into(),
        order: no.clone(),
        release: proof.release,
        token_id: unlock.order.token_id.clone(),
        one_time_key,
        so_pin_version: proof.so_pin_version,
        nonce,
    }
    .to_bytes();
    let signature = &proof.authorization.signature.0;
    signer.verify(&text, signature).map_err(|_| attempts::AUTHORIZATION_INVALID)?;
    keep_authorization(&mut tx, &no, 0, PURPOSE, &text, signature, now).await?;

    let token = tokens::load(&mut tx, &unlock.order.token_id).await?;
    tokens::prove(&mut tx, &token, proof.so_pin_version, newest - proof.release).await?;
    orders::transition(&mut tx, &no, Event::UnlockConfirmed, &Actor::System, None, now).await?;
    let detail = format!("release {}, SO PIN {}", proof.release, proof.so_pin_version);
    audit::record(&mut tx, &unlock.applicant(), "unlock.complete", &no, Some(&detail), now).await?;
    let what = format!("您的 USBKEY 已设置新口令（订单 {no}）。");
    notify(&portal, &mut tx, &certificate.phone, &no, &what, now).await?;
    let view = Unlock::load(&mut tx, &no).await?.view(&portal, &mut tx).await?;
    tx.answer(StatusCode::OK, &view).await
}

/// That release, one-time key and SO PIN belong together. Where the PIN was found to work already there is no one-time
/// key and no SO PIN, and the release is the newest. `unlock.proof_mismatch`
async fn check_release(
    db: &mut Conn,
    no: &str,
    newest: u32,
    proof: &Unlocked,
    one_time_key: &[u8; 32],
) -> Result<(), Error> {
    let row = sqlx::query(
        "SELECT one_time_key, current_version, next_version FROM unlock_releases
         WHERE order_no = $1 AND number = $2",
    )
    .bind(no)
    .bind(proof.release)
    .fetch_optional(db)
    .await?
    .ok_or(problems::PROOF_MISMATCH)?;
    let version = proof.so_pin_version;
    let fits = if *one_time_key == NONE {
        version == 0 && proof.release == newest
    } else {
        let (current, next): (u32, u32) = (row.try_get("current_version")?, row.try_get("next_version")?);
        row.try_get::<Vec<u8>, _>("one_time_key")? == one_time_key
            && (version == 0 || version == current || version == next)
    };
    if fits { Ok(()) } else { Err(problems::PROOF_MISMATCH.into()) }
}
