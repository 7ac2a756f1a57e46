//! Reports on tokens that no driver profile knows.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// `POST /driver-reports`: what a machine can tell of such a token. Nothing of who its user is: no serial numbers, no
/// certificates, no folders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DriverReport {
    /// Version of the assistant: `0.1.0`.
    pub assistant: String,
    /// `linux`, `windows`, `macos`
    pub os: String,
    /// The reader's name, without a serial number in it; not there for a token that no reader shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader: Option<String>,
    /// Answer to reset (ISO/IEC 7816-3), hexadecimal with blanks between the bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub atr: Option<String>,
    /// All that is plugged in: which of them is the token cannot be told.
    #[serde(default)]
    pub usb: Vec<ReportedUsb>,
    /// Modules of known makes that are installed.
    #[serde(default)]
    pub modules: Vec<ReportedModule>,
    /// A profile to be filled in, as TOML.
    #[serde(default)]
    pub draft: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportedUsb {
    /// Vendor and product: `055C:F603`
    pub id: String,
    pub manufacturer: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportedModule {
    /// Name of the profile that it was found by.
    pub profile: String,
    /// The file's name, without its folder.
    pub file: String,
    /// 32 or 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The number under which the hotline finds a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportReceived {
    /// Six digits.
    pub number: String,
}

/// A row of `GET /operator/driver-reports`; newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriverReportView {
    pub number: String,
    pub at: Timestamp,
    pub report: DriverReport,
}

/// The search of `GET /operator/driver-reports`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DriverReportQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
}
