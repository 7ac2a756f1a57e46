//! Whether an SO PIN may be tried: on the wrapped road a release can cost two tries, and the third must remain.

use ycd_pki::unlock::SoTries;

use super::refusals;
use crate::{Error, keys::Key};

/// Two guesses, and one that the operator still has.
const NEEDED: u32 = 3;

/// `unlock.so_tries_low`, `unlock.so_locked`. Where the key does not tell a number, every release of the past that no
/// login was proven for counts as a try lost.
pub fn check(key: &Key, tries: SoTries) -> Result<(), Error> {
    let left = match tries {
        SoTries::Full => return Ok(()),
        SoTries::None | SoTries::Exactly(0) => return Err(refusals::SO_LOCKED.into()),
        SoTries::Exactly(left) => u32::from(left),
        SoTries::Last => 1,
        SoTries::Low | SoTries::Unreadable => {
            u32::from(key.so_tries_max).saturating_sub(key.unproven_releases)
        }
    };
    if left >= NEEDED { Ok(()) } else { Err(refusals::SO_TRIES_LOW.into()) }
}
