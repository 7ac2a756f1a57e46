//! The operations on tokens, each declared once. From a declaration follow the method of its trait, its message to the
//! driver host and the answer, the client's method with deadline and repetition, the way to the module that has the
//! token, and the host's dispatch.
//!
//! To add one, add its declaration here and implement the method in the host (`crates/token-host/src/pkcs11`); the
//! compiler asks for nothing else. A declaration reads
//!
//! ```text
//! /// What it does.
//! Variant method(argument: &Type, …) -> Result, mode, deadline, effect, route;
//! ```
//!
//! | | |
//! | --- | --- |
//! | mode | `once`; `again`: repeated by itself, once, where the host died; `goes_on`: works on what an earlier call has left in the host, else [`ReleaseGone`](crate::TokenError::ReleaseGone); `goes_on_or_default`: as that, and nothing left is no error |
//! | deadline | of the profile: `other`, `write`, `generate` |
//! | effect | `changes` the token (a login counts tries), or `keeps` it as it is: what is not known after the host died |
//! | route | `signs`: needs a login, which some token models end after each use of a private key (`pin_per_signature`); `plain` |
//!
//! Arguments travel as their owned form ([`ToOwned`]).

pub use ycd_pki::{authorization::Authorization, unlock::CHALLENGE_LEN};

/// Hands the operations of [`TokenAccess`], all but its listing, to another macro, behind what that
/// one is given besides.
#[macro_export]
macro_rules! token_operations {
    ($to:ident { $($more:tt)* }) => {
        $to! {
            { $($more)* }

            /// All containers of a token. Before [`login`](Self::login) private keys are hidden.
            Read read() -> $crate::Contents,
                again, other, keeps, plain;

            /// Checks the PIN and keeps the user logged in until [`logout`](Self::logout), removal, or the end of the
            /// host. The PIN itself is forgotten at once. Never repeated by itself.
            Login login(pin: &$crate::Pin) -> (),
                once, other, changes, plain;

            Logout logout() -> (),
                once, other, keeps, plain;

            /// Puts `new` in the place of `old`, and proves it by a login with `new`; nobody is logged in afterwards.
            /// `old` is presented once; `new` goes to the token twice, to be set and to be proven.
            ///
            /// # Errors
            /// `TokenError::PinIncorrect` and `TokenError::PinLocked` where `old` is not the PIN;
            /// `TokenError::PinInvalid` where `new` is outside the token's limits, which costs no try; after
            /// `TokenError::Unknown` either of the two is in force, and only a login can tell.
            ChangePin change_pin(old: &$crate::Pin, new: &$crate::Pin) -> (),
                once, write, changes, plain;

            /// Makes an SM2 signature key pair in the token, with the CKA_ID of the attempt; gives its public key.
            Generate generate(cka_id: &$crate::CkaId) -> $crate::Spki,
                once, generate, changes, signs;

            /// Builds the authorization's text, signs it (SM3withSM2) with the private key that belongs to `signer`,
            /// and verifies the signature in software. Gives DER of `SEQUENCE { r, s }`.
            SignAuthorization sign_authorization(signer: &$crate::Spki, authorization: &$crate::operations::Authorization) -> Vec<u8>,
                once, other, keeps, signs;

            /// Builds and signs a PKCS#10 for the pair of `signer`; `subject` is the DER of its distinguished name.
            SignRequest sign_request(signer: &$crate::Spki, subject: &[u8]) -> Vec<u8>,
                once, other, keeps, signs;

            /// Writes a certificate (DER) beside its pair unless an identical one is there; reads it back and compares.
            /// A torn or different certificate object *of this same certificate's serial number* is replaced.
            WriteCertificate write_certificate(certificate: &[u8]) -> (),
                once, write, changes, signs;

            /// Removes one certificate object (identical DER); the pair stays.
            RemoveCertificate remove_certificate(certificate: &[u8]) -> (),
                once, write, changes, signs;

            /// Destroys the keys of a container and the certificates of its public key.
            Destroy destroy(container: &$crate::ContainerHandle) -> (),
                once, write, changes, signs;
        }
    };
}

