//! Jobs on a token: a flow in a thread of its own, whose steps, questions and end a screen sees as one view. One job at
//! a time; it goes on whether a screen looks or not.

mod give_up;
mod pin_change;
mod renewal;
mod state;
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
    messages::{Explain, Language, word},
    prompts::TokenProblem,
    renewal::Step,
    unlock::UnlockStep,
};
use ycd_pki::unlock::UnlockMethod;
use ycd_portal_api::wire::Timestamp;
use ycd_token::{Pin, TokenId, TokenSet};

use self::state::{JobState, Localized, PromptChannel, Signal};
use crate::{
    context::Context,
    error::{AssistantError, Result, failure},
    lock::lock,
    tokens::TokensHandle,
    view::{
        Answer, Done, Event, JobKind, JobView, Outcome, Question, StepState, StepView, TokenProblemKind,
        TokenRef, Tries, UnfinishedView,
    },
};

/// Giving up is the last of its steps.
const GIVE_UP_NUMBER: u32 = 4;

pub(crate) struct JobRunner {
    shared: Arc<Context>,
    tokens: TokensHandle,
    /// Held by whoever puts a job into `current` or takes one away, so that neither meets the other half way. Taken
    /// before `current`, which is never held while a thread is waited for.
    change: Mutex<()>,
    current: Mutex<Option<Current>>,
    ids: Mutex<u32>,
}

struct Current {
    job_state: Arc<JobState>,
    signals: Sender<Signal>,
    thread: Option<JoinHandle<()>>,
}

/// What a flow's thread works with.
pub(crate) struct JobContext {
    shared: Arc<Context>,
    tokens: TokensHandle,
    prompts: PromptChannel,
}

impl JobRunner {
    pub fn new(shared: Arc<Context>, tokens: TokensHandle) -> Self {
        Self { shared, tokens, change: Mutex::new(()), current: Mutex::new(None), ids: Mutex::new(0) }
    }

    pub fn start_renewal(&self, no: String, remove_old: bool) -> Result<JobView> {
        let steps = renewal::rows(&renewal::STEPS);
        let order = no.clone();
        self.start(JobKind::Renewal, Some(no), None, steps, move |context| {
            renewal::run(context, &order, remove_old)
        })
    }

    pub fn give_up(&self, no: String) -> Result<JobView> {
        let steps = renewal::rows(&give_up::STEPS);
        let order = no.clone();
        self.start(JobKind::GiveUp, Some(no), None, steps, move |context| give_up::run(context, &order))
    }

    pub fn start_unlock(&self, token_id: Option<String>, no: Option<String>) -> Result<JobView> {
        let steps = unlock::rows();
        let token = token_id.map(TokenId::from);
        let (wanted, order) = (token.clone(), no.clone());
        self.start(JobKind::Unlock, no, token, steps, move |context| unlock::run(context, wanted, order))
    }

    pub fn start_pin_change(&self, token_id: String) -> Result<JobView> {
        let token = TokenId::from(token_id);
        let wanted = token.clone();
        self.start(JobKind::PinChange, None, Some(token), Vec::new(), move |context| {
            pin_change::run(context, wanted)
        })
    }

    pub fn unfinished(&self) -> Result<Vec<UnfinishedView>> {
        unfinished(&self.shared, &self.tokens)
    }

    pub fn tell_unfinished(&self) -> Result<Vec<UnfinishedView>> {
        let items = self.unfinished()?;
        self.shared.events.tell(&Event::Unfinished { items: items.clone() });
        Ok(items)
    }

    pub fn forget_unfinished(&self, no: String) -> Result<Vec<UnfinishedView>> {
        let journal = self.shared.data_dir.journal()?;
        for unfinished in journal.unfinished()?.into_iter().filter(|unfinished| unfinished.order == no) {
            journal.close(&unfinished.portal, &unfinished.order)?;
        }
        for unfinished in
            journal.unfinished_unlocks()?.into_iter().filter(|unfinished| unfinished.order == no)
        {
            journal.unlock_done(
                &unfinished.portal,
                &TokenId::from(unfinished.token_id),
                self.shared.clock.now(),
            )?;
        }
        self.tell_unfinished()
    }

    pub fn view(&self) -> Option<JobView> {
        lock(&self.current).as_ref().map(|current| current.job_state.view())
    }

