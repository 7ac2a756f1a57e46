//! Whether an SO PIN may be tried: by SO PIN a release can cost two tries, and the third must remain.

use ycd_pki::unlock::SoPinRetryCounter;
use ycd_portal_api::problem::unlock as problems;

use crate::{Error, tokens::Token};

/// Two guesses, and one that the operator still has.
const NEEDED: u32 = 3;

/// `unlock.so_pin_retry_counter_low`, `unlock.so_locked`. Where the token does not tell a number, every release of the
/// past that no login was proven for counts as a try lost.
pub fn check(token: &Token, retry_counter: SoPinRetryCounter) -> Result<(), Error> {
    let left = match retry_counter {
        SoPinRetryCounter::Full => return Ok(()),
        SoPinRetryCounter::None | SoPinRetryCounter::Exactly(0) => return Err(problems::SO_LOCKED.into()),
        SoPinRetryCounter::Exactly(left) => u32::from(left),
        SoPinRetryCounter::FinalTry => 1,
        SoPinRetryCounter::Low | SoPinRetryCounter::Unreadable => {
            u32::from(token.so_pin_retry_limit).saturating_sub(token.unproven_releases)
        }
    };
    if left >= NEEDED { Ok(()) } else { Err(problems::SO_PIN_RETRY_COUNTER_LOW.into()) }
}
