//! The work on the key: attempts of an order.

use utoipa_axum::router::OpenApiRouter;

use crate::Portal;

pub fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new()
}