    pub fn is_writing(&self) -> bool {
        lock(&self.current).as_ref().is_some_and(|current| current.job_state.is_on_token())
    }

    /// Tells of the job in the language that is in use now.
    pub fn tell_again(&self) {
        let _change = lock(&self.change);
        let job_state = lock(&self.current).as_ref().map(|current| Arc::clone(&current.job_state));
        if let Some(job_state) = job_state {
            job_state.tell_again();
        }
    }

    /// Waits until the thread of a job that has ended has cleaned up behind it.
    ///
    /// # Errors
    /// [`AssistantError::JobBusy`] where the job has not ended.
    fn see_out(&self) -> Result<()> {
        let thread = match lock(&self.current).as_mut() {
            Some(current) if !current.job_state.has_ended() => return Err(AssistantError::JobBusy),
            Some(current) => current.thread.take(),
            None => None,
        };
        if let Some(thread) = thread {
            let _ = thread.join();
        }
        Ok(())
    }

    /// # Errors
    /// [`AssistantError::JobBusy`] while another one has not come to its end.
    fn start(
        &self,
        kind: JobKind,
        order: Option<String>,
        token: Option<TokenId>,
        steps: Vec<StepView>,
        run: impl FnOnce(&JobContext) -> Localized<Outcome> + Send + 'static,
    ) -> Result<JobView> {
        let _change = lock(&self.change);
        self.see_out()?;
        let id = {
            let mut ids = lock(&self.ids);
            *ids += 1;
            *ids
        };
        let view = JobView {
            id,
            version: 0,
            kind,
            order,
            token: token.map(|token| self.tokens.name(&token)),
            steps,
            on_token: false,
            taken_up_after: None,
            approval: false,
            clock_off: None,
            asked: None,
            outcome: None,
        };
        let job_state = Arc::new(JobState::new(view, Arc::clone(&self.shared)));
        let (signals, heard) = mpsc::channel();
        let prompts = PromptChannel::new(Arc::clone(&job_state), signals.clone(), heard);
        let context = JobContext { shared: Arc::clone(&self.shared), tokens: self.tokens.clone(), prompts };
        let thread = thread::spawn(move || {
            context.tokens.job_begins();
            let outcome = run(&context);
            context.tokens.job_is_over();
            context.prompts.job_state.ends(outcome);
            if let Ok(items) = unfinished(&context.shared, &context.tokens) {
                context.shared.events.tell(&Event::Unfinished { items });
            }
        });
        let view = job_state.view();
        *lock(&self.current) = Some(Current { job_state, signals, thread: Some(thread) });
        self.shared.events.tell(&Event::Job { job: Some(Box::new(view.clone())) });
        Ok(view)
    }

    fn of<T>(&self, job: u32, act: impl FnOnce(&Current) -> Result<T>) -> Result<T> {
        let current = lock(&self.current);
        match current.as_ref().filter(|current| current.job_state.id() == job) {
            Some(current) => act(current),
            None => Err(AssistantError::QuestionOver),
        }
    }

    pub fn answer(&self, job: u32, question: u32, answer: Answer) -> Result<Done> {
        self.of(job, |current| {
            current.job_state.check(question, &answer)?;
            // Heard even where the question goes on by itself at this very moment.
            if matches!(answer, Answer::Stop) {
                current.job_state.stop();
            }
            current
                .signals
                .send(Signal::Answer { question, answer })
                .map_err(|_| AssistantError::QuestionOver)?;
            Ok(Done {})
        })
    }

    pub fn stop(&self, job: u32) -> Result<Done> {
        self.of(job, |current| {
            current.job_state.stop();
            // A flow that waits for nothing sees it before its next step.
            let _ = current.signals.send(Signal::Stop);
            Ok(Done {})
        })
    }

    /// Puts away a job that has ended.
    pub fn dismiss(&self, job: u32) -> Result<Done> {
        let _change = lock(&self.change);
        self.of(job, |_| Ok(()))?;
        self.see_out()?;
        *lock(&self.current) = None;
        self.shared.events.tell(&Event::Job { job: None });
        Ok(Done {})
    }
}

/// What changes the token is seen to its end; all else ends at once.
impl Drop for JobRunner {
    fn drop(&mut self) {
        let current = lock(&self.current).take();
        if let Some(Current { job_state, signals, thread }) = current {
            job_state.stop();
            let _ = signals.send(Signal::Stop);
            if let Some(thread) = thread {
                let _ = thread.join();
            }
        }
    }
}