/// As [`token_operations`], those of [`Unlocker`].
#[macro_export]
macro_rules! unlock_operations {
    ($to:ident { $($more:tt)* }) => {
        $to! {
            { $($more)* }

            /// What profile and token tell of their unlock capabilities, before anything is asked of the portal.
            UnlockCapabilities unlock_capabilities() -> $crate::UnlockCapabilities,
                again, other, keeps, plain;

            /// Makes a one-time key pair, whose private key never leaves the host, and forgets the one before. `portal`
            /// is the one whose answers are believed.
            UnlockBegin unlock_begin(portal: &$crate::PortalKey) -> $crate::OneTime,
                once, other, keeps, plain;

            /// The token's challenge, for the answer that comes next; the token keeps one at a time.
            ///
            /// # Errors
            /// [`TokenError::CardMissing`](crate::TokenError::CardMissing) where the token is on no reader.
            UnlockChallenge unlock_challenge() -> [u8; $crate::operations::CHALLENGE_LEN],
                goes_on, other, keeps, plain;

            /// Checks the portal's signature and every field against token, one-time key, challenge, and a certificate
            /// that is on the token; opens the sealed envelope; its time begins.
            ///
            /// # Errors
            /// [`TokenError::ReleaseRefused`](crate::TokenError::ReleaseRefused), and nothing of the answer is kept.
            UnlockOpen unlock_open(answer: &$crate::Answer) -> $crate::Opened,
                goes_on, other, keeps, plain;

            /// The release that is open now, with its time left.
            UnlockOpened unlock_opened() -> Option<$crate::Opened>,
                goes_on_or_default, other, keeps, plain;

            /// A nonce for the portal's word that the release is alive; for one SO login, within ten seconds, and void
            /// when the token is pulled.
            UnlockNonce unlock_nonce() -> [u8; 32],
                goes_on, other, keeps, plain;

            /// One SO login with one of the PINs of the envelope. `liveness` is the portal's signature over
            /// `ycd_pki::unlock::LivenessCheck` with the last nonce; empty in a personalization, which needs none.
            /// Never two definite wrong ones for one release but with both PINs, never with fewer than three tries left
            /// before the first and two before the other.
            ///
            /// # Errors
            /// [`TokenError::SoPinIncorrect`](crate::TokenError::SoPinIncorrect), definite, also without another try
            /// where this PIN was found wrong under this release;
            /// [`TokenError::ReleaseRefused`](crate::TokenError::ReleaseRefused) where `liveness` is not the portal's
            /// word for the last nonce, or too old; [`TokenError::Removed`](crate::TokenError::Removed) where the token
            /// was pulled since; [`TokenError::SoPinRetryCounterLow`](crate::TokenError::SoPinRetryCounterLow) before
            /// anything is tried; [`TokenError::ReleaseGone`](crate::TokenError::ReleaseGone) where there is no open
            /// release (any more).
            SoLogin so_login(which: &$crate::SoLogin, liveness: &[u8]) -> (),
                goes_on, other, changes, plain;

            /// C_InitPIN by the SO that is logged in. The PIN must satisfy the release's rules and the token's limits.
            /// Refused where the profile does not say that keys survive it, but for a personalization.
            InitPin init_pin(new: &$crate::Pin) -> (),
                goes_on, write, changes, plain;

            /// C_SetPIN by the SO that is logged in: the next PIN of the envelope in the place of the one that opened
            /// it. Logs out; whether it took effect, a login with `SoLogin::Next` tells.
            ///
            /// # Errors
            /// [`TokenError::ReleaseRefused`](crate::TokenError::ReleaseRefused) where the next PIN is in force
            /// already, or was found wrong twice under this release, the other time after it had been set.
            RotateSoPin rotate_so_pin() -> (),
                goes_on, write, changes, plain;

            /// Personalization: puts the unblock key of the envelope on the token, under the SO PIN that is in force.
            InstallUnblockKey install_unblock_key() -> (),
                goes_on, write, changes, plain;

            /// The challenge-response method: sets the new PIN by the one command that the answer is good for.
            ///
            /// # Errors
            /// [`TokenError::ChallengeRefused`](crate::TokenError::ChallengeRefused) where the token does not take the
            /// answer: ask for a new challenge.
            Unblock unblock(new: &$crate::Pin) -> (),
                goes_on, write, changes, plain;

            /// Wipes one-time key, envelope and nonce, and logs out.
            UnlockEnd unlock_end() -> (),
                goes_on_or_default, other, keeps, plain;
        }
    };
}

