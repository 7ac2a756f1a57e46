//! An unlock with a person at a screen.

use ycd_flows::{
    UnlockError,
    clock::SystemClock,
    conversation::{CodeAnswer, Go, KeyProblem},
    messages::Explain as _,
    new_pin::{NewPinPerson, NewPinQuestion},
    unlock::{Options, Outcome as Ended, Unlock, UnlockEvent, UnlockPerson, UnlockStep},
};
use ycd_portal_api::{
    ApiError,
    wire::{login::CodeSent, unlock::UnlockForm},
};
use ycd_token::{KeyId, KeyInfo, Pin, Weakness};

use super::{Bench, board::Said, ended, failed, key_question, stopped, waiting};
use crate::{
    error::{Result, failure},
    home::Home,
    keys::tries,
    view::{Answer, Outcome, Question, StepState, StepView, WorkKind},
};

pub(super) fn rows() -> Vec<StepView> {
    UnlockStep::ALL.map(row).to_vec()
}

fn row(step: UnlockStep) -> StepView {
    let (usual, longest) = step.duration();
    waiting(step.name(), [usual, longest])
}

fn at(step: UnlockStep) -> (WorkKind, &'static str) {
    (WorkKind::Unlock, step.name())
}

pub(super) fn run(bench: &Bench, key: Option<KeyId>, order: Option<String>) -> Said<Outcome> {
    match unlock(bench, key, order) {
        Ok(outcome) => outcome,
        Err(error) => failed(error, None, true),
    }
}

/// # Errors
/// What keeps the flow from beginning.
fn unlock(bench: &Bench, key: Option<KeyId>, order: Option<String>) -> Result<Said<Outcome>> {
    let home = &bench.shared.home;
    let mut person = AtScreen { bench, key: key.clone() };
    let flow = Unlock {
        portal: &home.client()?,
        trust: &home.trust()?,
        token: &mut bench.open_keys(),
        person: &mut person,
        journal: &home.journal()?,
        locks: &Home::locks()?,
        clock: &SystemClock,
        options: Options { key, order },
    };
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
    bench: &'a Bench,
    key: Option<KeyId>,
}

impl NewPinPerson for AtScreen<'_> {
    fn new_pin(&mut self, question: &NewPinQuestion) -> Option<(Pin, Pin)> {
        self.bench.new_pin(question, self.key.as_ref())
    }

    fn accept_weak(&mut self, weakness: Weakness) -> bool {
        self.bench.accepts_weak(weakness)
    }
}

impl UnlockPerson for AtScreen<'_> {
    fn tell(&mut self, event: &UnlockEvent) -> Go {
        let board = &self.bench.desk.board;
        match event {
            UnlockEvent::Begins { step, number, .. } => {
                let row = StepView { state: StepState::Running, ..row(*step) };
                board.begins(*number, row, step.works_on_key());
            }
            UnlockEvent::Found { key, holder, approval, .. } => {
                let name =
                    crate::view::KeyRef { holder: Some(holder.clone()), ..self.bench.keys.name(&key.key_id) };
                self.key = Some(key.key_id.clone());
                board.change(|view| {
                    view.key = Some(name);
                    view.approval = *approval;
                });
            }
            UnlockEvent::Opened { order, taken_up, .. } => board.change(|view| {
                view.order = Some(order.clone());
                if *taken_up {
                    view.taken_up_after = Some(UnlockStep::Confirm.name().to_owned());
                }
            }),
            UnlockEvent::StartsAgain { .. } => board.change(|view| view.on_key = false),
            UnlockEvent::PinSet { .. } | UnlockEvent::Finished { .. } => {}
        }
        board.go()
    }

    fn key_again(&mut self, problem: &KeyProblem) -> Go {
        let (question, there) = key_question(WorkKind::Unlock, problem, &self.bench.keys);
        self.bench.desk.wait_for_keys(question, &there, &self.bench.keys)
    }

    fn portal_again(&mut self, _step: UnlockStep, error: &ApiError) -> Go {
        let error = error.clone();
        let question = move |language| Question::Portal { failure: failure(error.explain(language)) };
        let answer = self.bench.desk.ask_in_words(Box::new(question));
        if matches!(answer, Answer::Yes) { Go::On } else { Go::Stop }
    }

    fn has_forgotten_pin(&mut self, key: &KeyInfo) -> bool {
        let question =
            Question::Forgotten { key: self.bench.keys.name(&key.key_id), tries: tries(key.pin.tries) };
        self.bench.desk.agrees(question)
    }

    fn before_code(&mut self, key: &KeyInfo, masked_phone: &str, approval: bool) -> Option<UnlockForm> {
        let key = self.bench.keys.name(&key.key_id);
        let question = Question::BeforeCode { key, phone: masked_phone.to_owned(), approval };
        match self.bench.desk.ask(question) {
            Answer::SendCode { used_at, note } => Some(UnlockForm { used_at, note }),
            _ => None,
        }
    }

    fn sms_code(&mut self, sent: &CodeSent, refused: Option<&ApiError>) -> CodeAnswer {
        self.bench.code(sent, refused)
    }

    fn pin_set_before(&mut self, key: &KeyInfo) -> Option<Pin> {
        let question = Question::PinSetBefore { key: self.bench.keys.name(&key.key_id) };
        match self.bench.desk.ask(question) {
            Answer::Pin { pin } => Some(Pin::new(pin.expose())),
            _ => None,
        }
    }
}
