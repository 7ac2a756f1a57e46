//! Unlock: a new PIN for a token whose PIN is locked or forgotten, in a way that survives a pulled token, a crash and a
//! lost connection, and never locks the token for good.
//!
//! One way in, [`Unlock::run`], whether the work begins or goes on, on this machine or another. `one_pass` is a list of
//! steps, read from top to bottom: find the token, ask the portal for the order, have the new PIN typed, have the
//! secrets released, set the PIN, prove it. Whenever something is not as expected it starts again at step 1. To the
//! person the two methods, SO PIN and challenge, are the same.
//!
//! The rules are those of `docs/protocols/unlock.md`, checked by the model named there; the numbers in comments are its
//! steps.

mod conversation;
mod error;
mod find;
mod new_pin;
mod order;
mod prove;
mod release;
mod set_pin;
mod step;

use std::ops::ControlFlow;
use ycd_pki::{cert::Certificate, unlock::UnlockMethod};
use ycd_portal_api::{
    ApiError, Client, problem,
    wire::{login::SessionToken, unlock::UnlockOffer},
};
use ycd_token::{OneTime, Pin, PinPolicy, TokenError, TokenId, TokenInfo, Unlocker};
use zeroize::Zeroizing;

pub use self::{
    conversation::{UnlockEvent, UnlockPrompter},
    error::UnlockError,
    step::UnlockStep,
};
use self::{error::Result, step::UnlockStep as Step};
use crate::session::{
    clock::Clock,
    journal::Journal,
    lock::TokenLocks,
    new_pin::NewPinProblem,
    passes::{self, Failure, Pass, Passes, start_again},
    prompts::TokenProblem,
    token_in_flow::TokenInFlow,
    trust::PinnedPortal,
};

/// What an unlock works with.
pub struct Unlock<'a> {
    /// Nobody's session is needed.
    pub portal: &'a Client,
    pub trust: &'a PinnedPortal,
    pub tokens: &'a mut dyn Unlocker,
    pub prompter: &'a mut dyn UnlockPrompter,
    pub journal: &'a Journal,
    pub locks: &'a TokenLocks,
    pub clock: &'a dyn Clock,
    pub options: Options,
}

#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The token that is meant; without it exactly one may be inserted.
    pub token: Option<TokenId>,
    /// The order that is meant.
    pub order: Option<String>,
}

/// How it ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The new PIN works.
    Unlocked { order: String, token: TokenId },
    /// An operator has to approve first; the token was not touched.
    AwaitsApproval { order: String, token: TokenId },
}

impl Unlock<'_> {
    /// Unlocks, or goes on with, what is inserted. After an error the same call goes on where the work stands.
    pub fn run(self) -> Result<Outcome> {
        passes::run(Running { unlock: self, kept: Kept::default() })
    }

    /// The steps, top to bottom. Whatever ends the pass before its last one says so where it stands.
    fn one_pass(&mut self, kept: &mut Kept) -> Result<Pass<Outcome>> {
        let (found, _lock) = self.find(kept)?;
        self.is_locked_or_forgotten(kept, &found)?;
        let Some((order, portal)) = self.order(kept, &found)? else {
            return start_again("the confirmation by SMS is over");
        };
        if let Some(ended) = self.has_ended(&found.token, &order)? {
            return Ok(ended);
        }
        if self.is_in_force_already(kept, &portal, &found, &order)? {
            return self.finish(&found.token, &order.no);
        }
        let new = self.new_pin(kept, &found)?;
        let Some(release) = self.release(kept, &portal, &found, &order)? else {
            return start_again("the release is no longer good");
        };
        if let Some(because) = self.set_pin(kept, &portal, &found, &release, &new)? {
            return start_again(because);
        }
        self.pin_is_set(kept, &found.token, &order)?;
        // 7. The SO PIN that this machine has used is put out of force.
        if found.method == UnlockMethod::SoPin && !self.rotate(&portal, &found.token, &release)? {
            return start_again("the release is no longer the newest");
        }
        self.prove_new_pin(&portal, &found, &order, &new)?;
        self.finish(&found.token, &order.no)
    }

    /// A call that may be repeated as often as the person wants while the portal cannot be reached.
    fn at_portal<T>(
        &mut self,
        step: Step,
        call: impl Fn(&Client) -> Result<T, ApiError>,
        portal: Option<&Client>,
    ) -> Result<T> {
        loop {
            match call(portal.unwrap_or(self.portal)) {
                Err(error)
                    if error.is_passing()
                        && self.prompter.portal_again(step, &error) == ControlFlow::Continue(()) => {}
                outcome => return outcome.map_err(|source| UnlockError::Portal { step, source }),
            }
        }
    }

    fn on_token<T>(
        &mut self,
        step: Step,
        act: impl FnOnce(&mut dyn Unlocker) -> Result<T, TokenError>,
    ) -> Result<T> {
        act(self.tokens).map_err(|source| UnlockError::Token { step, source })
    }

    /// `method`: once it is known.
    fn begins(&mut self, step: Step, method: Option<UnlockMethod>) -> Result<()> {
        let (usual, longest) = step.duration();
        let number = step.number(method.unwrap_or(UnlockMethod::SoPin));
        let of = method.map(Step::count);
        self.tell(step, &UnlockEvent::Begins { step, number, of, usual, longest })
    }

    fn tell(&mut self, step: Step, event: &UnlockEvent) -> Result<()> {
        match self.prompter.tell(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(UnlockError::Stopped { step }),
        }
    }
}

