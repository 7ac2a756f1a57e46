//! The certificate authority behind the portal.

use std::path::Path;

use time::OffsetDateTime;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    Error, Portal,
    config::Config,
    db::{Conn, Db},
    secrets::Secrets,
};

/// The authority of an open portal.
#[derive(Debug)]
pub struct Authority;

/// Makes root and issuing CA for a new portal. Called once, by [`crate::init`].
pub async fn init(_: &Path, _: &Secrets, _: &Db, _: &Config, _: OffsetDateTime) -> Result<(), Error> {
    Ok(())
}

/// Opens what [`init`] has made.
pub async fn open(_: &Path, _: &Secrets, _: &Db, _: &Config) -> Result<Authority, Error> {
    Ok(Authority)
}

/// `/trust/anchors`, `/crl/…`
pub fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new()
}

/// Puts a serial number on the list of the revoked, in the caller's transaction.
pub async fn revoke(_: &mut Conn, _serial: &str, _reason: &str, _: OffsetDateTime) -> Result<(), Error> {
    Ok(())
}
