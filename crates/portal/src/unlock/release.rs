//! A release: secrets for one host, one order, ten minutes.

use axum::{extract::State, http::StatusCode};
use sqlx::Row as _;
use time::{Duration, OffsetDateTime};
use ycd_pki::{
    sm3::sm3,
    unlock::{CHALLENGE_LEN, Context, Purpose, ReleaseRequest, SoPins},
};
use ycd_portal_api::problem::unlock as problems;
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::{
        Bytes,
        unlock::{AskRelease, ReleaseAnswer, UnlockMethod},
    },
};

use super::{
    RELEASE_SECONDS, method,
    order::{Unlock, newest_release},
    pin_rules, retry_counter, sign_answer, ticket,
};
use crate::{
    Error, Portal, audit,
    db::{Conn, millis, moment},
    http::{Actor, Answer, Change, Path},
    secrets::random,
    tokens::{self, Token},
};

/// Challenges that one release answers: a PIN retyped as often as that wants a fresh one.
const CHALLENGES: i64 = 20;

/// Gives a release for a one-time key, or its release again. The one-time key is inside the sealed request.
#[utoipa::path(post, path = "/unlock/orders/{order}/releases", request_body = AskRelease,
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = ReleaseAnswer), (status = "default", body = Problem)))]
pub async fn release(
    State(portal): State<Portal>,
    Path(no): Path<String>,
    change: Change<AskRelease>,
) -> Answer {
    let request = ReleaseRequest::unseal(portal.identity().sealing(), &change.body.sealed.0)
        .map_err(|_| problems::REQUEST_SEALED)?;
    if request.order != no {
        return Err(problems::ORDER_OTHER.into());
    }
    let mut tx = change.begin(&portal, Actor::Anonymous).await?;
    let now = tx.now();
    ticket::check(&portal, &mut tx, &request.step_up, &no, now).await?;
    let unlock = Unlock::load(&mut tx, &no).await?;
    match given(&portal, &mut tx, &unlock, &request, now).await {
        // On disk before it is on the way.
        Ok(answer) => tx.answer(StatusCode::OK, &answer).await,
        Err(Error::Refused(problem)) => {
            let code = problem.code.as_str();
            audit::record(&mut tx, &unlock.applicant(), "unlock.refused", &no, Some(code), now).await?;
            tx.refuse(*problem).await
        }
        Err(error) => Err(error.into()),
    }
}

/// A release as its table has it.
struct Release {
    number: u32,
    current_version: u32,
    next_version: u32,
    unblock_key_version: u32,
    at: OffsetDateTime,
}

/// Changes nothing where it refuses.
async fn given(
    portal: &Portal,
    db: &mut Conn,
    unlock: &Unlock,
    request: &ReleaseRequest,
    now: OffsetDateTime,
) -> Result<ReleaseAnswer, Error> {
    unlock.check_in_time(portal)?;
    let token = checked_token(db, unlock, request).await?;
    let one_time_key = request.one_time_key.fingerprint();
    if let Some((order, release)) = find(db, &one_time_key).await? {
        let since = now - release.at;
        if order != unlock.order.no || since >= Duration::seconds(i64::from(RELEASE_SECONDS)) {
            return Err(problems::RELEASE_EXPIRED.into());
        }
        if let Some(answer) = answered(db, &order, release.number, &request.challenge).await? {
            return Ok(answer);
        }
        return answer(portal, db, unlock, &token, &release, request, now).await;
    }

    let newest = newest_release(db, &unlock.order.no).await?;
    if newest >= unlock.releases_allowed {
        return Err(problems::RELEASES_USED_UP.into());
    }
    let (token, release) = match token.method {
        UnlockMethod::SoPin => {
            retry_counter::check(&token, request.so_pin_retry_counter)?;
            let token = tokens::with_next(portal, db, token).await?;
            let release = Release {
                number: newest + 1,
                current_version: token.current_version(),
                next_version: token.next.as_ref().map_or(0, |next| next.version),
                unblock_key_version: 0,
                at: now,
            };
            (token, release)
        }
        UnlockMethod::ChallengeResponse => {
            let unblock_key_version = token.unblock_key_version;
            let number = newest + 1;
            (token, Release { number, current_version: 0, next_version: 0, unblock_key_version, at: now })
        }
    };
    record(db, unlock, &release, request).await?;
    answer(portal, db, unlock, &token, &release, request, now).await
}

/// The order's token, where the request is about it and comes by its method.
async fn checked_token(db: &mut Conn, unlock: &Unlock, request: &ReleaseRequest) -> Result<Token, Error> {
    let certificate = unlock.certificate(db).await?;
    if request.token_id != unlock.order.token_id || request.certificate != sm3(&certificate.der) {
        return Err(kinds::WRONG_TOKEN.into());
    }
    let token = tokens::load(db, &unlock.order.token_id).await?;
    if !token.is_escrowed() {
        return Err(problems::NOT_ESCROWED.into());
    }
    if request.method != method(token.method) {
        return Err(problems::METHOD_WRONG.into());
    }
    let expected = match token.method {
        UnlockMethod::SoPin => 0,
        UnlockMethod::ChallengeResponse => CHALLENGE_LEN,
    };
    if request.challenge.len() != expected {
        return Err(Problem::new(problems::REQUEST_SEALED).with("field", "challenge").into());
    }
    Ok(token)
}