/// Step 1: what the work is about.
struct Found {
    token: TokenInfo,
    certificate: Certificate,
    offer: UnlockOffer,
    method: UnlockMethod,
    policy: PinPolicy,
}

/// What one run remembers from round to round. None of it decides what is true of token and order.
#[derive(Default)]
struct Kept {
    flow_token: TokenInFlow,
    grant: Option<Grant>,
    /// As typed.
    new_pin: Option<Pin>,
    /// Why it has to be typed anew.
    refused: Option<NewPinProblem>,
    /// The token has said yes to it in this run.
    in_force: bool,
    has_forgotten: bool,
    knows_no_earlier_pin: bool,
    one_time: Option<OneTime>,
}

impl Kept {
    /// The token has a rule of its own that it does not tell. Gives why to start again.
    fn type_another(&mut self) -> &'static str {
        self.new_pin = None;
        self.refused = Some(NewPinProblem::ByTheToken);
        "the token does not take this PIN"
    }
}

struct Grant {
    order: String,
    ticket: SessionToken,
    /// Made here, and known to nobody else but the portal.
    step_up: Zeroizing<String>,
}

fn session_is_over(error: &UnlockError) -> bool {
    let UnlockError::Portal { source, .. } = error else { return false };
    use problem::kinds::{AUTH_REQUIRED, SESSION_EXPIRED, STEP_UP_INVALID};
    source.is_any(&[STEP_UP_INVALID, AUTH_REQUIRED, SESSION_EXPIRED])
}

/// An unlock under way.
struct Running<'a> {
    unlock: Unlock<'a>,
    kept: Kept,
}

impl Passes for Running<'_> {
    type Outcome = Outcome;
    type Error = UnlockError;

    fn pass(&mut self) -> Result<Pass<Outcome>> {
        self.unlock.one_pass(&mut self.kept)
    }

    fn token(&mut self) -> &mut TokenInFlow {
        &mut self.kept.flow_token
    }

    fn token_again(&mut self, problem: &TokenProblem) -> ControlFlow<()> {
        self.unlock.prompter.token_again(problem)
    }

    fn starts_again(&mut self, because: String) -> Result<()> {
        self.unlock.tell(Step::FindToken, &UnlockEvent::StartsAgain { because })
    }
}

impl Failure for UnlockError {
    fn of_token(&self) -> Option<(&'static str, &TokenError)> {
        match self {
            Self::Token { step, source } => Some((step.name(), source)),
            _ => None,
        }
    }

    fn is_of_the_driver(source: &TokenError) -> bool {
        matches!(
            source,
            TokenError::Unknown { .. }
                | TokenError::HostDied { .. }
                | TokenError::HostTimeout { .. }
                | TokenError::ReleaseGone
                | TokenError::NotLoggedIn,
        )
    }

    fn no_progress(passes: u32, last: String) -> Self {
        Self::NoProgress { passes, last }
    }
}
