//! Before a code is spent: whether and how the token in hand can be unlocked.

use std::net::IpAddr;
use ycd_portal_api::problem::unlock as problems;

use axum::{extract::State, http::StatusCode};
use sqlx::Row as _;
use time::{Duration, OffsetDateTime};
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::{
        login::{CodeSent, Purpose},
        masked_phone,
        unlock::{TokenInHand, UnlockOffer},
    },
};

use super::order::Unlock;
use crate::{
    Error, Portal,
    certificates::{self, Certificate, RecordState},
    db::{Conn, millis},
    http::{Actor, Address, Answer, Change},
    sms::{Scope, send_code},
    tokens::{self, Token},
};

/// Whether and how a token can be unlocked. `unlock.too_many` beyond so many questions from one address.
#[utoipa::path(post, path = "/unlock/check", request_body = TokenInHand,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = UnlockOffer), (status = "default", body = Problem)))]
pub async fn check(
    State(portal): State<Portal>,
    Address(address): Address,
    change: Change<TokenInHand>,
) -> Answer {
    let mut tx = change.begin(&portal, Actor::Anonymous).await?;
    let now = tx.now();
    count_check(&portal, &mut tx, address, now).await?;
    match offer(&portal, &mut tx, &change.body).await {
        Ok(offer) => tx.answer(StatusCode::OK, &offer).await,
        // The question counts all the same.
        Err(Error::Refused(problem)) => tx.refuse(*problem).await,
        Err(error) => Err(error.into()),
    }
}

/// Sends a code to the phone bound to the token's certificate, and to no other.
#[utoipa::path(post, path = "/unlock/codes", request_body = TokenInHand,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = CodeSent), (status = "default", body = Problem)))]
pub async fn code(
    State(portal): State<Portal>,
    Address(address): Address,
    change: Change<TokenInHand>,
) -> Answer {
    let mut tx = change.begin(&portal, Actor::Anonymous).await?;
    let now = tx.now();
    count_check(&portal, &mut tx, address, now).await?;
    let certificate = match in_hand(&mut tx, &change.body).await {
        Ok((certificate, _)) => certificate,
        Err(Error::Refused(problem)) => return tx.refuse(*problem).await,
        Err(error) => return Err(error.into()),
    };
    let scope = Scope { phone: &certificate.phone, purpose: Purpose::Unlock, subject: &certificate.token_id };
    let sent = send_code(&portal, &mut tx, scope, address, now).await?;
    tx.answer(StatusCode::CREATED, &sent).await
}

/// The certificate and token that are meant. The certificate has to be one of ours, octet for octet, in use, and bound
/// to the token; the token's secrets have to be the portal's own. `unlock.token_unknown`, `certificate.revoked`,
/// `certificate.superseded`, `unlock.not_escrowed`
pub async fn in_hand(db: &mut Conn, hand: &TokenInHand) -> Result<(Certificate, Token), Error> {
    let der = &hand.certificate.0;
    let serial = ycd_pki::Certificate::from_der(der).map_err(|_| problems::TOKEN_UNKNOWN)?.serial_hex();
    let certificate = certificates::find(db, &serial).await?.ok_or(problems::TOKEN_UNKNOWN)?;
    if certificate.der != *der || certificate.token_id != hand.token_id {
        return Err(problems::TOKEN_UNKNOWN.into());
    }
    match certificate.state {
        RecordState::Active => {}
        RecordState::Issued => return Err(problems::TOKEN_UNKNOWN.into()),
        RecordState::Revoked => return Err(kinds::CERTIFICATE_REVOKED.into()),
        RecordState::Superseded => return Err(kinds::CERTIFICATE_SUPERSEDED.into()),
    }
    let token = tokens::load(db, &hand.token_id).await?;
    if token.is_escrowed() { Ok((certificate, token)) } else { Err(problems::NOT_ESCROWED.into()) }
}

async fn offer(portal: &Portal, db: &mut Conn, hand: &TokenInHand) -> Result<UnlockOffer, Error> {
    let (certificate, token) = in_hand(db, hand).await?;
    let project = &portal.config().project;
    let open_order = match Unlock::open_of(db, &token.token_id).await? {
        Some(unlock) if !unlock.is_late(portal) => Some(unlock.view(portal, db).await?),
        _ => None,
    };
    Ok(UnlockOffer {
        portal: portal.name().into(),
        phone: masked_phone(&certificate.phone),
        method: token.method,
        pin: project.pin,
        approval: project.unlock_approval,
        open_order,
    })
}

async fn count_check(
    portal: &Portal,
    db: &mut Conn,
    address: IpAddr,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let address = address.to_string();
    let row = sqlx::query("SELECT count(*) FROM unlock_checks WHERE address = $1 AND at > $2")
        .bind(&address)
        .bind(millis(now - Duration::HOUR))
        .fetch_one(&mut *db)
        .await?;
    if row.try_get::<i64, _>(0)? >= i64::from(portal.config().unlock_checks_per_address_and_hour) {
        let wait = Duration::HOUR.whole_seconds();
        return Err(Problem::new(problems::TOO_MANY).with("retry_after", wait).into());
    }
    sqlx::query("INSERT INTO unlock_checks (address, at) VALUES ($1, $2)")
        .bind(&address)
        .bind(millis(now))
        .execute(db)
        .await?;
    Ok(())
}
