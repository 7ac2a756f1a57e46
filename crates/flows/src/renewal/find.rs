//! Step 1 and the PIN of step 3: the token, the order's open attempt, and what a logged-in user sees on the token.

use std::ops::ControlFlow;
use ycd_portal_api::{
    problem::attempts as problem,
    wire::{
        Bytes,
        attempts::{AttemptState, AttemptView, Mode, OpenAttempt},
        orders::PublicStatus,
    },
};
use ycd_token::{Contents, TokenError, TokenId, TokenInfo};

use super::{Event, Renewal, Step, mode::mode_of};
use crate::session::{
    bytes::bad_answer,
    error::{FlowError, OperatorReason, Result},
    lock::TokenLock,
    prompts::PinQuestion,
    token_in_flow::TokenInFlow,
};

/// A machine's clock may be off by this much before the person is told.
const CLOCK_TOLERANCE_SECONDS: i64 = 300;

impl Renewal<'_> {
    /// Step 1. Exactly one token, the order's, on which one process of this machine works; the order's open attempt.
    pub(super) fn find(
        &mut self,
        order: &str,
        flow_token: &mut TokenInFlow,
    ) -> Result<(TokenInfo, TokenLock, Contents, AttemptView)> {
        self.begins(Step::FindToken)?;
        let token = self.exactly_one_token(order, flow_token)?;
        let lock = self.locks.lock(&token.token_id)?;
        self.begins(Step::Open)?;
        let (contents, view) = self.open(order, &token)?;
        flow_token.is_back();
        self.record(&token, &view, Step::Open)?;
        Ok((token, lock, contents, view))
    }

    /// Step 1. An order that has ended otherwise, or is an operator's, needs no PIN. What cannot come back is no
    /// unfinished work either.
    pub(super) fn is_to_be_renewed(&self, view: &AttemptView) -> Result<()> {
        if view.operator_care {
            return Err(FlowError::OperatorNeeded { reason: OperatorReason::TakenOver });
        }
        if is_over(view) {
            use PublicStatus::{AwaitingRenewal, AwaitingReview, Draft, Rejected};
            if !matches!(view.public_status, AwaitingRenewal | AwaitingReview | Draft | Rejected) {
                self.journal.close(&view.portal, &view.order)?;
            }
            return Err(FlowError::OrderNotReady { state: view.public_status.name().to_owned() });
        }
        Ok(())
    }

    /// Step 1. None, several, or the wrong one: says so, and looks again as long as the person wants.
    pub(super) fn exactly_one_token(
        &mut self,
        order: &str,
        flow_token: &mut TokenInFlow,
    ) -> Result<TokenInfo> {
        let wanted =
            self.portal.order(order).map_err(FlowError::of_portal(Step::FindToken))?.summary.token_id;
        let wanted = TokenId::from(wanted);
        flow_token.token = Some(wanted.clone());
        loop {
            let mut tokens = self.on_token(Step::FindToken, |tokens| tokens.list())?;
            let Some(problem) = flow_token.problem(&tokens, Some(&wanted)) else {
                return Ok(tokens.remove(0));
            };
            if self.prompter.token_again(&problem) == ControlFlow::Break(()) {
                return Err(problem.into());
            }
        }
    }

    /// Step 1. The order's open attempt, or a new one, with what is on the token now.
    pub(super) fn open(&mut self, order: &str, token: &TokenInfo) -> Result<(Contents, AttemptView)> {
        let mut contents = self.read(Step::Open, token)?;
        // Before login private keys are hidden. Where no CKA_ID tells what the order made, whatever is missing in
        // its first inventory would be taken for its own.
        if !contents.keeps_ids && !contents.logged_in && self.is_first_opening(order)? {
            contents = self.login(token, contents)?;
        }
        let mode = if self.options.same_key_pair { Mode::SameKeyPair } else { mode_of(&contents) };
        let public_keys =
            contents.containers.iter().filter_map(|c| c.spki.as_ref()).map(|s| Bytes(s.0.clone())).collect();
        let view = self
            .portal
            .open_attempt(order, &OpenAttempt { token_id: token.token_id.to_string(), public_keys, mode })
            .map_err(FlowError::of_portal(Step::Open))?;
        if view.order != order || view.token_id != token.token_id.as_str() {
            return Err(bad_answer("an attempt of another order or key".to_owned()));
        }
        if let Some(trust) = self.trust
            && view.portal != trust.name
        {
            return Err(FlowError::OtherPortal { found: view.portal });
        }
        let off = (view.portal_time.0 - self.clock.now()).whole_seconds();
        if off.abs() > CLOCK_TOLERANCE_SECONDS {
            self.tell(Step::Open, &Event::ClockOff { seconds: off })?;
        }
        Ok((contents, view))
    }

    fn is_first_opening(&mut self, order: &str) -> Result<bool> {
        match self.portal.attempt(order) {
            Ok(_) => Ok(false),
            Err(error) if error.is(problem::NONE) => Ok(true),
            Err(source) => Err(FlowError::Portal { step: Step::Open.into(), source }),
        }
    }

    /// Step 3. Asks for the PIN unless the user is logged in already. A wrong one is asked for again, never sent again.
    pub(super) fn login(&mut self, token: &TokenInfo, contents: Contents) -> Result<Contents> {
        if contents.logged_in {
            return Ok(contents);
        }
        self.begins(Step::Pin)?;
        let mut retry_counter = token.pin.retry_counter;
        let mut again = false;
        loop {
            if retry_counter.is_locked() {
                return Err(FlowError::Token { step: Step::Pin.into(), source: TokenError::PinLocked });
            }
            let question =
                PinQuestion { token: token.clone(), retry_counter, again, last_try: retry_counter.is_last() };
            let Some(pin) = self.prompter.pin(&question) else {
                return Err(FlowError::Stopped { step: Step::Pin.into() });
            };
            match self.tokens.login(&token.token_id, &pin) {
                Ok(()) => break,
                Err(TokenError::PinIncorrect { retry_counter: left }) => {
                    (retry_counter, again) = (left, true)
                }
                Err(source) => return Err(FlowError::Token { step: Step::Pin.into(), source }),
            }
        }
        self.read(Step::Pin, token)
    }
}

fn is_over(view: &AttemptView) -> bool {
    let is_closed = view.state == AttemptState::Closed;
    view.public_status != PublicStatus::Completed
        && (view.public_status != PublicStatus::AwaitingRenewal || is_closed)
}
