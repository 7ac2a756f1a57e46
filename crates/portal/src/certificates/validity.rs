//! When a new certificate begins and ends.

use time::{Date, Month, OffsetDateTime, util::days_in_month};
use ycd_portal_api::wire::catalogue::ValidityStart;

/// Validity of a certificate, UTC, both ends inclusive (RFC 5280 4.1.2.5), whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidityPeriod {
    pub not_before: OffsetDateTime,
    pub not_after: OffsetDateTime,
}

/// The term of a certificate that takes the place of one that ends at `old_end`, issued at `now`.
///
/// It is valid from `now` on in any case, so that it can be proven on the token at once; with [`ValidityStart::OldEnd`]
/// the years are counted from the old end, where that is still to come.
pub fn renewed_validity(
    start: ValidityStart,
    old_end: OffsetDateTime,
    years: u8,
    now: OffsetDateTime,
) -> ValidityPeriod {
    let counted_from = match start {
        ValidityStart::OldEnd => old_end.max(now),
        ValidityStart::Today => now,
    };
    ValidityPeriod { not_before: whole_second(now), not_after: whole_second(add_years(counted_from, years)) }
}

/// The same day years later; 28 February for the 29th where there is none.
fn add_years(at: OffsetDateTime, years: u8) -> OffsetDateTime {
    let date = at.date();
    let year = date.year() + i32::from(years);
    let day = date.day().min(days_in_month(date.month(), year));
    Date::from_calendar_date(year, date.month(), day)
        .or_else(|_| Date::from_calendar_date(9999, Month::December, 31))
        .map_or(at, |date| at.replace_date(date))
}

fn whole_second(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(0).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_renewed_validity_is_counted_from_the_old_end_where_the_project_says_so() {
        let validity = renewed_validity(
            ValidityStart::OldEnd,
            datetime!(2026-12-20 08:00 UTC),
            1,
            datetime!(2026-12-01 09:30 UTC),
        );
        assert_eq!(validity.not_before, datetime!(2026-12-01 09:30 UTC));
        assert_eq!(validity.not_after, datetime!(2027-12-20 08:00 UTC));
    }

    #[test]
    fn no_day_of_the_past_is_sold() {
        let now = datetime!(2027-01-05 09:30:00.25 UTC);
        let validity = renewed_validity(ValidityStart::OldEnd, datetime!(2026-12-20 08:00 UTC), 2, now);
        assert_eq!(validity.not_after, datetime!(2029-01-05 09:30 UTC));
    }

    #[test]
    fn a_leap_day_ends_on_the_last_of_february() {
        let now = datetime!(2028-02-29 12:00 UTC);
        assert_eq!(
            renewed_validity(ValidityStart::Today, now, 1, now).not_after,
            datetime!(2029-02-28 12:00 UTC)
        );
    }
}
