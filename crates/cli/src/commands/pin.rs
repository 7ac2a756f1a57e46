//! `ycd key pin`: a new PIN for a key.

use serde_json::json;
use ycd_flows::{
    conversation::Go,
    messages::{Explain as _, tries_word},
    new_pin::{NewPinPerson, NewPinQuestion},
    pin::{OldPinQuestion, PinChange, PinChangeError, PinEvent, PinPerson},
};
use ycd_token::{KeyInfo, Pin, TokenError, Weakness};

use super::one_key;
use crate::{args::ChangePin, ask::Secrets, error::Result, home::Home, new_pin::PinsAtTerminal, say::Say};

pub fn run(command: &ChangePin, home: &Home, say: &Say) -> Result {
    let mut keys = home.keys()?;
    let key = one_key(&mut keys, command.key.as_deref())?;
    let mut person = AtTerminal {
        typing: PinsAtTerminal {
            say,
            pins: Secrets::pins(&command.pin, say)?,
            accepts_weak: command.accept_weak,
            reason: None,
        },
        accepts_last_try: command.last_try,
    };
    let change = PinChange {
        token: &mut keys,
        person: &mut person,
        locks: &Home::locks()?,
        key: Some(key.key_id),
        policy: home.pin_policy()?,
    };
    let changed = change.run().map_err(|error| match (error, person.typing.reason.take()) {
        // Where this side ended the flow for a reason of its own, that is the reason, not a wish to stop.
        (PinChangeError::Stopped, Some(reason)) => reason,
        (error, _) => error.into(),
    })?;
    say.result(&json!({ "key": changed }), || {
        say.t(
            "口令修改成功（尾号 {}）。新口令已生效，请用新口令登录。现在可以拔下 USBKEY。",
            "The PIN was changed ({}). Log in with the new one from now on. You can pull the USBKEY now.",
        )
        .replace("{}", changed.key_id.tail())
    });
    Ok(())
}

struct AtTerminal<'a> {
    typing: PinsAtTerminal<'a>,
    accepts_last_try: bool,
}

impl NewPinPerson for AtTerminal<'_> {
    fn new_pin(&mut self, question: &NewPinQuestion) -> Option<(Pin, Pin)> {
        self.typing.new_pin(question)
    }

    fn accept_weak(&mut self, weakness: Weakness) -> bool {
        self.typing.accept_weak(weakness)
    }
}

impl PinPerson for AtTerminal<'_> {
    fn tell(&mut self, event: &PinEvent) -> Go {
        let say = self.typing.say;
        say.event(event, || match event {
            PinEvent::Found { key, .. } => {
                let initial = key.pin.is_initial.then(|| {
                    say.t(
                        "仍是初始口令，拿到 USBKEY 的人都能使用。若从未修改，为 12345678。",
                        "The PIN is still the initial one, which everybody knows; if it was never changed, 12345678.",
                    )
                });
                let tries = tries_word(key.pin.tries, say.language);
                let parts = [initial.map(str::to_owned), Some(tries)];
                Some(parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n"))
                    .filter(|text| !text.is_empty())
            }
            PinEvent::Changing { .. } => {
                Some(say.t("正在修改口令，请勿拔出。", "Changing the PIN. Do not pull the key.").to_owned())
            }
            PinEvent::Changed { .. } => None,
        });
        Go::On
    }

    fn old_pin(&mut self, question: &OldPinQuestion) -> Option<Pin> {
        let say = self.typing.say;
        if question.again {
            // Nobody is there who could have made sure of it, so the next line would be a guess.
            if !self.typing.pins.is_terminal() {
                return None;
            }
            say.aside(&TokenError::PinIncorrect { tries: question.tries }.explain(say.language).sentence);
        }
        let prompt = say
            .t("尾号 {} 的 USBKEY 现在的口令：", "The PIN in force of the USBKEY ending in {}: ")
            .replace("{}", question.key.key_id.tail());
        self.typing.pin(&prompt)
    }

    fn accept_last_try(&mut self, key: &KeyInfo) -> bool {
        let question = self
            .typing
            .say
            .t(
                "只剩最后一次：再输错，尾号 {} 的 USBKEY 就会锁定。",
                "One try is left: another wrong PIN locks the USBKEY ending in {}.",
            )
            .replace("{}", key.key_id.tail());
        self.accepts_last_try || self.typing.yes(&question)
    }

    fn put_back(&mut self, key: &KeyInfo) -> Go {
        let prompt = self
            .typing
            .say
            .t(
                "修改停在中途。请插回尾号 {} 的 USBKEY，再按回车。",
                "The change stopped in the middle. Put the USBKEY ending in {} back in and press Enter.",
            )
            .replace("{}", key.key_id.tail());
        if self.typing.answer(&prompt).is_some() { Go::On } else { Go::Stop }
    }
}
