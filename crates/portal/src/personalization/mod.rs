//! At the personalization workstation: a blank token gets its SO PIN, its first key pair and its first certificate.
//!
//! Each call is one transaction, but for the certificate, which has two with the authority's signature between them.
//! Whatever breaks off, the same calls go on where it stopped:
//! - a token has one open personalization, for one holder, product and method; its secrets are made once;
//! - its first certificate is bound to one public key before the authority signs;
//! - the end is proven by that token: then the SO PIN in the sealed envelopes is the *current* one, and the token can
//!   be unlocked.

mod assignment;
mod certificate;
mod first_certificate;
mod open;
mod proven;
mod record;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Portal;

pub fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new()
        .routes(routes!(open::open))
        .routes(routes!(certificate::certificate))
        .routes(routes!(proven::nonce))
        .routes(routes!(proven::proven))
        .routes(routes!(first_certificate::first_certificate))
}