impl JobContext {
    /// Driver hosts for this job alone. Models that want the PIN at every signature ask the person again.
    fn open_tokens(&self) -> TokenSet {
        let mut tokens = TokenSet::open(&self.shared.drivers, self.shared.host_exe.as_deref());
        let (prompts, names) = (self.prompts.clone(), self.tokens.clone());
        tokens.on_pin_needed(move |token| {
            let question = Question::Pin {
                token: names.name(token),
                retry_counter: Tries::NotLow,
                again: false,
                last_try: false,
                is_initial: false,
                each_signature: true,
            };
            match prompts.ask(question) {
                Answer::Pin { pin } => Some(Pin::new(pin.expose())),
                _ => None,
            }
        });
        tokens
    }

    fn new_pin(
        &self,
        question: &ycd_flows::new_pin::NewPinQuestion,
        token: Option<&TokenId>,
    ) -> Option<(Pin, Pin)> {
        let (refused, rules) = (question.refused, rules(question.policy));
        let token = token.map(|token| self.tokens.name(token));
        let question = move |language| {
            let refused = refused.map(|refusal| failure(refusal.explain(language)));
            Question::NewPin { token: token.clone(), rules, refused }
        };
        match self.prompts.ask_in_words(Box::new(question)) {
            Answer::NewPin { new, again } => Some((Pin::new(new.expose()), Pin::new(again.expose()))),
            _ => None,
        }
    }

    fn accepts_weak(&self, weakness: ycd_token::Weakness) -> bool {
        let why = move |language| ycd_flows::messages::weakness_word(weakness, language);
        let question = move |language| Question::Weak { why: why(language) };
        matches!(self.prompts.ask_in_words(Box::new(question)), Answer::Yes)
    }

