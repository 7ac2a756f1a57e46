//! What a USBKEY is, and how the assistant speaks to one.
//!
//! [`TokenAccess`] is the one trait: whole operations, shaped by PKCS#11 and SKF alike. Its back ends live in the
//! driver host (`crates/token-host`), where vendor modules are loaded; on this side of the pipe the host's client
//! satisfies the same trait.
//!
//! - [`Drivers`] reads the driver profiles and finds the modules that are installed.
//! - [`TokenSet`] is all inserted tokens behind all modules, each module in a [`ModuleHost`], a process of its own.
//! - [`TokenWatcher`] tells when tokens come and go; [`readers`] and [`usb`] are what it hears of cards and devices.
//! - [`candidates`] says which makes a card may be of, [`report`] what can be told of a token that nobody knows.
//! - [`PinPolicy`] says what a new PIN may be.
//! - [`Unlocker`] is what unlocking a PIN needs beyond [`TokenAccess`].
//!
//! A PIN leaves this process only through the pipe to the host ([`wire`]), in buffers that are wiped.

#![forbid(unsafe_code)]

mod binary;
pub mod candidates;
mod error;
mod host;
mod model;
pub mod operations;
mod pin;
pub mod profile;
pub mod readers;
pub mod report;
mod token_set;
mod unlock;
pub mod usb;
mod watch;
pub mod wire;

pub use error::{Result, TokenError};
pub use host::{ModuleHost, default_host_exe, host_for};
pub use model::{
    CkaId, Container, ContainerHandle, Contents, KeyPairState, Pin, PinRetryCounter, PinState, Spki, TokenId,
    TokenInfo,
};
pub use operations::{TokenAccess, Unlocker};
pub use pin::{PinPolicy, PinProblem, Weakness, weakness};
pub use profile::{Driver, Drivers, Lookup, Profile, ProfileError};
pub use token_set::{AskPin, Problem, TokenSet};
pub use unlock::{Answer, OneTime, Opened, PortalKey, SoLogin, UnlockCapabilities};
pub use watch::{TokenEvent, TokenWatcher};
