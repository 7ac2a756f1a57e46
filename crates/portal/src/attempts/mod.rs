//! The work on the token: attempts of an order, as `docs/protocols/renewal.md` numbers the steps (1, 4, 6, 8, 9, 11,
//! 12).
//!
//! Each request is one transaction, but for `issue`, which has two with the authority's signature between them: in
//! the first the attempt is bound for good to one public key, one serial number and one text to be signed; in the
//! second the certificate is stored where there is none. Whatever breaks off in between, the same request goes on.
//!
//! Rules, each with its test:
//! - One open attempt of an order, one on a token; at most [`MAX_ATTEMPTS`] for one approval; none once the order is
//!   complete.
//! - Issue, confirm and abandon work on the open attempt of an order in 待更新, and on nothing else.
//! - An attempt has one public key: another is `attempt.key_conflict`.
//! - Giving up revokes the serial number, signed or not.
//! - What was acted on is answered again in the same way: the stored certificate, the confirmation, the next attempt.

mod abandon;
mod closing;
mod confirm;
mod evidence;
mod issue;
mod nonce;
mod open;
mod record;
mod replace;
mod view;

pub use closing::close;
pub(crate) use evidence::keep_authorization;
pub(crate) use issue::{checked_request, subject_ids};
pub(crate) use nonce::{make as make_nonce, spend as spend_nonce};

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Portal;

/// Attempts of one approval.
pub const MAX_ATTEMPTS: u32 = 3;

pub fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new()
        .routes(routes!(open::open, open::current))
        .routes(routes!(nonce::nonce))
        .routes(routes!(replace::replace))
        .routes(routes!(issue::issue))
        .routes(routes!(confirm::confirm))
        .routes(routes!(abandon::abandon))
        .routes(routes!(abandon::close_by_operator))
}
