//! Login with phone and SMS code, and the sessions that come of it.

use axum::{Json, extract::State, http::StatusCode};
use sqlx::Row as _;
use time::OffsetDateTime;
use utoipa_axum::{router::OpenApiRouter, routes};
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::{
        login::{Login, Me, Purpose, Session, SessionToken},
        orders::Empty,
    },
};

use crate::{
    Error, Portal, audit,
    db::{Conn, millis, moment},
    http::{Actor, Answer, Change, User},
    orders::check_phone,
    secrets::new_bearer,
    sms::{Scope, Tried, try_code},
};

pub fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new().routes(routes!(login)).routes(routes!(logout)).routes(routes!(me))
}

/// A mobile number of the mainland, blanks and `+86` taken off; or `sms.phone_invalid`.
pub fn checked_phone(phone: &str) -> Result<String, Error> {
    let phone: String = phone.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let phone = phone.strip_prefix("+86").unwrap_or(&phone);
    if check_phone(phone) { Ok(phone.to_owned()) } else { Err(kinds::PHONE_INVALID.into()) }
}

/// Who may have a session.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Owner {
    User(i64),
    Operator(i64),
}

pub(crate) async fn begin_session(
    portal: &Portal,
    db: &mut Conn,
    owner: Owner,
    now: OffsetDateTime,
) -> Result<Session, Error> {
    let session_token = new_bearer()?;
    let expires_at = now + portal.session_length();
    let (user, operator) = match owner {
        Owner::User(id) => (Some(id), None),
        Owner::Operator(id) => (None, Some(id)),
    };
    sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(millis(now)).execute(&mut *db).await?;
    sqlx::query(
        "INSERT INTO sessions (session_token, user_id, operator_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(portal.secrets().mac("session", &[session_token.as_bytes()]).as_slice())
    .bind(user)
    .bind(operator)
    .bind(millis(now))
    .bind(millis(expires_at))
    .execute(db)
    .await?;
    Ok(Session { session_token: SessionToken::new(session_token.to_string()), expires_at: expires_at.into() })
}

/// A code proves the phone; who has none of our certificates yet is welcome too.
#[utoipa::path(post, path = "/login", request_body = Login, params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Session), (status = "default", body = Problem)))]
async fn login(State(portal): State<Portal>, change: Change<Login>) -> Answer {
    let phone = checked_phone(&change.body.phone)?;
    let mut tx = change.begin(&portal, Actor::Anonymous).await?;
    let now = tx.now();
    let scope = Scope { phone: &phone, purpose: Purpose::Login, subject: "" };
    if let Tried::Wrong(problem) = try_code(&portal, &mut tx, scope, &change.body.code, now).await? {
        return tx.refuse(problem).await;
    }
    sqlx::query("INSERT INTO users (phone, created_at) VALUES ($1, $2) ON CONFLICT (phone) DO NOTHING")
        .bind(&phone)
        .bind(millis(now))
        .execute(&mut *tx)
        .await?;
    let id = sqlx::query("SELECT id FROM users WHERE phone = $1")
        .bind(&phone)
        .fetch_one(&mut *tx)
        .await?
        .try_get(0)?;
    let session = begin_session(&portal, &mut tx, Owner::User(id), now).await?;
    audit::record(&mut tx, &User { id, phone }.into(), "login", &id.to_string(), None, now).await?;
    tx.answer(StatusCode::OK, &session).await
}

/// Ends the session; for operators too.
#[utoipa::path(post, path = "/logout", request_body = Empty, security(("session" = [])),
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Empty), (status = "default", body = Problem)))]
async fn logout(
    State(portal): State<Portal>,
    Presented(session_token): Presented,
    change: Change<Empty>,
) -> Answer {
    let mut tx = change.begin(&portal, Actor::Session(session_token)).await?;
    let ended = sqlx::query("DELETE FROM sessions WHERE session_token = $1")
        .bind(session_token.as_slice())
        .execute(&mut *tx)
        .await?;
    if ended.rows_affected() == 0 {
        return Err(kinds::SESSION_EXPIRED.into());
    }
    tx.answer(StatusCode::OK, &Empty {}).await
}

/// Who is logged in.
#[utoipa::path(get, path = "/me", security(("session" = [])),
    responses((status = 200, body = Me), (status = "default", body = Problem)))]
async fn me(State(portal): State<Portal>, user: User) -> Result<Json<Me>, Error> {
    let since = sqlx::query("SELECT created_at FROM users WHERE id = $1")
        .bind(user.id)
        .fetch_one(&mut *portal.db().read().await?)
        .await?
        .try_get(0)?;
    Ok(Json(Me { phone: user.phone, since: moment(since).into() }))
}

/// A session's token, hashed; looked up by whoever uses it, so that a logout can be repeated.
struct Presented([u8; 32]);

impl axum::extract::FromRequestParts<Portal> for Presented {
    type Rejection = Error;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        portal: &Portal,
    ) -> Result<Self, Error> {
        crate::http::presented_bearer(parts, portal).map(Self)
    }
}
