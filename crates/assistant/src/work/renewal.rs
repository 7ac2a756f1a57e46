//! A renewal with a person at a screen.

use ycd_flows::{
    FlowError,
    clock::SystemClock,
    conversation::{CodeAnswer, Event, Go, KeyProblem, Person, PinQuestion},
    journal::Journal,
    lock::KeyLocks,
    renewal::{Options, Renewal, Step},
    trust::PinnedPortal,
};
use ycd_pki::{Certificate, cert::CertificateInfo};
use ycd_portal_api::{
    ApiError, Client,
    wire::login::{CodeSent, Purpose},
};
use ycd_token::{KeyInfo, Pin};

use super::{Bench, board::Said, ended, failed, give_up, key_question, stopped, waiting};
use crate::{
    error::Result,
    home::{Home, Role},
    keys::tries,
    store,
    view::{Answer, Outcome, Question, StepState, StepView, WorkKind},
};

/// One row for each number that a step has on the screen.
pub(super) const STEPS: [Step; 7] =
    [Step::FindKey, Step::Open, Step::Pin, Step::Generate, Step::Sign, Step::Write, Step::Confirm];

pub(super) fn rows(steps: &[Step]) -> Vec<StepView> {
    steps.iter().map(|step| row(*step)).collect()
}

fn row(step: Step) -> StepView {
    let Event::Begins { usual, longest, .. } = step.begins() else {
        return waiting(step.name(), [std::time::Duration::ZERO; 2]);
    };
    waiting(step.name(), [usual, longest])
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
            trust: home.trust_if_known()?,
        })
    }
}

pub(super) fn run(bench: &Bench, order: &str, remove_old: bool) -> Said<Outcome> {
    let mut person = AtScreen { bench, kind: WorkKind::Renewal, finished: None, not_registered: None };
    let options = Options { same_key_pair: false, remove_old_pair: remove_old };
    let outcome = match with_machine(bench, &mut person, options, |renewal, _| renewal.run(order)) {
        Ok(outcome) => outcome,
        Err(error) => return failed(error, None, true),
    };
    match (outcome, person.finished) {
        (Ok(_), Some((old, new))) => ended(Outcome::Renewed {
            holder: new.holder,
            old_until: old.not_after.into(),
            new_until: new.not_after.into(),
            serial: new.serial,
            not_registered: person.not_registered,
        }),
        // The flow tells its end before it comes to it.
        (Ok(_), None) => stopped(None),
        (Err(error), _) => broken_off(error, WorkKind::Renewal),
    }
}

/// Calls the flow with what this machine has for it.
///
/// # Errors
/// What keeps it from beginning.
pub(super) fn with_machine<T>(
    bench: &Bench,
    person: &mut AtScreen<'_>,
    options: Options,
    call: impl FnOnce(Renewal<'_>, &Journal) -> T,
) -> Result<T> {
    let machine = Machine::of(&bench.shared.home)?;
    let renewal = Renewal {
        portal: &machine.portal,
        token: &mut bench.open_keys(),
        person,
        journal: &machine.journal,
        locks: &machine.locks,
        anchors: &machine.anchors,
        trust: machine.trust.as_ref(),
        clock: &SystemClock,
        store: store::of_this_system(&bench.shared.drivers, bench.shared.language()),
        options,
    };
    Ok(call(renewal, &machine.journal))
}

pub(super) fn broken_off(error: FlowError, kind: WorkKind) -> Said<Outcome> {
    let at_step = error.step().map(|step| (kind, step.name()));
    if matches!(error, FlowError::Stopped { .. }) {
        return stopped(at_step);
    }
    let is_over = matches!(error, FlowError::OrderNotReady { .. } | FlowError::OperatorNeeded { .. });
    failed(error, at_step, !is_over)
}

pub(super) struct AtScreen<'a> {
    pub bench: &'a Bench,
    pub kind: WorkKind,
    pub finished: Option<(CertificateInfo, CertificateInfo)>,
    pub not_registered: Option<String>,
}

impl Person for AtScreen<'_> {
    fn tell(&mut self, event: &Event) -> Go {
        let board = &self.bench.desk.board;
        match event {
            Event::Begins { step: Step::Done, .. } | Event::Recorded { .. } | Event::Requested { .. } => {}
            Event::Begins { step, number, .. } => {
                let row = StepView { state: StepState::Running, ..row(*step) };
                // Giving up is the last of its steps; a renewal has it before the second.
                let is_last = self.kind == WorkKind::GiveUp && *step == Step::GiveUp;
                let number = if is_last { give_up::NUMBER } else { *number };
                board.begins(number, row, step.works_on_key());
            }
            Event::TakenUp { after } => {
                board.change(|view| view.taken_up_after = Some(after.name().to_owned()));
            }
            Event::StartsAgain { .. } => board.change(|view| view.on_key = false),
            Event::ClockOff { seconds } => board.change(|view| view.clock_off = Some(*seconds)),
            Event::Registered(registered) => tracing::info!(?registered, "the new certificate is registered"),
            Event::NotRegistered { code, detail } => {
                tracing::warn!(code, detail, "the new certificate is not registered");
                self.not_registered = Some(code.clone());
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
        let (question, there) = key_question(self.kind, problem, &self.bench.keys);
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
