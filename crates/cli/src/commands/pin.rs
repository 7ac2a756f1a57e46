//! `ycd token pin`: a new PIN for a token.

use serde_json::json;
use std::ops::ControlFlow;
use ycd_assistant::flow_parts::PinChangeParts;
use ycd_flows::{
    messages::{Explain as _, tries_word},
    new_pin::{NewPinPrompter, NewPinQuestion},
    pin_change::{OldPinQuestion, PinChangeError, PinChangePrompter, PinEvent},
};
use ycd_token::{Pin, TokenError, TokenInfo, Weakness};

use super::one_token;
use crate::{
    args::ChangePin, ask::Secrets, data_dir::DataDir, error::Result, new_pin::PinsAtTerminal, say::Say,
};

pub fn run(command: &ChangePin, data_dir: &DataDir, say: &Say) -> Result {
    let mut tokens = data_dir.tokens()?;
    let token = one_token(&mut tokens, command.token.as_deref())?;
    let mut prompter = AtTerminal {
        typing: PinsAtTerminal {
            say,
            pins: Secrets::pins(&command.pin, say)?,
            accepts_weak: command.accept_weak,
            reason: None,
        },
        accepts_last_try: command.last_try,
    };
    let parts = PinChangeParts::of(data_dir)?;
    let change = parts.flow(&mut tokens, &mut prompter, Some(token.token_id));
    let changed = change.run().map_err(|error| match (error, prompter.typing.reason.take()) {
        // Where this side ended the flow for a reason of its own, that is the reason, not a wish to stop.
        (PinChangeError::Stopped, Some(reason)) => reason,
        (error, _) => error.into(),
    })?;
    say.result(&json!({ "token": changed }), || {
        say.t(
            "口令修改成功（尾号 {}）。新口令已生效，请用新口令登录。现在可以拔下 USBKEY。",
            "The PIN was changed ({}). Log in with the new one from now on. You can pull the USBKEY now.",
        )
        .replace("{}", changed.token_id.tail())
    });
    Ok(())
}

struct AtTerminal<'a> {
    typing: PinsAtTerminal<'a>,
    accepts_last_try: bool,
}

impl NewPinPrompter for AtTerminal<'_> {
    fn new_pin(&mut self, question: &NewPinQuestion) -> Option<(Pin, Pin)> {
        self.typing.new_pin(question)
    }

    fn accept_weak(&mut self, weakness: Weakness) -> bool {
        self.typing.accept_weak(weakness)
    }
}

impl PinChangePrompter for AtTerminal<'_> {
    fn tell(&mut self, event: &PinEvent) -> ControlFlow<()> {
        let say = self.typing.say;
        say.event(event, || match event {
            PinEvent::Found { token, .. } => {
                let initial = token.pin.is_initial.then(|| {
                    say.t(
                        "仍是初始口令，拿到 USBKEY 的人都能使用。若从未修改，为 12345678。",
                        "The PIN is still the initial one, which everybody knows; if it was never changed, 12345678.",
                    )
                });
                let retry_counter = tries_word(token.pin.retry_counter, say.language);
                let parts = [initial.map(str::to_owned), Some(retry_counter)];
                Some(parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n"))
                    .filter(|text| !text.is_empty())
            }
            PinEvent::Changing { .. } => {
                Some(say.t("正在修改口令，请勿拔出。", "Changing the PIN. Do not pull the token.").to_owned())
            }
            PinEvent::Changed { .. } => None,
        });
        ControlFlow::Continue(())
    }

    fn old_pin(&mut self, question: &OldPinQuestion) -> Option<Pin> {
        let say = self.typing.say;
        if question.again {
            // Nobody is there who could have made sure of it, so the next line would be a guess.
            if !self.typing.pins.is_terminal() {
                return None;
            }
            say.aside(
                &TokenError::PinIncorrect { retry_counter: question.retry_counter }
                    .explain(say.language)
                    .sentence,
            );
        }
        let prompt = say
            .t("尾号 {} 的 USBKEY 现在的口令：", "The PIN in force of the USBKEY ending in {}: ")
            .replace("{}", question.token.token_id.tail());
        self.typing.pin(&prompt)
    }

    fn accept_last_try(&mut self, token: &TokenInfo) -> bool {
        let question = self
            .typing
            .say
            .t(
                "只剩最后一次：再输错，尾号 {} 的 USBKEY 就会锁定。",
                "One try is left: another wrong PIN locks the USBKEY ending in {}.",
            )
            .replace("{}", token.token_id.tail());
        self.accepts_last_try || self.typing.yes(&question)
    }

    fn put_back(&mut self, token: &TokenInfo) -> ControlFlow<()> {
        let prompt = self
            .typing
            .say
            .t(
                "修改停在中途。请插回尾号 {} 的 USBKEY，再按回车。",
                "The change stopped in the middle. Put the USBKEY ending in {} back in and press Enter.",
            )
            .replace("{}", token.token_id.tail());
        if self.typing.answer(&prompt).is_some() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}
