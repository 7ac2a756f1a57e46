//! Step 6: one public key, one serial number, one certificate.

use axum::{extract::State, http::StatusCode};
use sqlx::Row as _;
use time::OffsetDateTime;
use ycd_pki::{
    Certificate, PublicKey,
    authorization::Authorization,
    cert::{SubjectId, SubjectIdKind},
    csr,
    sm3::sm3,
};
use ycd_portal_api::problem::attempts as problems;
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::{
        Bytes,
        attempts::{AttemptState, Issue, Issued, Mode, NoncePurpose, SignedAuthorization},
        certificates::Holder,
        login::Purpose,
    },
};

use super::{
    closing::give_up,
    evidence::{Expected, take_authorization},
    open::check_allowed,
    record::{self, Attempt, Bound},
};
use crate::{
    Error, Portal, audit,
    authority::{GIVEN_UP, Wanted},
    certificates::{self, NewCertificate, RecordState, renewed_validity},
    db::Conn,
    http::{Actor, Answer, Change, ChangeTx, Path, User},
    orders::{self, InternalStatus, Order},
    sms::spend_step_up,
};

/// Issues the attempt's certificate; every repeat with the same public key gets the same bytes.
#[utoipa::path(post, path = "/orders/{order}/attempts/{attempt}/issue", request_body = Issue,
    security(("session" = [])),
    params(("order" = String, Path), ("attempt" = u32, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Issued), (status = "default", body = Problem)))]
pub async fn issue(
    State(portal): State<Portal>,
    user: User,
    Path((no, number)): Path<(String, u32)>,
    change: Change<Issue>,
) -> Answer {
    let request = checked_request(&change.body.request.0)?;

    let mut tx = change.begin(&portal, user.clone()).await?;
    let order = orders::load_own(&mut tx, &no, &user).await?;
    let attempt = open_attempt(&mut tx, &order, number).await?;
    let bound = match attempt.bound.clone() {
        Some(bound) if bound.spki == request.public_key().to_spki_der() => bound,
        Some(_) => return Err(problems::KEY_CONFLICT.into()),
        None => bind(&portal, &mut tx, &user, &order, &attempt, &request, &change.body).await?,
    };
    if let Some(certificate) = bound.certificate {
        return answer(&portal, tx, certificate).await;
    }
    // Also where the attempt was bound before: as long as nothing is signed, a revocation comes in time.
    check_not_revoked(&mut tx, &order.certificate).await?;
    // From here on the attempt is bound, whatever becomes of this request, of the portal or of the authority.
    tx.commit().await?;

    let certificate = portal.authority().sign(&bound.tbs).await?;

    let mut tx = change.resume(&portal, user).await?;
    let now = tx.now();
    let stored = store(&mut tx, &order, number, &certificate, now).await?;
    match stored {
        Stored::Current(der) => answer(&portal, tx, der).await,
        Stored::GivenUp => {
            // The certificate came too late; that it is revoked is to be kept, though the caller is refused.
            tx.commit().await?;
            Err(problems::NOT_OPEN.into())
        }
    }
}

/// Reads a request and verifies that its maker has the private key. `attempt.request_invalid`
pub fn checked_request(der: &[u8]) -> Result<csr::Request, Error> {
    let invalid = |error: ycd_pki::PkiError| {
        Problem::new(problems::REQUEST_INVALID).detail(error.to_string()).with("why", error.code())
    };
    let request = csr::Request::from_der(der).map_err(invalid)?;
    request.verify().map_err(invalid)?;
    Ok(request)
}

/// The numbers of a holder that stand in a certificate.
pub fn subject_ids(holder: &Holder) -> Vec<SubjectId> {
    let id = |kind, value: &Option<String>| value.clone().map(|value| SubjectId { kind, value });
    [id(SubjectIdKind::SocialCredit, &holder.uscc), id(SubjectIdKind::IdentityCard, &holder.id_number)]
        .into_iter()
        .flatten()
        .collect()
}

