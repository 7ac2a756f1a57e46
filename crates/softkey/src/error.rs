//! What can go wrong with a software token, named by what the caller can do about it.

use std::path::{Path, PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or a file in it cannot be read or written: disk, permissions.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// The token's file is not a whole state of a token. It was not written by this software, or the disk lost bytes.
    #[error("{} is damaged: {detail}", path.display())]
    Damaged { path: PathBuf, detail: String },
    /// The control file says something this software does not understand.
    #[error("control file {}: {detail}", path.display())]
    ControlFile { path: PathBuf, detail: String },
    #[error("no token with the serial number {serial_number}")]
    NoSuchToken { serial_number: String },
    #[error("a token with the serial number {serial_number} exists already")]
    TokenExists { serial_number: String },
    /// A label, serial number, manufacturer or model that does not fit its PKCS#11 field.
    #[error("{field} must be {rule}")]
    BadField { field: &'static str, rule: &'static str },
    #[error("the token is not inserted, or was pulled")]
    Removed,
    #[error("wrong PIN, {retry_counter} tries left")]
    PinIncorrect { retry_counter: u32 },
    #[error("the PIN is locked")]
    PinLocked,
    #[error("a PIN has {min} to {max} bytes")]
    PinLength { min: u32, max: u32 },
    #[error("the user PIN has not been set")]
    PinNotSet,
    #[error("not logged in")]
    NotLoggedIn,
    #[error("no free capacity on the key")]
    NoFreeCapacity,
    #[error("no such object")]
    NoSuchObject,
    /// Another process is the token's smart card.
    #[error("the token is in another reader")]
    InReader,
    /// The system's random source, or a cryptographic operation that cannot fail on sound data.
    #[error("cryptography failed: {0}")]
    Crypto(&'static str),
}

impl Error {
    /// Stable: maps to one sentence and one remedy per language.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "softkey.io",
            Self::Damaged { .. } => "softkey.damaged",
            Self::ControlFile { .. } => "softkey.control_file",
            Self::NoSuchToken { .. } => "softkey.no_such_token",
            Self::TokenExists { .. } => "softkey.token_exists",
            Self::BadField { .. } => "softkey.bad_field",
            Self::Removed => "softkey.removed",
            Self::PinIncorrect { .. } => "softkey.pin_incorrect",
            Self::PinLocked => "softkey.pin_locked",
            Self::PinLength { .. } => "softkey.pin_length",
            Self::PinNotSet => "softkey.pin_not_set",
            Self::NotLoggedIn => "softkey.not_logged_in",
            Self::NoFreeCapacity => "softkey.no_free_capacity",
            Self::NoSuchObject => "softkey.no_such_object",
            Self::InReader => "softkey.in_reader",
            Self::Crypto(_) => "softkey.crypto",
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, detail: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), detail: detail.to_string() }
    }
}
