//! What can go wrong with a token, named by what the caller can do about it.

use serde::{Deserialize, Serialize};

use ycd_pki::unlock::SoPinRetryCounter;

use crate::PinRetryCounter;

pub type Result<T, E = TokenError> = std::result::Result<T, E>;

/// Crosses the host's pipe as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum TokenError {
    #[error("the token is not inserted, or was pulled")]
    Removed,
    #[error("wrong PIN")]
    PinIncorrect { retry_counter: PinRetryCounter },
    #[error("the PIN is locked")]
    PinLocked,
    #[error("the PIN does not fit the token's limits")]
    PinInvalid { min_len: u8, max_len: u8 },
    #[error("the token asks for the PIN again")]
    NotLoggedIn,
    /// The SO PIN that was tried is not the token's.
    #[error("wrong SO PIN")]
    SoPinIncorrect { retry_counter: SoPinRetryCounter },
    #[error("the SO PIN is locked")]
    SoPinLocked,
    /// Too few tries of the SO PIN are left to risk one; none was spent.
    #[error("too few tries of the SO PIN are left")]
    SoPinRetryCounterLow { retry_counter: SoPinRetryCounter },
    /// What came as the portal's release is not one for this token, this host and this moment.
    #[error("the release is refused: {reason}")]
    ReleaseRefused { reason: String },
    /// There is no open release: its time is over, the host was started anew, or none has come yet.
    #[error("there is no open release")]
    ReleaseGone,
    /// The token is on no reader, so it can give no challenge.
    #[error("the token is on no reader")]
    CardMissing,
    /// The token does not take the answer to its challenge.
    #[error("the token refuses the answer to its challenge")]
    ChallengeRefused,
    #[error("no such object on the token: {what}")]
    NotFound { what: String },
    #[error("no free capacity for another key pair")]
    NoFreeCapacity,
    #[error("the module signs, but not SM3withSM2")]
    SignsWrongly { detail: String },
    #[error("the token reads back other bytes than were written")]
    ReadBackDiffers,
    #[error("not supported by this token: {what}")]
    Unsupported { what: String },
    /// The outcome of a call that changes the token is not known: the host died or was killed in the middle.
    #[error("the outcome of {operation} is unknown: the driver stopped in the middle")]
    Unknown { operation: String },
    /// As [`Unknown`](Self::Unknown), for a call that changes nothing.
    #[error("the driver stopped in the middle of {operation}")]
    HostDied { operation: String },
    #[error("the driver did not answer {operation} within {seconds} s")]
    HostTimeout { operation: String, seconds: u32 },
    #[error("the driver module is missing: {path}")]
    ModuleMissing { path: String },
    #[error("not a PKCS#11 module: {path}")]
    NotAModule { path: String, detail: String },
    /// No host for what the module's file is for is installed.
    #[error("the module is for {target}, and no host that can load it is installed: {path}")]
    NoHost { path: String, target: String },
    #[error("the module lies outside the places its profile allows: {path}")]
    ModuleNotAllowed { path: String },
    #[error("{function} answered {code:#010x}")]
    Module { function: String, code: u64 },
    #[error("the driver host could not be started: {detail}")]
    HostStart { detail: String },
    #[error("the driver host broke its protocol: {detail}")]
    Protocol { detail: String },
    /// The program was upgraded while it ran. Nothing was asked of the token.
    #[error("the driver host is of another release")]
    OtherRelease,
}

impl TokenError {
    /// Stable: maps to one sentence and one remedy per language.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Removed => "token.removed",
            Self::PinIncorrect { .. } => "token.pin_incorrect",
            Self::PinLocked => "token.pin_locked",
            Self::PinInvalid { .. } => "token.pin_invalid",
            Self::NotLoggedIn => "token.not_logged_in",
            Self::SoPinIncorrect { .. } => "token.so_pin_incorrect",
            Self::SoPinLocked => "token.so_pin_locked",
            Self::SoPinRetryCounterLow { .. } => "token.so_pin_retry_counter_low",
            Self::ReleaseRefused { .. } => "token.release_refused",
            Self::ReleaseGone => "token.release_gone",
            Self::CardMissing => "token.card_missing",
            Self::ChallengeRefused => "token.challenge_refused",
            Self::NotFound { .. } => "token.not_found",
            Self::NoFreeCapacity => "token.no_free_capacity",
            Self::SignsWrongly { .. } => "token.signs_wrongly",
            Self::ReadBackDiffers => "token.read_back_differs",
            Self::Unsupported { .. } => "token.unsupported",
            Self::Unknown { .. } => "token.outcome_unknown",
            Self::HostDied { .. } => "token.driver_crashed",
            Self::HostTimeout { .. } => "token.driver_timeout",
            Self::ModuleMissing { .. } => "token.module_missing",
            Self::NotAModule { .. } => "token.not_a_module",
            Self::NoHost { .. } => "token.no_host",
            Self::ModuleNotAllowed { .. } => "token.module_not_allowed",
            Self::Module { .. } => "token.module_error",
            Self::HostStart { .. } => "token.host_start",
            Self::Protocol { .. } => "token.host_protocol",
            Self::OtherRelease => "token.host_other_release",
        }
    }
}
