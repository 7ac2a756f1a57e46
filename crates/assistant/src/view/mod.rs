//! What a screen is shown: plain values, in JSON. Nothing in here is a secret.

mod diagnosis;
mod failure;
mod job;
mod start;
mod tokens;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

pub use self::{
    diagnosis::{Diagnosis, DiagnosisLine, Level},
    failure::{Failure, FieldFailure, RemedyAction},
    job::{
        Answer, Asked, JobKind, JobView, Outcome, PinRulesView, Question, StepState, StepView,
        TokenProblemKind,
    },
    start::{
        AnchorView, CurrentJob, Event, FreeCapacityView, PortalSetup, Reminder, SessionView, StartView,
        Unfinished, UnfinishedView,
    },
    tokens::{
        CertificateOnToken, MissingDriver, OnTokenState, PairOnToken, PinView, TokenRef, TokenState,
        TokenView, TokensView, Tries,
    },
};

/// Nothing to tell but that it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Done {}

/// A text to be saved as a file where the person wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TextFile {
    /// A name without folders.
    pub name: String,
    pub text: String,
}

/// A code or PIN that a person has typed: wiped when dropped, never printed, never sent back.
#[derive(Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// For the one call that hands it on.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(••••)")
    }
}
