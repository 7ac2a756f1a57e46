//! Works on a key: a flow in a thread of its own, whose steps, questions and end a screen sees as one view. One work at
//! a time; it goes on whether a screen looks or not.

mod board;
mod give_up;
mod pin_change;
mod renewal;
mod unlock;

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{self, Sender},
    },
    thread::{self, JoinHandle},
};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use ycd_flows::{
    conversation::KeyProblem,
    messages::{Explain, Language, word},
    renewal::Step,
    unlock::UnlockStep,
};
use ycd_pki::unlock::Road;
use ycd_portal_api::wire::Timestamp;
use ycd_token::{KeyId, Keys, Pin};

use self::board::{Board, Desk, Said, Signal};
use crate::{
    Assistant,
    assistant::{Shared, lock},
    error::{AssistantError, Result, failure},
    keys::KeysHandle,
    view::{
        Answer, Done, Event, KeyProblemKind, KeyRef, Outcome, Question, StepState, StepView, Tries,
        Unfinished, UnfinishedView, WorkKind, WorkState, WorkView,
    },
};

pub(crate) struct Works {
    shared: Arc<Shared>,
    keys: KeysHandle,
    current: Mutex<Option<Current>>,
    ids: Mutex<u32>,
}

struct Current {
    board: Arc<Board>,
    signals: Sender<Signal>,
    thread: Option<JoinHandle<()>>,
}

/// What a flow's thread works with.
pub(crate) struct Bench {
    shared: Arc<Shared>,
    keys: KeysHandle,
    desk: Desk,
}

impl Works {
    pub fn new(shared: Arc<Shared>, keys: KeysHandle) -> Self {
        Self { shared, keys, current: Mutex::new(None), ids: Mutex::new(0) }
    }

    pub fn view(&self) -> Option<WorkView> {
        lock(&self.current).as_ref().map(|current| current.board.view())
    }

    pub fn is_writing(&self) -> bool {
        lock(&self.current).as_ref().is_some_and(|current| current.board.is_on_key())
    }

    /// Says a work in the language that is in use now.
    pub fn tell_again(&self) {
        let board = lock(&self.current).as_ref().map(|current| Arc::clone(&current.board));
        if let Some(board) = board {
            board.tell_again();
            // It was put away meanwhile: that is the last word.
            if lock(&self.current).is_none() {
                self.shared.events.tell(&Event::Work { work: None });
            }
        }
    }

    /// # Errors
    /// [`AssistantError::WorkBusy`] while another one has not come to its end.
    fn start(
        &self,
        kind: WorkKind,
        order: Option<String>,
        key: Option<KeyId>,
        steps: Vec<StepView>,
        run: impl FnOnce(&Bench) -> Said<Outcome> + Send + 'static,
    ) -> Result<WorkView> {
        let mut current = lock(&self.current);
        if current.as_ref().is_some_and(|current| !current.board.has_ended()) {
            return Err(AssistantError::WorkBusy);
        }
        let id = {
            let mut ids = lock(&self.ids);
            *ids += 1;
            *ids
        };
        let view = WorkView {
            id,
            version: 0,
            kind,
            order,
            key: key.map(|key| self.keys.name(&key)),
            steps,
            on_key: false,
            taken_up_after: None,
            approval: false,
            clock_off: None,
            asked: None,
            outcome: None,
        };
        let board = Arc::new(Board::new(view, Arc::clone(&self.shared)));
        let (signals, heard) = mpsc::channel();
        let desk = Desk::new(Arc::clone(&board), signals.clone(), heard);
        let bench = Bench { shared: Arc::clone(&self.shared), keys: self.keys.clone(), desk };
        let thread = thread::spawn(move || {
            bench.keys.work_begins();
            let outcome = run(&bench);
            bench.keys.work_is_over();
            bench.desk.board.ends(outcome);
            if let Ok(items) = unfinished(&bench.shared, &bench.keys) {
                bench.shared.events.tell(&Event::Unfinished { items });
            }
        });
        let view = board.view();
        *current = Some(Current { board, signals, thread: Some(thread) });
        drop(current);
        self.shared.events.tell(&Event::Work { work: Some(Box::new(view.clone())) });
        Ok(view)
    }

