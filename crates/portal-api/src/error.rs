//! Why a call to the portal brought nothing.

use crate::{
    Problem,
    problem::{Kind, kinds},
};

/// What came instead of an answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ApiError {
    /// The portal refused, and says why.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// No connection: nothing was sent.
    #[error("the portal cannot be reached: {detail}")]
    Unreachable { detail: String },
    /// No answer in time: it may have acted.
    #[error("the portal did not answer in time")]
    Timeout,
    /// The connection broke before the answer was whole: it may have acted.
    #[error("the connection to the portal was cut: {detail}")]
    Cut { detail: String },
    /// Whatever answered, it was not the portal as this program knows it.
    #[error("the portal's answer cannot be read: {detail}")]
    BadAnswer { detail: String },
    /// The other side is not proven to be the portal.
    #[error("no trusted connection to the portal: {detail}")]
    Tls { detail: String },
    #[error("the portal's address cannot be used: {detail}")]
    Address { detail: String },
}

impl ApiError {
    pub fn bad_answer(detail: impl Into<String>) -> Self {
        Self::BadAnswer { detail: detail.into() }
    }

    /// Stable; the portal's own code where it refused.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(problem) => &problem.code,
            Self::Unreachable { .. } => "portal.unreachable",
            Self::Timeout => "portal.timeout",
            Self::Cut { .. } => "portal.cut",
            Self::BadAnswer { .. } => "portal.bad_answer",
            Self::Tls { .. } => "portal.tls",
            Self::Address { .. } => "portal.address",
        }
    }

    /// Whether the portal refused with this kind of problem.
    pub fn is(&self, kind: Kind) -> bool {
        self.problem().is_some_and(|problem| problem.is(kind))
    }

    pub fn is_any(&self, kinds: &[Kind]) -> bool {
        kinds.iter().any(|kind| self.is(*kind))
    }

    /// Whether the same call may well be answered later, with nothing changed on this side.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout | Self::Cut { .. } => true,
            Self::Refused(problem) => {
                matches!(problem.status, 502..=504) || problem.is(kinds::IDEMPOTENCY_RUNNING)
            }
            Self::BadAnswer { .. } | Self::Tls { .. } | Self::Address { .. } => false,
        }
    }

    /// A code that was not taken, or cannot be had just now: the person types another one, or waits.
    pub fn is_about_codes(&self) -> bool {
        use kinds::{CODE_EXHAUSTED, CODE_EXPIRED, CODE_WRONG, SMS_TOO_SOON};
        self.is_any(&[CODE_WRONG, CODE_EXPIRED, CODE_EXHAUSTED, SMS_TOO_SOON])
    }

    /// What the portal said, where it refused.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }
}
