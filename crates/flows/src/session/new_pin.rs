//! A new PIN from a person: typed twice, within the rules, and a yes where it is easily guessed.

use ycd_token::{Pin, PinPolicy, PinProblem, Weakness, weakness};

/// Who chooses a new PIN.
pub trait NewPinPrompter {
    /// The new PIN, typed twice; `None` ends the flow.
    fn new_pin(&mut self, question: &NewPinQuestion) -> Option<(Pin, Pin)>;

    /// The new PIN is easily guessed. Only an explicit yes counts; without it another one is asked for.
    fn accept_weak(&mut self, weakness: Weakness) -> bool;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPinQuestion {
    pub policy: PinPolicy,
    /// Why the one before was not taken.
    pub refused: Option<NewPinProblem>,
}

/// Why a new PIN is not taken. Nothing has been sent to the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NewPinProblem {
    #[error(transparent)]
    Policy(#[from] PinProblem),
    #[error("typed differently the second time")]
    Mismatch,
    #[error("the same as the old one")]
    SameAsOld,
    #[error("easily guessed")]
    Weak(Weakness),
    /// The token has a rule that it does not tell.
    #[error("not taken by the key")]
    ByTheToken,
}

impl NewPinProblem {
    /// Stable: maps to one sentence and one remedy per language.
    pub fn code(self) -> &'static str {
        match self {
            Self::Policy(refusal) => refusal.code(),
            Self::Mismatch => "pin.mismatch",
            Self::SameAsOld => "pin.same_as_old",
            Self::Weak(_) => "pin.weak",
            Self::ByTheToken => "pin.refused_by_token",
        }
    }
}

/// Asks until a PIN is taken. `old` is the one in force, where it is known; `refused` says why another one is asked
/// for.
///
/// # Errors
/// Why the last one was not taken, where no other was given; `None` where none was given at all.
pub fn ask<P: NewPinPrompter + ?Sized>(
    prompter: &mut P,
    policy: PinPolicy,
    old: Option<&Pin>,
    refused: Option<NewPinProblem>,
) -> Result<Pin, Option<NewPinProblem>> {
    let mut question = NewPinQuestion { policy, refused };
    loop {
        let Some((new, again)) = prompter.new_pin(&question) else { return Err(question.refused) };
        let refusal = match refusal(&new, &again, old, policy) {
            Some(refusal) => refusal,
            None => match weakness(&new) {
                Some(weak) if !prompter.accept_weak(weak) => NewPinProblem::Weak(weak),
                _ => return Ok(new),
            },
        };
        question.refused = Some(refusal);
    }
}

fn refusal(new: &Pin, again: &Pin, old: Option<&Pin>, policy: PinPolicy) -> Option<NewPinProblem> {
    if new != again {
        Some(NewPinProblem::Mismatch)
    } else if let Err(refusal) = policy.check(new) {
        Some(refusal.into())
    } else {
        (Some(new) == old).then_some(NewPinProblem::SameAsOld)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS_6_TO_8: PinPolicy = PinPolicy { min_len: 6, max_len: 8, digits_only: true };

    fn refused(new: &str, again: &str) -> Option<&'static str> {
        let (new, again, old) = (Pin::new(new), Pin::new(again), Pin::new("271828"));
        refusal(&new, &again, Some(&old), DIGITS_6_TO_8).map(NewPinProblem::code)
    }

    #[test]
    fn a_new_pin_is_refused_with_the_reason_that_helps() {
        assert_eq!(refused("314159", "314159"), None);
        assert_eq!(refused("314159", "314195"), Some("pin.mismatch"));
        assert_eq!(refused("31415", "31415"), Some("pin.too_short"));
        assert_eq!(refused("314159265", "314159265"), Some("pin.too_long"));
        assert_eq!(refused("3141x9", "3141x9"), Some("pin.not_digits"));
        assert_eq!(refused("271828", "271828"), Some("pin.same_as_old"));
    }
}
