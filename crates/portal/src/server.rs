//! The API as a whole, and the server.

use std::{net::SocketAddr, time::Duration};

use axum::{Json, Router, extract::State, routing::get};
use tokio::net::TcpListener;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Error, Portal, attempts, catalogue, certificates, drivers, http, login, operator, orders,
    personalization, sms, tokens, trust, unlock,
};

const PREFIX: &str = "/api/v1";

/// Answers requests until `stop` completes; then the requests under way are brought to their end.
pub async fn serve(
    portal: Portal,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let sending = tokio::spawn(sms::send_waiting(portal.clone()));
    let sweeping = tokio::spawn(sweep(portal.clone()));
    let db = portal.db().clone();
    let app = router(portal).into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, app).with_graceful_shutdown(stop).await;
    sending.abort();
    sweeping.abort();
    db.close().await;
    Ok(served?)
}

async fn sweep(portal: Portal) {
    let mut minutes = tokio::time::interval(Duration::from_secs(60));
    loop {
        minutes.tick().await;
        if let Err(error) = orders::sweep(&portal).await {
            tracing::warn!(%error, "lapsed orders wait");
        }
        if let Err(error) = sms::forget_old(&portal).await {
            tracing::warn!(%error, "old codes stay");
        }
        if let Err(error) = unlock::forget_old(&portal).await {
            tracing::warn!(%error, "old tokens stay");
        }
        if let Err(error) = drivers::forget_old(&portal).await {
            tracing::warn!(%error, "old driver reports stay");
        }
    }
}

/// The description of the API (OpenAPI 3.1), made from the code.
pub fn openapi() -> utoipa::openapi::OpenApi {
    api().into_openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Certificate portal", description = "Orders, review, certificates, work on the token."),
    modifiers(&Bearer)
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "Session token of `/login` or `/operator/login`; below `/unlock` the token of the order.",
            ))
            .build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("session", SecurityScheme::Http(scheme));
    }
}

fn api() -> OpenApiRouter<Portal> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(health))
        .merge(catalogue::routes())
        .merge(sms::routes())
        .merge(login::routes())
        .merge(certificates::routes())
        .merge(orders::routes())
        .merge(attempts::routes())
        .merge(unlock::routes())
        .merge(personalization::routes())
        .merge(tokens::routes())
        .merge(trust::routes())
        .merge(drivers::routes())
        .merge(operator::routes());
    OpenApiRouter::with_openapi(Description::openapi()).nest(PREFIX, v1)
}

fn router(portal: Portal) -> Router {
    let (router, openapi) = api().split_for_parts();
    let body_limit = portal.config().body_limit;
    let router = router
        .route("/api/openapi.json", get(async move || Json(openapi)))
        .fallback(http::no_route)
        .method_not_allowed_fallback(http::method_not_allowed);
    http::wrap(router, body_limit).with_state(portal)
}

#[derive(serde::Serialize, utoipa::ToSchema)]
struct Health {
    /// `ok`
    status: &'static str,
    portal: String,
}

/// Whether the portal can answer: its database can be read.
#[utoipa::path(get, path = "/health", responses((status = 200, body = Health)))]
async fn health(State(portal): State<Portal>) -> Result<Json<Health>, Error> {
    sqlx::query("SELECT 1").execute(&mut *portal.db().read().await?).await?;
    Ok(Json(Health { status: "ok", portal: portal.name().into() }))
}
