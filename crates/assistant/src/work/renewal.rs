//! A renewal with a person at a screen.

use ycd_flows::{
    FlowError,
    clock::SystemClock,
    conversation::{CodeAnswer, Event, Go, KeyProblem, Person, PinQuestion},
    journal::Journal,
    lock::KeyLocks,
    messages::Language,
    renewal::{Options, Renewal, Step},
    trust::PinnedPortal,
};
use ycd_pki::{Certificate, cert::CertificateInfo};
use ycd_portal_api::{
    ApiError, Client,
    wire::login::{CodeSent, Purpose},
};
use ycd_token::{KeyInfo, Pin};

use super::{Bench, key_question, step_word, waiting};
use crate::{
    error::Result,
    home::{Home, Role},
    keys::tries,
    store,
    view::{Answer, Outcome, Question, StepState, StepView},
};

/// One row for each number that a step has on the screen.
pub(super) fn rows(language: Language) -> Vec<StepView> {
    use Step::{Confirm, FindKey, Generate, Open, Pin, Sign, Write};
    [FindKey, Open, Pin, Generate, Sign, Write, Confirm].map(|step| row(step, language)).to_vec()
}

fn row(step: Step, language: Language) -> StepView {
    let Event::Begins { usual, longest, .. } = step.begins() else {
        return waiting(step.name(), step_word(step, language), [std::time::Duration::ZERO; 2]);
    };
    waiting(step.name(), step_word(step, language), [usual, longest])
}

/// What a renewal needs of this machine.
struct Machine {
    portal: Client,
    journal: Journal,
    locks: KeyLocks,
    anchors: Vec<Certificate>,
    trust: Option<PinnedPortal>,
}

impl Machine {
    fn of(home: &Home) -> Result<Self> {
        Ok(Self {
            portal: home.client_as(Role::Applicant)?,
            journal: home.journal()?,
            locks: Home::locks()?,
            anchors: home.anchors()?,
            trust: home.pinned()?,
        })
    }
}

pub(super) fn run(bench: &Bench, order: &str, remove_old: bool) -> Outcome {
    let machine = match Machine::of(&bench.shared.home) {
        Ok(machine) => machine,
        Err(error) => return bench.failed(&error, None, true),
    };
    let mut person = AtScreen { bench, finished: None };
    let renewal = Renewal {
        portal: &machine.portal,
        token: &mut bench.open_keys(),
        person: &mut person,
        journal: &machine.journal,
        locks: &machine.locks,
        anchors: &machine.anchors,
        trust: machine.trust.as_ref(),
        clock: &SystemClock,
        store: store::of_this_system(&bench.shared.drivers, bench.language()),
        options: Options { same_key_pair: false, remove_old_pair: remove_old },
    };
    let outcome = renewal.run(order);
    let at_step = |error: &FlowError| error.step().map(|step| step_word(step, bench.language()));
    match (outcome, person.finished) {
        (Ok(_), Some((old, new))) => Outcome::Renewed {
            holder: new.holder,
            old_until: old.not_after.into(),
            new_until: new.not_after.into(),
            serial: new.serial,
        },
        // The flow tells its end before it comes to it.
        (Ok(_), None) => Outcome::Stopped { at_step: None, can_go_on: true },
        (Err(error @ FlowError::Stopped { .. }), _) => {
            Outcome::Stopped { at_step: at_step(&error), can_go_on: true }
        }
        (Err(error), _) => {
            let is_over = matches!(error, FlowError::OrderNotReady { .. } | FlowError::OperatorNeeded { .. });
            bench.failed(&error, at_step(&error), !is_over)
        }
    }
}

struct AtScreen<'a> {
    bench: &'a Bench,
    finished: Option<(CertificateInfo, CertificateInfo)>,
}

impl Person for AtScreen<'_> {
    fn tell(&mut self, event: &Event) -> Go {
        let board = &self.bench.desk.board;
        let language = self.bench.language();
        match event {
            Event::Begins { step: Step::Done, .. } | Event::Recorded { .. } | Event::Requested { .. } => {}
            Event::Begins { step, number, .. } => {
                let row = StepView { state: StepState::Running, ..row(*step, language) };
                board.begins(*number, row, step.works_on_key());
            }
            Event::TakenUp { after } => {
                board.change(|view| view.taken_up_after = Some(step_word(*after, language)));
            }
            Event::StartsAgain { .. } => board.change(|view| view.on_key = false),
            Event::ClockOff { seconds } => board.change(|view| view.clock_off = Some(*seconds)),
            Event::Registered(registered) => tracing::info!(?registered, "the new certificate is registered"),
            Event::NotRegistered { code, detail } => {
                tracing::warn!(code, detail, "the new certificate is not registered");
            }
            Event::Finished { old, new } => {
                self.finished = Some(((**old).clone(), (**new).clone()));
            }
        }
        board.go()
    }

    fn pin(&mut self, question: &PinQuestion) -> Option<Pin> {
        let key = self.bench.keys.name(&question.key.key_id);
        self.bench.desk.board.change(|view| view.key = Some(key.clone()));
        let question = Question::Pin {
            key,
            tries: tries(question.tries),
            again: question.again,
            last_try: question.last_try,
            is_initial: question.key.pin.is_initial,
            each_signature: false,
        };
        match self.bench.desk.ask(question) {
            Answer::Pin { pin } => Some(Pin::new(pin.expose())),
            _ => None,
        }
    }

    fn key_again(&mut self, problem: &KeyProblem) -> Go {
        let (question, there) = key_question(problem, &self.bench.keys, self.bench.language());
        self.bench.desk.wait_for_keys(question, &there, &self.bench.keys)
    }

    fn agree_to_replace(&mut self, key: &KeyInfo, old: &CertificateInfo) -> bool {
        let key = self.bench.keys.name(&key.key_id);
        self.bench.desk.agrees(Question::Replace { key, holder: old.holder.clone() })
    }

    fn sms_code(&mut self, sent: &CodeSent, _purpose: Purpose, refused: Option<&ApiError>) -> CodeAnswer {
        self.bench.code(sent, refused)
    }
}
