//! For whom a token is made.

use time::OffsetDateTime;
use ycd_pki::{PublicKey, name::Name};
use ycd_portal_api::problem::personalization as problems;
use ycd_portal_api::{
    Problem,
    wire::{
        catalogue::{HolderKind, ValidityStart},
        certificates::Holder,
    },
};

use crate::{
    Error, Portal,
    attempts::subject_ids,
    authority::{Reserved, Wanted},
    catalogue,
    certificates::renewed_validity,
    db::Conn,
    login::checked_phone,
};

/// A token's holder, and the certificate it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    pub token_id: String,
    pub holder: Holder,
    /// As it is stored.
    pub phone: String,
    pub product: String,
    pub validity_years: u8,
}

impl Assignment {
    /// Checks that all of it can stand in a certificate and is sold. `personalization.holder_invalid`,
    /// `product.not_found`, `sms.phone_invalid`
    pub async fn check(mut self, portal: &Portal, db: &mut Conn, now: OffsetDateTime) -> Result<Self, Error> {
        let token_id = self.token_id.as_str();
        let plain =
            token_id.len() <= 128 && !token_id.contains(|c: char| c.is_whitespace() || c.is_control());
        if token_id.is_empty() || !plain {
            return Err(Problem::new(problems::HOLDER_INVALID).with("field", "token_id").into());
        }
        self.phone = checked_phone(&self.phone)?;
        catalogue::offer(db, &self.product, self.validity_years).await?;
        if catalogue::holder_kind(db, &self.product).await? != self.holder.kind {
            return Err(Problem::new(problems::HOLDER_INVALID).with("field", "holder.kind").into());
        }
        // Written once, with a public key at hand, to see that everything in it can stand in a certificate.
        self.reserve(portal, portal.identity().signing_public(), now)?;
        Ok(self)
    }

    /// Decides the certificate for a public key.
    pub fn reserve(
        &self,
        portal: &Portal,
        public_key: PublicKey,
        now: OffsetDateTime,
    ) -> Result<Reserved, Error> {
        let unfit = |detail: String| Problem::new(problems::HOLDER_INVALID).detail(detail);
        let wanted = Wanted {
            subject: subject(&self.holder).to_der().map_err(|error| unfit(error.to_string()))?,
            public_key,
            validity: renewed_validity(ValidityStart::Today, now, self.validity_years, now),
            subject_ids: subject_ids(&self.holder),
        };
        portal.authority().reserve(wanted).map_err(|error| unfit(error.to_string()).into())
    }
}

/// The name that a holder's certificate bears.
fn subject(holder: &Holder) -> Name {
    match holder.kind {
        HolderKind::Enterprise => Name::enterprise(&holder.name, None, None),
        HolderKind::LegalRepresentative => {
            Name::person(holder.person.as_deref().unwrap_or(&holder.name), Some(&holder.name), None)
        }
        HolderKind::Personal => Name::person(&holder.name, None, None),
    }
}
