//! What a module answers, as what the caller can do about it.

use cryptoki::context::Function;
use cryptoki::error::{Error, RvError};
use ycd_token::TokenError;

use super::codes::code;

/// Why an operation did not come to its end.
#[derive(Debug)]
pub enum Fault {
    /// Final.
    Token(TokenError),
    /// What it means depends on whether the token is still there.
    Module(RvError, Function),
}

impl From<TokenError> for Fault {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Pkcs11(rv, function) => Self::Module(rv, function),
            Error::NullFunctionPointer => {
                Self::Token(TokenError::Unsupported { what: "a function that the module lacks".into() })
            }
            Error::NotSupported => Self::Token(TokenError::Unsupported { what: error.to_string() }),
            other => Self::Token(TokenError::Protocol { detail: format!("the module: {other}") }),
        }
    }
}

/// What an operation has changed on a token so far.
#[derive(Debug, Default)]
pub struct Changes {
    made: bool,
}

impl Changes {
    /// Notes what a function that changes the token has answered.
    pub fn note<T, E: Into<Fault>>(&mut self, answer: Result<T, E>) -> Result<T, Fault> {
        self.made |= answer.is_ok();
        answer.map_err(E::into)
    }

    /// As [`note`](Self::note) for C_DestroyObject, which is one step of several: where it fails, as against refuses,
    /// the step may have been done.
    pub fn note_destroyed(&mut self, answer: Result<(), Error>) -> Result<(), Fault> {
        let refused = matches!(
            answer,
            Err(Error::Pkcs11(
                RvError::ActionProhibited
                    | RvError::FunctionNotSupported
                    | RvError::ObjectHandleInvalid
                    | RvError::SessionReadOnly
                    | RvError::TokenWriteProtected
                    | RvError::UserNotLoggedIn,
                _
            ))
        );
        self.made |= !refused;
        Ok(answer?)
    }

    /// Whether a failure leaves open how far the changes have come.
    pub fn leave_open(&self, fault: &Fault) -> bool {
        let definite = match fault {
            Fault::Token(error) => !matches!(error, TokenError::Protocol { .. } | TokenError::NotLoggedIn),
            // Nothing was added.
            Fault::Module(RvError::DeviceMemory, Function::CreateObject | Function::GenerateKeyPair) => true,
            Fault::Module(..) => false,
        };
        self.made && !definite
    }
}

impl Fault {
    /// Whether the session is of no more use.
    pub fn ends_session(&self) -> bool {
        match self {
            Self::Token(error) => *error == TokenError::Removed,
            Self::Module(rv, _) => matches!(
                rv,
                RvError::SessionHandleInvalid
                    | RvError::SessionClosed
                    | RvError::DeviceRemoved
                    | RvError::TokenNotPresent
                    | RvError::TokenNotRecognized
                    | RvError::SlotIdInvalid
                    | RvError::CryptokiNotInitialized
            ),
        }
    }

    /// Whether modules answer this, among other things, when the token is pulled.
    pub fn may_be_removal(&self) -> bool {
        self.ends_session()
            || matches!(
                self,
                Self::Module(RvError::DeviceError | RvError::GeneralError | RvError::FunctionFailed, _)
            )
    }

    pub fn is(&self, wanted: RvError) -> bool {
        matches!(self, Self::Module(rv, _) if *rv == wanted)
    }

    /// For a token that is still there.
    pub fn into_error(self) -> TokenError {
        let (rv, function) = match self {
            Self::Token(error) => return error,
            Self::Module(rv, function) => (rv, function),
        };
        match rv {
            RvError::DeviceRemoved
            | RvError::TokenNotPresent
            | RvError::TokenNotRecognized
            | RvError::SlotIdInvalid => TokenError::Removed,
            // The session of a token that was pulled and put in again.
            RvError::UserNotLoggedIn | RvError::SessionHandleInvalid | RvError::SessionClosed => {
                TokenError::NotLoggedIn
            }
            RvError::PinLocked => TokenError::PinLocked,
            RvError::DeviceMemory => TokenError::NoFreeCapacity,
            RvError::MechanismInvalid | RvError::FunctionNotSupported | RvError::CurveNotSupported => {
                TokenError::Unsupported { what: name(function) }
            }
            rv => TokenError::Module { function: name(function), code: code(rv) },
        }
    }
}

/// As the standard writes it, `C_Sign`.
fn name(function: Function) -> String {
    format!("C_{}", function.to_string().trim_start_matches("Function::"))
}

pub(super) fn unsupported(what: &str) -> TokenError {
    TokenError::Unsupported { what: what.into() }
}
