//! Revocation lists: made when they are asked for and something has changed or time has passed.

use sqlx::Row as _;
use time::{Duration, OffsetDateTime};
use ycd_pki::crl::{Crl, CrlParams, Reason, Revoked};

use super::{Authority, CertificateAuthority, GIVEN_UP, Issuer, pki};
use crate::{
    Error, Portal,
    db::{Conn, millis, moment},
};

/// How long a list is good.
const GOOD_FOR: Duration = Duration::hours(24);
/// After this a new one is made though nothing has changed.
const RENEWED_AFTER: Duration = Duration::hours(12);

impl Authority {
    /// DER of the current revocation list of one of the CAs. Makes a new one, under the next number, where one is
    /// due.
    pub async fn current_list(&self, portal: &Portal, issuer: Issuer) -> Result<Vec<u8>, Error> {
        let _turn = self.publishing.lock().await;
        let backend = self.backend();
        let now = portal.now();
        if issuer == Issuer::Issuing {
            tell(portal, backend.as_ref()).await?;
        }
        let mut db = portal.db().read().await?;
        let revoked = match issuer {
            Issuer::Issuing => revocations(&mut db, Untold::Included).await?,
            // The root has one certificate below it, which is revoked by making a new authority.
            Issuer::Root => Vec::new(),
        };
        let last = Last::load(&mut db, issuer).await?;
        drop(db);
        if let Some(last) = &last
            && last.entries == revoked.len()
            && last.this_update <= now
            && now < last.this_update + RENEWED_AFTER
        {
            return Ok(last.der.clone());
        }
        let number = last.map_or(0, |last| last.number) + 1;
        let entries = revoked.len();
        let der = self.make(backend.as_ref(), issuer, number, revoked, now).await?;
        let mut tx = portal.db().write().await?;
        sqlx::query(
            "INSERT INTO crls (issuer, number, der, this_update, next_update, entries)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(issuer.name())
        .bind(number)
        .bind(&der)
        .bind(millis(now))
        .bind(millis(now + GOOD_FOR))
        .bind(i64::try_from(entries).unwrap_or(i64::MAX))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(der)
    }

    async fn make(
        &self,
        backend: &dyn CertificateAuthority,
        issuer: Issuer,
        number: i64,
        revoked: Vec<Revoked>,
        now: OffsetDateTime,
    ) -> Result<Vec<u8>, Error> {
        let chain = backend.chain();
        let ca = match issuer {
            Issuer::Issuing => chain.first(),
            Issuer::Root => chain.last(),
        }
        .ok_or_else(|| Error::Authority("it has no certificates".into()))?;
        let params = CrlParams {
            issuer: ca.subject_der().to_vec(),
            authority_key_id: ca.subject_key_id().unwrap_or_default(),
            number: number.unsigned_abs(),
            this_update: now,
            next_update: now + GOOD_FOR,
            revoked,
        };
        let der = backend.list(issuer, &params).await?;
        let list = Crl::from_der(&der).map_err(pki)?;
        list.verify(&ca.public_key().map_err(pki)?).map_err(pki)?;
        Ok(der)
    }
}

/// Tells the authority of what was revoked since the last time.
async fn tell(portal: &Portal, backend: &dyn CertificateAuthority) -> Result<(), Error> {
    let untold = revocations(&mut *portal.db().read().await?, Untold::Only).await?;
    for revoked in &untold {
        backend.revoke(revoked).await?;
        let mut tx = portal.db().write().await?;
        sqlx::query("UPDATE revocations SET told = 1 WHERE serial = $1")
            .bind(hex::encode_upper(&revoked.serial))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Untold {
    Included,
    Only,
}

async fn revocations(db: &mut Conn, untold: Untold) -> Result<Vec<Revoked>, Error> {
    let sql = match untold {
        Untold::Included => "SELECT serial, reason, at FROM revocations ORDER BY at, serial",
        Untold::Only => "SELECT serial, reason, at FROM revocations WHERE told = 0 ORDER BY at, serial",
    };
    let rows = sqlx::query(sql).fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            let serial: String = row.try_get("serial")?;
            let reason: String = row.try_get("reason")?;
            Ok(Revoked {
                serial: hex::decode(&serial).map_err(|_| Error::Stored(format!("serial {serial}")))?,
                at: moment(row.try_get("at")?),
                reason: if reason == GIVEN_UP { Reason::CessationOfOperation } else { Reason::Unspecified },
            })
        })
        .collect()
}

/// The newest list of an issuer.
struct Last {
    number: i64,
    der: Vec<u8>,
    this_update: OffsetDateTime,
    entries: usize,
}

impl Last {
    async fn load(db: &mut Conn, issuer: Issuer) -> Result<Option<Self>, Error> {
        let row = sqlx::query(
            "SELECT number, der, this_update, entries FROM crls WHERE issuer = $1 ORDER BY number DESC LIMIT 1",
        )
        .bind(issuer.name())
        .fetch_optional(db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Self {
            number: row.try_get("number")?,
            der: row.try_get("der")?,
            this_update: moment(row.try_get("this_update")?),
            entries: usize::try_from(row.try_get::<i64, _>("entries")?).unwrap_or(usize::MAX),
        }))
    }
}