/// The open attempt of an order in 待更新. `attempt.not_open`, `attempt.order_not_ready`
pub async fn open_attempt(db: &mut Conn, order: &Order, number: u32) -> Result<Attempt, Error> {
    let attempt = record::load(db, &order.no, number).await?;
    if !attempt.is_open() {
        return Err(problems::NOT_OPEN.into());
    }
    if order.internal_status != InternalStatus::AwaitingRenewal {
        return Err(Problem::new(problems::ORDER_NOT_READY).with("state", order.state).into());
    }
    Ok(attempt)
}

async fn answer(portal: &Portal, tx: ChangeTx, certificate: Vec<u8>) -> Answer {
    let issued = Issued { certificate: Bytes(certificate), chain: portal.authority().chain() };
    tx.answer(StatusCode::OK, &issued).await
}

/// Checks all that has to be true before a certificate is decided, and decides it.
async fn bind(
    portal: &Portal,
    tx: &mut ChangeTx,
    user: &User,
    order: &Order,
    attempt: &Attempt,
    request: &csr::Request,
    issue: &Issue,
) -> Result<Bound, Error> {
    let now = tx.now();
    check_allowed(portal, tx, order).await?;
    let old = certificates::load(tx, &order.certificate).await?;
    if request.subject_der() != old.subject {
        return Err(problems::SUBJECT_MISMATCH.into());
    }
    let spki = request.public_key().to_spki_der();
    check_key(tx, order, &old, &spki).await?;
    match &issue.authorization {
        Some(authorization) => {
            check_authorization(portal, tx, order, attempt, &old, request.public_key(), authorization).await?
        }
        None => check_replacement(portal, tx, user, order, issue.step_up.as_deref()).await?,
    }

    let validity =
        renewed_validity(portal.config().project.validity_start, old.not_after, order.validity_years, now);
    let reserved = portal.authority().reserve(Wanted {
        subject: old.subject.clone(),
        public_key: *request.public_key(),
        validity,
        subject_ids: subject_ids(&old.holder),
    })?;
    sqlx::query("UPDATE attempts SET spki = $1, serial = $2, tbs = $3 WHERE order_no = $4 AND number = $5")
        .bind(&spki)
        .bind(&reserved.serial)
        .bind(&reserved.tbs)
        .bind(&order.no)
        .bind(attempt.number)
        .execute(&mut **tx)
        .await?;
    let actor = tx.actor().clone();
    let detail = format!("attempt {}, serial {}", attempt.number, reserved.serial);
    audit::record(tx, &actor, "attempt.issue", &order.no, Some(&detail), now).await?;
    Ok(Bound { spki, serial: reserved.serial, tbs: reserved.tbs, certificate: None })
}

/// Is it a token that this order may have certified?
async fn check_key(
    db: &mut Conn,
    order: &Order,
    old: &certificates::Certificate,
    spki: &[u8],
) -> Result<(), Error> {
    if order.mode == Some(Mode::SameKeyPair) {
        return if spki == old.spki { Ok(()) } else { Err(problems::KEY_NOT_OLD.into()) };
    }
    let inventory = record::inventory(db, &order.no).await?;
    let attempts = record::all(db, &order.no).await?;
    if spki == old.spki
        || inventory.iter().any(|known| known == spki)
        || attempts.iter().any(|attempt| attempt.spki() == Some(spki))
    {
        return Err(problems::KEY_NOT_NEW.into());
    }
    let taken = sqlx::query(
        "SELECT (SELECT count(*) FROM certificates WHERE spki = $1) + (SELECT count(*) FROM attempts WHERE spki = $1)
         + (SELECT count(*) FROM first_certificates WHERE spki = $1)",
    )
    .bind(spki)
    .fetch_one(db)
    .await?;
    if taken.try_get::<i64, _>(0)? > 0 { Err(problems::KEY_TAKEN.into()) } else { Ok(()) }
}

