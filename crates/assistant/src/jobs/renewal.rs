//! A renewal with a person at a screen.

use std::ops::ControlFlow;
use ycd_flows::{
    FlowError,
    journal::Journal,
    prompts::{CodeAnswer, PinQuestion, TokenProblem},
    renewal::{Event, Options, Prompter, Renewal, Step},
};
use ycd_pki::cert::CertificateInfo;
use ycd_portal_api::{
    ApiError,
    wire::login::{CodeSent, Purpose},
};
use ycd_token::{Pin, TokenInfo};

use super::{GIVE_UP_NUMBER, JobContext, ended, failed, state::Localized, stopped, token_question, waiting};
use crate::{
    error::Result,
    flow_parts::RenewalParts,
    tokens::retry_counter,
    view::{Answer, JobKind, Outcome, Question, StepState, StepView},
};

/// One row for each number that a step has on the screen.
pub(super) const STEPS: [Step; 7] =
    [Step::FindToken, Step::Open, Step::Pin, Step::Generate, Step::Sign, Step::Write, Step::Confirm];

pub(super) fn rows(steps: &[Step]) -> Vec<StepView> {
    steps.iter().map(|step| row(*step)).collect()
}

fn row(step: Step) -> StepView {
    waiting(step.name(), step.durations())
}

pub(super) fn run(context: &JobContext, order: &str, remove_old: bool) -> Localized<Outcome> {
    let mut prompter = AtScreen { context, kind: JobKind::Renewal, finished: None, not_registered: None };
    let options = Options { same_key_pair: false, remove_old_pair: remove_old };
    let outcome = match with_machine(context, &mut prompter, options, |renewal, _| renewal.run(order)) {
        Ok(outcome) => outcome,
        Err(error) => return failed(error, None, true),
    };
    match (outcome, prompter.finished) {
        (Ok(_), Some((old, new))) => ended(Outcome::Renewed {
            holder: new.holder,
            old_until: old.not_after.into(),
            new_until: new.not_after.into(),
            serial: new.serial,
            not_registered: prompter.not_registered,
        }),
        // The flow tells its end before it comes to it.
        (Ok(_), None) => stopped(None),
        (Err(error), _) => broken_off(error, JobKind::Renewal),
    }
}

/// Calls the flow with what this machine has for it.
///
/// # Errors
/// What keeps it from beginning.
pub(super) fn with_machine<T>(
    context: &JobContext,
    prompter: &mut AtScreen<'_>,
    options: Options,
    call: impl FnOnce(Renewal<'_>, &Journal) -> T,
) -> Result<T> {
    let shared = &context.shared;
    let parts = RenewalParts::of(&shared.data_dir)?;
    let mut tokens = context.open_tokens();
    let renewal =
        parts.flow(&mut tokens, prompter, &*shared.clock, (&shared.drivers, shared.language()), options);
    Ok(call(renewal, &parts.journal))
}

pub(super) fn broken_off(error: FlowError, kind: JobKind) -> Localized<Outcome> {
    let at_step = error.step().map(|step| (kind, step.0));
    if matches!(error, FlowError::Stopped { .. }) {
        return stopped(at_step);
    }
    let is_over = matches!(error, FlowError::OrderNotReady { .. } | FlowError::OperatorNeeded { .. });
    failed(error, at_step, !is_over)
}

pub(super) struct AtScreen<'a> {
    pub context: &'a JobContext,
    pub kind: JobKind,
    pub finished: Option<(CertificateInfo, CertificateInfo)>,
    pub not_registered: Option<String>,
}

impl Prompter for AtScreen<'_> {
    fn tell(&mut self, event: &Event) -> ControlFlow<()> {
        let job_state = &self.context.prompts.job_state;
        match event {
            Event::Begins { step: Step::Done, .. } | Event::Recorded { .. } | Event::Requested { .. } => {}
            Event::Begins { step, number, .. } => {
                let row = StepView { state: StepState::Running, ..row(*step) };
                // Giving up is the last of its steps; a renewal has it before the second.
                let is_last = self.kind == JobKind::GiveUp && *step == Step::GiveUp;
                let number = if is_last { GIVE_UP_NUMBER } else { *number };
                job_state.begins(number, row, step.works_on_token());
            }
            Event::TakenUp { after } => {
                job_state.change(|view| view.taken_up_after = Some(after.name().to_owned()));
            }
            Event::StartsAgain { .. } => job_state.change(|view| view.on_token = false),
            Event::ClockOff { seconds } => job_state.change(|view| view.clock_off = Some(*seconds)),
            Event::Registered(registered) => tracing::info!(?registered, "the new certificate is registered"),
            Event::NotRegistered { code, detail } => {
                tracing::warn!(code, detail, "the new certificate is not registered");
                self.not_registered = Some(code.clone());
            }
            Event::Finished { old, new } => {
                self.finished = Some(((**old).clone(), (**new).clone()));
            }
        }
        job_state.go()
    }

    fn pin(&mut self, question: &PinQuestion) -> Option<Pin> {
        let token = self.context.tokens.name(&question.token.token_id);
        self.context.prompts.job_state.change(|view| view.token = Some(token.clone()));
        let question = Question::Pin {
            token,
            retry_counter: retry_counter(question.retry_counter),
            again: question.again,
            last_try: question.last_try,
            is_initial: question.token.pin.is_initial,
            each_signature: false,
        };
        match self.context.prompts.ask(question) {
            Answer::Pin { pin } => Some(Pin::new(pin.expose())),
            _ => None,
        }
    }

    fn token_again(&mut self, problem: &TokenProblem) -> ControlFlow<()> {
        let (question, there) = token_question(self.kind, problem, &self.context.tokens);
        self.context.prompts.wait_for_tokens(question, &there, &self.context.tokens)
    }

    fn agree_to_replace(&mut self, token: &TokenInfo, old: &CertificateInfo) -> bool {
        let token = self.context.tokens.name(&token.token_id);
        self.context.prompts.agrees(Question::Replace { token, holder: old.holder.clone() })
    }

    fn sms_code(&mut self, sent: &CodeSent, _purpose: Purpose, refused: Option<&ApiError>) -> CodeAnswer {
        self.context.code(sent, refused)
    }
}
