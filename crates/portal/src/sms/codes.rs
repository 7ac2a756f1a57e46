//! SMS codes and step-ups.

use sqlx::Row as _;
use std::net::IpAddr;
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};
use ycd_portal_api::{
    problem::{Problem, kinds},
    wire::{
        login::{CodeSent, Purpose, StepUp},
        masked_phone,
    },
};
use zeroize::Zeroizing;

use super::{provider::Message, send::queue};
use crate::{
    Error, Portal,
    config::SmsRules,
    db::{Conn, millis, moment},
    http::User,
    secrets::{new_bearer, random},
};

/// Minutes a step-up is good for.
const STEP_UP_MINUTES: i64 = 10;

/// For what a code is: another purpose, order, token or phone needs another.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub phone: &'a str,
    pub purpose: Purpose,
    /// Order number; the token's id for an unlock, empty for a login.
    pub subject: &'a str,
}

/// How a code was taken.
#[derive(Debug)]
pub enum Tried {
    Right,
    /// To be answered, with the transaction committed: a try has been used up.
    Wrong(Problem),
}

/// Makes a code and queues its message. `sms.too_soon` and `sms.limit`, both with `retry_after` in seconds.
pub async fn send(
    portal: &Portal,
    db: &mut Conn,
    scope: Scope<'_>,
    address: IpAddr,
    now: OffsetDateTime,
) -> Result<CodeSent, Error> {
    let rules = portal.config().sms;
    check_limits(db, &rules, scope, address, now).await?;
    let code = code()?;
    sqlx::query(
        "UPDATE sms_codes SET used = 1 WHERE phone = $1 AND purpose = $2 AND subject = $3 AND used = 0",
    )
    .bind(scope.phone)
    .bind(scope.purpose.name())
    .bind(scope.subject)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO sms_codes (phone, purpose, subject, code, address, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(scope.phone)
    .bind(scope.purpose.name())
    .bind(scope.subject)
    .bind(hash(portal, scope, &code).as_slice())
    .bind(address.to_string())
    .bind(millis(now))
    .bind(millis(now + Duration::seconds(i64::from(rules.valid_for))))
    .execute(&mut *db)
    .await?;
    let text = format!(
        "【{}】{}验证码 {}，{}秒内有效，请勿告诉他人。",
        portal.config().project.name,
        wording(scope),
        code.as_str(),
        rules.valid_for
    );
    let order = match scope.purpose {
        Purpose::Login | Purpose::Unlock => None,
        Purpose::OrderConfirm | Purpose::Replace | Purpose::Abandon => Some(scope.subject.to_owned()),
    };
    queue(portal, db, &Message { phone: scope.phone.into(), text, code: Some(code.to_string()), order }, now)
        .await?;
    Ok(CodeSent {
        phone: masked_phone(scope.phone),
        valid_for: rules.valid_for.into(),
        next_after: rules.next_after.into(),
    })
}

/// Takes the newest code of this scope; a right one is used up by it, a wrong one costs a try.
pub async fn try_code(
    portal: &Portal,
    db: &mut Conn,
    scope: Scope<'_>,
    code: &str,
    now: OffsetDateTime,
) -> Result<Tried, Error> {
    let row = sqlx::query(
        "SELECT id, code, tries FROM sms_codes
         WHERE phone = $1 AND purpose = $2 AND subject = $3 AND used = 0 AND expires_at > $4
         ORDER BY id DESC LIMIT 1",
    )
    .bind(scope.phone)
    .bind(scope.purpose.name())
    .bind(scope.subject)
    .bind(millis(now))
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(Tried::Wrong(kinds::CODE_EXPIRED.into())) };
    let (id, tries, stored): (i64, u16, Vec<u8>) =
        (row.try_get("id")?, row.try_get("tries")?, row.try_get("code")?);
    let allowed = portal.config().sms.tries;
    if tries >= allowed {
        return Ok(Tried::Wrong(kinds::CODE_EXHAUSTED.into()));
    }
    if bool::from(hash(portal, scope, code).as_slice().ct_eq(&stored)) {
        sqlx::query("UPDATE sms_codes SET used = 1 WHERE id = $1").bind(id).execute(db).await?;
        return Ok(Tried::Right);
    }
    sqlx::query("UPDATE sms_codes SET tries = tries + 1 WHERE id = $1").bind(id).execute(db).await?;
    let left = allowed - tries - 1;
    let kind = if left == 0 { kinds::CODE_EXHAUSTED } else { kinds::CODE_WRONG };
    Ok(Tried::Wrong(Problem::new(kind).with("tries_left", left)))
}

