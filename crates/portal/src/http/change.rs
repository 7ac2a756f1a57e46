//! Requests that change something, once each.
//!
//! A change and the answer to it are stored in one transaction, so a repeat with the same `Idempotency-Key` finds
//! either both or neither. A refusal has changed nothing and is not stored: a repeat is tried anew. Where a refusal
//! does change something (a wrong code uses up a try) it is stored like any other answer.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use sm3::{Digest as _, Sm3};
use sqlx::Row as _;
use std::ops::{Deref, DerefMut};
use time::{Duration, OffsetDateTime};
use ycd_portal_api::problem::{MEDIA_TYPE, Problem, kinds};

use super::{Actor, Halt};
use crate::{
    Error, Portal,
    db::{Conn, Tx, millis},
};

const HEADER: &str = "idempotency-key";
/// How long an answer can be had again.
const KEPT: Duration = Duration::hours(24);
/// The same for requests before login, whose answers can bring session tokens.
const KEPT_ANONYMOUS: Duration = Duration::minutes(10);

/// The body of a request that changes something, with its idempotency key.
pub struct Change<T> {
    pub body: T,
    key: String,
    request: [u8; 32],
}

impl<T> std::fmt::Debug for Change<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Change").field("key", &self.key).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned> FromRequest<Portal> for Change<T> {
    type Rejection = Error;

    async fn from_request(request: Request, portal: &Portal) -> Result<Self, Error> {
        let key = request
            .headers()
            .get(HEADER)
            .and_then(|value| value.to_str().ok())
            .filter(|key| (1..=64).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()))
            .ok_or(kinds::IDEMPOTENCY_MISSING)?
            .to_owned();
        if !is_json(request.headers().get(header::CONTENT_TYPE)) {
            return Err(kinds::MEDIA_TYPE.into());
        }
        let mut digest = Sm3::new();
        digest.update(request.method().as_str());
        digest.update([0]);
        digest.update(request.uri().path_and_query().map_or("", |path| path.as_str()));
        digest.update([0]);
        let body = Bytes::from_request(request, portal).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                kinds::TOO_LARGE
            } else {
                kinds::MALFORMED
            }
        })?;
        digest.update(&body);
        let body = serde_json::from_slice(&body).map_err(|error| {
            let kind = if error.is_data() { kinds::INVALID } else { kinds::MALFORMED };
            Problem::new(kind).detail(error.to_string())
        })?;
        Ok(Self { body, key, request: digest.finalize().into() })
    }
}

impl<T> Change<T> {
    /// Begins the transaction in which everything this request changes is to be done. Where the request was answered
    /// before, `?` returns that answer.
    pub async fn begin(&self, portal: &Portal, actor: impl Into<Actor>) -> Result<ChangeTx, Halt> {
        let actor = actor.into();
        let now = portal.now();
        let mut tx = portal.db().write().await?;
        self.look_up(portal, &mut tx, &actor, now).await?;
        Ok(ChangeTx { tx, portal: portal.clone(), actor, key: self.key.clone(), request: self.request, now })
    }

    /// A further transaction of a request whose work outlasts one (the authority signs in between); the last one ends
    /// with [`ChangeTx::answer`], the others with [`ChangeTx::commit`].
    pub async fn resume(&self, portal: &Portal, actor: impl Into<Actor>) -> Result<ChangeTx, Halt> {
        let tx = portal.db().write().await?;
        Ok(ChangeTx {
            tx,
            portal: portal.clone(),
            actor: actor.into(),
            key: self.key.clone(),
            request: self.request,
            now: portal.now(),
        })
    }

    async fn look_up(
        &self,
        portal: &Portal,
        db: &mut Conn,
        actor: &Actor,
        now: OffsetDateTime,
    ) -> Result<(), Halt> {
        sqlx::query("DELETE FROM idempotency WHERE expires_at <= $1")
            .bind(millis(now))
            .execute(&mut *db)
            .await?;
        let row =
            sqlx::query("SELECT request, status, answer FROM idempotency WHERE actor = $1 AND key = $2")
                .bind(actor.to_string())
                .bind(&self.key)
                .fetch_optional(&mut *db)
                .await?;
        let Some(row) = row else { return Ok(()) };
        if row.try_get::<Vec<u8>, _>("request")? != self.request {
            return Err(kinds::IDEMPOTENCY_REUSED.into());
        }
        let answer = portal.secrets().unseal("answer", &row.try_get::<Vec<u8>, _>("answer")?)?;
        Err(Halt::Replayed(response(row.try_get("status")?, answer)))
    }
}

/// A transaction that ends with an answer.
#[derive(Debug)]
pub struct ChangeTx {
    tx: Tx,
    portal: Portal,
    actor: Actor,
    key: String,
    request: [u8; 32],
    now: OffsetDateTime,
}

impl ChangeTx {
    /// The portal's time when the transaction began; the same for all that it does.
    pub fn now(&self) -> OffsetDateTime {
        self.now
    }

    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Stores the answer, commits, and answers.
    pub async fn answer<B: Serialize>(mut self, status: StatusCode, body: &B) -> super::Answer {
        let body = serde_json::to_vec(body)?;
        let sealed = self.portal.secrets().seal("answer", &body)?;
        let kept = if self.actor == Actor::Anonymous { KEPT_ANONYMOUS } else { KEPT };
        let until = self.now + kept;
        self.store(status.as_u16(), sealed, until).await?;
        self.tx.commit().await?;
        self.portal.wake_sms();
        Ok(response(status.as_u16(), body))
    }

    /// [`Self::answer`] with a refusal that has changed something.
    pub async fn refuse(self, problem: Problem) -> super::Answer {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.answer(status, &problem).await
    }

    /// Commits without an answer: not the last transaction of its request.
    pub async fn commit(self) -> Result<(), Error> {
        self.tx.commit().await
    }

    async fn store(&mut self, status: u16, answer: Vec<u8>, until: OffsetDateTime) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO idempotency (actor, key, request, status, answer, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (actor, key) DO UPDATE SET
             status = excluded.status, answer = excluded.answer, expires_at = excluded.expires_at",
        )
        .bind(self.actor.to_string())
        .bind(&self.key)
        .bind(self.request.as_slice())
        .bind(status)
        .bind(answer)
        .bind(millis(until))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}

impl Deref for ChangeTx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.tx
    }
}

impl DerefMut for ChangeTx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.tx
    }
}

fn response(status: u16, body: Vec<u8>) -> Response {
    let media_type = if status >= 400 { MEDIA_TYPE } else { "application/json" };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], body).into_response()
}

fn is_json(value: Option<&HeaderValue>) -> bool {
    value
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"))
}
