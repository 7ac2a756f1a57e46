//! `ycd unlock`: a new PIN for a key whose PIN is locked or forgotten.

use std::time::Duration;

use serde_json::json;
use ycd_flows::{
    clock::SystemClock,
    conversation::{CodeAnswer, Go, KeyProblem},
    messages::{Explain as _, tries_word, word},
    new_pin::{NewPinPerson, NewPinQuestion},
    unlock::{Options, Outcome, Unlock as Flow, UnlockError, UnlockEvent, UnlockPerson, UnlockStep},
};
use ycd_portal_api::{
    ApiError,
    wire::{login::CodeSent, unlock::UnlockForm},
};
use ycd_token::{Drivers, KeyInfo, Keys, Pin, Weakness};

use super::one_key;
use crate::{
    args::Unlock,
    ask::Secrets,
    error::{CliError, Result},
    home::Home,
    new_pin::PinsAtTerminal,
    person::{asks_again_each_signature, look_again},
    say::Say,
};

pub fn run(command: &Unlock, home: &Home, say: &Say) -> Result {
    let client = home.client()?;
    let trust = home.trust()?;
    let drivers = home.drivers()?;
    let mut keys = Keys::open(&drivers, None);
    asks_again_each_signature(&mut keys, say);
    let key = match &command.key {
        Some(text) => Some(one_key(&mut keys, Some(text))?.key_id),
        None => None,
    };
    let patience = match command.wait {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None if say.can_ask() => None,
        None => Some(Duration::ZERO),
    };
    let mut person = AtTerminal {
        typing: PinsAtTerminal {
            say,
            pins: Secrets::pins(&command.pin, say)?,
            accepts_weak: command.accept_weak,
            reason: None,
        },
        codes: Secrets::codes(&command.code, say)?,
        form: UnlockForm { used_at: command.used_at.clone(), note: command.note.clone() },
        drivers: &drivers,
        patience,
        has_forgotten: command.forgotten,
        knows_pin: command.pin_was_set,
    };
    let flow = Flow {
        portal: &client,
        trust: &trust,
        token: &mut keys,
        person: &mut person,
        journal: &home.journal()?,
        locks: &Home::locks()?,
        clock: &SystemClock,
        options: Options { key, order: command.order.clone() },
    };
    let outcome = flow.run().map_err(|error| match (error, person.typing.reason.take()) {
        // Where this side ended the flow for a reason of its own, that is the reason, not a wish to stop.
        (UnlockError::Stopped { .. }, Some(reason)) => reason,
        (error, _) => CliError::from(error),
    })?;
    match outcome {
        Outcome::Unlocked { order, key } => {
            say.result(&json!({ "unlocked": true, "order": order, "key_id": key }), || {
                say.t(
                    "解锁成功（尾号 {}）。新口令已生效。现在可以拔下 USBKEY。",
                    "Unlocked ({}). The new PIN is in force. You can pull the USBKEY now.",
                )
                .replace("{}", key.tail())
            });
        }
        Outcome::AwaitsApproval { order, key } => {
            say.result(
                &json!({ "unlocked": false, "awaits_approval": true, "order": order, "key_id": key }),
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
    /// To notice the key when it comes.
    drivers: &'a Drivers,
    /// How long to wait for a key; `None` for as long as it takes.
    patience: Option<Duration>,
    /// What was said on the command line.
    has_forgotten: bool,
    knows_pin: bool,
}

impl NewPinPerson for AtTerminal<'_> {
    fn new_pin(&mut self, question: &NewPinQuestion) -> Option<(Pin, Pin)> {
        self.typing.new_pin(question)
    }

    fn accept_weak(&mut self, weakness: Weakness) -> bool {
        self.typing.accept_weak(weakness)
    }
}

impl UnlockPerson for AtTerminal<'_> {
    fn tell(&mut self, event: &UnlockEvent) -> Go {
        let say = self.typing.say;
        say.event(event, || {
            Some(match event {
                UnlockEvent::Begins { step, number, of, usual, longest } => {
                    let name = word(&format!("unlock_step.{}", step.name()), say.language);
                    say.step(*number, *of, &name, [*usual, *longest], step.works_on_key())
                }
                UnlockEvent::Found { key, holder, policy, approval } => {
                    let mut text = say
                        .t(
                            "可以解锁：{holder}，尾号 {tail}。新口令 {min} 至 {max} 位。",
                            "Can be unlocked: {holder}, ending in {tail}. The new PIN has {min} to {max} characters.",
                        )
                        .replace("{holder}", holder)
                        .replace("{tail}", key.key_id.tail())
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
                    .t("重新核对 USBKEY 和订单，没有丢失任何进度。", "Looking at key and order again; nothing is lost.")
                    .to_owned(),
                UnlockEvent::PinSet { .. } | UnlockEvent::Finished { .. } => return None,
            })
        });
        Go::On
    }

    fn key_again(&mut self, problem: &KeyProblem) -> Go {
        let say = self.typing.say;
        look_again(say, self.drivers, self.patience, problem, |step| {
            say.t("解锁停在“{}”。", "The unlock stopped at “{}”.")
                .replace("{}", &word(&format!("unlock_step.{step}"), say.language))
        })
    }

    fn portal_again(&mut self, _step: UnlockStep, error: &ApiError) -> Go {
        let say = self.typing.say;
        let prompt = format!(
            "{} {}",
            error.explain(say.language).sentence,
            say.t("按回车重试：", "Press Enter to try again: ")
        );
        if self.typing.answer(&prompt).is_some() { Go::On } else { Go::Stop }
    }

    fn has_forgotten_pin(&mut self, key: &KeyInfo) -> bool {
        let say = self.typing.say;
        let tries = tries_word(key.pin.tries, say.language);
        let tries = if tries.is_empty() { tries } else { say.t("（{}）", " ({})").replace("{}", &tries) };
        let question = say
            .t(
                "尾号 {tail} 的 USBKEY 没有锁定{tries}。确实忘记了口令、要设置新口令吗？",
                "The USBKEY ending in {tail} is not locked{tries}. Is the PIN really forgotten, and shall a new one be set?",
            )
            .replace("{tail}", key.key_id.tail())
            .replace("{tries}", &tries);
        self.has_forgotten || self.typing.yes(&question)
    }

    fn before_code(&mut self, _key: &KeyInfo, _masked_phone: &str, _approval: bool) -> Option<UnlockForm> {
        Some(self.form.clone())
    }

    fn sms_code(&mut self, sent: &CodeSent, refused: Option<&ApiError>) -> CodeAnswer {
        let code = self.typing.say.ask_code(&mut self.codes, sent, refused);
        code.unwrap_or_else(|error| {
            self.typing.reason = Some(error);
            CodeAnswer::Stop
        })
    }

    fn pin_set_before(&mut self, key: &KeyInfo) -> Option<Pin> {
        let say = self.typing.say;
        let tail = key.key_id.tail();
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
