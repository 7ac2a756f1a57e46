//! What a USBKEY is, and how the assistant speaks to one.
//!
//! [`Token`] is the one trait: whole operations, shaped by PKCS#11 and SKF alike. Its back ends live in the driver
//! host (`crates/token-host`), where vendor modules are loaded; on this side of the pipe the host's client satisfies
//! the same trait.
//!
//! - [`Drivers`] reads the driver profiles and finds the modules that are installed.
//! - [`Keys`] is all inserted keys behind all modules, each module in a [`ModuleHost`], a process of its own.
//! - [`KeyWatcher`] tells when keys come and go; [`readers`] and [`usb`] are what it hears of cards and devices.
//! - [`candidates`] says which makes a card may be of, [`report`] what can be told of a key that nobody knows.
//! - [`PinPolicy`] says what a new PIN may be.
//! - [`Unlocker`] is what unlocking a PIN needs beyond [`Token`].
//!
//! A PIN leaves this process only through the pipe to the host ([`wire`]), in buffers that are wiped.

#![forbid(unsafe_code)]

mod binary;
pub mod candidates;
mod error;
mod host;
mod keys;
mod model;
mod pin;
pub mod profile;
pub mod readers;
pub mod report;
mod unlock;
pub mod usb;
mod watch;
pub mod wire;

pub use error::{Result, TokenError};
pub use host::{ModuleHost, default_host_exe, host_for};
pub use keys::{AskPin, Keys, Problem};
pub use model::{
    Container, ContainerHandle, Contents, KeyId, KeyInfo, Pair, Pin, PinState, Spki, Tag, TriesLeft,
};
pub use pin::{PinPolicy, PinRefusal, Weakness, weakness};
pub use profile::{Driver, Drivers, Lookup, Profile, ProfileError};
pub use unlock::{Answer, OneTime, Opened, PortalKey, SoLogin, UnlockWays, Unlocker};
pub use watch::{KeyEvent, KeyWatcher};
use ycd_pki::statement::Statement;

/// Operations on the keys that are inserted. Each is whole: it leaves the key in its old or its new state, or answers
/// [`TokenError::Unknown`], after which the caller reads again and reconciles.
pub trait Token {
    /// The keys that are inserted now.
    fn keys(&mut self) -> Result<Vec<KeyInfo>>;

    /// All containers of a key. Before [`login`](Self::login) private keys are hidden.
    fn read(&mut self, key: &KeyId) -> Result<Contents>;

    /// Checks the PIN and keeps the user logged in until [`logout`](Self::logout), removal, or the end of the host.
    /// The PIN itself is forgotten at once. Never repeated by itself.
    fn login(&mut self, key: &KeyId, pin: &Pin) -> Result<()>;

    fn logout(&mut self, key: &KeyId) -> Result<()>;

    /// Puts `new` in the place of `old`, and proves it by a login with `new`; nobody is logged in afterwards. `old` is
    /// presented once; `new` goes to the key twice, to be set and to be proven.
    ///
    /// # Errors
    /// [`TokenError::PinIncorrect`] and [`TokenError::PinLocked`] where `old` is not the PIN;
    /// [`TokenError::PinInvalid`] where `new` is outside the key's limits, which costs no try; after
    /// [`TokenError::Unknown`] either of the two is in force, and only a login can tell.
    fn change_pin(&mut self, key: &KeyId, old: &Pin, new: &Pin) -> Result<()>;

    /// Makes an SM2 signature key pair in the key, with CKA_ID = tag; gives its public key.
    fn generate(&mut self, key: &KeyId, tag: &Tag) -> Result<Spki>;

    /// Builds the statement's text, signs it (SM3withSM2) with the private key that belongs to `signer`, and verifies
    /// the signature in software. Gives DER of `SEQUENCE { r, s }`.
    fn sign_statement(&mut self, key: &KeyId, signer: &Spki, statement: &Statement) -> Result<Vec<u8>>;

    /// Builds and signs a PKCS#10 for the pair of `signer`; `subject` is the DER of its distinguished name.
    fn sign_request(&mut self, key: &KeyId, signer: &Spki, subject: &[u8]) -> Result<Vec<u8>>;

    /// Writes a certificate (DER) beside its pair unless an identical one is there; reads it back and compares.
    /// A torn or different certificate object *of this same certificate's serial number* is replaced.
    fn write_certificate(&mut self, key: &KeyId, certificate: &[u8]) -> Result<()>;

    /// Removes one certificate object (identical DER); the pair stays.
    fn remove_certificate(&mut self, key: &KeyId, certificate: &[u8]) -> Result<()>;

    /// Destroys the keys of a container and the certificates of its public key.
    fn destroy(&mut self, key: &KeyId, container: &ContainerHandle) -> Result<()>;
}
