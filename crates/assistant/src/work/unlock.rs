//! An unlock with a person at a screen.

use ycd_flows::{
    UnlockError,
    clock::SystemClock,
    conversation::{CodeAnswer, Go, KeyProblem},
    messages::{Explain as _, Language},
    new_pin::{NewPinPerson, NewPinQuestion},
    renewal::Step,
    unlock::{Options, Outcome as Ended, Unlock, UnlockEvent, UnlockPerson, UnlockStep},
};
use ycd_portal_api::{
    ApiError,
    wire::{login::CodeSent, unlock::UnlockForm},
};
use ycd_token::{KeyId, KeyInfo, Pin, Weakness};

use super::{Bench, key_question, unlock_step_word, waiting};
use crate::{
    error::{Result, failure},
    home::Home,
    keys::tries,
    view::{Answer, Outcome, Question, StepState, StepView},
};

pub(super) fn rows(language: Language) -> Vec<StepView> {
    UnlockStep::ALL.map(|step| row(step, language)).to_vec()
}

fn row(step: UnlockStep, language: Language) -> StepView {
    let (usual, longest) = step.duration();
    waiting(step.name(), unlock_step_word(step, language), [usual, longest])
}

pub(super) fn run(bench: &Bench, key: Option<KeyId>, order: Option<String>) -> Outcome {
    match unlock(bench, key, order) {
        Ok(outcome) => outcome,
        Err(error) => bench.failed(&error, None, true),
    }
}

/// # Errors
/// What keeps the flow from beginning.
fn unlock(bench: &Bench, key: Option<KeyId>, order: Option<String>) -> Result<Outcome> {
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
        Ok(Ended::Unlocked { .. }) => Outcome::Unlocked,
        Ok(Ended::AwaitsApproval { .. }) => Outcome::AwaitsApproval,
        Err(UnlockError::Stopped { step }) => {
            let at_step = Some(unlock_step_word(step, bench.language()));
            Outcome::Stopped { at_step, can_go_on: true }
        }
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
            bench.failed(&error, at_step.map(|step| unlock_step_word(step, bench.language())), !is_over)
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
                let row = StepView { state: StepState::Running, ..row(*step, self.bench.language()) };
                board.begins(*number, row, step.works_on_key());
            }
            UnlockEvent::Found { key, holder, .. } => {
                let name =
                    crate::view::KeyRef { holder: Some(holder.clone()), ..self.bench.keys.name(&key.key_id) };
                self.key = Some(key.key_id.clone());
                board.change(|view| view.key = Some(name));
            }
            UnlockEvent::Opened { order, taken_up, .. } => board.change(|view| {
                view.order = Some(order.clone());
                if *taken_up {
                    let after = unlock_step_word(UnlockStep::Confirm, self.bench.language());
                    view.taken_up_after = Some(after);
                }
            }),
            UnlockEvent::StartsAgain { .. } => board.change(|view| view.on_key = false),
            UnlockEvent::PinSet { .. } | UnlockEvent::Finished { .. } => {}
        }
        board.go()
    }

    fn key_again(&mut self, wanted: Option<&KeyId>, inserted: &[KeyInfo]) -> Go {
        let problem = match (inserted, wanted) {
            ([], Some(wanted)) => KeyProblem::Absent { wanted: Some(wanted.clone()), at: Step::FindKey },
            ([], None) => KeyProblem::Absent { wanted: None, at: Step::FindKey },
            ([one], Some(wanted)) => KeyProblem::Wrong { inserted: one.clone(), wanted: wanted.clone() },
            (several, _) => KeyProblem::Several { keys: several.to_vec() },
        };
        let (mut question, there) = key_question(&problem, &self.bench.keys, self.bench.language());
        // Without a wanted key nothing was in: none was pulled.
        if let Question::Key { problem, wanted, at_step, .. } = &mut question
            && inserted.is_empty()
            && wanted.is_none()
        {
            *problem = crate::view::KeyProblemKind::Absent;
            *at_step = None;
        }
        self.bench.desk.wait_for_keys(question, &there, &self.bench.keys)
    }

    fn portal_again(&mut self, _step: UnlockStep, error: &ApiError) -> Go {
        let failure = failure(error.explain(self.bench.language()));
        if self.bench.desk.agrees(Question::Portal { failure }) { Go::On } else { Go::Stop }
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
