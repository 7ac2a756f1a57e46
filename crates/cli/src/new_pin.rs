//! PINs from the person at the terminal, or from a file descriptor.

use std::io::{self, BufRead as _, Write as _};

use ycd_flows::{
    messages::{Explain as _, weakness_word},
    new_pin::{NewPinPrompter, NewPinQuestion},
};
use ycd_token::{Pin, Weakness};

use crate::{ask::Secrets, error::CliError, say::Say};

/// Asks for PINs, and for a yes.
pub struct PinsAtTerminal<'a> {
    pub say: &'a Say,
    pub pins: Secrets,
    /// Agreed to on the command line.
    pub accepts_weak: bool,
    /// Why the flow was ended from this side, where it was not the person's wish.
    pub reason: Option<CliError>,
}

impl PinsAtTerminal<'_> {
    pub fn pin(&mut self, prompt: &str) -> Option<Pin> {
        match self.pins.next(prompt) {
            Ok(pin) => pin.map(|pin| Pin::new(pin.as_str())),
            Err(error) => {
                self.reason = Some(error);
                None
            }
        }
    }

    pub fn yes(&self, question: &str) -> bool {
        self.answer(&format!("{question} {} ", self.say.t("输入“同意”继续：", "Type yes to go on:")))
            .is_some_and(|answer| matches!(answer.trim(), "同意" | "yes"))
    }

    /// A line from the person, where one sits there.
    pub fn answer(&self, prompt: &str) -> Option<String> {
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

impl NewPinPrompter for PinsAtTerminal<'_> {
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
}
