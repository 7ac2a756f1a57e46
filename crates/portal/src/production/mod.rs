//! At the operator's station: a blank key gets its SO PIN, its first key pair and its first certificate.
//!
//! Each call is one transaction, but for the certificate, which has two with the authority's signature between them.
//! Whatever breaks off, the same calls go on where it stopped:
//! - a key has one open production, for one holder, product and road; its secrets are made once;
//! - its first certificate is bound to one public key before the authority signs;
//! - the end is proven by that key: then the SO PIN in the boxes is the *current* one, and the key can be unlocked.

mod assignment;
mod certificate;
mod open;
mod personalise;
mod proven;
mod record;
pub mod refusals;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Portal;

pub fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new()
        .routes(routes!(open::open))
        .routes(routes!(certificate::certificate))
        .routes(routes!(proven::nonce))
        .routes(routes!(proven::proven))
        .routes(routes!(personalise::personalise))
}
