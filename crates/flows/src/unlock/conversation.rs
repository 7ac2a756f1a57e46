use serde::Serialize;
use std::time::Duration;
use ycd_portal_api::{
    ApiError,
    wire::{login::CodeSent, orders::OrderState, unlock::UnlockForm},
};
use ycd_token::{KeyId, KeyInfo, Pin, PinPolicy};

use super::UnlockStep;
use crate::{
    conversation::{CodeAnswer, Go, KeyProblem},
    new_pin::NewPinPerson,
};

/// The person who unlocks, behind a window or a terminal.
pub trait UnlockPerson: NewPinPerson {
    /// Told as it happens. Answering [`Go::Stop`] ends the flow before its next step; a step that changes the key is
    /// always seen to its end.
    fn tell(&mut self, event: &UnlockEvent) -> Go;

    /// The key is missing, was pulled, or is not the only or the right one: whether to look again. May wait for the key
    /// to come before it answers.
    fn key_again(&mut self, problem: &KeyProblem) -> Go;

    /// The portal cannot be reached: whether to try the same again. Nothing is lost by either answer.
    fn portal_again(&mut self, step: UnlockStep, error: &ApiError) -> Go;

    /// The key is not locked. Only an explicit yes, "the PIN is forgotten", goes on.
    fn has_forgotten_pin(&mut self, key: &KeyInfo) -> bool;

    /// A code is about to be sent to the phone that is bound to the certificate: whoever has it should be at hand. Gives
    /// what an operator reads before approving, where `approval` is due; `None` ends the flow.
    fn before_code(&mut self, key: &KeyInfo, masked_phone: &str, approval: bool) -> Option<UnlockForm>;

    /// The code that was sent by SMS. `refused` says why the one before was not taken.
    fn sms_code(&mut self, sent: &CodeSent, refused: Option<&ApiError>) -> CodeAnswer;

    /// A new PIN was set for this order before it was broken off, and works, if the person still knows it: that PIN, for
    /// one try; `None` sets another one.
    fn pin_set_before(&mut self, key: &KeyInfo) -> Option<Pin>;
}

/// What the flow tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum UnlockEvent {
    /// A step begins: which of how many (not known before the portal has told the road), how long it may take.
    Begins { step: UnlockStep, number: u32, of: Option<u32>, usual: Duration, longest: Duration },
    /// This key, with this holder's certificate, can be unlocked; a new PIN has to satisfy the policy.
    Found { key: Box<KeyInfo>, holder: String, policy: PinPolicy, approval: bool },
    /// The order stands; `taken_up` where it was there before.
    Opened { order: String, taken_up: bool, state: OrderState },
    /// The journal has it: the new PIN is on the key.
    PinSet { order: String },
    /// Something was not as expected, so the work starts again at step 1; nothing is lost.
    StartsAgain { because: String },
    /// The new PIN works, and the portal knows it.
    Finished { order: String, key: KeyId },
}
