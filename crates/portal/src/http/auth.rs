//! Who is asking.

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{header, request::Parts},
};
use sqlx::Row as _;
use time::Duration;
use ycd_portal_api::problem::kinds;

use crate::{
    Error, Portal,
    db::{millis, moment},
};

/// Whoever does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    Anonymous,
    Applicant(User),
    Operator(Operator),
    /// Whoever holds a session, by the stored form of its token.
    Session([u8; 32]),
    System,
}

/// As in the audit: without the phone.
impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Applicant(user) => write!(f, "applicant:{}", user.id),
            Self::Operator(operator) => write!(f, "operator:{}", operator.name),
            Self::Session(session_token) => write!(f, "session:{}", hex::encode(session_token)),
            Self::System => f.write_str("system"),
        }
    }
}

/// An applicant who is logged in. As an extractor: 401 otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: i64,
    pub phone: String,
}

/// An operator who is logged in. As an extractor: 401 otherwise, 403 for an applicant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    pub id: i64,
    pub name: String,
}

impl From<User> for Actor {
    fn from(user: User) -> Self {
        Self::Applicant(user)
    }
}

impl From<Operator> for Actor {
    fn from(operator: Operator) -> Self {
        Self::Operator(operator)
    }
}

impl FromRequestParts<Portal> for User {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Error> {
        match session(parts, portal).await? {
            Actor::Applicant(user) => Ok(user),
            _ => Err(kinds::FORBIDDEN.into()),
        }
    }
}

/// `None` without an `Authorization` header; one that is no longer good is refused all the same.
impl OptionalFromRequestParts<Portal> for User {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Option<Self>, Error> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            <Self as FromRequestParts<Portal>>::from_request_parts(parts, portal).await.map(Some)
        } else {
            Ok(None)
        }
    }
}

impl FromRequestParts<Portal> for Operator {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Error> {
        match session(parts, portal).await? {
            Actor::Operator(operator) => Ok(operator),
            _ => Err(kinds::FORBIDDEN.into()),
        }
    }
}

impl FromRequestParts<Portal> for Actor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Error> {
        session(parts, portal).await
    }
}

/// The stored form of the session token that a request brings.
pub(crate) fn presented_bearer(parts: &Parts, portal: &Portal) -> Result<[u8; 32], Error> {
    Ok(portal.secrets().mac("session", &[presented_secret(parts)?.as_bytes()]))
}

/// What a request brings as `Authorization: Bearer`.
pub(crate) fn presented_secret(parts: &Parts) -> Result<&str, Error> {
    parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(|| kinds::AUTH_REQUIRED.into())
}

async fn session(parts: &Parts, portal: &Portal) -> Result<Actor, Error> {
    let session_token = presented_bearer(parts, portal)?;
    let now = portal.now();
    let mut db = portal.db().read().await?;
    let row = sqlx::query(
        "SELECT s.expires_at, u.id AS user_id, u.phone, o.id AS operator_id, o.name
         FROM sessions s LEFT JOIN users u ON u.id = s.user_id LEFT JOIN operators o ON o.id = s.operator_id
         WHERE s.session_token = $1 AND s.expires_at > $2",
    )
    .bind(session_token.as_slice())
    .bind(millis(now))
    .fetch_optional(&mut *db)
    .await?
    .ok_or(kinds::SESSION_EXPIRED)?;
    drop(db);

    // Moved on at most every few minutes, so that reading does not turn into writing.
    let until = now + portal.session_length();
    if until - moment(row.try_get("expires_at")?) > Duration::minutes(5) {
        let mut tx = portal.db().write().await?;
        sqlx::query("UPDATE sessions SET expires_at = $1 WHERE session_token = $2")
            .bind(millis(until))
            .bind(session_token.as_slice())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
    }
    Ok(match row.try_get::<Option<i64>, _>("user_id")? {
        Some(id) => Actor::Applicant(User { id, phone: row.try_get("phone")? }),
        None => Actor::Operator(Operator { id: row.try_get("operator_id")?, name: row.try_get("name")? }),
    })
}
