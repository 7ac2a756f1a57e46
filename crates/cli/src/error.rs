//! Why a command failed: the errors of the crates below, and the few of the command line itself.

use std::path::Path;

use ycd_assistant::{AssistantError, data_dir::DataDirError};
use ycd_flows::{
    FlowError, PinChangeError, UnlockError,
    messages::{Explain, Language, Message, message},
    store::StoreError,
};
use ycd_pki::{ChainError, PkiError};
use ycd_portal_api::ApiError;
use ycd_token::{ProfileError, TokenError, readers::ReadersError};

pub type Result<T = (), E = CliError> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Also those of the crates below that the assistant gives.
    #[error(transparent)]
    Assistant(#[from] AssistantError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[cfg(feature = "portal")]
    #[error(transparent)]
    Portal(#[from] ycd_portal::Error),
    #[error(transparent)]
    Softkey(#[from] ycd_softkey::Error),
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Something has to be typed, and there is neither a terminal nor a source for it.
    #[error("{what} is needed")]
    NoInput { what: String, flag: &'static str },
    #[error("not found: {what}")]
    NotFound { what: String },
    /// No order waits to be written to the token that is inserted.
    #[error("no order for this key")]
    NoOrder,
    /// An argument whose form only the command itself can judge.
    #[error("{what}")]
    Argument { what: String },
}

/// What the assistant has a variant for is that variant here too.
macro_rules! through_the_assistant {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                Self::Assistant(error.into())
            }
        })+
    };
}

through_the_assistant!(
    DataDirError,
    FlowError,
    PinChangeError,
    UnlockError,
    TokenError,
    ApiError,
    PkiError,
    ProfileError,
    ReadersError,
);

impl CliError {
    pub fn code(&self) -> &str {
        match self {
            Self::Assistant(error) => error.code(),
            Self::Store(error) => error.code(),
            #[cfg(feature = "portal")]
            Self::Portal(error) => error.code(),
            Self::Softkey(error) => error.code(),
            Self::Chain(error) => error.code(),
            Self::NoInput { .. } => "cli.no_input",
            Self::NotFound { .. } => "cli.not_found",
            Self::NoOrder => "cli.no_order",
            Self::Argument { .. } => "cli.argument",
        }
    }

    pub fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| DataDirError::File { path: path.to_owned(), source }.into()
    }

    pub fn config(path: &Path, detail: impl ToString) -> Self {
        DataDirError::config(path, detail).into()
    }

    /// The step of a renewal at which it stopped, by name.
    pub fn step(&self) -> Option<&'static str> {
        match self {
            Self::Assistant(AssistantError::Flow(error)) => error.step().map(|step| step.0),
            _ => None,
        }
    }
}

impl Explain for CliError {
    fn explain(&self, language: Language) -> Message {
        let own = |name: &'static str, value: String| message(self.code(), language, &[(name, value)]);
        match self {
            Self::Assistant(error) => error.explain(language),
            Self::Store(error) => error.explain(language),
            Self::Chain(error) => error.explain(language),
            #[cfg(feature = "portal")]
            Self::Portal(error) => own("detail", error.to_string()),
            Self::Softkey(error) => own("detail", error.to_string()),
            Self::NoInput { what, flag } => {
                message(self.code(), language, &[("what", what.clone()), ("flag", (*flag).to_owned())])
            }
            Self::NoOrder => message(self.code(), language, &[]),
            Self::NotFound { what } | Self::Argument { what } => own("what", what.clone()),
        }
    }
}
