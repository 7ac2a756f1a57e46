//! A change of the PIN with a person at a screen: old and new PIN stand on one page.

use std::ops::ControlFlow;
use ycd_flows::{
    PinChangeError,
    new_pin::{NewPinPrompter, NewPinQuestion},
    pin_change::{OldPinQuestion, PinChangePrompter, PinEvent},
};
use ycd_token::{Pin, PinPolicy, TokenId, TokenInfo, Weakness};

use super::{JobContext, ended, failed, rules, state::Localized, stopped};
use crate::{
    error::Result,
    flow_parts::PinChangeParts,
    tokens::retry_counter,
    view::{Answer, Outcome, Question},
};

pub(super) fn run(context: &JobContext, token: TokenId) -> Localized<Outcome> {
    match change(context, token) {
        Ok(outcome) => outcome,
        Err(error) => failed(error, None, true),
    }
}

/// # Errors
/// What keeps the flow from beginning.
fn change(context: &JobContext, token: TokenId) -> Result<Localized<Outcome>> {
    let parts = PinChangeParts::of(&context.shared.data_dir)?;
    let mut tokens = context.open_tokens();
    let mut prompter = AtScreen { context, token: token.clone(), policy: None, typed: None };
    let flow = parts.flow(&mut tokens, &mut prompter, Some(token));
    Ok(match flow.run() {
        Ok(_) => ended(Outcome::PinChanged),
        Err(PinChangeError::Stopped | PinChangeError::LastTry) => stopped(None),
        Err(error) => {
            let is_over = matches!(error, PinChangeError::NotSet | PinChangeError::NoneFits { .. });
            failed(error, None, !is_over)
        }
    })
}

struct AtScreen<'a> {
    context: &'a JobContext,
    token: TokenId,
    policy: Option<PinPolicy>,
    /// The new PIN, twice, as typed beside the old one.
    typed: Option<(Pin, Pin)>,
}

impl NewPinPrompter for AtScreen<'_> {
    fn new_pin(&mut self, question: &NewPinQuestion) -> Option<(Pin, Pin)> {
        match (question.refused, self.typed.take()) {
            (None, Some(typed)) => Some(typed),
            _ => self.context.new_pin(question, Some(&self.token)),
        }
    }

    fn accept_weak(&mut self, weakness: Weakness) -> bool {
        self.context.accepts_weak(weakness)
    }
}

impl PinChangePrompter for AtScreen<'_> {
    fn tell(&mut self, event: &PinEvent) -> ControlFlow<()> {
        let job_state = &self.context.prompts.job_state;
        match event {
            PinEvent::Found { policy, .. } => self.policy = Some(*policy),
            PinEvent::Changing { .. } => job_state.change(|view| view.on_token = true),
            PinEvent::Changed { .. } => job_state.change(|view| view.on_token = false),
        }
        job_state.go()
    }

    fn old_pin(&mut self, question: &OldPinQuestion) -> Option<Pin> {
        let token = self.context.tokens.name(&question.token.token_id);
        let (retry_counter, is_initial) =
            (retry_counter(question.retry_counter), question.token.pin.is_initial);
        // The new PIN was taken; only the old one has to be typed again.
        if question.again {
            let last_try = question.retry_counter.is_last();
            let question = Question::Pin {
                token,
                retry_counter,
                again: true,
                last_try,
                is_initial,
                each_signature: false,
            };
            return match self.context.prompts.ask(question) {
                Answer::Pin { pin } => Some(Pin::new(pin.expose())),
                _ => None,
            };
        }
        let policy = self.policy.unwrap_or_else(|| PinPolicy::of_token(&question.token.pin));
        let question = Question::ChangePin { token, rules: rules(policy), retry_counter, is_initial };
        match self.context.prompts.ask(question) {
            Answer::ChangePin { old, new, again } => {
                self.typed = Some((Pin::new(new.expose()), Pin::new(again.expose())));
                Some(Pin::new(old.expose()))
            }
            _ => None,
        }
    }

    fn accept_last_try(&mut self, token: &TokenInfo) -> bool {
        self.context.prompts.agrees(Question::LastTry { token: self.context.tokens.name(&token.token_id) })
    }

    fn put_back(&mut self, token: &TokenInfo) -> ControlFlow<()> {
        let question = Question::PutBack { token: self.context.tokens.name(&token.token_id) };
        self.context.prompts.wait_for_tokens(Box::new(move |_| question.clone()), &[], &self.context.tokens)
    }
}
