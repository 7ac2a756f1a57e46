//! The development server: the assistant's commands over HTTP, and the real pages, for a browser on this machine. The
//! pages and the core are the window's; only what carries the calls is another.
//!
//! | path | what |
//! | --- | --- |
//! | `POST /ipc/{command}` | arguments as JSON; 200 with the result, 422 with a failure |
//! | `GET /events` | all that happens, as server-sent events |
//! | all else | the pages |
//!
//! Loopback only, and only with the token that stands in the address. No program that is shipped contains it.

use std::{convert::Infallible, net::SocketAddr, path::PathBuf, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{
        IntoResponse, Response,
        sse::{Event as Sent, KeepAlive, Sse},
    },
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::{StreamExt as _, wrappers::UnboundedReceiverStream};
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};
use ycd_assistant::Assistant;

/// As strict as the window's own, so that what it forbids is found in a browser too.
const POLICY: &str = "default-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Clone)]
struct Dev {
    assistant: Arc<Assistant>,
    access_token: Arc<str>,
}

/// Serves until the process ends; tells the address, with its token, once it listens.
///
/// # Errors
/// The port cannot be had.
pub async fn serve(
    assistant: Arc<Assistant>,
    pages: PathBuf,
    listen: SocketAddr,
    access_token: &str,
    tell: impl FnOnce(&str),
) -> std::io::Result<()> {
    assert!(listen.ip().is_loopback(), "for a browser on this machine only");
    let dev = Dev { assistant, access_token: access_token.into() };
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    let calls = Router::new()
        .route("/ipc/{command}", post(call))
        .route("/events", get(events))
        .route_layer(middleware::from_fn_with_state(dev.clone(), with_token))
        .with_state(dev);
    let app = calls
        .fallback_service(ServeDir::new(pages))
        .layer(header(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(header(header::REFERRER_POLICY, "no-referrer"))
        .layer(header(header::CACHE_CONTROL, "no-store"));
    let listener = TcpListener::bind(listen).await?;
    tell(&format!("http://{}/?access_token={access_token}", listener.local_addr()?));
    axum::serve(listener, app).await
}

#[derive(Deserialize)]
struct Given {
    access_token: Option<String>,
}

/// A page of another site can reach this port, but it does not know the token.
async fn with_token(
    State(dev): State<Dev>,
    Query(given): Query<Given>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let in_header = headers.get("x-access-token").and_then(|access_token| access_token.to_str().ok());
    if in_header.or(given.access_token.as_deref()) == Some(&*dev.access_token) {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    }
}

async fn call(State(dev): State<Dev>, Path(command): Path<String>, Json(arguments): Json<Value>) -> Response {
    let outcome = tokio::task::spawn_blocking(move || dev.assistant.call(&command, arguments)).await;
    match outcome {
        Ok(Ok(value)) => Json(value).into_response(),
        Ok(Err(failure)) => (StatusCode::UNPROCESSABLE_ENTITY, Json(failure)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn events(State(dev): State<Dev>) -> Sse<impl tokio_stream::Stream<Item = Result<Sent, Infallible>>> {
    let (sender, happened) = mpsc::unbounded_channel();
    dev.assistant.listen(move |event| sender.send(event.clone()).is_ok());
    let stream = UnboundedReceiverStream::new(happened)
        .map(|event| Ok(Sent::default().json_data(&event).unwrap_or_default()));
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// 128 bits that nobody can guess, from the system.
///
/// # Errors
/// The system gives none.
pub fn fresh_token() -> Result<String, String> {
    let mut bytes = [0; 16];
    let from = std::fs::File::open("/dev/urandom");
    let read = from.and_then(|mut file| std::io::Read::read_exact(&mut file, &mut bytes));
    read.map_err(|error| format!("no randomness: {error}"))?;
    Ok(hex::encode(bytes))
}
