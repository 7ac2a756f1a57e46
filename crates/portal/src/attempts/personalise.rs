//! At the operator's station: the first certificate on a key.

use axum::{extract::State, http::StatusCode};
use sqlx::Row as _;
use time::OffsetDateTime;
use ycd_pki::{Certificate, name::Name};
use ycd_portal_api::{
    Problem,
    wire::{
        Bytes,
        catalogue::{HolderKind, TermStart},
        certificates::Holder,
        keys::{PersonaliseKey, PersonalisedKey},
    },
};

use super::{
    issue::{checked_request, subject_ids},
    refusals,
};
use crate::{
    Error, Portal, audit,
    authority::{self, Wanted},
    catalogue,
    certificates::{self, NewCertificate, RecordState, renewed_term},
    db::{Conn, millis},
    http::{Answer, Change, ChangeTx, Operator},
    login::checked_phone,
};

/// Issues the first certificate and binds key, public key and phone. Repeated for the same key and public key it
/// gives the same certificate.
#[utoipa::path(post, path = "/operator/keys", request_body = PersonaliseKey, security(("session" = [])),
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = PersonalisedKey), (status = "default", body = Problem)))]
pub async fn personalise(
    State(portal): State<Portal>,
    operator: Operator,
    change: Change<PersonaliseKey>,
) -> Answer {
    let body = &change.body;
    let request = checked_request(&body.request.0)?;
    let spki = request.public_key().to_spki_der();

    let mut tx = change.begin(&portal, operator.clone()).await?;
    let record = match Personalisation::find(&mut tx, &spki).await? {
        Some(record) if record.key_id == body.key_id && !record.given_up => record,
        Some(_) => return Err(refusals::PUBLIC_KEY_TAKEN.into()),
        None => reserve(&portal, &mut tx, body, &request).await?,
    };
    if let Some(der) = record.certificate.clone() {
        // One that was revoked or superseded since would be useless on the key.
        let is_active = certificates::load(&mut tx, &record.serial).await?.state == RecordState::Active;
        if !is_active {
            return Err(refusals::PUBLIC_KEY_TAKEN.into());
        }
        return answer(&portal, tx, &record, der).await;
    }
    tx.commit().await?;

    let certificate = portal.authority().sign(&record.tbs).await?;

    let mut tx = change.resume(&portal, operator).await?;
    let now = tx.now();
    let record = Personalisation::find(&mut tx, &spki).await?.ok_or(refusals::PUBLIC_KEY_TAKEN)?;
    if record.given_up {
        return Err(refusals::PUBLIC_KEY_TAKEN.into());
    }
    let der = match record.certificate.clone() {
        Some(der) => der,
        None => store(&mut tx, &record, &certificate, now).await?,
    };
    answer(&portal, tx, &record, der).await
}

struct Personalisation {
    key_id: String,
    spki: Vec<u8>,
    serial: String,
    tbs: Vec<u8>,
    certificate: Option<Vec<u8>>,
    holder: Holder,
    phone: String,
    product: String,
    given_up: bool,
}

impl Personalisation {
    async fn find(db: &mut Conn, spki: &[u8]) -> Result<Option<Self>, Error> {
        let row = sqlx::query("SELECT * FROM personalisations WHERE spki = $1")
            .bind(spki)
            .fetch_optional(db)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let holder: String = row.try_get("holder")?;
        Ok(Some(Self {
            key_id: row.try_get("key_id")?,
            spki: row.try_get("spki")?,
            serial: row.try_get("serial")?,
            tbs: row.try_get("tbs")?,
            certificate: row.try_get("certificate")?,
            holder: serde_json::from_str(&holder)?,
            phone: row.try_get("phone")?,
            product: row.try_get("product")?,
            given_up: row.try_get("given_up")?,
        }))
    }
}

