//! Everything for Linux: a package for Debian, and its trial in a Debian of its own.

mod package;
mod trial;

pub use self::{package::package, trial::run as test};
