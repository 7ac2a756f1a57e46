//! Unlocking: a new PIN for a token in hand, without login.
//!
//! Whoever holds the token and reads its phone gets a step-up ticket for the token's one open unlock order. Each call
//! is one transaction. Rules, each with its test:
//! - No code is sent, and no order opened, for a token whose secrets the portal did not make.
//! - A release is recorded before it is answered; its one-time key gets it again for ten minutes, and never another.
//! - Every sealed envelope brings the same two SO PINs until a login with *next* is proven; releases until then are
//!   counted where a
//!   token does not tell its tries.
//! - The portal's word for a login is given for the newest release of an open order, and anew each time.
//! - Only the certificate's key completes an order, and moves the SO PIN on only to the version that it names.

mod completion;
mod liveness;
mod offer;
mod open;
mod order;
mod release;
mod retry_counter;
mod routes;
mod ticket;

use time::Duration;
use ycd_pki::unlock::{self, Context, signed_answer};
use ycd_portal_api::wire::{
    Bytes,
    unlock::{PinRules, ReleaseAnswer, UnlockMethod},
};

pub use order::form;
pub use routes::routes;

use crate::{Error, Portal, db::millis};

/// For how long a one-time key has its release, and a token lets ask for one.
pub(crate) const RELEASE_SECONDS: u32 = 600;

/// What a host is given: CTX, sealed envelope, and the portal's signature over both.
pub(crate) fn sign_answer(
    portal: &Portal,
    context: &Context,
    sealed_envelope: Vec<u8>,
) -> Result<ReleaseAnswer, Error> {
    let context = context.to_bytes();
    let signature = portal.identity().sign(&signed_answer(&context, &sealed_envelope))?;
    Ok(ReleaseAnswer {
        context: Bytes(context),
        sealed_envelope: Bytes(sealed_envelope),
        signature: Bytes(signature),
    })
}

pub(crate) fn method(method: UnlockMethod) -> unlock::UnlockMethod {
    match method {
        UnlockMethod::SoPin => unlock::UnlockMethod::SoPin,
        UnlockMethod::ChallengeResponse => unlock::UnlockMethod::ChallengeResponse,
    }
}

pub(crate) fn pin_rules(rules: PinRules) -> unlock::PinRules {
    let PinRules { min_len, max_len, digits_only } = rules;
    unlock::PinRules { min_len, max_len, digits_only }
}

/// Forgets tickets and questions that count for nothing any more.
pub(crate) async fn forget_old(portal: &Portal) -> Result<(), Error> {
    let now = portal.now();
    let mut tx = portal.db().write().await?;
    sqlx::query("DELETE FROM unlock_tickets WHERE expires_at <= $1")
        .bind(millis(now))
        .execute(&mut *tx)
        .await?;
    sqlx::query("DELETE FROM unlock_checks WHERE at <= $1")
        .bind(millis(now - Duration::HOUR))
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sqlx::Row as _;

    use super::*;
    use crate::{
        Config,
        clock::{Clock, System},
    };

    #[tokio::test]
    async fn questions_are_forgotten_after_an_hour() {
        let folder = tempfile::tempdir().unwrap();
        crate::init(folder.path(), &Config::default(), System.now()).await.unwrap();
        let portal = Portal::open(folder.path(), Config::default(), Arc::new(System)).await.unwrap();
        let mut tx = portal.db().write().await.unwrap();
        for minutes in [59, 61] {
            sqlx::query("INSERT INTO unlock_checks (address, at) VALUES ('a', $1)")
                .bind(millis(portal.now() - Duration::minutes(minutes)))
                .execute(&mut *tx)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        forget_old(&portal).await.unwrap();
        let row = sqlx::query("SELECT count(*) FROM unlock_checks");
        let row = row.fetch_one(&mut *portal.db().read().await.unwrap()).await.unwrap();
        assert_eq!(row.try_get::<i64, _>(0).unwrap(), 1);
    }
}
