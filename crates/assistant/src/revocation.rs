//! What the authority has revoked, as far as it could be asked: a token in hand says nothing of it.

use time::{Duration, OffsetDateTime};
use ycd_pki::{
    Certificate,
    cert::Usage,
    chain::{Revocation, verify_chain},
    crl::Crl,
};

use crate::data_dir::DataDir;

/// How long a list, or a try to get one, is good for.
const GOOD_FOR: Duration = Duration::minutes(10);

#[derive(Default)]
pub(crate) struct Revocations {
    list: Option<Crl>,
    asked: Option<OffsetDateTime>,
}

impl Revocations {
    /// Whether the list should be asked for; from now on it counts as asked for.
    pub fn is_due(&mut self, now: OffsetDateTime) -> bool {
        let due = self.asked.is_none_or(|at| (now - at).abs() > GOOD_FOR);
        if due {
            self.asked = Some(now);
        }
        due
    }

    /// Over the network; `None` where it cannot be had, or is not signed by an authority that this machine trusts.
    pub fn fetch(data_dir: &DataDir, now: OffsetDateTime) -> Option<Crl> {
        let client = data_dir.client().ok()?;
        let anchors = data_dir.anchors().ok()?;
        let authorities = Certificate::all_from_pem(&client.trust_anchors().ok()?).ok()?;
        let list = Crl::from_der(&client.crl().ok()?).ok()?;
        let issuer = authorities.iter().find(|ca| ca.subject_der() == list.issuer_der())?;
        verify_chain(issuer, &[], &anchors, Revocation::Ignored, now, Usage::CrlSign).ok()?;
        list.verify(&issuer.public_key().ok()?).ok()?;
        Some(list)
    }

    pub fn take(&mut self, list: Option<Crl>, now: OffsetDateTime) {
        self.asked = Some(now);
        if list.is_some() {
            self.list = list;
        }
    }

    pub fn revokes(&self, certificate: &[u8]) -> bool {
        let Some(list) = &self.list else { return false };
        Certificate::from_der(certificate).is_ok_and(|certificate| list.revokes(&certificate).is_some())
    }
}
