//! `ycd unlock`: a new PIN for a token whose PIN is locked or forgotten.

use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::json;
use ycd_assistant::flow_parts::UnlockParts;
use ycd_flows::{
    clock::SystemClock,
    messages::{Explain as _, tries_word, word},
    new_pin::{NewPinPrompter, NewPinQuestion},
    prompts::{CodeAnswer, TokenProblem},
    unlock::{Options, Outcome, UnlockError, UnlockEvent, UnlockPrompter, UnlockStep},
};
use ycd_portal_api::{
    ApiError,
    wire::{login::CodeSent, unlock::UnlockForm},
};
use ycd_token::{Drivers, Pin, TokenInfo, TokenSet, Weakness};

use super::one_token;
use crate::{
    args::Unlock,
    ask::Secrets,
    data_dir::DataDir,
    error::{CliError, Result},
    new_pin::PinsAtTerminal,
    prompter::{asks_again_each_signature, look_again},
    say::Say,
};

pub fn run(command: &Unlock, data_dir: &DataDir, say: &Say) -> Result {
    let parts = UnlockParts::of(data_dir)?;
    let drivers = data_dir.drivers()?;
    let mut tokens = TokenSet::open(&drivers, None);
    asks_again_each_signature(&mut tokens, say);
    let token = match &command.token {
        Some(text) => Some(one_token(&mut tokens, Some(text))?.token_id),
        None => None,
    };
    let timeout = match command.wait {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None if say.can_ask() => None,
        None => Some(Duration::ZERO),
    };
    let mut prompter = AtTerminal {
        typing: PinsAtTerminal {
            say,
            pins: Secrets::pins(&command.pin, say)?,
            accepts_weak: command.accept_weak,
            reason: None,
        },
        codes: Secrets::codes(&command.code, say)?,
        form: UnlockForm { used_at: command.used_at.clone(), note: command.note.clone() },
        drivers: &drivers,
        timeout,
        has_forgotten: command.forgotten,
        knows_pin: command.pin_was_set,
    };
    let options = Options { token, order: command.order.clone() };
    let flow = parts.flow(&mut tokens, &mut prompter, &SystemClock, options);
    let outcome = flow.run().map_err(|error| match (error, prompter.typing.reason.take()) {
        // Where this side ended the flow for a reason of its own, that is the reason, not a wish to stop.
        (UnlockError::Stopped { .. }, Some(reason)) => reason,
        (error, _) => CliError::from(error),
    })?;
    match outcome {
        Outcome::Unlocked { order, token } => {
            say.result(&json!({ "unlocked": true, "order": order, "token_id": token }), || {
                say.t(
                    "解锁成功（尾号 {}）。新口令已生效。现在可以拔下 USBKEY。",
                    "Unlocked ({}). The new PIN is in force. You can pull the USBKEY now.",
                )
                .replace("{}", token.tail())
            });
        }
        Outcome::AwaitsApproval { order, token } => {
            say.result(
                &json!({ "unlocked": false, "awaits_approval": true, "order": order, "token_id": token }),
                || {
                    say.t(
                        "解锁申请 {} 已提交，等待审核。审核通过后请再次运行 ycd unlock 设置新口令。",
                        "The application {} was handed in and waits for approval. Then run ycd unlock again to set the new PIN.",
                    )
                    .replace("{}", &order)
                },
            );
        }
    }
    Ok(())
}

struct AtTerminal<'a> {
    typing: PinsAtTerminal<'a>,
    codes: Secrets,
    /// For an operator who has to approve.
    form: UnlockForm,
    /// To notice the token when it comes.
    drivers: &'a Drivers,
    /// How long to wait for a token; `None` for as long as it takes.
    timeout: Option<Duration>,
    /// What was said on the command line.
    has_forgotten: bool,
    knows_pin: bool,
}

impl NewPinPrompter for AtTerminal<'_> {
    fn new_pin(&mut self, question: &NewPinQuestion) -> Option<(Pin, Pin)> {
        self.typing.new_pin(question)
    }

    fn accept_weak(&mut self, weakness: Weakness) -> bool {
        self.typing.accept_weak(weakness)
    }
}