    fn of<T>(&self, work: u32, act: impl FnOnce(&Current) -> Result<T>) -> Result<T> {
        let current = lock(&self.current);
        match current.as_ref().filter(|current| current.board.id() == work) {
            Some(current) => act(current),
            None => Err(AssistantError::QuestionOver),
        }
    }

    fn answer(&self, work: u32, question: u32, answer: Answer) -> Result<Done> {
        self.of(work, |current| {
            current.board.check(question, &answer)?;
            // Heard even where the question goes on by itself at this very moment.
            if matches!(answer, Answer::Stop) {
                current.board.stop();
            }
            current
                .signals
                .send(Signal::Answer { question, answer })
                .map_err(|_| AssistantError::QuestionOver)?;
            Ok(Done {})
        })
    }

    fn stop(&self, work: u32) -> Result<Done> {
        self.of(work, |current| {
            current.board.stop();
            // A flow that waits for nothing sees it before its next step.
            let _ = current.signals.send(Signal::Stop);
            Ok(Done {})
        })
    }

    /// Puts away a work that has ended.
    pub fn dismiss(&self, work: u32) -> Result<Done> {
        let has_ended = self.of(work, |current| Ok(current.board.has_ended()))?;
        if !has_ended {
            return Err(AssistantError::WorkBusy);
        }
        *lock(&self.current) = None;
        self.shared.events.tell(&Event::Work { work: None });
        Ok(Done {})
    }
}

/// What changes the key is seen to its end; all else ends at once.
impl Drop for Works {
    fn drop(&mut self) {
        let current = lock(&self.current).take();
        if let Some(Current { board, signals, thread }) = current {
            board.stop();
            let _ = signals.send(Signal::Stop);
            if let Some(thread) = thread {
                let _ = thread.join();
            }
        }
    }
}

impl Bench {
    /// Driver hosts for this work alone. Makes that want the PIN at every signature ask the person again.
    fn open_keys(&self) -> Keys {
        let mut keys = Keys::open(&self.shared.drivers, self.shared.host_exe.as_deref());
        let (desk, names) = (self.desk.clone(), self.keys.clone());
        keys.on_pin_needed(move |key| {
            let question = Question::Pin {
                key: names.name(key),
                tries: Tries::NotLow,
                again: false,
                last_try: false,
                is_initial: false,
                each_signature: true,
            };
            match desk.ask(question) {
                Answer::Pin { pin } => Some(Pin::new(pin.expose())),
                _ => None,
            }
        });
        keys
    }

    fn new_pin(
        &self,
        question: &ycd_flows::new_pin::NewPinQuestion,
        key: Option<&KeyId>,
    ) -> Option<(Pin, Pin)> {
        let (refused, rules) = (question.refused, rules(question.policy));
        let key = key.map(|key| self.keys.name(key));
        let question = move |language| {
            let refused = refused.map(|refusal| failure(refusal.explain(language)));
            Question::NewPin { key: key.clone(), rules, refused }
        };
        match self.desk.ask_in_words(Box::new(question)) {
            Answer::NewPin { new, again } => Some((Pin::new(new.expose()), Pin::new(again.expose()))),
            _ => None,
        }
    }

    fn accepts_weak(&self, weakness: ycd_token::Weakness) -> bool {
        let why = move |language| ycd_flows::messages::weakness_word(weakness, language);
        let question = move |language| Question::Weak { why: why(language) };
        matches!(self.desk.ask_in_words(Box::new(question)), Answer::Yes)
    }

