//! What goes wrong in the portal, and as what it is answered.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use ycd_portal_api::problem::{Kind, MEDIA_TYPE, Problem, kinds};

/// Why the portal did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Refused, and nothing changed; the caller is told why.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The data folder has no portal in it: initialize it.
    #[error("the data folder has not been initialized")]
    NotInitialized,
    /// The data folder has a portal in it already.
    #[error("the data folder has been initialized before")]
    Initialized,
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("tables: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("file: {0}")]
    Io(#[from] std::io::Error),
    /// What is stored was not sealed by this portal, or has been altered.
    #[error("a sealed record cannot be opened")]
    Sealed,
    /// What is stored makes no sense.
    #[error("stored data: {0}")]
    Stored(String),
    #[error("password hash: {0}")]
    Password(String),
    /// The certificate authority could not do its part.
    #[error("authority: {0}")]
    Authority(String),
}

impl Error {
    /// Stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(problem) => &problem.code,
            Self::NotInitialized => "portal.not_initialized",
            Self::Initialized => "portal.already_initialized",
            Self::Database(_)
            | Self::Migration(_)
            | Self::Io(_)
            | Self::Sealed
            | Self::Stored(_)
            | Self::Password(_)
            | Self::Authority(_) => kinds::INTERNAL.code,
        }
    }

    /// As what a caller over HTTP sees it. What is none of the caller's business goes to the log, under an id that
    /// the answer names.
    pub fn into_problem(self) -> Problem {
        match self {
            Self::Refused(problem) => *problem,
            Self::Database(error) if is_busy(&error) => kinds::BUSY.into(),
            other => {
                let id = incident();
                tracing::error!(incident = %id, error = %other, "request failed");
                Problem::new(kinds::INTERNAL).with("incident", id)
            }
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Problem::new(kind).into()
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Stored(error.to_string())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        problem_response(&self.into_problem())
    }
}

/// Why a handler stops before its end.
#[derive(Debug)]
pub enum Halt {
    Failed(Error),
    /// The request came before: this was the answer.
    Replayed(Response),
}

impl<E: Into<Error>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl IntoResponse for Halt {
    fn into_response(self) -> Response {
        match self {
            Self::Failed(error) => error.into_response(),
            Self::Replayed(response) => response,
        }
    }
}

pub(crate) fn problem_response(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let mut response =
        (status, [(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))], body).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = problem.extra.get("retry_after").and_then(serde_json::Value::as_u64) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A name under which a failure is found in the log.
pub(crate) fn incident() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_or_else(|_| "none".into(), |()| hex::encode(bytes))
}

fn is_busy(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut => true,
        // SQLITE_BUSY and its extended codes.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| matches!(&*code, "5" | "261" | "517"))
        }
        _ => false,
    }
}
