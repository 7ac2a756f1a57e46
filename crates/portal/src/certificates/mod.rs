//! Certificates that the portal has issued or taken over: 我的证书.

mod record;
mod routes;
mod validity;

pub use record::{
    Certificate, NewCertificate, RecordState, find, insert, load, load_own, revoke, supersede, usable_for,
};
pub use routes::routes;
pub(crate) use routes::view;
pub use validity::{ValidityPeriod, renewed_validity};
