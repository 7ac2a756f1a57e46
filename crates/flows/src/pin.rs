//! A new PIN for a key whose PIN is known.
//!
//! [`PinChange::run`] is read from top to bottom: one key, its state, the old PIN, the new one twice, a yes where one
//! is due, the change. A PIN goes to the key because a person typed it for this, and never again by itself: where the
//! outcome is not known, the key is read and the person is told which of the two PINs to try first. Nothing is
//! recorded, as nothing is left to go on with.

use serde::Serialize;
use ycd_token::{KeyId, KeyInfo, Pin, PinPolicy, Token, TokenError, TriesLeft};

use crate::{
    conversation::Go,
    error::FlowError,
    lock::{KeyLock, KeyLocks},
    new_pin::{NewPinPerson, NewPinRefusal, ask},
};

/// What a change of the PIN works with.
pub struct PinChange<'a> {
    pub token: &'a mut dyn Token,
    pub person: &'a mut dyn PinPerson,
    pub locks: &'a KeyLocks,
    /// The key that is meant; without it exactly one may be inserted.
    pub key: Option<KeyId>,
    /// What the product asks of a new PIN, beside the key's own limits.
    pub policy: Option<PinPolicy>,
}

/// Who knows the PINs, behind a window or a terminal.
pub trait PinPerson: NewPinPerson {
    /// Told as it happens. [`Go::Stop`] ends the flow, which has changed nothing yet; what the last event answers
    /// makes no difference.
    fn tell(&mut self, event: &PinEvent) -> Go;

    /// The PIN in force; `None` ends the flow.
    fn old_pin(&mut self, question: &OldPinQuestion) -> Option<Pin>;

    /// One more wrong PIN locks the key. Only an explicit yes counts.
    fn accept_last_try(&mut self, key: &KeyInfo) -> bool;

    /// The key was pulled in the middle: whether it is in again, so that it can be read. May wait for it.
    fn put_back(&mut self, key: &KeyInfo) -> Go;
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PinEvent {
    /// This key, in this state (the initial PIN, tries left); a new PIN has to satisfy the policy.
    Found { key: KeyInfo, policy: PinPolicy },
    /// The key is being written and must stay in.
    Changing { key: KeyId },
    /// The key has proven by a login that the new PIN is in force.
    Changed { key: KeyId },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldPinQuestion {
    pub key: KeyInfo,
    pub tries: TriesLeft,
    /// The one before was wrong.
    pub again: bool,
}

/// One of the two PINs of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    Old,
    New,
}

/// Why the PIN was not changed; of all but [`OutcomeUnknown`](Self::OutcomeUnknown) the old PIN is in force.
#[derive(Debug, thiserror::Error)]
pub enum PinChangeError {
    /// No key, several, one that another program works on.
    #[error(transparent)]
    Flow(#[from] FlowError),
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Nobody has set a PIN on this key yet.
    #[error("the key has no PIN")]
    NotSet,
    /// What the key takes the product does not, and the other way round.
    #[error("no PIN satisfies both the key and the product")]
    NoneFits { key: PinPolicy, product: PinPolicy },
    /// No other PIN was given in the place of one that was not taken.
    #[error("the new PIN is not taken: {0}")]
    Refused(NewPinRefusal),
    #[error("the last try was not agreed to")]
    LastTry,
    #[error("stopped by the user")]
    Stopped,
    /// The driver or the key stopped in the middle of the change: one of the two is in force.
    #[error("either the old or the new PIN is in force")]
    OutcomeUnknown {
        key: KeyId,
        /// Which of them what the key shows speaks for.
        try_first: Which,
        /// As the key tells now; `None` where it could not be read.
        tries: Option<TriesLeft>,
    },
}

impl PinChangeError {
    /// Stable: maps to one sentence and one remedy per language.
    pub fn code(&self) -> &str {
        match self {
            Self::Flow(source) => source.code(),
            Self::Token(source) => source.code(),
            Self::NotSet => "pin.not_set",
            Self::NoneFits { .. } => "pin.none_fits",
            Self::Refused(refusal) => refusal.code(),
            Self::LastTry => "pin.last_try",
            Self::Stopped => "pin.stopped",
            Self::OutcomeUnknown { .. } => "pin.outcome_unknown",
        }
    }
}

type Result<T, E = PinChangeError> = std::result::Result<T, E>;

impl PinChange<'_> {
    /// Gives the key as it is with its new PIN.
    pub fn run(mut self) -> Result<KeyInfo> {
        // One key, and no other assistant of this machine at work on it.
        let (key, _lock) = self.find()?;
        if key.pin.tries.is_locked() {
            return Err(TokenError::PinLocked.into());
        }
        if !key.pin.is_set {
            return Err(PinChangeError::NotSet);
        }
        let policy = both(&key, self.policy)?;
        self.tell(&PinEvent::Found { key: key.clone(), policy })?;

        let mut question = OldPinQuestion { tries: key.pin.tries, key: key.clone(), again: false };
        let mut taken: Option<Pin> = None;
        loop {
            // The old PIN is what it is: no rule is held against it. A wrong one is asked for again, never sent again.
            let Some(old) = self.person.old_pin(&question) else {
                return Err(if question.again {
                    TokenError::PinIncorrect { tries: question.tries }.into()
                } else {
                    PinChangeError::Stopped
                });
            };
            let new = match taken.take() {
                Some(new) if new != old => new,
                Some(_) => self.new_pin(&old, policy, Some(NewPinRefusal::SameAsOld))?,
                None => self.new_pin(&old, policy, None)?,
            };
            if question.tries.is_last() && !self.person.accept_last_try(&key) {
                return Err(PinChangeError::LastTry);
            }
            self.tell(&PinEvent::Changing { key: key.key_id.clone() })?;
            match self.token.change_pin(&key.key_id, &old, &new) {
                Ok(()) => break,
                Err(TokenError::PinIncorrect { tries }) => {
                    (question.tries, question.again) = (tries, true);
                    taken = Some(new);
                }
                Err(TokenError::Unknown { .. }) => return Err(self.not_known(&key)),
                Err(error) => return Err(error.into()),
            }
        }
        self.person.tell(&PinEvent::Changed { key: key.key_id.clone() });
        // A key that is pulled now has its new PIN all the same.
        Ok(self.state_of(&key.key_id).ok().flatten().unwrap_or(key))
    }

