use serde::Serialize;
use utoipa::ToSchema;
use ycd_portal_api::wire::Timestamp;

use super::RemedyAction;

/// One page on whether this machine can work with a USBKEY.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Diagnosis {
    pub at: Timestamp,
    /// To be read to the hotline; the same findings have the same number.
    pub number: String,
    /// No line is bad.
    pub ok: bool,
    pub lines: Vec<DiagnosisLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DiagnosisLine {
    /// Stable name of the check.
    pub check: String,
    /// What was looked at, in words.
    pub title: String,
    pub level: Level,
    pub says: String,
    pub remedy: Option<String>,
    /// Of the failure, where it is one (`docs/errors.md`).
    pub code: Option<String>,
    pub action: Option<RemedyAction>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Ok,
    /// Something will not work that may not be needed.
    Warn,
    Bad,
}
