//! A new PIN for a token whose PIN is known.
//!
//! [`PinChange::run`] is read from top to bottom: one token, its state, the old PIN, the new one twice, a yes where one
//! is due, the change. A PIN goes to the token because a person typed it for this, and never again by itself: where the
//! outcome is not known, the token is read and the person is told which of the two PINs to try first. Nothing is
//! recorded, as nothing is left to go on with.

use serde::Serialize;
use std::ops::ControlFlow;
use ycd_token::{Pin, PinPolicy, PinRetryCounter, TokenAccess, TokenError, TokenId, TokenInfo};

use crate::session::{
    error::FlowError,
    lock::{TokenLock, TokenLocks},
    new_pin::{NewPinProblem, NewPinPrompter, ask},
};

/// What a change of the PIN works with.
pub struct PinChange<'a> {
    pub tokens: &'a mut dyn TokenAccess,
    pub prompter: &'a mut dyn PinChangePrompter,
    pub locks: &'a TokenLocks,
    /// The token that is meant; without it exactly one may be inserted.
    pub token: Option<TokenId>,
    /// What the product asks of a new PIN, beside the token's own limits.
    pub policy: Option<PinPolicy>,
}

/// Who knows the PINs, behind a window or a terminal.
pub trait PinChangePrompter: NewPinPrompter {
    /// Told as it happens. `ControlFlow::Break` ends the flow, which has changed nothing yet; what the last event
    /// answers makes no difference.
    fn tell(&mut self, event: &PinEvent) -> ControlFlow<()>;

    /// The PIN in force; `None` ends the flow.
    fn old_pin(&mut self, question: &OldPinQuestion) -> Option<Pin>;

    /// One more wrong PIN locks the token. Only an explicit yes counts.
    fn accept_last_try(&mut self, token: &TokenInfo) -> bool;

