//! Why a command was not done: the errors of the crates below, and the few of the assistant itself.

use std::path::{Path, PathBuf};

use ycd_flows::{
    FlowError, PinChangeError, UnlockError,
    messages::{Explain, Language, Message, action_of, message},
};
use ycd_pki::PkiError;
use ycd_portal_api::ApiError;
use ycd_token::{ProfileError, TokenError, readers::ReadersError};

use crate::view::{Failure, FieldFailure, RemedyAction};

pub type Result<T = (), E = AssistantError> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum AssistantError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Flow(#[from] FlowError),
    #[error(transparent)]
    PinChange(#[from] PinChangeError),
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Pki(#[from] PkiError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    Readers(#[from] ReadersError),
    /// None of the texts holds a certificate to trust.
    #[error("no root certificate was given")]
    NoAnchor,
    /// Another work is under way.
    #[error("another work is under way")]
    JobBusy,
    /// The work, or its question, is over.
    #[error("there is no such question any more")]
    QuestionOver,
    /// No token with that name is in, or it has not been read.
    #[error("the token is not in: {token}")]
    TokenGone { token: String },
    /// The token that is named has no such certificate.
    #[error("no such certificate: {serial}")]
    CertificateGone { serial: String },
    /// The page called something that this program does not have.
    #[error("no such command: {name}")]
    UnknownCommand { name: String },
    /// The page called it in a wrong way.
    #[error("arguments: {detail}")]
    Arguments { detail: String },
}

impl AssistantError {
    pub fn arguments(error: serde_json::Error) -> Self {
        Self::Arguments { detail: error.to_string() }
    }

    /// Stable: maps to one sentence and one remedy per language.
    pub fn code(&self) -> &str {
        match self {
            Self::DataDir(error) => error.code(),
            Self::Flow(error) => error.code(),
            Self::PinChange(error) => error.code(),
            Self::Unlock(error) => error.code(),
            Self::Token(error) => error.code(),
            Self::Api(error) => error.code(),
            Self::Pki(error) => error.code(),
            Self::Profile(error) => error.code(),
            Self::Readers(error) => error.code(),
            Self::NoAnchor => "app.no_anchor",
            Self::JobBusy => "app.job_busy",
            Self::QuestionOver => "app.question_over",
            Self::TokenGone { .. } => "app.token_gone",
            Self::CertificateGone { .. } => "app.certificate_gone",
            Self::UnknownCommand { .. } => "app.unknown_command",
            Self::Arguments { .. } => "app.arguments",
        }
    }

    /// What a screen shows of it.
    pub fn tell(&self, language: Language) -> Failure {
        let problem = match self {
            Self::Api(error)
            | Self::Flow(FlowError::Portal { source: error, .. })
            | Self::Unlock(UnlockError::Portal { source: error, .. }) => error.problem(),
            _ => None,
        };
        let extra = |name: &str| problem.and_then(|problem| problem.extra.get(name));
        let text =
            |error: &serde_json::Value, token: &str| error[token].as_str().unwrap_or_default().to_owned();
        let fields = extra("errors").and_then(|errors| errors.as_array()).into_iter().flatten();
        let fields = fields
            .map(|error| FieldFailure { field: text(error, "field"), code: text(error, "code") })
            .collect();
        let retry_after =
            extra("retry_after").and_then(serde_json::Value::as_u64).and_then(|s| u32::try_from(s).ok());
        Failure { fields, retry_after, ..failure(self.explain(language)) }
    }
}

/// A message with its button.
pub fn failure(message: Message) -> Failure {
    let action = action_of(&message.code).and_then(RemedyAction::from_name);
    let Message { code, sentence, remedy } = message;
    Failure { code, sentence, remedy, action, fields: Vec::new(), retry_after: None }
}

impl Explain for AssistantError {
    fn explain(&self, language: Language) -> Message {
        let own =
            |name: &'static str, value: &str| message(self.code(), language, &[(name, value.to_owned())]);
        match self {
            Self::DataDir(error) => error.explain(language),
            Self::Flow(error) => error.explain(language),
            Self::PinChange(error) => error.explain(language),
            Self::Unlock(error) => error.explain(language),
            Self::Token(error) => error.explain(language),
            Self::Api(error) => error.explain(language),
            Self::Pki(error) => error.explain(language),
            Self::Profile(error) => error.explain(language),
            Self::Readers(error) => error.explain(language),
            Self::NoAnchor | Self::JobBusy | Self::QuestionOver => message(self.code(), language, &[]),
            Self::TokenGone { token } => own("what", token),
            Self::CertificateGone { serial } => own("what", serial),
            Self::UnknownCommand { name } => own("what", name),
            Self::Arguments { detail } => own("what", detail),
        }
    }
}

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error(transparent)]
    Flow(#[from] FlowError),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Pki(#[from] PkiError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// No address of a portal, neither in the settings nor given.
    #[error("no portal is set")]
    NoPortal,
    /// The portal's keys were never seen by this machine.
    #[error("the portal's keys are not known")]
    PortalNotPinned,
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// A settings file, a form or the like that does not read as what it should be.
    #[error("{}: {detail}", path.display())]
    Config { path: PathBuf, detail: String },
}

impl DataDirError {
    pub fn code(&self) -> &str {
        match self {
            Self::Flow(error) => error.code(),
            Self::Api(error) => error.code(),
            Self::Pki(error) => error.code(),
            Self::Profile(error) => error.code(),
            Self::NoPortal => "data_dir.no_portal",
            Self::PortalNotPinned => "data_dir.portal_not_pinned",
            Self::File { .. } => "data_dir.file",
            Self::Config { .. } => "data_dir.config",
        }
    }

    pub fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::File { path: path.to_owned(), source }
    }

    pub fn config(path: &Path, detail: impl ToString) -> Self {
        Self::Config { path: path.to_owned(), detail: detail.to_string() }
    }
}

impl Explain for DataDirError {
    fn explain(&self, language: Language) -> Message {
        match self {
            Self::Flow(error) => error.explain(language),
            Self::Api(error) => error.explain(language),
            Self::Pki(error) => error.explain(language),
            Self::Profile(error) => error.explain(language),
            Self::NoPortal | Self::PortalNotPinned => message(self.code(), language, &[]),
            Self::File { .. } | Self::Config { .. } => {
                message(self.code(), language, &[("what", self.to_string())])
            }
        }
    }
}
