//! An unlock order, with what it has beside the order itself.

use sqlx::Row as _;
use ycd_portal_api::problem::unlock as problems;
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::{
        orders::OrderKind,
        unlock::{UnlockForm, UnlockOrder},
    },
};

use crate::{
    Error, Portal,
    certificates::{self, Certificate, RecordState},
    db::Conn,
    http::{Actor, User},
    orders::{self, InternalStatus, Order},
    tokens,
};

/// Releases that can be had without an operator.
pub const RELEASES: u32 = 3;

/// An unlock order.
pub struct Unlock {
    pub order: Order,
    was_locked: bool,
    pub releases_allowed: u32,
}

impl Unlock {
    /// `order.not_found` also for an order of another kind.
    pub async fn load(db: &mut Conn, no: &str) -> Result<Self, Error> {
        let order = orders::load(db, no).await?;
        let row = sqlx::query("SELECT was_locked, releases_allowed FROM unlocks WHERE order_no = $1")
            .bind(no)
            .fetch_optional(db)
            .await?
            .ok_or(kinds::ORDER_UNKNOWN)?;
        Ok(Self {
            order,
            was_locked: row.try_get("was_locked")?,
            releases_allowed: row.try_get("releases_allowed")?,
        })
    }

    /// The token's open one.
    pub async fn open_of(db: &mut Conn, token_id: &str) -> Result<Option<Self>, Error> {
        let row = sqlx::query("SELECT no FROM orders WHERE token_id = $1 AND open = 1 AND kind = $2")
            .bind(token_id)
            .bind(OrderKind::Unlock.name())
            .fetch_optional(&mut *db)
            .await?;
        match row {
            Some(row) => Ok(Some(Self::load(db, row.try_get("no")?).await?)),
            None => Ok(None),
        }
    }

    /// Its days are over, though nobody has closed it yet.
    pub fn is_late(&self, portal: &Portal) -> bool {
        self.order.internal_status == InternalStatus::AwaitingUnlock
            && self.order.work_until(portal).is_some_and(|until| portal.now() > until)
    }

    /// `unlock.not_ready` unless secrets may be released for it now. A proof is taken longer: what it proves is done.
    pub fn check_in_time(&self, portal: &Portal) -> Result<(), Error> {
        self.check_ready()?;
        if self.is_late(portal) {
            return Err(Problem::new(problems::NOT_READY).with("state", self.order.state).into());
        }
        Ok(())
    }

    /// `unlock.not_ready` unless a new PIN can be set now.
    pub fn check_ready(&self) -> Result<(), Error> {
        if self.order.internal_status == InternalStatus::AwaitingUnlock {
            return Ok(());
        }
        let problem = Problem::new(problems::NOT_READY).with("state", self.order.state);
        Err(problem.with("note", self.order.internal_status.note()).into())
    }

    /// The certificate bound in it. `certificate.revoked`
    pub async fn certificate(&self, db: &mut Conn) -> Result<Certificate, Error> {
        let certificate = certificates::load(db, &self.order.certificate).await?;
        if certificate.state == RecordState::Revoked {
            return Err(kinds::CERTIFICATE_REVOKED.into());
        }
        Ok(certificate)
    }

    /// In whose name the holder of its token acts.
    pub fn applicant(&self) -> Actor {
        Actor::Applicant(User { id: self.order.user_id, phone: self.order.phone.clone() })
    }

    pub async fn view(&self, portal: &Portal, db: &mut Conn) -> Result<UnlockOrder, Error> {
        let order = &self.order;
        let newest_release = newest_release(db, &order.no).await?;
        Ok(UnlockOrder {
            no: order.no.clone(),
            state: order.state,
            note: order.internal_status.note(),
            token_id: order.token_id.clone(),
            method: tokens::load(db, &order.token_id).await?.method,
            pin: portal.config().project.pin,
            was_locked: self.was_locked,
            newest_release,
            releases_left: self.releases_allowed.saturating_sub(newest_release),
            reject_reason: order.reject_reason.clone(),
            created_at: order.created_at.into(),
        })
    }
}

/// Number of an order's newest release; 0 before the first.
pub async fn newest_release(db: &mut Conn, no: &str) -> Result<u32, Error> {
    let row = sqlx::query("SELECT coalesce(max(number), 0) FROM unlock_releases WHERE order_no = $1")
        .bind(no)
        .fetch_one(db)
        .await?;
    Ok(row.try_get(0)?)
}

/// What the applicant wrote for the operator; `None` for orders of another kind.
pub async fn form(db: &mut Conn, no: &str) -> Result<Option<UnlockForm>, Error> {
    let row = sqlx::query("SELECT used_at, note FROM unlocks WHERE order_no = $1")
        .bind(no)
        .fetch_optional(db)
        .await?;
    row.map(|row| Ok(UnlockForm { used_at: row.try_get("used_at")?, note: row.try_get("note")? })).transpose()
}
