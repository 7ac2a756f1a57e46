//! An attempt of a renewal is given up: what it has put on the key counts no more, the old certificate stays.

use ycd_flows::renewal::{Options, Step};

use super::{
    Bench,
    board::Said,
    ended, failed,
    renewal::{AtScreen, broken_off, with_machine},
};
use crate::view::{Outcome, WorkKind};

pub(super) const STEPS: [Step; 4] = [Step::FindKey, Step::Open, Step::Pin, Step::GiveUp];

/// Of the last of them.
pub(super) const NUMBER: u32 = 4;

pub(super) fn run(bench: &Bench, order: &str) -> Said<Outcome> {
    let mut person = AtScreen { bench, kind: WorkKind::GiveUp, finished: None, not_registered: None };
    let outcome = with_machine(bench, &mut person, Options::default(), |renewal, journal| {
        let next = renewal.abandon(order)?;
        // Nothing is left of it that could go on; the order itself stands.
        journal.close(&next.portal, &next.order)?;
        Ok(next.attempts_left)
    });
    match outcome {
        Ok(Ok(attempts_left)) => ended(Outcome::GivenUp { attempts_left }),
        Ok(Err(error)) => broken_off(error, WorkKind::GiveUp),
        Err(error) => failed(error, None, true),
    }
}