/// The trait, its calls and their answers.
macro_rules! declare {
    (
        {
            $(#[$trait_doc:meta])*
            trait $trait:ident $(: $super:ident)?;
            calls $calls:ident, answers $answers:ident;
            $($more:tt)*
        }
        $(
            $(#[$doc:meta])*
            $variant:ident $method:ident($($arg:ident: &$type:ty),*) -> $out:ty,
                $mode:ident, $deadline:ident, $effect:ident, $route:ident;
        )+
    ) => {
        $(#[$trait_doc])*
        pub trait $trait $(: $super)? {
            $($more)*
            $(
                $(#[$doc])*
                fn $method(&mut self, token: &TokenId, $($arg: &$type),*) -> Result<$out>;
            )+
        }

        #[doc = concat!("The operations of [`", stringify!($trait), "`] with their arguments.")]
        #[derive(Debug, Serialize, Deserialize)]
        pub enum $calls {
            $($variant($(<$type as ToOwned>::Owned),*)),+
        }

        #[doc = concat!("What the operations of [`", stringify!($trait), "`] give.")]
        #[derive(Debug, Serialize, Deserialize)]
        pub enum $answers {
            $($variant($out)),+
        }

        impl $calls {
            /// The operation's name in errors and logs.
            pub fn operation(&self) -> &'static str {
                match self { $(Self::$variant(..) => stringify!($method)),+ }
            }

            /// Whether the token may be another one afterwards. A login counts tries.
            pub fn changes_token(&self) -> bool {
                match self { $(Self::$variant(..) => changes!($effect)),+ }
            }

            pub(crate) fn deadline(&self, deadlines: &Deadlines) -> Duration {
                match self { $(Self::$variant(..) => deadlines.$deadline()),+ }
            }

            /// Done by a module in this process: the host's.
            ///
            /// # Errors
            /// The operation's own.
            pub fn perform(self, module: &mut impl $trait, token: &TokenId) -> Result<$answers> {
                match self {
                    $(Self::$variant($($arg),*) => module.$method(token, $(&$arg),*).map($answers::$variant)),+
                }
            }
        }
    };
}

macro_rules! changes {
    (changes) => {
        true
    };
    (keeps) => {
        false
    };
}

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::profile::Deadlines;
use crate::{Result, TokenId, TokenInfo};

token_operations!(declare {
    /// Operations on the tokens that are inserted. Each is whole: it leaves the token in its old or its new state, or
    /// answers `TokenError::Unknown`, after which the caller reads again and reconciles.
    trait TokenAccess;
    calls TokenCall, answers TokenAnswer;
    /// The tokens that are inserted now.
    fn list(&mut self) -> Result<Vec<TokenInfo>>;
});

unlock_operations!(declare {
    /// A [`TokenAccess`] that can be unlocked. The host keeps, per token, one one-time pair, and the release that came
    /// for it, until [`unlock_end`](Self::unlock_end), another [`unlock_begin`](Self::unlock_begin), the release's
    /// time, or its own end.
    trait Unlocker: TokenAccess;
    calls UnlockCall, answers UnlockAnswer;
});
