use serde::Serialize;
use std::ops::ControlFlow;
use std::time::Duration;
use ycd_portal_api::{
    ApiError,
    wire::{login::CodeSent, orders::PublicStatus, unlock::UnlockForm},
};
use ycd_token::{Pin, PinPolicy, TokenId, TokenInfo};

use super::UnlockStep;
use crate::session::{
    new_pin::NewPinPrompter,
    prompts::{CodeAnswer, TokenProblem},
};

/// The person who unlocks, behind a window or a terminal.
pub trait UnlockPrompter: NewPinPrompter {
    /// Told as it happens. Answering `ControlFlow::Break` ends the flow before its next step; a step that changes
    /// the token is always seen to its end.
    fn tell(&mut self, event: &UnlockEvent) -> ControlFlow<()>;

    /// The token is missing, was pulled, or is not the only or the right one: whether to look again. May wait for the
    /// token to come before it answers.
    fn token_again(&mut self, problem: &TokenProblem) -> ControlFlow<()>;

    /// The portal cannot be reached: whether to try the same again. Nothing is lost by either answer.
    fn portal_again(&mut self, step: UnlockStep, error: &ApiError) -> ControlFlow<()>;

    /// The token is not locked. Only an explicit yes, "the PIN is forgotten", goes on.
    fn has_forgotten_pin(&mut self, token: &TokenInfo) -> bool;

    /// A code is about to be sent to the phone that is bound to the certificate: whoever has it should be at hand.
    /// Gives what an operator reads before approving, where `approval` is due; `None` ends the flow.
    fn before_code(&mut self, token: &TokenInfo, masked_phone: &str, approval: bool) -> Option<UnlockForm>;

    /// The code that was sent by SMS. `refused` says why the one before was not taken.
    fn sms_code(&mut self, sent: &CodeSent, refused: Option<&ApiError>) -> CodeAnswer;

    /// A new PIN was set for this order before it was broken off, and works, if the person still knows it: that PIN,
    /// for one try; `None` sets another one.
    fn pin_set_before(&mut self, token: &TokenInfo) -> Option<Pin>;
}

/// What the flow tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum UnlockEvent {
    /// A step begins: which of how many (not known before the portal has told the method), how long it may take.
    Begins { step: UnlockStep, number: u32, of: Option<u32>, usual: Duration, longest: Duration },
    /// This token, with this holder's certificate, can be unlocked; a new PIN has to satisfy the policy.
    Found { token: Box<TokenInfo>, holder: String, policy: PinPolicy, approval: bool },
    /// The order stands; `taken_up` where it was there before.
    Opened { order: String, taken_up: bool, state: PublicStatus },
    /// The journal has it: the new PIN is on the token.
    PinSet { order: String },
    /// Something was not as expected, so the work starts again at step 1; nothing is lost.
    StartsAgain { because: String },
    /// The new PIN works, and the portal knows it.
    Finished { order: String, token: TokenId },
}
