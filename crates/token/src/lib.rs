//! What a USBKEY is, and how the assistant speaks to one.
//!
//! [`TokenAccess`] is the one trait: whole operations, shaped by PKCS#11 and SKF alike. Its back ends live in the driver
//! host (`crates/token-host`), where vendor modules are loaded; on this side of the pipe the host's client satisfies
//! the same trait.
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
pub use pin::{PinPolicy, PinProblem, Weakness, weakness};
pub use profile::{Driver, Drivers, Lookup, Profile, ProfileError};
pub use token_set::{AskPin, Problem, TokenSet};
pub use unlock::{Answer, OneTime, Opened, PortalKey, SoLogin, UnlockCapabilities, Unlocker};
pub use watch::{TokenEvent, TokenWatcher};
use ycd_pki::authorization::Authorization;

/// Operations on the tokens that are inserted. Each is whole: it leaves the token in its old or its new state, or answers
/// [`TokenError::Unknown`], after which the caller reads again and reconciles.
pub trait TokenAccess {
    /// The tokens that are inserted now.
    fn list(&mut self) -> Result<Vec<TokenInfo>>;

    /// All containers of a token. Before [`login`](Self::login) private keys are hidden.
    fn read(&mut self, token: &TokenId) -> Result<Contents>;

    /// Checks the PIN and keeps the user logged in until [`logout`](Self::logout), removal, or the end of the host.
    /// The PIN itself is forgotten at once. Never repeated by itself.
    fn login(&mut self, token: &TokenId, pin: &Pin) -> Result<()>;

    fn logout(&mut self, token: &TokenId) -> Result<()>;

    /// Puts `new` in the place of `old`, and proves it by a login with `new`; nobody is logged in afterwards. `old` is
    /// presented once; `new` goes to the token twice, to be set and to be proven.
    ///
    /// # Errors
    /// [`TokenError::PinIncorrect`] and [`TokenError::PinLocked`] where `old` is not the PIN;
    /// [`TokenError::PinInvalid`] where `new` is outside the token's limits, which costs no try; after
    /// [`TokenError::Unknown`] either of the two is in force, and only a login can tell.
    fn change_pin(&mut self, token: &TokenId, old: &Pin, new: &Pin) -> Result<()>;

    /// Makes an SM2 signature key pair in the token, with CKA_ID = tag; gives its public key.
    fn generate(&mut self, token: &TokenId, cka_id: &CkaId) -> Result<Spki>;

    /// Builds the authorization's text, signs it (SM3withSM2) with the private key that belongs to `signer`, and verifies
    /// the signature in software. Gives DER of `SEQUENCE { r, s }`.
    fn sign_authorization(
        &mut self,
        token: &TokenId,
        signer: &Spki,
        authorization: &Authorization,
    ) -> Result<Vec<u8>>;

    /// Builds and signs a PKCS#10 for the pair of `signer`; `subject` is the DER of its distinguished name.
    fn sign_request(&mut self, token: &TokenId, signer: &Spki, subject: &[u8]) -> Result<Vec<u8>>;

    /// Writes a certificate (DER) beside its pair unless an identical one is there; reads it back and compares.
    /// A torn or different certificate object *of this same certificate's serial number* is replaced.
    fn write_certificate(&mut self, token: &TokenId, certificate: &[u8]) -> Result<()>;

    /// Removes one certificate object (identical DER); the pair stays.
    fn remove_certificate(&mut self, token: &TokenId, certificate: &[u8]) -> Result<()>;

    /// Destroys the keys of a container and the certificates of its public key.
    fn destroy(&mut self, token: &TokenId, container: &ContainerHandle) -> Result<()>;
}