    fn code(
        &self,
        sent: &ycd_portal_api::wire::login::CodeSent,
        refused: Option<&ycd_portal_api::ApiError>,
    ) -> ycd_flows::conversation::CodeAnswer {
        let (sent, refused) = (sent.clone(), refused.cloned());
        let question = move |language| Question::Code {
            phone: sent.phone.clone(),
            valid_for: sent.valid_for,
            next_after: sent.next_after,
            refused: refused.as_ref().map(|error| failure(error.explain(language))),
        };
        match self.desk.ask_in_words(Box::new(question)) {
            Answer::Code { code } => Some(code.expose().trim().to_owned()).into(),
            Answer::SendAgain => ycd_flows::conversation::CodeAnswer::SendAgain,
            _ => ycd_flows::conversation::CodeAnswer::Stop,
        }
    }
}

fn rules(policy: ycd_token::PinPolicy) -> crate::view::PinRulesView {
    crate::view::PinRulesView {
        min_len: policy.min_len,
        max_len: policy.max_len,
        digits_only: policy.digits_only,
    }
}

/// The question, and the keys that the flow has seen.
fn key_question(kind: WorkKind, problem: &KeyProblem, keys: &KeysHandle) -> (Said<Question>, Vec<KeyId>) {
    use KeyProblemKind::{Absent, Pulled, Several, Wrong};
    let (what, wanted, at) = match problem {
        KeyProblem::Absent { wanted } => (Absent, wanted.as_ref(), None),
        KeyProblem::Pulled { wanted, at } => (Pulled, wanted.as_ref(), Some(*at)),
        KeyProblem::Several { .. } => (Several, None, None),
        KeyProblem::Wrong { wanted, .. } => (Wrong, Some(wanted), None),
    };
    let ids: Vec<KeyId> = problem.inserted().iter().map(|info| info.key_id.clone()).collect();
    let inserted: Vec<KeyRef> = ids.iter().map(|key| keys.name(key)).collect();
    let wanted = wanted.map(|key| keys.name(key));
    let question = move |language| Question::Key {
        problem: what,
        wanted: wanted.clone(),
        inserted: inserted.clone(),
        at_step: at.map(|step| step_word(kind, step, language)),
    };
    (Box::new(question), ids)
}

