//! Certificates that were seen on tokens, and which of their reminders are due.

use std::{collections::BTreeMap, sync::Mutex};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use ycd_portal_api::wire::Timestamp;
use ycd_token::TokenId;

use crate::{
    data_dir::DataDir,
    lock::lock,
    view::{CertificateOnToken, Reminder},
};

/// Days before the end at which a reminder is due.
const DAYS: [i64; 5] = [30, 15, 7, 3, 1];

const FILE: &str = "seen.json";

/// The newest certificate that was seen on a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SeenCertificate {
    serial: String,
    holder: String,
    not_after: Timestamp,
    /// The number of days of the last reminder.
    reminded: Option<i64>,
}

#[derive(Default)]
pub(crate) struct Seen(Mutex<BTreeMap<String, SeenCertificate>>);

impl Seen {
    pub fn of(data_dir: &DataDir) -> Self {
        Self(Mutex::new(data_dir.read_json(FILE).unwrap_or_default()))
    }

    /// The holder on a token that is not in.
    pub fn holder_of(&self, token: &TokenId) -> Option<String> {
        lock(&self.0).get(token.as_str()).map(|seen| seen.holder.clone())
    }

    /// What a token was found to hold.
    pub fn note(&self, data_dir: &DataDir, token: &TokenId, certificates: &[(CertificateOnToken, Vec<u8>)]) {
        let Some((newest, _)) = certificates.iter().max_by_key(|(shown, _)| shown.not_after) else { return };
        let mut seen = lock(&self.0);
        if seen.get(token.as_str()).is_some_and(|known| known.serial == newest.serial) {
            return;
        }
        let noted = SeenCertificate {
            serial: newest.serial.clone(),
            holder: newest.holder.clone(),
            not_after: newest.not_after,
            reminded: None,
        };
        seen.insert(token.to_string(), noted);
        keep(data_dir, &seen);
    }

    /// The reminders that are due now, each told once.
    pub fn due(&self, data_dir: &DataDir, now: OffsetDateTime) -> Vec<Reminder> {
        let mut seen = lock(&self.0);
        let mut due = Vec::new();
        for (token, certificate) in seen.iter_mut() {
            let days_left = (certificate.not_after.0 - now).whole_seconds().div_euclid(86_400);
            if let Some(step) = step(days_left, certificate.reminded) {
                certificate.reminded = Some(step);
                due.push(Reminder {
                    holder: certificate.holder.clone(),
                    tail: TokenId::from(token.clone()).tail().to_owned(),
                    not_after: certificate.not_after,
                    days_left,
                });
            }
        }
        if !due.is_empty() {
            keep(data_dir, &seen);
        }
        due
    }
}

/// The step that was reached and not told yet; nothing any more once the validity period is over.
fn step(days_left: i64, reminded: Option<i64>) -> Option<i64> {
    let reached = DAYS.into_iter().filter(|days| (0..=*days).contains(&days_left)).min()?;
    (reminded.is_none_or(|told| told > reached)).then_some(reached)
}

fn keep(data_dir: &DataDir, seen: &BTreeMap<String, SeenCertificate>) {
    if let Err(error) = data_dir.keep_json(FILE, seen) {
        tracing::warn!(%error, "what was seen on tokens is not kept");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_before_the_end_reminds_once() {
        assert_eq!(step(31, None), None);
        assert_eq!(step(30, None), Some(30));
        assert_eq!(step(29, Some(30)), None);
        assert_eq!(step(14, Some(30)), Some(15));
        assert_eq!(step(2, None), Some(3));
        assert_eq!(step(1, Some(3)), Some(1));
        assert_eq!(step(0, Some(1)), None);
        assert_eq!(step(-1, None), None);
    }
}
