//! `ycd key pin`: a new PIN for a key.

use std::io::{self, BufRead as _, Write as _};

use serde_json::json;
use ycd_flows::{
    conversation::Go,
    messages::{Explain as _, tries_word, weakness_word},
    pin::{NewPinQuestion, OldPinQuestion, PinChange, PinChangeError, PinEvent, PinPerson},
};
use ycd_token::{KeyInfo, Pin, TokenError, Weakness};

use super::one_key;
use crate::{
    args::ChangePin,
    ask::Secrets,
    error::{CliError, Result},
    home::Home,
    say::Say,
};

pub fn run(command: &ChangePin, home: &Home, say: &Say) -> Result {
    let mut keys = home.keys()?;
    let key = one_key(&mut keys, command.key.as_deref())?;
    let mut person = AtTerminal {
        say,
        pins: Secrets::pins(&command.pin, say)?,
        accepts_weak: command.accept_weak,
        accepts_last_try: command.last_try,
        reason: None,
    };
    let change = PinChange {
        token: &mut keys,
        person: &mut person,
        locks: &Home::locks()?,
        key: Some(key.key_id),
        policy: None,
    };
    let changed = change.run().map_err(|error| match (error, person.reason.take()) {
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
    say: &'a Say,
    pins: Secrets,
    accepts_weak: bool,
    accepts_last_try: bool,
    /// Why the flow was ended from this side, where it was not the person's wish.
    reason: Option<CliError>,
}

impl AtTerminal<'_> {
    fn pin(&mut self, prompt: &str) -> Option<Pin> {
        match self.pins.next(prompt) {
            Ok(pin) => pin.map(|pin| Pin::new(pin.as_str())),
            Err(error) => {
                self.reason = Some(error);
                None
            }
        }
    }

    fn yes(&self, question: &str) -> bool {
        self.answer(&format!("{question} {} ", self.say.t("输入“同意”继续：", "Type yes to go on:")))
            .is_some_and(|answer| matches!(answer.trim(), "同意" | "yes"))
    }

    /// A line from the person, where one sits there.
    fn answer(&self, prompt: &str) -> Option<String> {
        if !self.say.can_ask() {
            return None;
        }
        let mut out = io::stderr().lock();
        let _ = write!(out, "{prompt}");
        let _ = out.flush();
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        matches!(read, Ok(1..)).then_some(answer)
    }
}

impl PinPerson for AtTerminal<'_> {
    fn tell(&mut self, event: &PinEvent) -> Go {
        let say = self.say;
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
        let say = self.say;
        if question.again {
            // Nobody is there who could have made sure of it, so the next line would be a guess.
            if !self.pins.is_terminal() {
                return None;
            }
            say.aside(&TokenError::PinIncorrect { tries: question.tries }.explain(say.language).sentence);
        }
        let prompt = say
            .t("尾号 {} 的 USBKEY 现在的口令：", "The PIN in force of the USBKEY ending in {}: ")
            .replace("{}", question.key.key_id.tail());
        self.pin(&prompt)
    }

    fn new_pin(&mut self, question: &NewPinQuestion) -> Option<(Pin, Pin)> {
        let say = self.say;
        if let Some(refusal) = question.refused {
            if !self.pins.is_terminal() {
                return None;
            }
            let message = refusal.explain(say.language);
            say.aside(&format!("{} {}", message.sentence, message.remedy));
        }
        let limits = say
            .t("新口令（{min} 至 {max} 位）：", "The new PIN ({min} to {max} characters): ")
            .replace("{min}", &question.policy.min_len.to_string())
            .replace("{max}", &question.policy.max_len.to_string());
        let new = self.pin(&limits)?;
        let again = self.pin(say.t("再输一次新口令：", "The new PIN again: "))?;
        Some((new, again))
    }

    fn accept_weak(&mut self, weakness: Weakness) -> bool {
        let why = weakness_word(weakness, self.say.language);
        let question = self
            .say
            .t(
                "这个新口令容易被猜到：{}。仍要使用它吗？",
                "The new PIN is easily guessed: {}. Use it all the same?",
            )
            .replace("{}", &why);
        self.accepts_weak || self.yes(&question)
    }

    fn accept_last_try(&mut self, key: &KeyInfo) -> bool {
        let question = self
            .say
            .t(
                "只剩最后一次：再输错，尾号 {} 的 USBKEY 就会锁定。",
                "One try is left: another wrong PIN locks the USBKEY ending in {}.",
            )
            .replace("{}", key.key_id.tail());
        self.accepts_last_try || self.yes(&question)
    }

    fn put_back(&mut self, key: &KeyInfo) -> Go {
        let prompt = self
            .say
            .t(
                "修改停在中途。请插回尾号 {} 的 USBKEY，再按回车。",
                "The change stopped in the middle. Put the USBKEY ending in {} back in and press Enter.",
            )
            .replace("{}", key.key_id.tail());
        if self.answer(&prompt).is_some() { Go::On } else { Go::Stop }
    }
}
