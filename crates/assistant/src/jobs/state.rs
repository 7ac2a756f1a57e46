//! What flow and screen share of a job: the flow writes its state and asks, the screen reads and answers.

use std::ops::ControlFlow;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant},
};

use ycd_flows::messages::Language;
use ycd_token::TokenId;

use super::step_word;

use crate::{
    context::Context,
    error::{AssistantError, Result},
    events::Events,
    lock::lock,
    tokens::TokensHandle,
    view::{Answer, Asked, Event, JobView, Outcome, Question, StepState, StepView},
};

/// How far the watcher may be behind a flow that has just looked.
const LAG: Duration = Duration::from_millis(500);
const A_DAY: Duration = Duration::from_secs(86_400);

/// The state of a job, and whoever wants to know it.
pub(super) struct JobState {
    inner: Mutex<Inner>,
    shared: Arc<Context>,
    stop: AtomicBool,
}

/// What holds words, said in the language that is in use when somebody looks.
pub(super) type Localized<T> = Box<dyn Fn(Language) -> T + Send>;

struct Inner {
    /// Without words: steps have their names only, and what is asked and how it ended stand beside.
    view: JobView,
    question: Option<(u32, Localized<Question>)>,
    outcome: Option<Localized<Outcome>>,
    questions: u32,
    /// When the running step began; moved on by what the person took to answer.
    began: Instant,
    asked: Instant,
}

/// What comes to a flow that waits.
pub(super) enum Signal {
    Answer {
        question: u32,
        answer: Answer,
    },
    /// The tokens that are in now.
    Tokens(Vec<TokenId>),
    Stop,
}

impl JobState {
    pub fn new(view: JobView, shared: Arc<Context>) -> Self {
        let now = Instant::now();
        let inner = Inner { view, question: None, outcome: None, questions: 0, began: now, asked: now };
        Self { inner: Mutex::new(inner), shared, stop: AtomicBool::new(false) }
    }

    pub fn view(&self) -> JobView {
        self.say(&lock(&self.inner))
    }

    fn say(&self, inner: &Inner) -> JobView {
        let language = self.shared.language();
        let mut view = inner.view.clone();
        for step in &mut view.steps {
            step.word = step_word(view.kind, &step.name, language);
        }
        view.taken_up_after = view.taken_up_after.map(|name| step_word(view.kind, &name, language));
        let asked = inner.question.as_ref();
        view.asked = asked.map(|(id, question)| Asked { id: *id, question: question(language) });
        view.outcome = inner.outcome.as_ref().map(|outcome| outcome(language));
        view
    }

    pub fn id(&self) -> u32 {
        lock(&self.inner).view.id
    }

    pub fn is_on_token(&self) -> bool {
        lock(&self.inner).view.on_token
    }

    pub fn has_ended(&self) -> bool {
        lock(&self.inner).outcome.is_some()
    }

    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Whether the flow should go on.
    pub fn go(&self) -> ControlFlow<()> {
        if self.stop.load(Ordering::SeqCst) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn events(&self) -> &Events {
        &self.shared.events
    }

    /// Changes the view, and tells it. Of steps names are enough.
    pub fn change(&self, act: impl FnOnce(&mut JobView)) {
        self.change_inner(|inner| act(&mut inner.view));
    }

    /// Tells it once more, in the language that is in use now.
    pub fn tell_again(&self) {
        self.change(|_| ());
    }

    fn change_inner(&self, act: impl FnOnce(&mut Inner)) {
        let view = {
            let mut inner = lock(&self.inner);
            act(&mut inner);
            inner.view.version += 1;
            self.say(&inner)
        };
        self.events().tell(&Event::Job { job: Some(Box::new(view)) });
    }

    /// A step begins; those before it are done.
    pub fn begins(&self, number: u32, step: StepView, on_token: bool) {
        let took = {
            let mut inner = lock(&self.inner);
            let took = inner.began.elapsed();
            inner.began = Instant::now();
            took
        };
        self.change(|view| {
            let at = number.saturating_sub(1) as usize;
            for (row, shown) in view.steps.iter_mut().enumerate() {
                if row < at && shown.state != StepState::Done {
                    if shown.state == StepState::Running {
                        shown.milliseconds = Some(milliseconds(took));
                    }
                    shown.state = StepState::Done;
                } else if row > at {
                    shown.state = StepState::Waiting;
                    shown.milliseconds = None;
                }
            }
            if let Some(row) = view.steps.get_mut(at) {
                *row = step;
            }
            view.on_token = on_token;
        });
    }

    /// The end.
    pub fn ends(&self, outcome: Localized<Outcome>) {
        let is_good =
            !matches!(outcome(self.shared.language()), Outcome::Failed { .. } | Outcome::Stopped { .. });
        self.change_inner(|inner| {
            let took = inner.began.elapsed();
            for step in &mut inner.view.steps {
                if is_good {
                    if step.state == StepState::Running {
                        step.milliseconds = Some(milliseconds(took));
                    }
                    step.state = StepState::Done;
                }
            }
            inner.view.on_token = false;
            inner.question = None;
            inner.outcome = Some(outcome);
        });
    }

    /// # Errors
    /// Where the question is no longer asked, or takes no such answer.
    pub fn check(&self, question: u32, answer: &Answer) -> Result<()> {
        let inner = lock(&self.inner);
        let Some((_, asked)) = inner.question.as_ref().filter(|(id, _)| *id == question) else {
            return Err(AssistantError::QuestionOver);
        };
        if takes(&asked(self.shared.language()), answer) {
            Ok(())
        } else {
            Err(AssistantError::Arguments { detail: "the question takes no such answer".to_owned() })
        }
    }
}

fn milliseconds(took: Duration) -> u32 {
    u32::try_from(took.as_millis()).unwrap_or(u32::MAX)
}

fn takes(question: &Question, answer: &Answer) -> bool {
    match answer {
        Answer::Stop => true,
        Answer::Yes => matches!(
            question,
            Question::Token { .. }
                | Question::Replace { .. }
                | Question::Weak { .. }
                | Question::Forgotten { .. }
                | Question::Portal { .. }
                | Question::LastTry { .. }
                | Question::PutBack { .. }
        ),
        Answer::No => matches!(
            question,
            Question::Replace { .. }
                | Question::Weak { .. }
                | Question::Forgotten { .. }
                | Question::LastTry { .. }
                | Question::PinSetBefore { .. }
        ),
        Answer::Pin { .. } => matches!(question, Question::Pin { .. } | Question::PinSetBefore { .. }),
        Answer::NewPin { .. } => matches!(question, Question::NewPin { .. }),
        Answer::ChangePin { .. } => matches!(question, Question::ChangePin { .. }),
        Answer::Code { .. } | Answer::SendAgain => matches!(question, Question::Code { .. }),
        Answer::SendCode { .. } => matches!(question, Question::BeforeCode { .. }),
    }
}

/// The flow's end of a job: it tells, and waits for answers.
#[derive(Clone)]
pub(super) struct PromptChannel {
    pub job_state: Arc<JobState>,
    /// One thread waits at a time: a driver that asks for a PIN does so while the flow waits for the driver.
    signals: Arc<Mutex<Receiver<Signal>>>,
    sender: Sender<Signal>,
}

impl PromptChannel {
    pub fn new(job_state: Arc<JobState>, sender: Sender<Signal>, signals: Receiver<Signal>) -> Self {
        Self { job_state, signals: Arc::new(Mutex::new(signals)), sender }
    }

