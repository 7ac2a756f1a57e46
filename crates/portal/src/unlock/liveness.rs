//! Directly before an SO login: is the release the newest of an open order?

use axum::{Json, extract::State};
use ycd_pki::unlock::LivenessCheck;
use ycd_portal_api::problem::unlock as problems;
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::{
        Bytes,
        unlock::{AskLiveness, LivenessAnswer},
    },
};

use super::{
    order::{Unlock, newest_release},
    ticket::StepUpTicket,
};
use crate::{
    Error, Portal, audit,
    http::{Change, Path},
    orders::InternalStatus,
};

/// The portal's word for one login. Not kept: a repeat is answered by how things stand then.
#[utoipa::path(post, path = "/unlock/orders/{order}/liveness", request_body = AskLiveness, security(("session" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = LivenessAnswer), (status = "default", body = Problem)))]
pub async fn liveness(
    State(portal): State<Portal>,
    holder: StepUpTicket,
    Path(no): Path<String>,
    change: Change<AskLiveness>,
) -> Result<Json<LivenessAnswer>, Error> {
    holder.of(&no)?;
    let AskLiveness { release, nonce } = &change.body;
    let nonce = nonce.0.as_slice().try_into();
    let nonce = nonce.map_err(|_| Problem::new(kinds::INVALID).detail("nonce: 32 bytes"))?;

    let mut tx = portal.db().write().await?;
    let now = portal.now();
    let unlock = Unlock::load(&mut tx, &no).await?;
    let newest = newest_release(&mut tx, &no).await?;
    let is_open = unlock.order.internal_status == InternalStatus::AwaitingUnlock && !unlock.is_late(&portal);
    if !is_open || newest == 0 || *release != newest {
        return Err(Problem::new(problems::RELEASE_STALE).with("newest", newest).into());
    }
    unlock.certificate(&mut tx).await?;
    let token_id = unlock.order.token_id.clone();
    let liveness =
        LivenessCheck { portal: portal.name().into(), order: no.clone(), release: newest, token_id, nonce };
    let signature = portal.identity().sign(&liveness.to_bytes())?;
    let detail = format!("release {newest}");
    audit::record(&mut tx, &unlock.applicant(), "unlock.liveness", &no, Some(&detail), now).await?;
    tx.commit().await?;
    Ok(Json(LivenessAnswer { signature: Bytes(signature) }))
}
