use ycd_token::PinState;

use super::*;

const DIGITS_6_TO_8: PinPolicy = PinPolicy { min_len: 6, max_len: 8, digits_only: true };

fn token(retry_counter: PinRetryCounter, is_initial: bool) -> TokenInfo {
    TokenInfo {
        token_id: TokenId::new("softkey", "3F21"),
        profile: "softkey".into(),
        label: String::new(),
        serial_number: "3F21".into(),
        manufacturer: String::new(),
        model: String::new(),
        slot: 0,
        pin: PinState { retry_counter, is_set: true, is_initial, min_len: 4, max_len: 16 },
    }
}

#[test]
fn a_new_pin_satisfies_the_token_and_the_product_or_nothing_is_asked() {
    let token = token(PinRetryCounter::NotLow, false);
    assert_eq!(both(&token, None).unwrap(), PinPolicy { min_len: 4, max_len: 16, digits_only: false });
    assert_eq!(both(&token, Some(DIGITS_6_TO_8)).unwrap(), DIGITS_6_TO_8);
    let longer = PinPolicy { min_len: 17, max_len: 32, digits_only: false };
    assert_eq!(both(&token, Some(longer)).unwrap_err().code(), "pin.none_fits");
}

#[test]
fn after_a_change_that_nobody_saw_the_end_of_the_token_tells_which_pin_to_try_first() {
    use PinRetryCounter::{Exactly, FinalTry, Low, NotLow};
    let first = |before, after| more_likely(&before, &after);
    // The initial PIN tells by itself whether it was changed.
    assert_eq!(first(token(NotLow, true), token(NotLow, true)), Which::Old);
    assert_eq!(first(token(NotLow, true), token(NotLow, false)), Which::New);
    // A change ends with a full counter.
    assert_eq!(first(token(NotLow, false), token(Low, false)), Which::Old);
    assert_eq!(first(token(FinalTry, false), token(FinalTry, false)), Which::Old);
    assert_eq!(first(token(Low, false), token(NotLow, false)), Which::New);
    assert_eq!(first(token(Exactly(6), false), token(Exactly(5), false)), Which::Old);
    assert_eq!(first(token(Exactly(1), false), token(Exactly(1), false)), Which::Old);
    assert_eq!(first(token(Exactly(3), false), token(Exactly(6), false)), Which::New);
    // Nothing speaks for either.
    assert_eq!(first(token(NotLow, false), token(NotLow, false)), Which::New);
}
