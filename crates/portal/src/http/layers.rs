//! Around every request: an id, a line in the log, no half-done work, and problems for all that fails.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use tracing::Instrument as _;
use ycd_portal_api::problem::{Kind, MEDIA_TYPE, Problem, kinds};

use crate::error::{Error, incident, problem_response};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(crate) fn wrap<S: Clone + Send + Sync + 'static>(router: Router<S>, body_limit: usize) -> Router<S> {
    router.layer(DefaultBodyLimit::max(body_limit)).layer(middleware::from_fn(around))
}

pub(crate) async fn no_route() -> Error {
    kinds::NO_ROUTE.into()
}

pub(crate) async fn method_not_allowed() -> Error {
    kinds::METHOD.into()
}

async fn around(request: Request, next: Next) -> Response {
    let id = incident();
    // The path names orders and certificates, never a secret; the query and the headers are left out.
    let span = tracing::info_span!("request", %id, method = %request.method(), path = request.uri().path());
    // In a task of its own, a request is worked on to its end though its caller has gone, and a panic stays with it.
    let result = tokio::spawn(next.run(request).instrument(span.clone())).await;
    let mut response = match result {
        Ok(response) => as_problem(response),
        Err(error) => {
            span.in_scope(|| tracing::error!(panicked = error.is_panic(), "request broke off"));
            problem_response(&Problem::new(kinds::INTERNAL).with("incident", &id))
        }
    };
    span.in_scope(|| tracing::info!(status = response.status().as_u16(), "answered"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    // Answers hold personal data.
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// What the framework refuses by itself is put into the same form as all else.
fn as_problem(response: Response) -> Response {
    let status = response.status();
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == MEDIA_TYPE);
    if is_problem || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let kind = match status {
        StatusCode::NOT_FOUND => kinds::NO_ROUTE,
        StatusCode::METHOD_NOT_ALLOWED => kinds::METHOD,
        StatusCode::PAYLOAD_TOO_LARGE => kinds::TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => kinds::MEDIA_TYPE,
        status if status.is_client_error() => Kind { status: status.as_u16(), ..kinds::BAD_PARAMETER },
        _ => kinds::INTERNAL,
    };
    let (mut parts, _) = response.into_parts();
    let (replacement, body) = problem_response(&kind.into()).into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(replacement.headers);
    (parts, body).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use tower::ServiceExt as _;

    use super::*;

    async fn broken() {
        panic!("a bug");
    }

    #[tokio::test]
    async fn a_panic_is_answered_with_the_id_under_which_the_log_has_it() {
        let app = wrap(Router::new().route("/", get(broken)), 1024);
        let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        let id = response.headers()[REQUEST_ID].to_str().unwrap().to_owned();
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        let problem: Problem = serde_json::from_slice(&body).unwrap();
        assert_eq!((problem.code.as_str(), &problem.extra["incident"]), ("portal.internal", &id.into()));
    }
}