impl UnlockPrompter for AtTerminal<'_> {
    fn tell(&mut self, event: &UnlockEvent) -> ControlFlow<()> {
        let say = self.typing.say;
        say.event(event, || {
            Some(match event {
                UnlockEvent::Begins { step, number, of, usual, longest } => {
                    let name = word(&format!("unlock_step.{}", step.name()), say.language);
                    say.step(*number, *of, &name, [*usual, *longest], step.works_on_token())
                }
                UnlockEvent::Found { token, holder, policy, approval } => {
                    let mut text = say
                        .t(
                            "可以解锁：{holder}，尾号 {tail}。新口令 {min} 至 {max} 位。",
                            "Can be unlocked: {holder}, ending in {tail}. The new PIN has {min} to {max} characters.",
                        )
                        .replace("{holder}", holder)
                        .replace("{tail}", token.token_id.tail())
                        .replace("{min}", &policy.min_len.to_string())
                        .replace("{max}", &policy.max_len.to_string());
                    if *approval {
                        text += say.t("本项目需要先审核。", " This project asks for approval first.");
                    }
                    text
                }
                UnlockEvent::Opened { order, taken_up, .. } => if *taken_up {
                    say.t("继续解锁订单 {}。", "Goes on with the order {}.")
                } else {
                    say.t("解锁订单 {}。", "Unlock order {}.")
                }
                .replace("{}", order),
                UnlockEvent::StartsAgain { .. } => say
                    .t("重新核对 USBKEY 和订单，没有丢失任何进度。", "Looking at token and order again; nothing is lost.")
                    .to_owned(),
                UnlockEvent::PinSet { .. } | UnlockEvent::Finished { .. } => return None,
            })
        });
        ControlFlow::Continue(())
    }

    fn token_again(&mut self, problem: &TokenProblem) -> ControlFlow<()> {
        let say = self.typing.say;
        look_again(say, self.drivers, self.timeout, problem, |step| {
            say.t("解锁停在“{}”。", "The unlock stopped at “{}”.")
                .replace("{}", &word(&format!("unlock_step.{step}"), say.language))
        })
    }

    fn portal_again(&mut self, _step: UnlockStep, error: &ApiError) -> ControlFlow<()> {
        let say = self.typing.say;
        let prompt = format!(
            "{} {}",
            error.explain(say.language).sentence,
            say.t("按回车重试：", "Press Enter to try again: ")
        );
        if self.typing.answer(&prompt).is_some() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn has_forgotten_pin(&mut self, token: &TokenInfo) -> bool {
        let say = self.typing.say;
        let retry_counter = tries_word(token.pin.retry_counter, say.language);
        let retry_counter = if retry_counter.is_empty() {
            retry_counter
        } else {
            say.t("（{}）", " ({})").replace("{}", &retry_counter)
        };
        let question = say
            .t(
                "尾号 {tail} 的 USBKEY 没有锁定{retry_counter}。确实忘记了口令、要设置新口令吗？",
                "The USBKEY ending in {tail} is not locked{retry_counter}. Is the PIN really forgotten, and shall a new one be set?",
            )
            .replace("{tail}", token.token_id.tail())
            .replace("{retry_counter}", &retry_counter);
        self.has_forgotten || self.typing.yes(&question)
    }

    fn before_code(&mut self, _key: &TokenInfo, _masked_phone: &str, _approval: bool) -> Option<UnlockForm> {
        Some(self.form.clone())
    }

    fn sms_code(&mut self, sent: &CodeSent, refused: Option<&ApiError>) -> CodeAnswer {
        let code = self.codes.ask_code(self.typing.say, sent, refused);
        code.unwrap_or_else(|error| {
            self.typing.reason = Some(error);
            CodeAnswer::Stop
        })
    }

    fn pin_set_before(&mut self, token: &TokenInfo) -> Option<Pin> {
        let say = self.typing.say;
        let tail = token.token_id.tail();
        if say.can_ask() && !self.knows_pin {
            let question = say
                .t(
                    "尾号 {} 的 USBKEY 上次已设置过新口令。还记得它吗？",
                    "A new PIN was set on the USBKEY ending in {} before. Do you still know it?",
                )
                .replace("{}", tail);
            if !self.typing.yes(&question) {
                return None;
            }
        } else if !self.knows_pin {
            return None;
        }
        let prompt = say
            .t(
                "尾号 {} 的 USBKEY 上次设置的新口令：",
                "The new PIN that was set on the USBKEY ending in {}: ",
            )
            .replace("{}", tail);
        self.typing.pin(&prompt)
    }
}