/// It did not come to its end.
fn failed(
    error: impl Explain + Send + 'static,
    at_step: Option<(WorkKind, &'static str)>,
    can_go_on: bool,
) -> Said<Outcome> {
    Box::new(move |language| Outcome::Failed {
        failure: failure(error.explain(language)),
        at_step: at_step.map(|(kind, step)| step_word(kind, step, language)),
        can_go_on,
    })
}

/// By the person's wish; the same goes on where it stands.
fn stopped(at_step: Option<(WorkKind, &'static str)>) -> Said<Outcome> {
    Box::new(move |language| Outcome::Stopped {
        at_step: at_step.map(|(kind, step)| step_word(kind, step, language)),
        can_go_on: true,
    })
}

/// Nothing in it is a word.
fn ended(outcome: Outcome) -> Said<Outcome> {
    Box::new(move |_| outcome.clone())
}

/// Steps have their names from the flow that a work runs.
fn step_word(kind: WorkKind, name: &str, language: Language) -> String {
    let of = if kind == WorkKind::Unlock { "unlock_step" } else { "step" };
    word(&format!("{of}.{name}"), language)
}

fn waiting(name: &str, [usual, longest]: [std::time::Duration; 2]) -> StepView {
    let seconds = |duration: std::time::Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    StepView {
        name: name.to_owned(),
        word: String::new(),
        state: StepState::Waiting,
        usual_seconds: seconds(usual),
        longest_seconds: seconds(longest),
        milliseconds: None,
    }
}

impl Assistant {
    pub(crate) fn start_renewal(&self, no: String, remove_old: bool) -> Result<WorkView> {
        let steps = renewal::rows(&renewal::STEPS);
        let order = no.clone();
        self.works.start(WorkKind::Renewal, Some(no), None, steps, move |bench| {
            renewal::run(bench, &order, remove_old)
        })
    }

    pub(crate) fn give_up(&self, no: String) -> Result<WorkView> {
        let steps = renewal::rows(&give_up::STEPS);
        let order = no.clone();
        self.works.start(WorkKind::GiveUp, Some(no), None, steps, move |bench| give_up::run(bench, &order))
    }

    pub(crate) fn start_unlock(&self, key_id: Option<String>, no: Option<String>) -> Result<WorkView> {
        let steps = unlock::rows();
        let key = key_id.map(KeyId::from);
        let (wanted, order) = (key.clone(), no.clone());
        self.works.start(WorkKind::Unlock, no, key, steps, move |bench| unlock::run(bench, wanted, order))
    }

    pub(crate) fn start_pin_change(&self, key_id: String) -> Result<WorkView> {
        let key = KeyId::from(key_id);
        let wanted = key.clone();
        self.works.start(WorkKind::PinChange, None, Some(key), Vec::new(), move |bench| {
            pin_change::run(bench, wanted)
        })
    }

    pub(crate) fn work(&self) -> Result<WorkState> {
        Ok(WorkState { work: self.works.view() })
    }

    pub(crate) fn answer(&self, work: u32, question: u32, answer: Answer) -> Result<Done> {
        self.works.answer(work, question, answer)
    }

    pub(crate) fn stop_work(&self, work: u32) -> Result<Done> {
        self.works.stop(work)
    }

    pub(crate) fn unfinished(&self) -> Result<Unfinished> {
        Ok(Unfinished { items: self.unfinished_work()? })
    }

    pub(crate) fn forget_unfinished(&self, no: String) -> Result<Unfinished> {
        let journal = self.shared.home.journal()?;
        for work in journal.unfinished()?.into_iter().filter(|work| work.order == no) {
            journal.close(&work.portal, &work.order)?;
        }
        for work in journal.unfinished_unlocks()?.into_iter().filter(|work| work.order == no) {
            journal.unlock_done(&work.portal, &KeyId::from(work.key_id), self.shared.clock.now())?;
        }
        let items = self.unfinished_work()?;
        self.shared.events.tell(&Event::Unfinished { items: items.clone() });
        Ok(Unfinished { items })
    }

    pub(crate) fn unfinished_work(&self) -> Result<Vec<UnfinishedView>> {
        unfinished(&self.shared, &self.keys.handle())
    }
}

/// Work that was broken off on this machine, newest first.
fn unfinished(shared: &Shared, keys: &KeysHandle) -> Result<Vec<UnfinishedView>> {
    let journal = shared.home.journal()?;
    let language = shared.language();
    let at =
        |text: &str| Timestamp(OffsetDateTime::parse(text, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH));
    let name = |key_id: &str| keys.name(&KeyId::from(key_id.to_owned())).holder;
    let renewals = journal.unfinished()?.into_iter().map(|work| UnfinishedView {
        kind: WorkKind::Renewal,
        after: step_word(WorkKind::Renewal, work.step.name(), language),
        steps_left: (Step::OF + 1).saturating_sub(work.step.number()).max(1),
        at: at(&work.at),
        holder: name(&work.key_id),
        order: work.order,
        key_id: work.key_id,
        tail: work.key_tail,
    });
    let unlocks = journal.unfinished_unlocks()?.into_iter().map(|work| {
        let after = if work.pin_set { UnlockStep::SetPin } else { UnlockStep::Confirm };
        UnfinishedView {
            kind: WorkKind::Unlock,
            after: step_word(WorkKind::Unlock, after.name(), language),
            // At most: the journal does not have the road, and the other one is shorter.
            steps_left: UnlockStep::count(Road::Wrapped) - after.number(Road::Wrapped),
            at: at(&work.at),
            holder: name(&work.key_id),
            order: work.order,
            key_id: work.key_id,
            tail: work.key_tail,
        }
    });
    let mut all: Vec<UnfinishedView> = renewals.chain(unlocks).collect();
    all.sort_by_key(|work| std::cmp::Reverse(work.at));
    Ok(all)
}
