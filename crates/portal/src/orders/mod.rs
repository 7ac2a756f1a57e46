//! Orders: 我的订单.
//!
//! What can happen to an order is in `machine.rs`, and happens through [`transition()`] alone.

mod create;
mod form;
mod list;
pub mod machine;
mod operate;
mod payment;
mod record;
mod routes;
mod status;
mod sweep;
mod transition;
mod view;

pub(crate) use create::{create_unlock, number, open_work_order};
pub use form::{check as check_form, check_phone};
pub(crate) use list::contains;
pub use machine::{Event, InternalStatus};
pub use record::{Order, load, load_own};
pub(crate) use record::{name_of, word};
pub use routes::set_mode;
pub use sweep::sweep;
pub use transition::transition;

use utoipa_axum::router::OpenApiRouter;

use crate::Portal;

pub fn routes() -> OpenApiRouter<Portal> {
    routes::routes().merge(operate::routes())
}