    fn code(
        &self,
        sent: &ycd_portal_api::wire::login::CodeSent,
        refused: Option<&ycd_portal_api::ApiError>,
    ) -> ycd_flows::prompts::CodeAnswer {
        let (sent, refused) = (sent.clone(), refused.cloned());
        let question = move |language| Question::Code {
            phone: sent.phone.clone(),
            valid_for: sent.valid_for,
            next_after: sent.next_after,
            refused: refused.as_ref().map(|error| failure(error.explain(language))),
        };
        match self.prompts.ask_in_words(Box::new(question)) {
            Answer::Code { code } => Some(code.expose().trim().to_owned()).into(),
            Answer::SendAgain => ycd_flows::prompts::CodeAnswer::SendAgain,
            _ => ycd_flows::prompts::CodeAnswer::Stop,
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

/// The question, and the tokens that the flow has seen.
fn token_question(
    kind: JobKind,
    problem: &TokenProblem,
    tokens: &TokensHandle,
) -> (Localized<Question>, Vec<TokenId>) {
    use TokenProblemKind::{Absent, Pulled, Several, Wrong};
    let (what, wanted, at) = match problem {
        TokenProblem::Absent { wanted } => (Absent, wanted.as_ref(), None),
        TokenProblem::Pulled { wanted, at } => (Pulled, wanted.as_ref(), Some(*at)),
        TokenProblem::Several { .. } => (Several, None, None),
        TokenProblem::Wrong { wanted, .. } => (Wrong, Some(wanted), None),
    };
    let ids: Vec<TokenId> = problem.inserted().iter().map(|info| info.token_id.clone()).collect();
    let inserted: Vec<TokenRef> = ids.iter().map(|token| tokens.name(token)).collect();
    let wanted = wanted.map(|token| tokens.name(token));
    let question = move |language| Question::Token {
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
    at_step: Option<(JobKind, &'static str)>,
    can_go_on: bool,
) -> Localized<Outcome> {
    Box::new(move |language| Outcome::Failed {
        failure: failure(error.explain(language)),
        at_step: at_step.map(|(kind, step)| step_word(kind, step, language)),
        can_go_on,
    })
}

/// By the person's wish; the same goes on where it stands.
fn stopped(at_step: Option<(JobKind, &'static str)>) -> Localized<Outcome> {
    Box::new(move |language| Outcome::Stopped {
        at_step: at_step.map(|(kind, step)| step_word(kind, step, language)),
        can_go_on: true,
    })
}

/// Nothing in it is a word.
fn ended(outcome: Outcome) -> Localized<Outcome> {
    Box::new(move |_| outcome.clone())
}

/// Steps have their names from the flow that a job runs.
fn step_word(kind: JobKind, name: &str, language: Language) -> String {
    let of = if kind == JobKind::Unlock { "unlock_step" } else { "step" };
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

/// Work that was broken off on this machine, newest first.
fn unfinished(shared: &Context, tokens: &TokensHandle) -> Result<Vec<UnfinishedView>> {
    let journal = shared.data_dir.journal()?;
    let language = shared.language();
    let at =
        |text: &str| Timestamp(OffsetDateTime::parse(text, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH));
    let name = |token_id: &str| tokens.name(&TokenId::from(token_id.to_owned())).holder;
    let renewals = journal.unfinished()?.into_iter().map(|unfinished| UnfinishedView {
        kind: JobKind::Renewal,
        after: step_word(JobKind::Renewal, &unfinished.step, language),
        steps_left: (Step::OF + 1)
            .saturating_sub(Step::from_name(&unfinished.step).unwrap_or(Step::Open).number())
            .max(1),
        at: at(&unfinished.at),
        holder: name(&unfinished.token_id),
        order: unfinished.order,
        token_id: unfinished.token_id,
        tail: unfinished.token_tail,
    });
    let unlocks = journal.unfinished_unlocks()?.into_iter().map(|unfinished| {
        let after = if unfinished.pin_set { UnlockStep::SetPin } else { UnlockStep::Confirm };
        UnfinishedView {
            kind: JobKind::Unlock,
            after: step_word(JobKind::Unlock, after.name(), language),
            // At most: the journal does not have the method, and the other one is shorter.
            steps_left: UnlockStep::count(UnlockMethod::SoPin) - after.number(UnlockMethod::SoPin),
            at: at(&unfinished.at),
            holder: name(&unfinished.token_id),
            order: unfinished.order,
            token_id: unfinished.token_id,
            tail: unfinished.token_tail,
        }
    });
    let mut all: Vec<UnfinishedView> = renewals.chain(unlocks).collect();
    all.sort_by_key(|unfinished| std::cmp::Reverse(unfinished.at));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use ycd_flows::clock::SystemClock;

    use super::*;
    use crate::{Assistant, data_dir::PathOverrides};

    const TAIL: std::time::Duration = std::time::Duration::from_millis(300);

    fn start(jobs: &JobRunner, run: impl FnOnce() + Send + 'static) -> Result<JobView> {
        jobs.start(JobKind::PinChange, None, None, Vec::new(), move |_| {
            run();
            ended(Outcome::PinChanged)
        })
    }

    /// An assistant whose first job has ended and is held in its clean-up for a while; what it has left of it is told.
    fn in_the_tail(folder: &std::path::Path) -> (Assistant, Arc<AtomicBool>) {
        let path_overrides = PathOverrides {
            data_dir: Some(folder.to_owned()),
            portal: Some("http://127.0.0.1:9".to_owned()),
            drivers: None,
            softkey_dir: Some(folder.to_owned()),
            provision: None,
        };
        let assistant = Assistant::open_at(path_overrides, None, Arc::new(SystemClock));
        let tail_over = Arc::new(AtomicBool::new(false));
        let (entered, is_entered) = mpsc::channel();
        let over = Arc::clone(&tail_over);
        assistant.listen(move |event| {
            let is_tail = matches!(event, Event::Unfinished { .. });
            if is_tail {
                let _ = entered.send(());
                // Nobody sends: only time lets it go on.
                let (_held, waits) = mpsc::channel::<()>();
                let _ = waits.recv_timeout(TAIL);
                over.store(true, Ordering::SeqCst);
            }
            !is_tail
        });
        start(&assistant.jobs, || ()).unwrap();
        is_entered.recv().unwrap();
        (assistant, tail_over)
    }

    #[test]
    fn a_job_begins_only_when_the_one_before_has_cleaned_up_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let (assistant, tail_over) = in_the_tail(folder.path());
        let (seen, sees) = mpsc::channel();
        let over = Arc::clone(&tail_over);
        start(&assistant.jobs, move || seen.send(over.load(Ordering::SeqCst)).unwrap()).unwrap();
        assert!(sees.recv().unwrap(), "the second job ran in the tail of the first");
    }
}
