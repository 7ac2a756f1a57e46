//! A certificate in a user's words.

use serde::Serialize;
use time::OffsetDateTime;

use super::{Certificate, SubjectId};
use crate::name::Attribute;

/// From this many days before its end a certificate is near its end.
pub const EXPIRING_SOON_DAYS: i64 = 30;

/// What a page or a command line tells of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateInfo {
    /// 持有人: the common name.
    pub holder: String,
    /// 单位: the organization.
    pub organization: Option<String>,
    /// The issuer's common name.
    pub issuer: String,
    /// 序列号: upper-case hex.
    pub serial: String,
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
    /// Whole days from now to the end; negative once it is over.
    pub days_left: i64,
    pub state: CertificateState,
    pub subject_ids: Vec<SubjectId>,
    /// The subject in one line.
    pub subject: String,
    /// SM3 over the DER, hex.
    pub fingerprint: String,
}

/// By its term alone; whether it is revoked the portal or a CRL knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateState {
    NotYetValid,
    Valid,
    /// Valid, with [`EXPIRING_SOON_DAYS`] or fewer left.
    ExpiringSoon,
    Expired,
}

impl CertificateInfo {
    /// The words for `certificate` at a given time.
    pub fn of(certificate: &Certificate, at: OffsetDateTime) -> Self {
        let (subject, issuer) = (certificate.subject(), certificate.issuer());
        let not_after = certificate.not_after();
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            holder: owned(subject.get(Attribute::CommonName)).unwrap_or_else(|| subject.to_string()),
            organization: owned(subject.get(Attribute::Organization)),
            issuer: owned(issuer.get(Attribute::CommonName)).unwrap_or_else(|| issuer.to_string()),
            serial: certificate.serial_hex(),
            not_before: certificate.not_before(),
            not_after,
            days_left: (not_after - at).whole_seconds().div_euclid(86_400),
            state: CertificateState::of(certificate, at),
            subject_ids: certificate.subject_ids(),
            subject: subject.to_string(),
            fingerprint: hex::encode(certificate.fingerprint()),
        }
    }
}

impl CertificateState {
    /// The state by the term.
    pub fn of(certificate: &Certificate, at: OffsetDateTime) -> Self {
        if at < certificate.not_before() {
            Self::NotYetValid
        } else if at > certificate.not_after() {
            Self::Expired
        } else if certificate.not_after() - at <= time::Duration::days(EXPIRING_SOON_DAYS) {
            Self::ExpiringSoon
        } else {
            Self::Valid
        }
    }
}
