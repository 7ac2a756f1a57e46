//! A personalization is opened, or taken up: the token's secrets, for the workstation's driver host alone.

use axum::{extract::State, http::StatusCode};
use time::{Duration, OffsetDateTime};
use ycd_pki::{
    PublicKey,
    unlock::{Context, FirstSecrets, Purpose},
};
use ycd_portal_api::problem::personalization as problems;
use ycd_portal_api::{
    Problem,
    wire::{
        Bytes,
        tokens::{OpenPersonalization, Personalization as View},
        unlock::{ReleaseAnswer, UnlockMethod},
    },
};

use super::{
    assignment::Assignment,
    certificate::{give_up_unsigned, in_use, of_personalization},
    record::{self, Personalization, PersonalizationState},
};
use crate::{
    Error, Portal, audit,
    db::Conn,
    http::{Answer, Change, Operator},
    orders,
    secrets::random,
    tokens::{self, Token},
    unlock::{RELEASE_SECONDS, method, pin_rules, sign_answer},
};

/// What the numbers of personalizations begin with.
const NUMBER: &str = "PROD1";
/// The longest SO PIN that fits into an envelope.
const SO_PIN_LIMIT: u8 = 32;

/// Opens the personalization of a token, or takes it up: every answer brings the same secrets, sealed to the one-time
/// key.
#[utoipa::path(post, path = "/operator/personalizations", request_body = OpenPersonalization, security(("session" = [])),
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = View), (status = "default", body = Problem)))]
pub async fn open(
    State(portal): State<Portal>,
    operator: Operator,
    change: Change<OpenPersonalization>,
) -> Answer {
    let body = &change.body;
    let invalid = |field: &str| Problem::new(problems::INVALID).with("field", field);
    let one_time_key = PublicKey::from_spki_der(&body.one_time_key.0).map_err(|_| invalid("one_time_key"))?;
    let lengths = (body.so_pin_min_len, body.so_pin_max_len);
    if lengths.1 == 0 || lengths.0 > lengths.1 || lengths.0 > SO_PIN_LIMIT {
        return Err(invalid("so_pin_max_len").into());
    }

    let mut tx = change.begin(&portal, operator).await?;
    let now = tx.now();
    let assignment = Assignment {
        token_id: body.token_id.clone(),
        holder: body.holder.clone(),
        phone: body.phone.clone(),
        product: body.product.clone(),
        validity_years: body.validity_years,
    };
    let assignment = assignment.check(&portal, &mut tx, now).await?;
    let personalization = match record::newest(&mut tx, &assignment.token_id).await? {
        Some(newest) => take_up(&portal, &mut tx, newest, assignment, body.method, lengths, now).await?,
        None => begin(&portal, &mut tx, assignment, body.method, lengths, now).await?,
    };
    let token_id = personalization.assignment.token_id.clone();
    let mut given =
        ReleaseAnswer { context: Bytes(vec![]), sealed_envelope: Bytes(vec![]), signature: Bytes(vec![]) };
    if personalization.is_open() {
        let opening = record::count_opening(&mut tx, &personalization.no).await?;
        let token = tokens::load(&mut tx, &token_id).await?;
        given = secrets(&portal, &personalization, &token, opening, &one_time_key)?;
        let actor = tx.actor().clone();
        let detail = format!("{} opening {opening}", personalization.no);
        audit::record(&mut tx, &actor, "personalization.open", &token_id, Some(&detail), now).await?;
    }
    let view = View {
        portal: portal.name().into(),
        certificate: of_personalization(&portal, &mut tx, &personalization.no).await?,
        done: personalization.state == PersonalizationState::Done,
        token_id,
        secrets: given,
    };
    tx.answer(StatusCode::OK, &view).await
}

