//! A certificate as its table has it.

use sqlx::{FromRow as _, Row as _, sqlite::SqliteRow};
use time::{Duration, OffsetDateTime};
use ycd_portal_api::{
    problem::{Kind, kinds},
    wire::{
        certificates::{CertificateState, Holder},
        orders::OrderKind,
    },
};

use crate::{
    Config, Error, audit, authority,
    db::{Conn, millis, moment},
    http::{Actor, User},
    orders::{name_of, word},
};

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Upper-case hexadecimal, without leading zero octets.
    pub serial: String,
    pub der: Vec<u8>,
    /// DER of the SubjectPublicKeyInfo.
    pub spki: Vec<u8>,
    /// DER of the subject's distinguished name.
    pub subject: Vec<u8>,
    pub token_id: String,
    pub holder: Holder,
    /// The bound phone: whoever logs in with it owns the certificate.
    pub phone: String,
    pub product: String,
    pub product_name: String,
    pub state: RecordState,
    pub superseded_by: Option<String>,
    pub revoked_reason: Option<String>,
    pub not_before: OffsetDateTime,
    pub not_after: OffsetDateTime,
}

/// What is known of a certificate beside its term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordState {
    /// Signed, and not yet proven to be on its key: not in 我的证书.
    Issued,
    Active,
    Superseded,
    Revoked,
}

/// A certificate to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCertificate {
    pub serial: String,
    pub der: Vec<u8>,
    pub spki: Vec<u8>,
    pub subject: Vec<u8>,
    pub token_id: String,
    pub holder: Holder,
    pub phone: String,
    /// Code of a product.
    pub product: String,
    pub state: RecordState,
    pub not_before: OffsetDateTime,
    pub not_after: OffsetDateTime,
}

pub(super) const SELECT: &str =
    "SELECT c.serial, c.der, c.spki, c.subject, c.token_id, c.holder, c.phone, c.product,
     p.name AS product_name, c.state, c.superseded_by, c.revoked_reason, c.not_before, c.not_after
     FROM certificates c JOIN products p ON p.code = c.product";

/// Records a certificate. Fails where the serial number is there already.
pub async fn insert(db: &mut Conn, certificate: &NewCertificate, now: OffsetDateTime) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO certificates (serial, der, spki, subject, token_id, holder, holder_name, phone, product, state,
         not_before, not_after, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(&certificate.serial)
    .bind(&certificate.der)
    .bind(&certificate.spki)
    .bind(&certificate.subject)
    .bind(&certificate.token_id)
    .bind(serde_json::to_string(&certificate.holder)?)
    .bind(&certificate.holder.name)
    .bind(&certificate.phone)
    .bind(&certificate.product)
    .bind(name_of(&certificate.state)?)
    .bind(millis(certificate.not_before))
    .bind(millis(certificate.not_after))
    .bind(millis(now))
    .execute(db)
    .await?;
    Ok(())
}

/// The certificate with this serial number, if there is one.
pub async fn find(db: &mut Conn, serial: &str) -> Result<Option<Certificate>, Error> {
    let row = sqlx::QueryBuilder::new(SELECT)
        .push(" WHERE c.serial = ")
        .push_bind(serial)
        .build()
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| Certificate::from_row(&row)).transpose()?)
}

/// The same, or `certificate.not_found`.
pub async fn load(db: &mut Conn, serial: &str) -> Result<Certificate, Error> {
    find(db, serial).await?.ok_or_else(|| kinds::CERTIFICATE_UNKNOWN.into())
}

/// The user's own certificate; another's is `certificate.not_found` all the same.
pub async fn load_own(db: &mut Conn, serial: &str, user: &User) -> Result<Certificate, Error> {
    let certificate = load(db, serial).await?;
    if certificate.phone == user.phone && certificate.state != RecordState::Issued {
        Ok(certificate)
    } else {
        Err(kinds::CERTIFICATE_UNKNOWN.into())
    }
}

