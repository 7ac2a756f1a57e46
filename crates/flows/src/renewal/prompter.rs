//! How a renewal speaks with the person in front of it, whatever the screen: what it tells, and what it asks.

use std::{ops::ControlFlow, time::Duration};

use serde::Serialize;
use ycd_pki::cert::CertificateInfo;
use ycd_portal_api::{
    ApiError,
    wire::login::{CodeSent, Purpose},
};
use ycd_token::{Pin, TokenInfo};

use super::step::Step;
use crate::{
    session::prompts::{CodeAnswer, PinQuestion, TokenProblem},
    store::Registered,
};

/// The person, behind a window or a terminal.
pub trait Prompter {
    /// Told as it happens. Answering `ControlFlow::Break` ends the flow before its next step; a step that changes
    /// the token is always seen to its end.
    fn tell(&mut self, event: &Event) -> ControlFlow<()>;

    /// The PIN of a token; `None` ends the flow.
    fn pin(&mut self, question: &PinQuestion) -> Option<Pin>;

    /// The token was pulled, or is missing, or is not the only or the right one: whether to look again. May wait for
    /// the token to come before it answers.
    fn token_again(&mut self, problem: &TokenProblem) -> ControlFlow<()>;

    /// Mode *replace*: the old pair goes first, with no way back. Only an explicit yes counts.
    fn agree_to_replace(&mut self, token: &TokenInfo, old: &CertificateInfo) -> bool;

    /// The code that was sent by SMS. `refused` says why the one before was not taken.
    fn sms_code(&mut self, sent: &CodeSent, purpose: Purpose, refused: Option<&ApiError>) -> CodeAnswer;
}

/// What a renewal tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A step begins: which of how many, what it is, how long it may take, whether the token may be pulled.
    Begins { step: Step, number: u32, of: u32, usual: Duration, longest: Duration },
    /// The journal has it: from here on the work is found again.
    Recorded { step: Step },
    /// Work of before was found; it goes on behind this step.
    TakenUp { after: Step },
    /// The new key has signed this PKCS#10 (DER), and both signatures of the step were verified.
    Requested {
        #[serde(skip)]
        request: Vec<u8>,
    },
    /// Something was not as expected, so the work starts again at step 1; nothing is lost.
    StartsAgain { because: String },
    /// The machine's clock is off by this many seconds (portal minus machine).
    ClockOff { seconds: i64 },
    /// The new certificate is in the user's certificate store, so that other programs find it.
    Registered(Registered),
    /// It is not, for the reason that this code stands for. The renewal is done all the same.
    NotRegistered { code: String, detail: String },
    /// The new certificate is on the token and the portal knows it.
    Finished { old: Box<CertificateInfo>, new: Box<CertificateInfo> },
}

impl Event {
    /// A step begins.
    pub fn begins(step: Step) -> Self {
        let [usual, longest] = step.durations();
        Self::Begins { step, number: step.number(), of: Step::OF, usual, longest }
    }
}