    fn put(&self, question: Localized<Question>) -> u32 {
        let mut id = 0;
        self.job_state.change_inner(|inner| {
            inner.questions += 1;
            id = inner.questions;
            inner.asked = Instant::now();
            inner.view.on_token = false;
            inner.question = Some((id, question));
        });
        id
    }

    fn take_away(&self, on_token: bool) {
        self.job_state.change_inner(|inner| {
            inner.began += inner.asked.elapsed();
            inner.view.on_token = on_token;
            inner.question = None;
        });
    }

    /// Asks, and waits for the answer as long as it takes; [`Answer::Stop`] where the work is to stop.
    pub fn ask(&self, question: Question) -> Answer {
        self.ask_in_words(Box::new(move |_| question.clone()))
    }

    /// As [`ask`](Self::ask), where there are words in the question.
    pub fn ask_in_words(&self, question: Localized<Question>) -> Answer {
        let on_token = self.job_state.is_on_token();
        let id = self.put(question);
        let answer = loop {
            if self.job_state.go() == ControlFlow::Break(()) {
                break Answer::Stop;
            }
            match lock(&self.signals).recv() {
                Ok(Signal::Answer { question, answer }) if question == id => break answer,
                Ok(Signal::Answer { .. } | Signal::Tokens(_)) => {}
                Ok(Signal::Stop) | Err(_) => break Answer::Stop,
            }
        };
        if matches!(answer, Answer::Stop) {
            self.job_state.stop();
        }
        self.take_away(on_token);
        answer
    }

    /// Whether the person says yes.
    pub fn agrees(&self, question: Question) -> bool {
        matches!(self.ask(question), Answer::Yes)
    }

    /// Waits until tokens come or go, or the person says "look again". `there` are those that the flow has seen.
    pub fn wait_for_tokens(
        &self,
        question: Localized<Question>,
        there: &[TokenId],
        tokens: &TokensHandle,
    ) -> ControlFlow<()> {
        // What came before is over; that the work is to stop stands on the board.
        while lock(&self.signals).try_recv().is_ok() {}
        let sender = self.sender.clone();
        let waits = Arc::new(AtomicBool::new(true));
        let listens = Arc::clone(&waits);
        self.job_state.events().listen(move |event| {
            if !listens.load(Ordering::SeqCst) {
                return false;
            }
            let Event::Tokens { tokens } = event else { return true };
            let now = tokens.tokens.iter().map(|token| TokenId::from(token.token_id.clone())).collect();
            sender.send(Signal::Tokens(now)).is_ok()
        });
        let mut there: Vec<TokenId> = there.to_vec();
        there.sort();
        let id = self.put(question);
        // While the flow waits, what is put in is read, so that it can be named by its holder.
        tokens.job_is_over();
        // Tokens came or went since the flow has looked, or the watcher has not seen yet what the flow has.
        let mut timeout = if tokens.present() == there { A_DAY } else { LAG };
        let go = loop {
            if self.job_state.go() == ControlFlow::Break(()) {
                break ControlFlow::Break(());
            }
            match lock(&self.signals).recv_timeout(timeout) {
                Ok(Signal::Tokens(mut now)) => {
                    now.sort();
                    if now != there {
                        break ControlFlow::Continue(());
                    }
                    timeout = A_DAY;
                }
                Err(RecvTimeoutError::Timeout) if timeout == LAG => break ControlFlow::Continue(()),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Signal::Answer { question, answer }) if question == id => {
                    let is_yes = matches!(answer, Answer::Yes);
                    if !is_yes {
                        self.job_state.stop();
                    }
                    break if is_yes { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
                }
                Ok(Signal::Answer { .. }) => {}
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => break ControlFlow::Break(()),
            }
        };
        waits.store(false, Ordering::SeqCst);
        tokens.job_begins();
        self.take_away(false);
        go
    }
}