/// The token's newest personalization where it is meant; a new one where that one has come to nothing.
async fn take_up(
    portal: &Portal,
    db: &mut Conn,
    newest: Personalization,
    assignment: Assignment,
    method: UnlockMethod,
    lengths: (u8, u8),
    now: OffsetDateTime,
) -> Result<Personalization, Error> {
    let token_is_free = !in_use(db, &assignment.token_id).await?;
    let same = newest.assignment == assignment && newest.method == method;
    match newest.state {
        PersonalizationState::Open if same => Ok(newest),
        PersonalizationState::Open => {
            let held = Duration::days(i64::from(portal.config().project.personalization_days));
            if !token_is_free || now < newest.opened_at + held {
                return Err(problems::OTHER_ASSIGNMENT.into());
            }
            record::end(db, &newest.no, PersonalizationState::GivenUp, now).await?;
            give_up_unsigned(db, &assignment.token_id, now).await?;
            begin(portal, db, assignment, method, lengths, now).await
        }
        PersonalizationState::Done if token_is_free => {
            begin(portal, db, assignment, method, lengths, now).await
        }
        PersonalizationState::Done if same => Ok(newest),
        PersonalizationState::Done | PersonalizationState::GivenUp => Err(problems::OTHER_ASSIGNMENT.into()),
    }
}

async fn begin(
    portal: &Portal,
    db: &mut Conn,
    assignment: Assignment,
    method: UnlockMethod,
    lengths: (u8, u8),
    now: OffsetDateTime,
) -> Result<Personalization, Error> {
    if in_use(db, &assignment.token_id).await? {
        return Err(problems::ALREADY_PERSONALIZED.into());
    }
    tokens::ensure(db, portal.config(), &assignment.token_id).await?;
    let token = tokens::begin(portal, db, &assignment.token_id, method, lengths).await?;
    // With a version pending nobody knows which of the two is on the token, and a personalization guesses one only.
    if token.current.is_some() && token.next.is_some() {
        return Err(problems::SO_PIN_PENDING.into());
    }
    let so_pin = token.next.as_ref().or(token.current.as_ref()).ok_or(Error::Sealed)?;
    let personalization = Personalization {
        no: orders::number(db, NUMBER, now).await?,
        assignment,
        method,
        so_pin_version: so_pin.version,
        unblock_key_version: token.unblock_key_version,
        openings: 0,
        state: PersonalizationState::Open,
        opened_at: now,
    };
    record::insert(db, &personalization).await?;
    Ok(personalization)
}

fn secrets(
    portal: &Portal,
    personalization: &Personalization,
    token: &Token,
    opening: u32,
    one_time_key: &PublicKey,
) -> Result<ReleaseAnswer, Error> {
    let version = personalization.so_pin_version;
    let so_pin = [&token.current, &token.next].into_iter().flatten().find(|escrow| escrow.version == version);
    let so_pin = tokens::escrowed(portal.secrets(), &token.token_id, so_pin.ok_or(Error::Sealed)?)?;
    let unblock_key = match personalization.unblock_key_version {
        0 => None,
        version => Some(portal.identity().unblock_key(version, &token.token_id)?),
    };
    let sealed = FirstSecrets { so_pin, unblock_key }
        .seal(one_time_key)
        .map_err(|error| Error::Stored(error.to_string()))?;
    let context = Context {
        purpose: Purpose::Personalize,
        portal: portal.name().into(),
        order: personalization.no.clone(),
        release: opening,
        method: method(personalization.method),
        token_id: token.token_id.clone(),
        certificate: [0; 32],
        one_time_key: one_time_key.fingerprint(),
        nonce: random::<32>()?.to_vec(),
        // Set where it is the one that a login has proven to be on the token: then the workstation may guess it.
        current_version: if token.current_version() == version { version } else { 0 },
        next_version: version,
        unblock_key_version: personalization.unblock_key_version,
        valid_seconds: RELEASE_SECONDS,
        pin: pin_rules(portal.config().project.pin),
    };
    sign_answer(portal, &context, sealed)
}
