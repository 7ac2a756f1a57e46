//! The first certificate on a token: one public key, one serial number, one certificate.

use axum::{extract::State, http::StatusCode};
use sqlx::Row as _;
use time::OffsetDateTime;
use ycd_pki::{Certificate, csr};
use ycd_portal_api::problem::personalization as problems;
use ycd_portal_api::{
    Problem,
    wire::{
        Bytes,
        certificates::Holder,
        tokens::{FirstCertificate, FirstCertificateRequest},
    },
};

use super::{assignment::Assignment, record};
use crate::{
    Error, Portal,
    attempts::checked_request,
    audit, authority,
    certificates::{self, NewCertificate, RecordState},
    db::{Conn, millis},
    http::{Answer, Change, ChangeTx, Operator, Path},
};

/// Issues the first certificate. Repeated for the same public key it gives the same.
#[utoipa::path(post, path = "/operator/personalizations/{token_id}/certificate", request_body = FirstCertificateRequest,
    security(("session" = [])), params(("token_id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = FirstCertificate), (status = "default", body = Problem)))]
pub async fn certificate(
    State(portal): State<Portal>,
    operator: Operator,
    Path(token_id): Path<String>,
    change: Change<FirstCertificateRequest>,
) -> Answer {
    let request = checked_request(&change.body.request.0)?;
    let mut tx = change.begin(&portal, operator.clone()).await?;
    let personalization = record::newest(&mut tx, &token_id).await?.ok_or(problems::NONE)?;
    let known = FirstRecord::find(&mut tx, &request.public_key().to_spki_der()).await?;
    let is_its_own =
        known.is_some_and(|known| known.personalization.as_deref() == Some(personalization.no.as_str()));
    if !personalization.is_open() && !is_its_own {
        return Err(problems::DONE.into());
    }
    let no = personalization.no.clone();
    issue(&portal, &change, tx, operator, &personalization.assignment, Some(&no), &request).await
}

/// Issues the first certificate of a token, for its personalization or without one, and answers with it. The
/// transaction has done nothing before but checks and notes.
pub(super) async fn issue<T>(
    portal: &Portal,
    change: &Change<T>,
    mut tx: ChangeTx,
    operator: Operator,
    assignment: &Assignment,
    personalization: Option<&str>,
    request: &csr::Request,
) -> Answer {
    let spki = request.public_key().to_spki_der();
    let record = match FirstRecord::find(&mut tx, &spki).await? {
        Some(record) if record.token_id == assignment.token_id && !record.given_up => record,
        Some(_) => return Err(problems::PUBLIC_KEY_TAKEN.into()),
        None => reserve(portal, &mut tx, assignment, personalization, request).await?,
    };
    if let Some(der) = record.certificate.clone() {
        // One that was revoked or superseded since would be useless on the token.
        let is_active = certificates::load(&mut tx, &record.serial).await?.state == RecordState::Active;
        if !is_active {
            return Err(problems::PUBLIC_KEY_TAKEN.into());
        }
        return tx.answer(StatusCode::OK, &record.first_certificate(portal, der)).await;
    }
    tx.commit().await?;

    let certificate = portal.authority().sign(&record.tbs).await?;

    let mut tx = change.resume(portal, operator).await?;
    let now = tx.now();
    let record = FirstRecord::find(&mut tx, &spki).await?.ok_or(problems::PUBLIC_KEY_TAKEN)?;
    if record.given_up {
        return Err(problems::PUBLIC_KEY_TAKEN.into());
    }
    let der = match record.certificate.clone() {
        Some(der) => der,
        None => store(&mut tx, &record, &certificate, now).await?,
    };
    tx.answer(StatusCode::OK, &record.first_certificate(portal, der)).await
}

/// The certificate that a personalization has brought about, once issued and as long as it is not revoked.
pub(super) async fn of_personalization(
    portal: &Portal,
    db: &mut Conn,
    no: &str,
) -> Result<Option<FirstCertificate>, Error> {
    let row = sqlx::query(
        "SELECT p.spki FROM first_certificates p JOIN certificates c ON c.serial = p.serial
         WHERE p.personalization = $1 AND p.given_up = 0 AND c.state <> 'revoked' ORDER BY p.created_at DESC LIMIT 1",
    )
    .bind(no)
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let record = FirstRecord::find(db, &row.try_get::<Vec<u8>, _>("spki")?).await?;
    Ok(record.and_then(|record| {
        let der = record.certificate.clone()?;
        Some(record.first_certificate(portal, der))
    }))
}

/// A first certificate, decided before it is signed.
struct FirstRecord {
    token_id: String,
    spki: Vec<u8>,
    serial: String,
    tbs: Vec<u8>,
    certificate: Option<Vec<u8>>,
    holder: Holder,
    phone: String,
    product: String,
    given_up: bool,
    personalization: Option<String>,
}

impl FirstRecord {
    async fn find(db: &mut Conn, spki: &[u8]) -> Result<Option<Self>, Error> {
        let row = sqlx::query("SELECT * FROM first_certificates WHERE spki = $1")
            .bind(spki)
            .fetch_optional(db)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let holder: String = row.try_get("holder")?;
        Ok(Some(Self {
            token_id: row.try_get("token_id")?,
            spki: row.try_get("spki")?,
            serial: row.try_get("serial")?,
            tbs: row.try_get("tbs")?,
            certificate: row.try_get("certificate")?,
            holder: serde_json::from_str(&holder)?,
            phone: row.try_get("phone")?,
            product: row.try_get("product")?,
            given_up: row.try_get("given_up")?,
            personalization: row.try_get("personalization")?,
        }))
    }

    fn first_certificate(&self, portal: &Portal, der: Vec<u8>) -> FirstCertificate {
        FirstCertificate {
            token_id: self.token_id.clone(),
            serial: self.serial.clone(),
            certificate: Bytes(der),
            chain: portal.authority().chain(),
        }
    }
}

async fn reserve(
    portal: &Portal,
    tx: &mut ChangeTx,
    assignment: &Assignment,
    personalization: Option<&str>,
    request: &csr::Request,
) -> Result<FirstRecord, Error> {
    let now = tx.now();
    let Assignment { token_id, holder, phone, product, validity_years: _ } = assignment.clone();
    let spki = request.public_key().to_spki_der();
    check_free(tx, &token_id, &spki).await?;
    give_up_unsigned(tx, &token_id, now).await?;
    let reserved = assignment.reserve(portal, *request.public_key(), now)?;
    sqlx::query(
        "INSERT INTO first_certificates (token_id, spki, serial, tbs, holder, phone, product, personalization, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&token_id)
    .bind(&spki)
    .bind(&reserved.serial)
    .bind(&reserved.tbs)
    .bind(serde_json::to_string(&holder)?)
    .bind(&phone)
    .bind(&product)
    .bind(personalization)
    .bind(millis(now))
    .execute(&mut **tx)
    .await?;
    let actor = tx.actor().clone();
    audit::record(tx, &actor, "key.personalize", &token_id, Some(&reserved.serial), now).await?;
    let personalization = personalization.map(ToOwned::to_owned);
    let (serial, tbs) = (reserved.serial, reserved.tbs);
    Ok(FirstRecord {
        token_id,
        spki,
        serial,
        tbs,
        certificate: None,
        holder,
        phone,
        product,
        given_up: false,
        personalization,
    })
}

/// The public key is nobody's, and the token has no certificate in use.
async fn check_free(db: &mut Conn, token_id: &str, spki: &[u8]) -> Result<(), Error> {
    let taken = sqlx::query(
        "SELECT (SELECT count(*) FROM certificates WHERE spki = $1) + (SELECT count(*) FROM attempts WHERE spki = $1)",
    )
    .bind(spki)
    .fetch_one(&mut *db)
    .await?;
    if taken.try_get::<i64, _>(0)? > 0 {
        return Err(problems::PUBLIC_KEY_TAKEN.into());
    }
    if in_use(db, token_id).await? { Err(problems::ALREADY_PERSONALIZED.into()) } else { Ok(()) }
}

/// Whether there is a certificate for a pair on the token that is neither revoked nor superseded.
pub(super) async fn in_use(db: &mut Conn, token_id: &str) -> Result<bool, Error> {
    let row = sqlx::query(
        "SELECT count(*) FROM certificates WHERE token_id = $1 AND state IN ('issued', 'active')",
    )
    .bind(token_id)
    .fetch_one(db)
    .await?;
    Ok(row.try_get::<i64, _>(0)? > 0)
}

/// The token was made anew before the authority had signed for it: what is signed later is born revoked.
pub(super) async fn give_up_unsigned(
    db: &mut Conn,
    token_id: &str,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let rows = sqlx::query(
        "UPDATE first_certificates SET given_up = 1 WHERE token_id = $1 AND certificate IS NULL AND given_up = 0
         RETURNING serial",
    )
    .bind(token_id)
    .fetch_all(&mut *db)
    .await?;
    for row in rows {
        authority::revoke(db, row.try_get("serial")?, authority::GIVEN_UP, now).await?;
    }
    Ok(())
}

async fn store(
    db: &mut Conn,
    record: &FirstRecord,
    certificate: &Certificate,
    now: OffsetDateTime,
) -> Result<Vec<u8>, Error> {
    let new = NewCertificate {
        serial: record.serial.clone(),
        der: certificate.der().to_vec(),
        spki: record.spki.clone(),
        subject: certificate.subject_der().to_vec(),
        token_id: record.token_id.clone(),
        holder: record.holder.clone(),
        phone: record.phone.clone(),
        product: record.product.clone(),
        state: RecordState::Active,
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
    };
    certificates::insert(db, &new, now).await?;
    sqlx::query("UPDATE first_certificates SET certificate = $1 WHERE spki = $2")
        .bind(&new.der)
        .bind(&record.spki)
        .execute(db)
        .await?;
    Ok(new.der)
}
