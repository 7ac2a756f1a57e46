//! A production is opened, or taken up: the key's secrets, for the station's driver host alone.

use axum::{extract::State, http::StatusCode};
use time::{Duration, OffsetDateTime};
use ycd_pki::{
    PublicKey,
    unlock::{Context, FirstSecrets, Purpose},
};
use ycd_portal_api::{
    Problem,
    wire::{
        Bytes,
        keys::{OpenProduction, Production as View},
        unlock::{ReleaseAnswer, Road},
    },
};

use super::{
    assignment::Assignment,
    certificate::{give_up_unsigned, in_use, of_production},
    record::{self, Production, ProductionState},
    refusals,
};
use crate::{
    Error, Portal,
    attempts::refusals as taken,
    audit,
    db::Conn,
    http::{Answer, Change, Operator},
    keys::{self, Key},
    orders,
    secrets::random,
    unlock::{RELEASE_SECONDS, pin_rules, road, sign_answer},
};

/// What the numbers of productions begin with.
const NUMBER: &str = "PROD1";
/// The longest SO PIN that fits into a box.
const SO_PIN_LIMIT: u8 = 32;

/// Opens the production of a key, or takes it up: every answer brings the same secrets, sealed to the one-time key.
#[utoipa::path(post, path = "/operator/productions", request_body = OpenProduction, security(("session" = [])),
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = View), (status = "default", body = Problem)))]
pub async fn open(
    State(portal): State<Portal>,
    operator: Operator,
    change: Change<OpenProduction>,
) -> Answer {
    let body = &change.body;
    let invalid = |field: &str| Problem::new(refusals::INVALID).with("field", field);
    let one_time_key = PublicKey::from_spki_der(&body.one_time_key.0).map_err(|_| invalid("one_time_key"))?;
    let lengths = (body.so_pin_min_len, body.so_pin_max_len);
    if lengths.1 == 0 || lengths.0 > lengths.1 || lengths.0 > SO_PIN_LIMIT {
        return Err(invalid("so_pin_max_len").into());
    }

    let mut tx = change.begin(&portal, operator).await?;
    let now = tx.now();
    let assignment = Assignment {
        key_id: body.key_id.clone(),
        holder: body.holder.clone(),
        phone: body.phone.clone(),
        product: body.product.clone(),
        term_years: body.term_years,
    };
    let assignment = assignment.check(&portal, &mut tx, now).await?;
    let production = match record::newest(&mut tx, &assignment.key_id).await? {
        Some(newest) => take_up(&portal, &mut tx, newest, assignment, body.road, lengths, now).await?,
        None => begin(&portal, &mut tx, assignment, body.road, lengths, now).await?,
    };
    let key_id = production.assignment.key_id.clone();
    let mut given =
        ReleaseAnswer { context: Bytes(vec![]), sealed_box: Bytes(vec![]), signature: Bytes(vec![]) };
    if production.is_open() {
        let opening = record::count_opening(&mut tx, &production.no).await?;
        let key = keys::load(&mut tx, &key_id).await?;
        given = secrets(&portal, &production, &key, opening, &one_time_key)?;
        let actor = tx.actor().clone();
        let detail = format!("{} opening {opening}", production.no);
        audit::record(&mut tx, &actor, "production.open", &key_id, Some(&detail), now).await?;
    }
    let view = View {
        portal: portal.name().into(),
        certificate: of_production(&portal, &mut tx, &production.no).await?,
        done: production.state == ProductionState::Done,
        key_id,
        secrets: given,
    };
    tx.answer(StatusCode::OK, &view).await
}

/// The key's newest production where it is meant; a new one where that one has come to nothing.
async fn take_up(
    portal: &Portal,
    db: &mut Conn,
    newest: Production,
    assignment: Assignment,
    road: Road,
    lengths: (u8, u8),
    now: OffsetDateTime,
) -> Result<Production, Error> {
    let key_is_free = !in_use(db, &assignment.key_id).await?;
    let same = newest.assignment == assignment && newest.road == road;
    match newest.state {
        ProductionState::Open if same => Ok(newest),
        ProductionState::Open => {
            let held = Duration::days(i64::from(portal.config().project.production_days));
            if !key_is_free || now < newest.opened_at + held {
                return Err(refusals::OTHER_ASSIGNMENT.into());
            }
            record::end(db, &newest.no, ProductionState::GivenUp, now).await?;
            give_up_unsigned(db, &assignment.key_id, now).await?;
            begin(portal, db, assignment, road, lengths, now).await
        }
        ProductionState::Done if key_is_free => begin(portal, db, assignment, road, lengths, now).await,
        ProductionState::Done if same => Ok(newest),
        ProductionState::Done | ProductionState::GivenUp => Err(refusals::OTHER_ASSIGNMENT.into()),
    }
}

async fn begin(
    portal: &Portal,
    db: &mut Conn,
    assignment: Assignment,
    road: Road,
    lengths: (u8, u8),
    now: OffsetDateTime,
) -> Result<Production, Error> {
    if in_use(db, &assignment.key_id).await? {
        return Err(taken::ALREADY_PERSONALISED.into());
    }
    keys::ensure(db, portal.config(), &assignment.key_id).await?;
    let key = keys::begin(portal, db, &assignment.key_id, road, lengths).await?;
    // With a version pending nobody knows which of the two is on the key, and a production guesses one only.
    if key.current.is_some() && key.next.is_some() {
        return Err(refusals::SO_PIN_PENDING.into());
    }
    let so_pin = key.next.as_ref().or(key.current.as_ref()).ok_or(Error::Sealed)?;
    let production = Production {
        no: orders::number(db, NUMBER, now).await?,
        assignment,
        road,
        so_pin_version: so_pin.version,
        unblock_key_version: key.unblock_key_version,
        openings: 0,
        state: ProductionState::Open,
        opened_at: now,
    };
    record::insert(db, &production).await?;
    Ok(production)
}

fn secrets(
    portal: &Portal,
    production: &Production,
    key: &Key,
    opening: u32,
    one_time_key: &PublicKey,
) -> Result<ReleaseAnswer, Error> {
    let version = production.so_pin_version;
    let so_pin = [&key.current, &key.next].into_iter().flatten().find(|escrow| escrow.version == version);
    let so_pin = keys::escrowed(portal.secrets(), &key.key_id, so_pin.ok_or(Error::Sealed)?)?;
    let unblock_key = match production.unblock_key_version {
        0 => None,
        version => Some(portal.identity().unblock_key(version, &key.key_id)?),
    };
    let sealed = FirstSecrets { so_pin, unblock_key }
        .seal(one_time_key)
        .map_err(|error| Error::Stored(error.to_string()))?;
    let context = Context {
        purpose: Purpose::Produce,
        portal: portal.name().into(),
        order: production.no.clone(),
        release: opening,
        road: road(production.road),
        key_id: key.key_id.clone(),
        certificate: [0; 32],
        one_time_key: one_time_key.fingerprint(),
        nonce: random::<32>()?.to_vec(),
        // Set where it is the one that a login has proven to be on the key: then the station may guess it.
        current_version: if key.current_version() == version { version } else { 0 },
        next_version: version,
        unblock_key_version: production.unblock_key_version,
        valid_seconds: RELEASE_SECONDS,
        pin: pin_rules(portal.config().project.pin),
    };
    sign_answer(portal, &context, sealed)
}
