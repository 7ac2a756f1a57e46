//! Tokens: what the portal keeps of each, so that it can be unlocked.
//!
//! Of an SO PIN there are at most two versions: *current*, which a login has proven to be on the token, and *next*,
//! made once and put into every envelope, whatever the order, until a login has proven it. Both lie encrypted, bound to
//! token and version.

mod record;
mod routes;
mod so_pin;

pub use record::{Escrow, Token, ensure, find, load};
pub use routes::routes;
pub use so_pin::{begin, escrowed, prove, with_next};
