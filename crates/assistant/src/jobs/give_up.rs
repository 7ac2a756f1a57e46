//! An attempt of a renewal is given up: what it has put on the token counts no more, the old certificate stays.

use ycd_flows::renewal::{Options, Step};

use super::{
    JobContext, ended, failed,
    renewal::{AtScreen, broken_off, with_machine},
    state::Localized,
};
use crate::view::{JobKind, Outcome};

pub(super) const STEPS: [Step; 4] = [Step::FindToken, Step::Open, Step::Pin, Step::GiveUp];

pub(super) fn run(context: &JobContext, order: &str) -> Localized<Outcome> {
    let mut prompter = AtScreen { context, kind: JobKind::GiveUp, finished: None, not_registered: None };
    let outcome = with_machine(context, &mut prompter, Options::default(), |renewal, journal| {
        let next = renewal.abandon(order)?;
        // Nothing is left of it that could go on; the order itself stands.
        journal.close(&next.portal, &next.order)?;
        Ok(next.attempts_left)
    });
    match outcome {
        Ok(Ok(attempts_left)) => ended(Outcome::GivenUp { attempts_left }),
        Ok(Err(error)) => broken_off(error, JobKind::GiveUp),
        Err(error) => failed(error, None, true),
    }
}
