//! Why a flow stopped, and where.

use ycd_pki::PkiError;
use ycd_portal_api::ApiError;
use ycd_token::{TokenError, TokenId};

/// A step of whatever flow, by its name in the catalogue of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct StepName(pub &'static str);

impl std::fmt::Display for StepName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

pub type Result<T, E = FlowError> = std::result::Result<T, E>;

/// Every variant leaves the token with at least one usable certificate, if it had one, and the work resumable.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The portal that answers is not the one this machine was set up with.
    #[error("another portal answers: {found}")]
    OtherPortal { found: String },
    #[error("no token is inserted")]
    NoToken,
    #[error("{} tokens are inserted", tokens.len())]
    SeveralTokens { tokens: Vec<TokenId> },
    #[error("the wrong token is inserted: {inserted}, wanted {wanted}")]
    WrongToken { inserted: TokenId, wanted: TokenId },
    #[error("another program of this machine is working on {token}")]
    TokenBusy { token: TokenId },
    /// The order is not (or no longer) one that writes a token.
    #[error("the order is not to be renewed now: {state}")]
    OrderNotReady { state: String },
    /// The user said stop; the work goes on from here next time.
    #[error("stopped by the user before step {step}")]
    Stopped { step: StepName },
    #[error("step {step}: {source}")]
    Token { step: StepName, source: TokenError },
    #[error("step {step}: {source}")]
    Portal { step: StepName, source: ApiError },
    /// What the portal sent as certificate is not what was ordered; nothing of it was written.
    #[error("the certificate does not fit: {reason}")]
    CertificateMismatch { reason: Mismatch },
    /// The chain leads to no trust anchor of this machine, or breaks on the way.
    #[error("the certificate is not trusted: {detail}")]
    CertificateUntrusted { code: &'static str, detail: String },
    #[error("a person at the portal has to look at this order: {reason}")]
    OperatorNeeded { reason: OperatorReason },
    /// A personalization would set a new user PIN, which on this token model may cost the previous pairs that are on
    /// the token.
    #[error("{token} has previous key pairs, which a new user PIN may cost")]
    TokenNotBlank { token: TokenId },
    /// Something undoes the work again and again (another program on the token, or two machines at once).
    #[error("no progress after {passes} passes")]
    NoProgress { passes: u32, last: String },
    /// Something of this side's own making cannot be encoded or read.
    #[error(transparent)]
    Pki(#[from] PkiError),
    #[error("the journal cannot be written: {0}")]
    Journal(String),
    #[error("a file of the assistant cannot be used: {0}")]
    File(String),
}

/// What differs between the certificate and the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    #[error("it cannot be read")]
    Unreadable,
    #[error("it is for another public key")]
    PublicKey,
    #[error("it is for another holder")]
    Subject,
    #[error("its validity period is not the one paid for")]
    ValidityPeriod,
}

/// Why only an operator can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OperatorReason {
    #[error("the old key pair is gone and nothing was issued")]
    OldKeyGone,
    #[error("the key pair that the certificate was issued for is gone")]
    NewKeyGone,
    #[error("several new key pairs, and the token does not tell which is ours")]
    SeveralCandidates,
    #[error("all attempts of the order are used up")]
    AttemptsExhausted,
    #[error("an operator has taken the order over")]
    TakenOver,
}

impl FlowError {
    /// What a portal's error is at a step.
    pub(crate) fn of_portal(step: impl Into<StepName>) -> impl Fn(ApiError) -> Self + Copy {
        let step = step.into();
        move |source| Self::Portal { step, source }
    }

    /// Stable: maps to one sentence and one remedy per language.
    pub fn code(&self) -> &str {
        match self {
            Self::OtherPortal { .. } => "flow.other_portal",
            Self::NoToken => "flow.no_token",
            Self::SeveralTokens { .. } => "flow.several_tokens",
            Self::WrongToken { .. } => "flow.wrong_token",
            Self::TokenBusy { .. } => "flow.token_busy",
            Self::OrderNotReady { .. } => "flow.order_not_ready",
            Self::Stopped { .. } => "flow.stopped",
            Self::Token { source, .. } => source.code(),
            Self::Portal { source, .. } => source.code(),
            Self::CertificateMismatch { .. } => "flow.certificate_mismatch",
            Self::CertificateUntrusted { .. } => "flow.certificate_untrusted",
            Self::OperatorNeeded { .. } => "flow.operator_needed",
            Self::TokenNotBlank { .. } => "flow.token_not_blank",
            Self::NoProgress { .. } => "flow.no_progress",
            Self::Pki(source) => source.code(),
            Self::Journal(_) => "flow.journal",
            Self::File(_) => "flow.file",
        }
    }

    /// The step at which it stopped, where there is one.
    pub fn step(&self) -> Option<StepName> {
        match self {
            Self::Stopped { step } | Self::Token { step, .. } | Self::Portal { step, .. } => Some(*step),
            _ => None,
        }
    }
}
