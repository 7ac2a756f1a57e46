//! The PKCS#11 2.40 interface: the C functions, and what lies between them and a
//! [`SoftToken`](crate::soft_token::SoftToken).
//!
//! `exports` holds the functions and their table, `abi` all handling of a caller's pointers, `process` what a forked
//! child does not share; only these three are `unsafe`. `module` is the loaded module and the way of a call through
//! faults and panics, `tokens` its slots and sessions, `objects`, `operations` and `login` what a session does.

#[expect(unsafe_code, reason = "the C ABI: a caller's pointers and lengths")]
mod abi;
mod attributes;
#[expect(unsafe_code, reason = "the C ABI: functions that take a caller's pointers")]
mod exports;
mod login;
mod mechanism;
mod module;
mod objects;
mod operations;
#[expect(unsafe_code, reason = "a value that is replaced without a lock")]
mod process;
mod tokens;

use cryptoki_sys::*;

use crate::error::Error;

/// An answer other than CKR_OK is the error.
type Rv<T = ()> = Result<T, CK_RV>;

/// What a call on a session or slot answers for an error of the token.
fn rv(error: Error) -> CK_RV {
    match error {
        Error::Removed => CKR_DEVICE_REMOVED,
        Error::Io { .. } | Error::Damaged { .. } => CKR_DEVICE_ERROR,
        Error::PinIncorrect { .. } => CKR_PIN_INCORRECT,
        Error::PinLocked => CKR_PIN_LOCKED,
        Error::PinLength { .. } => CKR_PIN_LEN_RANGE,
        Error::BadField { field: "PIN", .. } => CKR_PIN_INVALID,
        Error::PinNotSet => CKR_USER_PIN_NOT_INITIALIZED,
        Error::NotLoggedIn => CKR_USER_NOT_LOGGED_IN,
        Error::NoFreeCapacity => CKR_DEVICE_MEMORY,
        Error::NoSuchObject => CKR_OBJECT_HANDLE_INVALID,
        Error::Crypto(_) => CKR_FUNCTION_FAILED,
        Error::ControlFile { .. }
        | Error::InReader
        | Error::NoSuchToken { .. }
        | Error::TokenExists { .. }
        | Error::BadField { .. } => CKR_GENERAL_ERROR,
    }
}
