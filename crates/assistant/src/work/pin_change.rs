//! A change of the PIN with a person at a screen: old and new PIN stand on one page.

use ycd_flows::{
    PinChangeError,
    conversation::Go,
    new_pin::{NewPinPerson, NewPinQuestion},
    pin::{OldPinQuestion, PinChange, PinEvent, PinPerson},
};
use ycd_token::{KeyId, KeyInfo, Pin, PinPolicy, Weakness};

use super::{Bench, board::Said, ended, failed, rules, stopped};
use crate::{
    error::Result,
    home::Home,
    keys::tries,
    view::{Answer, Outcome, Question},
};

pub(super) fn run(bench: &Bench, key: KeyId) -> Said<Outcome> {
    match change(bench, key) {
        Ok(outcome) => outcome,
        Err(error) => failed(error, None, true),
    }
}

/// # Errors
/// What keeps the flow from beginning.
fn change(bench: &Bench, key: KeyId) -> Result<Said<Outcome>> {
    let mut person = AtScreen { bench, key: key.clone(), policy: None, typed: None };
    let flow = PinChange {
        token: &mut bench.open_keys(),
        person: &mut person,
        locks: &Home::locks()?,
        key: Some(key),
        policy: bench.shared.home.pin_policy()?,
    };
    Ok(match flow.run() {
        Ok(_) => ended(Outcome::PinChanged),
        Err(PinChangeError::Stopped | PinChangeError::LastTry) => stopped(None),
        Err(error) => {
            let is_over = matches!(error, PinChangeError::NotSet | PinChangeError::NoneFits { .. });
            failed(error, None, !is_over)
        }
    })
}

struct AtScreen<'a> {
    bench: &'a Bench,
    key: KeyId,
    policy: Option<PinPolicy>,
    /// The new PIN, twice, as typed beside the old one.
    typed: Option<(Pin, Pin)>,
}

impl NewPinPerson for AtScreen<'_> {
    fn new_pin(&mut self, question: &NewPinQuestion) -> Option<(Pin, Pin)> {
        match (question.refused, self.typed.take()) {
            (None, Some(typed)) => Some(typed),
            _ => self.bench.new_pin(question, Some(&self.key)),
        }
    }

    fn accept_weak(&mut self, weakness: Weakness) -> bool {
        self.bench.accepts_weak(weakness)
    }
}

impl PinPerson for AtScreen<'_> {
    fn tell(&mut self, event: &PinEvent) -> Go {
        let board = &self.bench.desk.board;
        match event {
            PinEvent::Found { policy, .. } => self.policy = Some(*policy),
            PinEvent::Changing { .. } => board.change(|view| view.on_key = true),
            PinEvent::Changed { .. } => board.change(|view| view.on_key = false),
        }
        board.go()
    }

    fn old_pin(&mut self, question: &OldPinQuestion) -> Option<Pin> {
        let key = self.bench.keys.name(&question.key.key_id);
        let (tries, is_initial) = (tries(question.tries), question.key.pin.is_initial);
        // The new PIN was taken; only the old one has to be typed again.
        if question.again {
            let last_try = question.tries.is_last();
            let question =
                Question::Pin { key, tries, again: true, last_try, is_initial, each_signature: false };
            return match self.bench.desk.ask(question) {
                Answer::Pin { pin } => Some(Pin::new(pin.expose())),
                _ => None,
            };
        }
        let policy = self.policy.unwrap_or_else(|| PinPolicy::of_key(&question.key.pin));
        let question = Question::ChangePin { key, rules: rules(policy), tries, is_initial };
        match self.bench.desk.ask(question) {
            Answer::ChangePin { old, new, again } => {
                self.typed = Some((Pin::new(new.expose()), Pin::new(again.expose())));
                Some(Pin::new(old.expose()))
            }
            _ => None,
        }
    }

    fn accept_last_try(&mut self, key: &KeyInfo) -> bool {
        self.bench.desk.agrees(Question::LastTry { key: self.bench.keys.name(&key.key_id) })
    }

    fn put_back(&mut self, key: &KeyInfo) -> Go {
        let question = Question::PutBack { key: self.bench.keys.name(&key.key_id) };
        self.bench.desk.wait_for_keys(Box::new(move |_| question.clone()), &[], &self.bench.keys)
    }
}