    fn find(&mut self) -> Result<(KeyInfo, KeyLock)> {
        let mut keys = self.token.keys()?;
        if let Some(wanted) = &self.key {
            keys.retain(|key| key.key_id == *wanted);
        }
        let key = match keys.len() {
            0 => return Err(FlowError::NoKey.into()),
            1 => keys.remove(0).key_id,
            _ => {
                let keys = keys.into_iter().map(|key| key.key_id).collect();
                return Err(FlowError::SeveralKeys { keys }.into());
            }
        };
        let lock = self.locks.lock(&key)?;
        // Whoever had the lock until now may have spent a try.
        let state = self.state_of(&key)?.ok_or(TokenError::Removed)?;
        Ok((state, lock))
    }

    fn state_of(&mut self, key: &KeyId) -> Result<Option<KeyInfo>, TokenError> {
        Ok(self.token.keys()?.into_iter().find(|found| found.key_id == *key))
    }

    fn new_pin(&mut self, old: &Pin, policy: PinPolicy, refused: Option<NewPinRefusal>) -> Result<Pin> {
        ask(self.person, policy, Some(old), refused)
            .map_err(|refused| refused.map_or(PinChangeError::Stopped, PinChangeError::Refused))
    }

    /// Reads the key again, and tries nothing.
    fn not_known(&mut self, before: &KeyInfo) -> PinChangeError {
        let after = loop {
            match self.state_of(&before.key_id) {
                Ok(None) | Err(TokenError::Removed) if self.person.put_back(before) == Go::On => {}
                Ok(after) => break after,
                Err(_) => break None,
            }
        };
        PinChangeError::OutcomeUnknown {
            key: before.key_id.clone(),
            try_first: after.as_ref().map_or(Which::New, |after| more_likely(before, after)),
            tries: after.map(|key| key.pin.tries),
        }
    }

    fn tell(&mut self, event: &PinEvent) -> Result<()> {
        match self.person.tell(event) {
            Go::On => Ok(()),
            Go::Stop => Err(PinChangeError::Stopped),
        }
    }
}

/// What satisfies key and product; an answer before anybody is asked for anything.
fn both(key: &KeyInfo, product: Option<PinPolicy>) -> Result<PinPolicy> {
    let key = PinPolicy::of_key(&key.pin);
    let product = product.unwrap_or(key);
    key.and(product).ok_or(PinChangeError::NoneFits { key, product })
}

/// What the key's state after a change that nobody saw the end of speaks for. A change that took effect ends with a
/// counter that is full and a PIN that is no longer the initial one; where a key tells neither, nothing speaks against
/// the new PIN, and a right one after a wrong one fills the counter again.
fn more_likely(before: &KeyInfo, after: &KeyInfo) -> Which {
    let low = match (before.pin.tries, after.pin.tries) {
        (TriesLeft::Exactly(before), TriesLeft::Exactly(after)) => after < before || after == 1,
        (_, after) => matches!(after, TriesLeft::Low | TriesLeft::Last | TriesLeft::None),
    };
    if low || after.pin.is_initial { Which::Old } else { Which::New }
}

#[cfg(test)]
mod tests;
