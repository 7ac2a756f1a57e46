//! Directly before an SO login: is the release the newest of an open order?

use axum::{Json, extract::State};
use ycd_pki::unlock::Alive;
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::{
        Bytes,
        unlock::{AliveAnswer, AskAlive},
    },
};

use super::{
    order::{Unlock, newest_release},
    refusals,
    token::Holder,
};
use crate::{
    Error, Portal, audit,
    http::{Change, Path},
    orders::Stage,
};

/// The portal's word for one login. Not kept: a repeat is answered by how things stand then.
#[utoipa::path(post, path = "/unlock/orders/{order}/alive", request_body = AskAlive, security(("session" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = AliveAnswer), (status = "default", body = Problem)))]
pub async fn alive(
    State(portal): State<Portal>,
    holder: Holder,
    Path(no): Path<String>,
    change: Change<AskAlive>,
) -> Result<Json<AliveAnswer>, Error> {
    holder.of(&no)?;
    let AskAlive { release, nonce } = &change.body;
    let nonce = nonce.0.as_slice().try_into();
    let nonce = nonce.map_err(|_| Problem::new(kinds::INVALID).detail("nonce: 32 bytes"))?;

    let mut tx = portal.db().write().await?;
    let now = portal.now();
    let unlock = Unlock::load(&mut tx, &no).await?;
    let newest = newest_release(&mut tx, &no).await?;
    let is_open = unlock.order.stage == Stage::AwaitingUnlock && !unlock.is_late(&portal);
    if !is_open || newest == 0 || *release != newest {
        return Err(Problem::new(refusals::RELEASE_STALE).with("newest", newest).into());
    }
    unlock.certificate(&mut tx).await?;
    let key_id = unlock.order.key_id.clone();
    let alive = Alive { portal: portal.name().into(), order: no.clone(), release: newest, key_id, nonce };
    let signature = portal.identity().sign(&alive.to_bytes())?;
    let detail = format!("release {newest}");
    audit::record(&mut tx, &unlock.applicant(), "unlock.alive", &no, Some(&detail), now).await?;
    tx.commit().await?;
    Ok(Json(AliveAnswer { signature: Bytes(signature) }))
}