/// The new certificate is proven to be on its key: it becomes active, and the old one superseded (not revoked). A
/// certificate revoked meanwhile stays revoked.
pub async fn supersede(db: &mut Conn, old: &str, new: &str) -> Result<(), Error> {
    sqlx::query("UPDATE certificates SET state = 'active' WHERE serial = $1 AND state = 'issued'")
        .bind(new)
        .execute(&mut *db)
        .await?;
    sqlx::query("UPDATE certificates SET state = 'superseded' WHERE serial = $1 AND state = 'active'")
        .bind(old)
        .execute(&mut *db)
        .await?;
    sqlx::query("UPDATE certificates SET superseded_by = $1 WHERE serial = $2")
        .bind(new)
        .bind(old)
        .execute(db)
        .await?;
    Ok(())
}

/// Revokes a certificate, for good, and puts it on the list. `certificate.revoked` where it is already.
pub async fn revoke(
    db: &mut Conn,
    serial: &str,
    reason: &str,
    actor: &Actor,
    now: OffsetDateTime,
) -> Result<(), Error> {
    if load(db, serial).await?.state == RecordState::Revoked {
        return Err(kinds::CERTIFICATE_REVOKED.into());
    }
    sqlx::query(
        "UPDATE certificates SET state = 'revoked', revoked_at = $1, revoked_reason = $2 WHERE serial = $3",
    )
    .bind(millis(now))
    .bind(reason)
    .bind(serial)
    .execute(&mut *db)
    .await?;
    authority::revoke(db, serial, reason, now).await?;
    audit::record(db, actor, "certificate.revoke", serial, Some(reason), now).await
}

/// Whether an order of this kind can be made for the certificate now; if not, why not.
pub fn usable_for(kind: OrderKind, certificate: &Certificate, now: OffsetDateTime) -> Result<(), Kind> {
    match certificate.state {
        RecordState::Issued => return Err(kinds::CERTIFICATE_UNKNOWN),
        RecordState::Revoked => return Err(kinds::CERTIFICATE_REVOKED),
        RecordState::Superseded => return Err(kinds::CERTIFICATE_SUPERSEDED),
        RecordState::Active => {}
    }
    let expired = now > certificate.not_after;
    match kind {
        OrderKind::Renewal if expired => Err(kinds::CERTIFICATE_EXPIRED),
        OrderKind::ExpiredPurchase if !expired => Err(kinds::CERTIFICATE_NOT_EXPIRED),
        OrderKind::Renewal | OrderKind::ExpiredPurchase => Ok(()),
        OrderKind::Purchase
        | OrderKind::Unlock
        | OrderKind::Reissue
        | OrderKind::Recovery
        | OrderKind::Download
        | OrderKind::Change => Err(kinds::ORDER_KIND),
    }
}

impl Certificate {
    /// How it stands at a time.
    pub fn state_at(&self, config: &Config, now: OffsetDateTime) -> CertificateState {
        match self.state {
            RecordState::Revoked => CertificateState::Revoked,
            RecordState::Superseded => CertificateState::Superseded,
            RecordState::Issued | RecordState::Active => {
                let left = self.not_after - now;
                if left.is_negative() {
                    CertificateState::Expired
                } else if left <= Duration::days(i64::from(config.project.expiring_soon_days)) {
                    CertificateState::ExpiringSoon
                } else {
                    CertificateState::Valid
                }
            }
        }
    }
}

impl<'r> sqlx::FromRow<'r, SqliteRow> for Certificate {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        let holder: String = row.try_get("holder")?;
        Ok(Self {
            serial: row.try_get("serial")?,
            der: row.try_get("der")?,
            spki: row.try_get("spki")?,
            subject: row.try_get("subject")?,
            token_id: row.try_get("token_id")?,
            holder: serde_json::from_str(&holder).map_err(|error| sqlx::Error::Decode(error.into()))?,
            phone: row.try_get("phone")?,
            product: row.try_get("product")?,
            product_name: row.try_get("product_name")?,
            state: word(row.try_get("state")?)?,
            superseded_by: row.try_get("superseded_by")?,
            revoked_reason: row.try_get("revoked_reason")?,
            not_before: moment(row.try_get("not_before")?),
            not_after: moment(row.try_get("not_after")?),
        })
    }
}
