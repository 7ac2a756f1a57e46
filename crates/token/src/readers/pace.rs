//! How fast the watcher may turn, whatever the service does.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So many turns in a second are taken at once; a person's hands make fewer.
const FREE: usize = 10;
/// Before each turn beyond those.
const BREATH: Duration = Duration::from_millis(200);
/// After a call that came back though nothing had changed; doubled each time up to the second.
const FIRST_EMPTY: Duration = Duration::from_millis(50);
const LONGEST_EMPTY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Pace {
    turns: VecDeque<Instant>,
    empty: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { turns: VecDeque::new(), empty: FIRST_EMPTY }
    }
}

impl Pace {
    /// How long to pause after a turn that ended at `now`. `changed`: whether the service had reported anything.
    pub fn after(&mut self, now: Instant, changed: bool) -> Duration {
        if !changed {
            let pause = self.empty;
            self.empty = (self.empty * 2).min(LONGEST_EMPTY);
            return pause;
        }
        self.empty = FIRST_EMPTY;
        self.turns.push_back(now);
        if self.turns.len() > FREE {
            self.turns.pop_front();
        }
        let within_a_second = self.turns.front().is_some_and(|first| now - *first < Duration::from_secs(1));
        if self.turns.len() == FREE && within_a_second { BREATH } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_does_not_block_is_made_ever_more_rarely_until_something_changes() {
        let mut pace = Pace::default();
        let now = Instant::now();
        let pauses: Vec<u128> = (0..7).map(|_| pace.after(now, false).as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1000, 1000]);
        pace.after(now, true);
        assert_eq!(pace.after(now, false), FIRST_EMPTY);
    }

    #[test]
    fn changes_are_looked_at_without_delay_until_there_are_too_many() {
        let mut pace = Pace::default();
        let begun = Instant::now();
        // Twenty changes a second, as a card that bounces ten times makes them.
        let pauses: Vec<Duration> =
            (0..20).map(|i| pace.after(begun + i * Duration::from_millis(50), true)).collect();
        assert!(pauses[..9].iter().all(Duration::is_zero));
        assert!(pauses[9..].iter().all(|pause| *pause == BREATH));
        assert!(pace.after(begun + Duration::from_secs(10), true).is_zero());
    }
}
