//! `GET /trust/anchors`, `GET /crl/…`: for everyone.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use ycd_portal_api::Problem;

use crate::{
    Error, Portal,
    authority::{Issuer, pki},
};

/// `/trust/anchors`, `/crl/…`
pub fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new().routes(routes!(anchors)).routes(routes!(issuing_list)).routes(routes!(root_list))
}

/// The CA certificates, PEM: the root, then the issuing CA.
#[utoipa::path(get, path = "/trust/anchors",
    responses((status = 200, content_type = "application/x-pem-file", body = String)))]
async fn anchors(State(portal): State<Portal>) -> Result<Response, Error> {
    let backend = portal.authority().backend();
    let mut text = String::new();
    for certificate in backend.chain().iter().rev() {
        text.push_str(&certificate.to_pem().map_err(pki)?);
    }
    Ok(([(header::CONTENT_TYPE, "application/x-pem-file")], text).into_response())
}

/// The issuing CA's revocation list, DER: where certificates say that it is.
#[utoipa::path(get, path = "/crl/issuing.crl", responses(
    (status = 200, content_type = "application/pkix-crl", body = Vec<u8>), (status = "default", body = Problem)))]
async fn issuing_list(State(portal): State<Portal>) -> Result<Response, Error> {
    list(&portal, Issuer::Issuing).await
}

/// The root's revocation list, DER.
#[utoipa::path(get, path = "/crl/root.crl", responses(
    (status = 200, content_type = "application/pkix-crl", body = Vec<u8>), (status = "default", body = Problem)))]
async fn root_list(State(portal): State<Portal>) -> Result<Response, Error> {
    list(&portal, Issuer::Root).await
}

async fn list(portal: &Portal, issuer: Issuer) -> Result<Response, Error> {
    let der = portal.authority().current_list(portal, issuer).await?;
    let headers = [(header::CONTENT_TYPE, "application/pkix-crl"), (header::CACHE_CONTROL, "max-age=60")];
    Ok((headers, der).into_response())
}
