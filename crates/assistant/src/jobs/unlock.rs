//! An unlock with a person at a screen.

use std::ops::ControlFlow;
use ycd_flows::{
    UnlockError,
    messages::Explain as _,
    new_pin::{NewPinPrompter, NewPinQuestion},
    prompts::{CodeAnswer, TokenProblem},
    unlock::{Options, Outcome as Ended, UnlockEvent, UnlockPrompter, UnlockStep},
};
use ycd_portal_api::{
    ApiError,
    wire::{login::CodeSent, unlock::UnlockForm},
};
use ycd_token::{Pin, TokenId, TokenInfo, Weakness};

use super::{JobContext, ended, failed, state::Localized, stopped, token_question, waiting};
use crate::{
    error::{Result, failure},
    flow_parts::UnlockParts,
    tokens::retry_counter,
    view::{Answer, JobKind, Outcome, Question, StepState, StepView},
};

pub(super) fn rows() -> Vec<StepView> {
    UnlockStep::ALL.map(row).to_vec()
}

fn row(step: UnlockStep) -> StepView {
    let (usual, longest) = step.duration();
    waiting(step.name(), [usual, longest])
}

fn at(step: UnlockStep) -> (JobKind, &'static str) {
    (JobKind::Unlock, step.name())
}

pub(super) fn run(context: &JobContext, token: Option<TokenId>, order: Option<String>) -> Localized<Outcome> {
    match unlock(context, token, order) {
        Ok(outcome) => outcome,
        Err(error) => failed(error, None, true),
    }
}

/// # Errors
/// What keeps the flow from beginning.
fn unlock(context: &JobContext, token: Option<TokenId>, order: Option<String>) -> Result<Localized<Outcome>> {
    let parts = UnlockParts::of(&context.shared.data_dir)?;
    let mut tokens = context.open_tokens();
    let mut prompter = AtScreen { context, token: token.clone() };
    let flow = parts.flow(&mut tokens, &mut prompter, &*context.shared.clock, Options { token, order });
    Ok(match flow.run() {
        Ok(Ended::Unlocked { .. }) => ended(Outcome::Unlocked),
        Ok(Ended::AwaitsApproval { .. }) => ended(Outcome::AwaitsApproval),
        Err(UnlockError::Stopped { step }) => stopped(Some(at(step))),
        Err(error) => {
            let at_step = match &error {
                UnlockError::Token { step, .. } | UnlockError::Portal { step, .. } => Some(*step),
                _ => None,
            };
            let is_over = matches!(
                error,
                UnlockError::NotPossible
                    | UnlockError::NoneFits { .. }
                    | UnlockError::Rejected { .. }
                    | UnlockError::Over { .. }
                    | UnlockError::SoPinUnknown
            );
            failed(error, at_step.map(at), !is_over)
        }
    })
}

struct AtScreen<'a> {
    context: &'a JobContext,
    token: Option<TokenId>,
}

impl NewPinPrompter for AtScreen<'_> {
    fn new_pin(&mut self, question: &NewPinQuestion) -> Option<(Pin, Pin)> {
        self.context.new_pin(question, self.token.as_ref())
    }

    fn accept_weak(&mut self, weakness: Weakness) -> bool {
        self.context.accepts_weak(weakness)
    }
}

impl UnlockPrompter for AtScreen<'_> {
    fn tell(&mut self, event: &UnlockEvent) -> ControlFlow<()> {
        let job_state = &self.context.prompts.job_state;
        match event {
            UnlockEvent::Begins { step, number, .. } => {
                let row = StepView { state: StepState::Running, ..row(*step) };
                job_state.begins(*number, row, step.works_on_token());
            }
            UnlockEvent::Found { token, holder, approval, .. } => {
                let name = crate::view::TokenRef {
                    holder: Some(holder.clone()),
                    ..self.context.tokens.name(&token.token_id)
                };
                self.token = Some(token.token_id.clone());
                job_state.change(|view| {
                    view.token = Some(name);
                    view.approval = *approval;
                });
            }
            UnlockEvent::Opened { order, taken_up, .. } => job_state.change(|view| {
                view.order = Some(order.clone());
                if *taken_up {
                    view.taken_up_after = Some(UnlockStep::Confirm.name().to_owned());
                }
            }),
            UnlockEvent::StartsAgain { .. } => job_state.change(|view| view.on_token = false),
            UnlockEvent::PinSet { .. } | UnlockEvent::Finished { .. } => {}
        }
        job_state.go()
    }

    fn token_again(&mut self, problem: &TokenProblem) -> ControlFlow<()> {
        let (question, there) = token_question(JobKind::Unlock, problem, &self.context.tokens);
        self.context.prompts.wait_for_tokens(question, &there, &self.context.tokens)
    }

    fn portal_again(&mut self, _step: UnlockStep, error: &ApiError) -> ControlFlow<()> {
        let error = error.clone();
        let question = move |language| Question::Portal { failure: failure(error.explain(language)) };
        let answer = self.context.prompts.ask_in_words(Box::new(question));
        if matches!(answer, Answer::Yes) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn has_forgotten_pin(&mut self, token: &TokenInfo) -> bool {
        let question = Question::Forgotten {
            token: self.context.tokens.name(&token.token_id),
            retry_counter: retry_counter(token.pin.retry_counter),
        };
        self.context.prompts.agrees(question)
    }

    fn before_code(&mut self, token: &TokenInfo, masked_phone: &str, approval: bool) -> Option<UnlockForm> {
        let token = self.context.tokens.name(&token.token_id);
        let question = Question::BeforeCode { token, phone: masked_phone.to_owned(), approval };
        match self.context.prompts.ask(question) {
            Answer::SendCode { used_at, note } => Some(UnlockForm { used_at, note }),
            _ => None,
        }
    }

    fn sms_code(&mut self, sent: &CodeSent, refused: Option<&ApiError>) -> CodeAnswer {
        self.context.code(sent, refused)
    }

    fn pin_set_before(&mut self, token: &TokenInfo) -> Option<Pin> {
        let question = Question::PinSetBefore { token: self.context.tokens.name(&token.token_id) };
        match self.context.prompts.ask(question) {
            Answer::Pin { pin } => Some(Pin::new(pin.expose())),
            _ => None,
        }
    }
}
