//! What can go wrong with a software key, named by what the caller can do about it.

use std::path::{Path, PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or a file in it cannot be read or written: disk, permissions.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// The key's file is not a whole state of a key. It was not written by this software, or the disk lost bytes.
    #[error("{} is damaged: {detail}", path.display())]
    Damaged { path: PathBuf, detail: String },
    /// The control file says something this software does not understand.
    #[error("control file {}: {detail}", path.display())]
    ControlFile { path: PathBuf, detail: String },
    #[error("no key with the serial number {serial_number}")]
    NoSuchKey { serial_number: String },
    #[error("a key with the serial number {serial_number} exists already")]
    KeyExists { serial_number: String },
    /// A label, serial number, manufacturer or model that does not fit its PKCS#11 field.
    #[error("{field} must be {rule}")]
    BadField { field: &'static str, rule: &'static str },
    #[error("the key is not inserted, or was pulled")]
    Removed,
    #[error("wrong PIN, {tries_left} tries left")]
    PinIncorrect { tries_left: u32 },
    #[error("the PIN is locked")]
    PinLocked,
    #[error("a PIN has {min} to {max} bytes")]
    PinLength { min: u32, max: u32 },
    #[error("the user PIN has not been set")]
    PinNotSet,
    #[error("not logged in")]
    NotLoggedIn,
    #[error("no room on the key")]
    NoRoom,
    #[error("no such object")]
    NoSuchObject,
    /// Another process is the key's smart card.
    #[error("the key is in another reader")]
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
            Self::NoSuchKey { .. } => "softkey.no_such_key",
            Self::KeyExists { .. } => "softkey.key_exists",
            Self::BadField { .. } => "softkey.bad_field",
            Self::Removed => "softkey.removed",
            Self::PinIncorrect { .. } => "softkey.pin_incorrect",
            Self::PinLocked => "softkey.pin_locked",
            Self::PinLength { .. } => "softkey.pin_length",
            Self::PinNotSet => "softkey.pin_not_set",
            Self::NotLoggedIn => "softkey.not_logged_in",
            Self::NoRoom => "softkey.no_room",
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