async fn reserve(
    portal: &Portal,
    tx: &mut ChangeTx,
    body: &PersonaliseKey,
    request: &ycd_pki::csr::Request,
) -> Result<Personalisation, Error> {
    let now = tx.now();
    let key_id = body.key_id.trim();
    if key_id.is_empty() || key_id != body.key_id || key_id.len() > 128 {
        return Err(Problem::new(refusals::HOLDER_INVALID).with("field", "key_id").into());
    }
    let phone = checked_phone(&body.phone)?;
    catalogue::offer(tx, &body.product, body.term_years).await?;
    if catalogue::holder_kind(tx, &body.product).await? != body.holder.kind {
        return Err(Problem::new(refusals::HOLDER_INVALID).with("field", "holder.kind").into());
    }
    let spki = request.public_key().to_spki_der();
    check_free(tx, key_id, &spki).await?;
    give_up_unsigned(tx, key_id, now).await?;

    let unfit = |error: ycd_pki::PkiError| Problem::new(refusals::HOLDER_INVALID).detail(error.to_string());
    let subject = subject(&body.holder).to_der().map_err(unfit)?;
    // Written once to see that everything in it can stand in a certificate.
    let reserved = portal
        .authority()
        .reserve(Wanted {
            subject,
            public_key: *request.public_key(),
            term: renewed_term(TermStart::Today, now, body.term_years, now),
            subject_ids: subject_ids(&body.holder),
        })
        .map_err(|error| Problem::new(refusals::HOLDER_INVALID).detail(error.to_string()))?;
    sqlx::query(
        "INSERT INTO personalisations (key_id, spki, serial, tbs, holder, phone, product, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(key_id)
    .bind(&spki)
    .bind(&reserved.serial)
    .bind(&reserved.tbs)
    .bind(serde_json::to_string(&body.holder)?)
    .bind(&phone)
    .bind(&body.product)
    .bind(millis(now))
    .execute(&mut **tx)
    .await?;
    let actor = tx.actor().clone();
    audit::record(tx, &actor, "key.personalise", key_id, Some(&reserved.serial), now).await?;
    Ok(Personalisation {
        key_id: key_id.to_owned(),
        spki,
        serial: reserved.serial,
        tbs: reserved.tbs,
        certificate: None,
        holder: body.holder.clone(),
        phone,
        product: body.product.clone(),
        given_up: false,
    })
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

/// The public key is nobody's, and the key has no certificate in use.
async fn check_free(db: &mut Conn, key_id: &str, spki: &[u8]) -> Result<(), Error> {
    let count = |row: sqlx::sqlite::SqliteRow| row.try_get::<i64, _>(0);
    let taken = sqlx::query(
        "SELECT (SELECT count(*) FROM certificates WHERE spki = $1) + (SELECT count(*) FROM attempts WHERE spki = $1)",
    )
    .bind(spki)
    .fetch_one(&mut *db)
    .await?;
    if count(taken)? > 0 {
        return Err(refusals::PUBLIC_KEY_TAKEN.into());
    }
    let in_use =
        sqlx::query("SELECT count(*) FROM certificates WHERE key_id = $1 AND state IN ('issued', 'active')")
            .bind(key_id)
            .fetch_one(db)
            .await?;
    if count(in_use)? > 0 { Err(refusals::ALREADY_PERSONALISED.into()) } else { Ok(()) }
}

/// The key was made anew before the authority had signed for it: what is signed later is born revoked.
async fn give_up_unsigned(db: &mut Conn, key_id: &str, now: OffsetDateTime) -> Result<(), Error> {
    let rows = sqlx::query(
        "UPDATE personalisations SET given_up = 1 WHERE key_id = $1 AND certificate IS NULL AND given_up = 0
         RETURNING serial",
    )
    .bind(key_id)
    .fetch_all(&mut *db)
    .await?;
    for row in rows {
        authority::revoke(db, row.try_get("serial")?, authority::GIVEN_UP, now).await?;
    }
    Ok(())
}

async fn store(
    db: &mut Conn,
    record: &Personalisation,
    certificate: &Certificate,
    now: OffsetDateTime,
) -> Result<Vec<u8>, Error> {
    let new = NewCertificate {
        serial: record.serial.clone(),
        der: certificate.der().to_vec(),
        spki: record.spki.clone(),
        subject: certificate.subject_der().to_vec(),
        key_id: record.key_id.clone(),
        holder: record.holder.clone(),
        phone: record.phone.clone(),
        product: record.product.clone(),
        state: RecordState::Active,
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
    };
    certificates::insert(db, &new, now).await?;
    sqlx::query("UPDATE personalisations SET certificate = $1 WHERE spki = $2")
        .bind(&new.der)
        .bind(&record.spki)
        .execute(db)
        .await?;
    Ok(new.der)
}

async fn answer(portal: &Portal, tx: ChangeTx, record: &Personalisation, der: Vec<u8>) -> Answer {
    let personalised = PersonalisedKey {
        key_id: record.key_id.clone(),
        serial: record.serial.clone(),
        certificate: Bytes(der),
        chain: portal.authority().chain(),
    };
    tx.answer(StatusCode::OK, &personalised).await
}
