use serde::Serialize;
use utoipa::ToSchema;

/// Why something was not done, in the words of the language in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Failure {
    /// Stable (`docs/errors.md`).
    pub code: String,
    /// What happened, and what it means.
    pub sentence: String,
    /// What to do.
    pub remedy: String,
    /// Where a button can do it.
    pub action: Option<RemedyAction>,
    /// What of a form is wrong.
    pub fields: Vec<FieldFailure>,
    /// Seconds after which the same may be tried again.
    pub retry_after: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldFailure {
    /// `applicant.id_number`
    pub field: String,
    /// As `FieldErrorCode` of the portal.
    pub code: String,
}

/// What a button beside a failure does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemedyAction {
    /// The same again.
    Retry,
    /// Log in, and then the same again.
    Login,
    /// To the page that unlocks.
    Unlock,
    /// To the diagnosis.
    Diagnose,
    /// To the orders.
    Orders,
    /// To the settings.
    Settings,
    /// To help, with the hotline.
    Help,
}

impl RemedyAction {
    /// As the catalogue of messages names it.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "retry" => Self::Retry,
            "login" => Self::Login,
            "unlock" => Self::Unlock,
            "diagnose" => Self::Diagnose,
            "orders" => Self::Orders,
            "settings" => Self::Settings,
            "help" => Self::Help,
            _ => return None,
        })
    }
}
