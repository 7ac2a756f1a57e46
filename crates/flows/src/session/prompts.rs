//! What flows ask the person in front of them, whatever the screen.

use ycd_portal_api::{ApiError, wire::login::CodeSent};
use ycd_token::{PinRetryCounter, TokenId, TokenInfo};
use zeroize::Zeroizing;

use super::error::FlowError;

/// What a person answers who is asked for a code that was sent by SMS.
#[derive(Clone, PartialEq, Eq)]
pub enum CodeAnswer {
    Code(Zeroizing<String>),
    /// It did not come, or lived too short a time: another one.
    SendAgain,
    /// Ends the flow.
    Stop,
}

impl From<Option<String>> for CodeAnswer {
    /// The code, or the end.
    fn from(code: Option<String>) -> Self {
        code.map_or(Self::Stop, |code| Self::Code(Zeroizing::new(code)))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinQuestion {
    pub token: TokenInfo,
    pub retry_counter: PinRetryCounter,
    /// The one before was wrong.
    pub again: bool,
    /// One more wrong PIN locks the token: the person has to say yes to that before giving one.
    pub last_try: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenProblem {
    /// None is in.
    Absent {
        wanted: Option<TokenId>,
    },
    /// It was pulled at this step (its name in the catalogue of messages) and is not back.
    Pulled {
        wanted: Option<TokenId>,
        at: &'static str,
    },
    Several {
        tokens: Vec<TokenInfo>,
    },
    Wrong {
        inserted: TokenInfo,
        wanted: TokenId,
    },
}

impl TokenProblem {
    /// The tokens that are in.
    pub fn inserted(&self) -> &[TokenInfo] {
        match self {
            Self::Absent { .. } | Self::Pulled { .. } => &[],
            Self::Several { tokens } => tokens,
            Self::Wrong { inserted, .. } => std::slice::from_ref(inserted),
        }
    }
}

/// What a flow ends with where the person does not want to look again.
impl From<TokenProblem> for FlowError {
    fn from(problem: TokenProblem) -> Self {
        match problem {
            TokenProblem::Absent { .. } | TokenProblem::Pulled { .. } => Self::NoToken,
            TokenProblem::Several { tokens } => {
                Self::SeveralTokens { tokens: tokens.into_iter().map(|token| token.token_id).collect() }
            }
            TokenProblem::Wrong { inserted, wanted } => {
                Self::WrongToken { inserted: inserted.token_id, wanted }
            }
        }
    }
}

/// A code that is being asked for: what was sent, and why the last one was not taken.
pub(crate) struct CodeWanted {
    pub(crate) sent: CodeSent,
    pub(crate) refused: Option<ApiError>,
}

impl CodeWanted {
    /// What came of having the first one sent. That another was sent a moment ago is no reason to end: it may have
    /// arrived.
    pub(crate) fn first(outcome: Result<CodeSent, ApiError>, masked_phone: &str) -> Result<Self, ApiError> {
        match outcome {
            Ok(sent) => Ok(Self { sent, refused: None }),
            Err(error) if error.is_about_codes() => {
                let seconds = error.problem().and_then(|problem| problem.extra.get("retry_after"));
                let seconds = seconds.and_then(serde_json::Value::as_u64).unwrap_or(60);
                let seconds = u32::try_from(seconds).unwrap_or(60);
                let phone = masked_phone.to_owned();
                let sent = CodeSent { phone, valid_for: seconds, next_after: seconds };
                Ok(Self { sent, refused: Some(error) })
            }
            Err(error) => Err(error),
        }
    }

    /// What came of having another one sent.
    pub(crate) fn again(&mut self, outcome: Result<CodeSent, ApiError>) -> Result<(), ApiError> {
        match outcome {
            Ok(sent) => {
                *self = Self { sent, refused: None };
                Ok(())
            }
            Err(error) => self.refuse(error),
        }
    }

    /// Kept, where it is about the code; else the end.
    pub(crate) fn refuse(&mut self, error: ApiError) -> Result<(), ApiError> {
        if !error.is_about_codes() {
            return Err(error);
        }
        self.refused = Some(error);
        Ok(())
    }
}
