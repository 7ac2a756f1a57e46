//! The steps of a personalization, by the names that the catalogue of messages has for them.

use crate::session::error::StepName;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    FindToken,
    /// The portal makes, or gives again, the token's secrets.
    Open,
    /// The token takes its SO PIN, its unblock key and its initial PIN.
    Pin,
    Clear,
    Generate,
    Sign,
    Issue,
    Write,
    Confirm,
    Done,
}

impl Step {
    pub fn name(self) -> &'static str {
        match self {
            Self::FindToken => "find_token",
            Self::Open => "open",
            Self::Pin => "pin",
            Self::Clear => "clear",
            Self::Generate => "generate",
            Self::Sign => "sign",
            Self::Issue => "issue",
            Self::Write => "write",
            Self::Confirm => "confirm",
            Self::Done => "done",
        }
    }
}

impl From<Step> for StepName {
    fn from(step: Step) -> Self {
        Self(step.name())
    }
}
