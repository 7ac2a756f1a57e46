use ycd_portal_api::{ApiError, wire::orders::PublicStatus};
use ycd_token::{PinPolicy, TokenError};

use super::UnlockStep;
use crate::session::{error::FlowError, new_pin::NewPinProblem};

pub type Result<T, E = UnlockError> = std::result::Result<T, E>;

/// Why a PIN was not unlocked. The tokens and certificates are untouched by all of them, and the same call goes on
/// where the work stands.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// No token, several, the wrong one, one that another program works on; the journal.
    #[error(transparent)]
    Flow(#[from] FlowError),
    #[error("step {step:?}: {source}")]
    Token { step: UnlockStep, source: TokenError },
    #[error("step {step:?}: {source}")]
    Portal { step: UnlockStep, source: ApiError },
    #[error("the token carries no certificate of this portal that is in force")]
    NoCertificate,
    /// Neither profile nor token allow the way that the portal has for this token.
    #[error("this token cannot be unlocked remotely")]
    NotPossible,
    #[error("the token is not locked")]
    NotLocked,
    /// What the token takes the project does not, and the other way round.
    #[error("no PIN satisfies both the token and the project")]
    NoneFits { token: PinPolicy, product: PinPolicy },
    #[error("the new PIN is not taken: {0}")]
    Refused(NewPinProblem),
    /// An operator has refused it.
    #[error("the unlock was refused: {reason}")]
    Rejected { reason: String },
    /// The order has ended otherwise.
    #[error("the order is over: {state:?}")]
    Over { state: PublicStatus },
    /// Neither of the SO PINs that the portal keeps is the token's.
    #[error("the token has another SO PIN than the portal keeps")]
    SoPinUnknown,
    #[error("no progress after {passes} passes")]
    NoProgress { passes: u32, last: String },
    #[error("stopped by the user before step {step:?}")]
    Stopped { step: UnlockStep },
}

impl UnlockError {
    /// Stable: maps to one sentence and one remedy per language.
    pub fn code(&self) -> &str {
        match self {
            Self::Flow(source) => source.code(),
            Self::Token { source, .. } => source.code(),
            Self::Portal { source, .. } => source.code(),
            Self::NoCertificate => "unlock.no_certificate",
            Self::NotPossible => "unlock.not_possible",
            Self::NotLocked => "unlock.not_locked",
            Self::NoneFits { .. } => "pin.none_fits",
            Self::Refused(refusal) => refusal.code(),
            Self::Rejected { .. } => "unlock.rejected",
            Self::Over { .. } => "unlock.order_over",
            Self::SoPinUnknown => "unlock.so_pin_unknown",
            Self::NoProgress { .. } => "flow.no_progress",
            Self::Stopped { .. } => "unlock.stopped",
        }
    }
}