/// The one release that a one-time key has, and its order.
async fn find(db: &mut Conn, one_time_key: &[u8; 32]) -> Result<Option<(String, Release)>, Error> {
    let row = sqlx::query("SELECT * FROM unlock_releases WHERE one_time_key = $1")
        .bind(one_time_key.as_slice())
        .fetch_optional(db)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let release = Release {
        number: row.try_get("number")?,
        current_version: row.try_get("current_version")?,
        next_version: row.try_get("next_version")?,
        unblock_key_version: row.try_get("unblock_key_version")?,
        at: moment(row.try_get("at")?),
    };
    Ok(Some((row.try_get("order_no")?, release)))
}

/// What a release was answered with before: by SO PIN once and for all, on the other for this challenge.
/// `unlock.release_expired` after too many challenges.
async fn answered(
    db: &mut Conn,
    order: &str,
    release: u32,
    challenge: &[u8],
) -> Result<Option<ReleaseAnswer>, Error> {
    let rows = sqlx::query("SELECT * FROM unlock_answers WHERE order_no = $1 AND release = $2")
        .bind(order)
        .bind(release)
        .fetch_all(db)
        .await?;
    for row in &rows {
        if challenge.is_empty() || row.try_get::<Vec<u8>, _>("nonce")? == challenge {
            return Ok(Some(ReleaseAnswer {
                context: Bytes(row.try_get("context")?),
                sealed_envelope: Bytes(row.try_get("sealed_envelope")?),
                signature: Bytes(row.try_get("signature")?),
            }));
        }
    }
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) >= CHALLENGES {
        return Err(problems::RELEASE_EXPIRED.into());
    }
    Ok(None)
}

async fn record(
    db: &mut Conn,
    unlock: &Unlock,
    release: &Release,
    request: &ReleaseRequest,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO unlock_releases (order_no, number, one_time_key, certificate, current_version, next_version,
         unblock_key_version, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&unlock.order.no)
    .bind(release.number)
    .bind(request.one_time_key.fingerprint().as_slice())
    .bind(request.certificate.as_slice())
    .bind(release.current_version)
    .bind(release.next_version)
    .bind(release.unblock_key_version)
    .bind(millis(release.at))
    .execute(&mut *db)
    .await?;
    if release.current_version > 0 {
        sqlx::query("UPDATE tokens SET unproven_releases = unproven_releases + 1 WHERE token_id = $1")
            .bind(&unlock.order.token_id)
            .execute(db)
            .await?;
    }
    Ok(())
}

/// Makes the answer of a release, for its first or another challenge, and keeps it.
async fn answer(
    portal: &Portal,
    db: &mut Conn,
    unlock: &Unlock,
    token: &Token,
    release: &Release,
    request: &ReleaseRequest,
    now: OffsetDateTime,
) -> Result<ReleaseAnswer, Error> {
    let nonce = match token.method {
        UnlockMethod::SoPin => random::<32>()?.to_vec(),
        UnlockMethod::ChallengeResponse => request.challenge.clone(),
    };
    let used = u32::try_from((now - release.at).whole_seconds()).unwrap_or(RELEASE_SECONDS);
    let context = Context {
        purpose: Purpose::Unlock,
        portal: portal.name().into(),
        order: unlock.order.no.clone(),
        release: release.number,
        method: method(token.method),
        token_id: token.token_id.clone(),
        certificate: request.certificate,
        one_time_key: request.one_time_key.fingerprint(),
        nonce: nonce.clone(),
        current_version: release.current_version,
        next_version: release.next_version,
        unblock_key_version: release.unblock_key_version,
        valid_seconds: RELEASE_SECONDS.saturating_sub(used).max(1),
        pin: pin_rules(portal.config().project.pin),
    };
    let sealed_envelope = sealed_envelope(portal, token, &context, request)?;
    let answer = sign_answer(portal, &context, sealed_envelope)?;
    sqlx::query(
        "INSERT INTO unlock_answers (order_no, release, nonce, context, sealed_envelope, signature, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&unlock.order.no)
    .bind(release.number)
    .bind(&nonce)
    .bind(&answer.context.0)
    .bind(&answer.sealed_envelope.0)
    .bind(&answer.signature.0)
    .bind(millis(now))
    .execute(&mut *db)
    .await?;
    let detail = format!(
        "release {}, SO PINs {} and {}, unblock key {}",
        release.number, release.current_version, release.next_version, release.unblock_key_version
    );
    audit::record(db, &unlock.applicant(), "unlock.release", &unlock.order.no, Some(&detail), now).await?;
    Ok(answer)
}

fn sealed_envelope(
    portal: &Portal,
    token: &Token,
    context: &Context,
    request: &ReleaseRequest,
) -> Result<Vec<u8>, Error> {
    let sealed = match token.method {
        UnlockMethod::SoPin => {
            let (Some(current), Some(next)) = (&token.current, &token.next) else {
                return Err(Error::Sealed);
            };
            let escrowed = |escrow| tokens::escrowed(portal.secrets(), &token.token_id, escrow);
            SoPins { current: escrowed(current)?, next: escrowed(next)? }.seal(&request.one_time_key)
        }
        UnlockMethod::ChallengeResponse => {
            let challenge = request.challenge.as_slice().try_into();
            let challenge: &[u8; CHALLENGE_LEN] = challenge.map_err(|_| problems::REQUEST_SEALED)?;
            let unblock_key = portal.identity().unblock_key(context.unblock_key_version, &token.token_id)?;
            unblock_key.session_key(challenge, &context.hash()).seal(&request.one_time_key)
        }
    };
    sealed.map_err(|error| Error::Stored(error.to_string()))
}
