use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use ycd_portal_api::wire::Timestamp;

use super::{Failure, Secret, TokenRef, Tries};

/// A work on a token, as it stands now: what has been done, what is asked, how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct JobView {
    /// Counts up; one work at a time.
    pub id: u32,
    /// Grows with every change of this work.
    pub version: u32,
    pub kind: JobKind,
    /// Where the work has one.
    pub order: Option<String>,
    pub token: Option<TokenRef>,
    pub steps: Vec<StepView>,
    /// The token is being written: it stays in, and the window stays open.
    pub on_token: bool,
    /// Where work of before goes on: the step that had been done, in words.
    pub taken_up_after: Option<String>,
    /// An operator approves this unlock, or has.
    pub approval: bool,
    /// Portal's time minus this machine's, seconds, where they differ noticeably.
    pub clock_off: Option<i64>,
    pub asked: Option<Asked>,
    /// It has ended.
    pub outcome: Option<Outcome>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    Renewal,
    Unlock,
    PinChange,
    /// An attempt of a renewal is given up.
    GiveUp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StepView {
    /// Stable.
    pub name: String,
    /// In the language in use.
    pub word: String,
    pub state: StepState,
    /// How long it usually takes, and at most.
    pub usual_seconds: u32,
    pub longest_seconds: u32,
    /// How long it took, once it is done.
    pub milliseconds: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Waiting,
    Running,
    Done,
}

/// A question to the person, answered with its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Asked {
    pub id: u32,
    pub question: Question,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Question {
    /// The PIN of a token; `pin` answers. With `last_try`, giving one is the explicit yes to it.
    Pin {
        token: TokenRef,
        retry_counter: Tries,
        /// The one before was wrong.
        again: bool,
        last_try: bool,
        is_initial: bool,
        /// This make asks anew at every signature.
        each_signature: bool,
    },
    /// A token is missing, several are in, or the wrong one. Goes on by itself when tokens come or go; `yes` looks
    /// again.
    Token {
        problem: TokenProblemKind,
        wanted: Option<TokenRef>,
        inserted: Vec<TokenRef>,
        at_step: Option<String>,
    },
    /// There is no free capacity: the old pair goes first, for good. `yes` agrees.
    Replace { token: TokenRef, holder: String },
    /// A code will be sent to this phone when `send_code` is answered, with what an approver should read where
    /// `approval` is due.
    BeforeCode { token: TokenRef, phone: String, approval: bool },
    /// A code was sent; `code` answers, `send_again` has another one sent.
    Code { phone: String, valid_for: u32, next_after: u32, refused: Option<Failure> },
    /// A new PIN, twice; `new_pin` answers.
    NewPin { token: Option<TokenRef>, rules: PinRulesView, refused: Option<Failure> },
    /// The new PIN is easily guessed, for this reason. `yes` takes it, `no` asks for another one.
    Weak { why: String },
    /// The token is not locked: has the PIN been forgotten? `yes` goes on.
    Forgotten { token: TokenRef, retry_counter: Tries },
    /// The portal cannot be reached. `yes` tries again.
    Portal { failure: Failure },
    /// A new PIN was set for this order before. `pin` answers where it is still known, `no` sets another one.
    PinSetBefore { token: TokenRef },
    /// A change of the PIN: the old one and the new one, twice; `change_pin` answers.
    ChangePin { token: TokenRef, rules: PinRulesView, retry_counter: Tries, is_initial: bool },
    /// One more wrong PIN locks the token. `yes` tries it.
    LastTry { token: TokenRef },
    /// The token was pulled in the middle of a change; goes on by itself when it is back.
    PutBack { token: TokenRef },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenProblemKind {
    /// None is in.
    Absent,
    /// It was pulled in the middle of a step.
    Pulled,
    Several,
    Wrong,
}

/// What a new PIN must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct PinRulesView {
    pub min_len: u8,
    pub max_len: u8,
    pub digits_only: bool,
}

/// What a person answers. Any question may be answered with `stop`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(tag = "answer", rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    Yes,
    No,
    Stop,
    Pin { pin: Secret },
    NewPin { new: Secret, again: Secret },
    ChangePin { old: Secret, new: Secret, again: Secret },
    Code { code: Secret },
    SendAgain,
    SendCode { used_at: Option<String>, note: Option<String> },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    Renewed {
        holder: String,
        old_until: Timestamp,
        new_until: Timestamp,
        serial: String,
        /// Why other programs of this machine do not find the new certificate by themselves, as a code.
        not_registered: Option<String>,
    },
    Unlocked,
    /// An operator has to approve first; the token was not touched.
    AwaitsApproval,
    PinChanged,
    /// The open attempt of the order is given up; so many more may be opened after the next one.
    GivenUp {
        attempts_left: u32,
    },
    /// It did not come to its end.
    Failed {
        failure: Failure,
        /// The step at which it stopped, in words.
        at_step: Option<String>,
        /// The same again goes on where it stands.
        can_go_on: bool,
    },
    /// By the person's wish.
    Stopped {
        at_step: Option<String>,
        can_go_on: bool,
    },
}