/// Makes a step-up for one purpose, order and user.
pub(super) async fn grant_step_up(
    portal: &Portal,
    db: &mut Conn,
    purpose: Purpose,
    order: &str,
    user: &User,
    now: OffsetDateTime,
) -> Result<StepUp, Error> {
    let ticket = new_bearer()?;
    let expires_at = now + Duration::minutes(STEP_UP_MINUTES);
    sqlx::query(
        "INSERT INTO step_ups (ticket, purpose, order_no, user_id, expires_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(step_up_hash(portal, &ticket).as_slice())
    .bind(purpose.name())
    .bind(order)
    .bind(user.id)
    .bind(millis(expires_at))
    .execute(db)
    .await?;
    Ok(StepUp { step_up: ticket.to_string(), expires_at: expires_at.into() })
}

/// Uses a step-up up, in the transaction of the act that it is for. `auth.step_up_invalid` where it was made for
/// another purpose, order or user, is too old, or has been used.
pub async fn spend_step_up(
    portal: &Portal,
    db: &mut Conn,
    step_up: &str,
    purpose: Purpose,
    order: &str,
    user: &User,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let spent = sqlx::query(
        "UPDATE step_ups SET used = 1
         WHERE ticket = $1 AND purpose = $2 AND order_no = $3 AND user_id = $4 AND used = 0 AND expires_at > $5",
    )
    .bind(step_up_hash(portal, step_up).as_slice())
    .bind(purpose.name())
    .bind(order)
    .bind(user.id)
    .bind(millis(now))
    .execute(db)
    .await?;
    if spent.rows_affected() == 1 { Ok(()) } else { Err(kinds::STEP_UP_INVALID.into()) }
}

/// Forgets codes and step-ups that count for nothing any more, not even for a limit.
pub(crate) async fn forget_old(portal: &Portal) -> Result<(), Error> {
    let now = portal.now();
    let mut tx = portal.db().write().await?;
    sqlx::query("DELETE FROM sms_codes WHERE created_at < $1")
        .bind(millis(now - Duration::days(2)))
        .execute(&mut *tx)
        .await?;
    sqlx::query("DELETE FROM step_ups WHERE expires_at < $1").bind(millis(now)).execute(&mut *tx).await?;
    tx.commit().await
}

async fn check_limits(
    db: &mut Conn,
    rules: &SmsRules,
    scope: Scope<'_>,
    address: IpAddr,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let last: Option<i64> = sqlx::query(
        "SELECT max(created_at) FROM sms_codes WHERE phone = $1 AND purpose = $2 AND subject = $3",
    )
    .bind(scope.phone)
    .bind(scope.purpose.name())
    .bind(scope.subject)
    .fetch_one(&mut *db)
    .await?
    .try_get(0)?;
    if let Some(last) = last {
        let wait = moment(last) + Duration::seconds(i64::from(rules.next_after)) - now;
        if wait.is_positive() {
            // Part of a second is a second to wait.
            let seconds = wait.whole_seconds() + i64::from(wait.subsec_nanoseconds() > 0);
            return Err(Problem::new(kinds::SMS_TOO_SOON).with("retry_after", seconds).into());
        }
    }
    let address = address.to_string();
    for (column, value, span, allowed) in [
        (Column::Phone, scope.phone, Duration::HOUR, rules.per_phone_and_hour),
        (Column::Phone, scope.phone, Duration::DAY, rules.per_phone_and_day),
        (Column::Address, &address, Duration::HOUR, rules.per_address_and_hour),
    ] {
        let sql = match column {
            Column::Phone => "SELECT count(*) FROM sms_codes WHERE phone = $1 AND created_at > $2",
            Column::Address => "SELECT count(*) FROM sms_codes WHERE address = $1 AND created_at > $2",
        };
        let sent: i64 =
            sqlx::query(sql).bind(value).bind(millis(now - span)).fetch_one(&mut *db).await?.try_get(0)?;
        if sent >= i64::from(allowed) {
            return Err(Problem::new(kinds::SMS_LIMIT).with("retry_after", span.whole_seconds()).into());
        }
    }
    Ok(())
}

enum Column {
    Phone,
    Address,
}

/// Six digits, each as likely as any other.
fn code() -> Result<Zeroizing<String>, Error> {
    // 2³² is no multiple of 10⁶: the uneven rest is thrown again.
    const EVEN: u32 = u32::MAX - u32::MAX % 1_000_000;
    loop {
        let number = u32::from_be_bytes(random()?);
        if number < EVEN {
            return Ok(Zeroizing::new(format!("{:06}", number % 1_000_000)));
        }
    }
}

fn hash(portal: &Portal, scope: Scope<'_>, code: &str) -> [u8; 32] {
    let parts = [scope.phone, scope.purpose.name(), scope.subject, code];
    portal.secrets().mac("sms code", &parts.map(str::as_bytes))
}

fn step_up_hash(portal: &Portal, ticket: &str) -> [u8; 32] {
    portal.secrets().mac("step-up", &[ticket.as_bytes()])
}

fn wording(scope: Scope<'_>) -> String {
    match scope.purpose {
        Purpose::Login => "登录".into(),
        Purpose::OrderConfirm => format!("您正在提交订单 {}，", scope.subject),
        Purpose::Replace => format!("您正在同意删除订单 {} 的旧密钥，", scope.subject),
        Purpose::Abandon => format!("您正在放弃订单 {} 的本次制证，", scope.subject),
        Purpose::Unlock => "您正在解锁 USBKEY，".into(),
    }
}
