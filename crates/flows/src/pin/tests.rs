use ycd_token::PinState;

use super::*;

const DIGITS_6_TO_8: PinPolicy = PinPolicy { min_len: 6, max_len: 8, digits_only: true };

fn key(tries: TriesLeft, is_initial: bool) -> KeyInfo {
    KeyInfo {
        key_id: KeyId::new("softkey", "3F21"),
        profile: "softkey".into(),
        label: String::new(),
        serial_number: "3F21".into(),
        manufacturer: String::new(),
        model: String::new(),
        slot: 0,
        pin: PinState { tries, is_set: true, is_initial, min_len: 4, max_len: 16 },
    }
}

#[test]
fn a_new_pin_satisfies_the_key_and_the_product_or_nothing_is_asked() {
    let key = key(TriesLeft::NotLow, false);
    assert_eq!(both(&key, None).unwrap(), PinPolicy { min_len: 4, max_len: 16, digits_only: false });
    assert_eq!(both(&key, Some(DIGITS_6_TO_8)).unwrap(), DIGITS_6_TO_8);
    let longer = PinPolicy { min_len: 17, max_len: 32, digits_only: false };
    assert_eq!(both(&key, Some(longer)).unwrap_err().code(), "pin.none_fits");
}

#[test]
fn after_a_change_that_nobody_saw_the_end_of_the_key_tells_which_pin_to_try_first() {
    use TriesLeft::{Exactly, Last, Low, NotLow};
    let first = |before, after| more_likely(&before, &after);
    // The initial PIN tells by itself whether it was changed.
    assert_eq!(first(key(NotLow, true), key(NotLow, true)), Which::Old);
    assert_eq!(first(key(NotLow, true), key(NotLow, false)), Which::New);
    // A change ends with a full counter.
    assert_eq!(first(key(NotLow, false), key(Low, false)), Which::Old);
    assert_eq!(first(key(Last, false), key(Last, false)), Which::Old);
    assert_eq!(first(key(Low, false), key(NotLow, false)), Which::New);
    assert_eq!(first(key(Exactly(6), false), key(Exactly(5), false)), Which::Old);
    assert_eq!(first(key(Exactly(1), false), key(Exactly(1), false)), Which::Old);
    assert_eq!(first(key(Exactly(3), false), key(Exactly(6), false)), Which::New);
    // Nothing speaks for either.
    assert_eq!(first(key(NotLow, false), key(NotLow, false)), Which::New);
}
