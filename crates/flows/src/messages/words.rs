//! Words for what a token tells.

use ycd_token::{PinRetryCounter, Weakness};

use super::{Language, word, word_with};

/// How many tries are left, in the form the interface gives; empty where it tells nothing.
pub fn tries_word(retry_counter: PinRetryCounter, language: Language) -> String {
    let number =
        &[("n", if let PinRetryCounter::Exactly(n) = retry_counter { n.to_string() } else { String::new() })];
    match retry_counter {
        PinRetryCounter::Exactly(0) | PinRetryCounter::None | PinRetryCounter::NotLow => String::new(),
        PinRetryCounter::Exactly(_) => word_with("tries.exactly", language, number),
        PinRetryCounter::Low => word("tries.low", language),
        PinRetryCounter::FinalTry => word("tries.last", language),
    }
}

/// Why a PIN is easily guessed.
pub fn weakness_word(weakness: Weakness, language: Language) -> String {
    let name = match weakness {
        Weakness::WellKnown => "well_known",
        Weakness::Repeated => "repeated",
        Weakness::Sequence => "sequence",
        Weakness::Short => "short",
    };
    word(&format!("weakness.{name}"), language)
}
