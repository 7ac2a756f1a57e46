//! Operators: login, revocation, the SMS outbox, the audit. What they do with orders is with the orders.

mod login;
mod records;

use utoipa_axum::router::OpenApiRouter;

use crate::Portal;

pub fn routes() -> OpenApiRouter<Portal> {
    login::routes().merge(records::routes())
}