    /// The token was pulled in the middle: whether it is in again, so that it can be read. May wait for it.
    fn put_back(&mut self, token: &TokenInfo) -> ControlFlow<()>;
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PinEvent {
    /// This token, in this state (the initial PIN, tries left); a new PIN has to satisfy the policy.
    Found { token: TokenInfo, policy: PinPolicy },
    /// The token is being written and must stay in.
    Changing { token: TokenId },
    /// The token has proven by a login that the new PIN is in force.
    Changed { token: TokenId },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldPinQuestion {
    pub token: TokenInfo,
    pub retry_counter: PinRetryCounter,
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
    /// No token, several, one that another program works on.
    #[error(transparent)]
    Flow(#[from] FlowError),
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Nobody has set a PIN on this token yet.
    #[error("the token has no PIN")]
    NotSet,
    /// What the token takes the product does not, and the other way round.
    #[error("no PIN satisfies both the token and the product")]
    NoneFits { token: PinPolicy, product: PinPolicy },
    /// No other PIN was given in the place of one that was not taken.
    #[error("the new PIN is not taken: {0}")]
    Refused(NewPinProblem),
    #[error("the last try was not agreed to")]
    LastTry,
    #[error("stopped by the user")]
    Stopped,
    /// The driver or the token stopped in the middle of the change: one of the two is in force.
    #[error("either the old or the new PIN is in force")]
    OutcomeUnknown {
        token: TokenId,
        /// Which of them what the token shows speaks for.
        try_first: Which,
        /// As the token tells now; `None` where it could not be read.
        retry_counter: Option<PinRetryCounter>,
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
    /// Gives the token as it is with its new PIN.
    pub fn run(mut self) -> Result<TokenInfo> {
        // One token, and no other assistant of this machine at work on it.
        let (token, _lock) = self.find()?;
        if token.pin.retry_counter.is_locked() {
            return Err(TokenError::PinLocked.into());
        }
        if !token.pin.is_set {
            return Err(PinChangeError::NotSet);
        }
        let policy = both(&token, self.policy)?;
        self.tell(&PinEvent::Found { token: token.clone(), policy })?;

        let mut question =
            OldPinQuestion { retry_counter: token.pin.retry_counter, token: token.clone(), again: false };
        let mut taken: Option<Pin> = None;
        loop {
            // The old PIN is what it is: no rule is held against it. A wrong one is asked for again, never sent again.
            let Some(old) = self.prompter.old_pin(&question) else {
                return Err(if question.again {
                    TokenError::PinIncorrect { retry_counter: question.retry_counter }.into()
                } else {
                    PinChangeError::Stopped
                });
            };
            let new = match taken.take() {
                Some(new) if new != old => new,
                Some(_) => self.new_pin(&old, policy, Some(NewPinProblem::SameAsOld))?,
                None => self.new_pin(&old, policy, None)?,
            };
            if question.retry_counter.is_last() && !self.prompter.accept_last_try(&token) {
                return Err(PinChangeError::LastTry);
            }
            self.tell(&PinEvent::Changing { token: token.token_id.clone() })?;
            match self.tokens.change_pin(&token.token_id, &old, &new) {
                Ok(()) => break,
                Err(TokenError::PinIncorrect { retry_counter }) => {
                    (question.retry_counter, question.again) = (retry_counter, true);
                    taken = Some(new);
                }
                Err(TokenError::Unknown { .. }) => return Err(self.not_known(&token)),
                Err(error) => return Err(error.into()),
            }
        }
        let _ = self.prompter.tell(&PinEvent::Changed { token: token.token_id.clone() });
        // A token that is pulled now has its new PIN all the same.
        Ok(self.state_of(&token.token_id).ok().flatten().unwrap_or(token))
    }

    fn find(&mut self) -> Result<(TokenInfo, TokenLock)> {
        let mut tokens = self.tokens.list()?;
        if let Some(wanted) = &self.token {
            tokens.retain(|token| token.token_id == *wanted);
        }
        let token = match tokens.len() {
            0 => return Err(FlowError::NoToken.into()),
            1 => tokens.remove(0).token_id,
            _ => {
                let tokens = tokens.into_iter().map(|token| token.token_id).collect();
                return Err(FlowError::SeveralTokens { tokens }.into());
            }
        };
        let lock = self.locks.lock(&token)?;
        // Whoever had the lock until now may have spent a try.
        let state = self.state_of(&token)?.ok_or(TokenError::Removed)?;
        Ok((state, lock))
    }

    fn state_of(&mut self, token: &TokenId) -> Result<Option<TokenInfo>, TokenError> {
        Ok(self.tokens.list()?.into_iter().find(|found| found.token_id == *token))
    }

    fn new_pin(&mut self, old: &Pin, policy: PinPolicy, refused: Option<NewPinProblem>) -> Result<Pin> {
        ask(self.prompter, policy, Some(old), refused)
            .map_err(|refused| refused.map_or(PinChangeError::Stopped, PinChangeError::Refused))
    }

    /// Reads the token again, and tries nothing.
    fn not_known(&mut self, before: &TokenInfo) -> PinChangeError {
        let after = loop {
            match self.state_of(&before.token_id) {
                Ok(None) | Err(TokenError::Removed)
                    if self.prompter.put_back(before) == ControlFlow::Continue(()) => {}
                Ok(after) => break after,
                Err(_) => break None,
            }
        };
        PinChangeError::OutcomeUnknown {
            token: before.token_id.clone(),
            try_first: after.as_ref().map_or(Which::New, |after| more_likely(before, after)),
            retry_counter: after.map(|token| token.pin.retry_counter),
        }
    }

    fn tell(&mut self, event: &PinEvent) -> Result<()> {
        match self.prompter.tell(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(PinChangeError::Stopped),
        }
    }
}

/// What satisfies token and product; an answer before anybody is asked for anything.
fn both(token: &TokenInfo, product: Option<PinPolicy>) -> Result<PinPolicy> {
    let token = PinPolicy::of_token(&token.pin);
    let product = product.unwrap_or(token);
    token.and(product).ok_or(PinChangeError::NoneFits { token, product })
}

/// What the token's state after a change that nobody saw the end of speaks for. A change that took effect ends with a
/// counter that is full and a PIN that is no longer the initial one; where a token tells neither, nothing speaks
/// against the new PIN, and a right one after a wrong one fills the counter again.
fn more_likely(before: &TokenInfo, after: &TokenInfo) -> Which {
    let low = match (before.pin.retry_counter, after.pin.retry_counter) {
        (PinRetryCounter::Exactly(before), PinRetryCounter::Exactly(after)) => after < before || after == 1,
        (_, after) => {
            matches!(after, PinRetryCounter::Low | PinRetryCounter::FinalTry | PinRetryCounter::None)
        }
    };
    if low || after.pin.is_initial { Which::Old } else { Which::New }
}

#[cfg(test)]
mod tests;
