//! Where the portal's time comes from: it alone decides terms, codes and sessions.

use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};

/// A source of time.
pub trait Clock: Send + Sync + 'static {
    /// Now, in UTC.
    fn now(&self) -> OffsetDateTime;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Clock for System {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// The machine's clock and an offset that can be moved: for demonstrations and tests, where a year passes at once.
#[derive(Debug, Default)]
pub struct Shifted {
    milliseconds: AtomicI64,
}

impl Shifted {
    pub fn new(offset: Duration) -> Self {
        let shifted = Self::default();
        shifted.advance(offset);
        shifted
    }

    /// Moves the clock; back, with a negative duration.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.whole_milliseconds()).unwrap_or(i64::MAX);
        self.milliseconds.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for Shifted {
    fn now(&self) -> OffsetDateTime {
        let offset = Duration::milliseconds(self.milliseconds.load(Ordering::SeqCst));
        OffsetDateTime::now_utc().saturating_add(offset)
    }
}