/// Mode *replace*: the old key has agreed to its own end, and the person says anew that this is wanted.
async fn check_replacement(
    portal: &Portal,
    tx: &mut ChangeTx,
    user: &User,
    order: &Order,
    step_up: Option<&str>,
) -> Result<(), Error> {
    if order.mode != Some(Mode::Replace) || !record::replace_agreed(tx, &order.no).await? {
        return Err(problems::AUTHORIZATION_MISSING.into());
    }
    let now = tx.now();
    let step_up = step_up.ok_or(kinds::STEP_UP_INVALID)?;
    spend_step_up(portal, tx, step_up, Purpose::Replace, &order.no, user, now).await
}

/// The old key has agreed to this public key.
async fn check_authorization(
    portal: &Portal,
    tx: &mut ChangeTx,
    order: &Order,
    attempt: &Attempt,
    old: &certificates::Certificate,
    new_key: &PublicKey,
    signed: &SignedAuthorization,
) -> Result<(), Error> {
    let now = tx.now();
    let signer = old_key(old)?;
    let expected =
        Expected { order: &order.no, attempt: attempt.number, purpose: NoncePurpose::Renew, signer: &signer };
    let text = |nonce| Authorization::Renew {
        portal: portal.name().into(),
        order: order.no.clone(),
        attempt: attempt.number,
        token_id: order.token_id.clone(),
        old_certificate: sm3(&old.der),
        new_public_key: new_key.fingerprint(),
        nonce,
    };
    take_authorization(tx, expected, signed, text, now).await
}

/// The public key of the order's old certificate.
pub fn old_key(old: &certificates::Certificate) -> Result<PublicKey, Error> {
    Certificate::from_der(&old.der)
        .and_then(|certificate| certificate.public_key())
        .map_err(|error| Error::Stored(format!("certificate {}: {error}", old.serial)))
}

enum Stored {
    Current(Vec<u8>),
    GivenUp,
}

/// Stores a signed certificate where there is none yet. Of an attempt given up in the meantime it is stored as revoked.
async fn store(
    db: &mut Conn,
    order: &Order,
    number: u32,
    certificate: &Certificate,
    now: OffsetDateTime,
) -> Result<Stored, Error> {
    let attempt = record::load(db, &order.no, number).await?;
    if let Some(der) = attempt.certificate() {
        return Ok(if attempt.is_open() { Stored::Current(der.to_vec()) } else { Stored::GivenUp });
    }
    let old = certificates::load(db, &order.certificate).await?;
    let new = NewCertificate {
        serial: certificate.serial_hex(),
        der: certificate.der().to_vec(),
        spki: certificate.spki_der().to_vec(),
        subject: certificate.subject_der().to_vec(),
        token_id: order.token_id.clone(),
        holder: old.holder,
        phone: old.phone,
        product: order.product.clone(),
        state: RecordState::Issued,
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
    };
    certificates::insert(db, &new, now).await?;
    sqlx::query("UPDATE attempts SET certificate = $1 WHERE order_no = $2 AND number = $3")
        .bind(&new.der)
        .bind(&order.no)
        .bind(number)
        .execute(&mut *db)
        .await?;
    if attempt.is_open() {
        record::set_state(db, &attempt, AttemptState::Issued, now).await?;
        Ok(Stored::Current(new.der))
    } else {
        give_up(db, &attempt, GIVEN_UP, &Actor::System, now).await?;
        Ok(Stored::GivenUp)
    }
}

/// `certificate.revoked` where the certificate with this serial number has been.
pub async fn check_not_revoked(db: &mut Conn, serial: &str) -> Result<(), Error> {
    match certificates::find(db, serial).await? {
        Some(certificate) if certificate.state == RecordState::Revoked => {
            Err(kinds::CERTIFICATE_REVOKED.into())
        }
        _ => Ok(()),
    }
}
