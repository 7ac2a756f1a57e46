//! A person that a test has told what to say.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use ycd_flows::{
    new_pin::{NewPinPrompter, NewPinQuestion},
    prompts::{CodeAnswer, PinQuestion, TokenProblem},
    renewal::{Event, Prompter, Step},
    unlock::{UnlockEvent, UnlockPrompter, UnlockStep},
};
use ycd_pki::cert::CertificateInfo;
use ycd_portal_api::{
    ApiError,
    wire::{
        login::{CodeSent, Purpose},
        unlock::UnlockForm,
    },
};
use ycd_token::{Pin, TokenInfo, Weakness};

use crate::phone::Phone;

type Answer<Q, A> = Box<dyn FnMut(&Q) -> A + Send>;

/// Says what it was scripted to say, and remembers what it was told and asked.
pub struct Scripted {
    pub on_pin: Answer<PinQuestion, Option<String>>,
    pub on_event: Answer<Event, ControlFlow<()>>,
    pub on_token: Answer<TokenProblem, ControlFlow<()>>,
    pub on_sms: Answer<Purpose, Option<String>>,
    pub agrees_to_replace: bool,
    pub heard: Arc<Mutex<Heard>>,
}

#[derive(Debug, Default, Clone)]
pub struct Heard {
    pub events: Vec<Event>,
    pub pins: Vec<PinQuestion>,
    pub token_problems: Vec<TokenProblem>,
}

impl Heard {
    /// The steps that began, in order.
    pub fn steps(&self) -> Vec<Step> {
        self.events
            .iter()
            .filter_map(|e| if let Event::Begins { step, .. } = e { Some(*step) } else { None })
            .collect()
    }
}

impl Scripted {
    /// Knows the PIN, lets everything go on, and gives up where a token is missing.
    pub fn with_pin(pin: &str) -> Self {
        let pin = pin.to_owned();
        Self {
            on_pin: Box::new(move |question| (!question.again).then(|| pin.clone())),
            on_event: Box::new(|_| ControlFlow::Continue(())),
            on_token: Box::new(|_| ControlFlow::Break(())),
            on_sms: Box::new(|_| None),
            agrees_to_replace: false,
            heard: Arc::default(),
        }
    }

    /// Stops before the flow's next move after the `n`-th event, counted from 0.
    pub fn stops_after(mut self, n: usize) -> Self {
        let mut seen = 0;
        self.on_event = Box::new(move |_| {
            seen += 1;
            if seen > n { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        self
    }

    /// Calls back when a step begins.
    pub fn at(mut self, step: Step, mut act: impl FnMut() + Send + 'static) -> Self {
        let mut before = std::mem::replace(&mut self.on_event, Box::new(|_| ControlFlow::Continue(())));
        self.on_event = Box::new(move |event| {
            if matches!(event, Event::Begins { step: begins, .. } if *begins == step) {
                act();
            }
            before(event)
        });
        self
    }

    /// Stops when a step begins, before anything of it is done.
    pub fn stops_at(mut self, step: Step) -> Self {
        self.on_event = Box::new(move |event| match event {
            Event::Begins { step: begins, .. } if *begins == step => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        self
    }

    pub fn heard(&self) -> Arc<Mutex<Heard>> {
        Arc::clone(&self.heard)
    }

    fn note(&self, what: impl FnOnce(&mut Heard)) {
        what(&mut self.heard.lock().expect("no test panics while holding it"));
    }
}

impl Prompter for Scripted {
    fn tell(&mut self, event: &Event) -> ControlFlow<()> {
        self.note(|heard| heard.events.push(event.clone()));
        (self.on_event)(event)
    }

    fn pin(&mut self, question: &PinQuestion) -> Option<Pin> {
        self.note(|heard| heard.pins.push(question.clone()));
        (self.on_pin)(question).map(Pin::new)
    }

    fn token_again(&mut self, problem: &TokenProblem) -> ControlFlow<()> {
        self.note(|heard| heard.token_problems.push(problem.clone()));
        (self.on_token)(problem)
    }

    fn agree_to_replace(&mut self, _key: &TokenInfo, _old: &CertificateInfo) -> bool {
        self.agrees_to_replace
    }

    fn sms_code(&mut self, _sent: &CodeSent, purpose: Purpose, refused: Option<&ApiError>) -> CodeAnswer {
        if refused.is_some() {
            return CodeAnswer::Stop;
        }
        (self.on_sms)(&purpose).into()
    }
}

/// Unlocks as it was scripted to.
pub struct UnlockScript {
    /// Where the codes come.
    pub phone: Option<Phone>,
    /// New PINs, typed in this order; then nothing more.
    pub new_pins: VecDeque<(String, String)>,
    pub accepts_weak: bool,
    pub has_forgotten: bool,
    /// The PIN set before, where it is still known.
    pub knows: Option<String>,
    pub on_event: Answer<UnlockEvent, ControlFlow<()>>,
    /// What is inserted when a token is asked for.
    pub on_token: Answer<TokenProblem, ControlFlow<()>>,
    /// How often the portal is tried again.
    pub timeout: u32,
    pub heard: UnlockHeard,
}

#[derive(Debug, Default, Clone)]
pub struct UnlockHeard {
    pub events: Vec<UnlockEvent>,
    pub new_pins: Vec<NewPinQuestion>,
    pub codes: u32,
    pub refused_codes: Vec<String>,
    pub not_locked: u32,
    pub pin_set_before: u32,
    pub token_problems: Vec<TokenProblem>,
}

impl UnlockHeard {
    /// The steps that began, in order.
    pub fn steps(&self) -> Vec<UnlockStep> {
        let begins = |e: &UnlockEvent| match e {
            UnlockEvent::Begins { step, .. } => Some(*step),
            _ => None,
        };
        self.events.iter().filter_map(begins).collect()
    }

    /// As they were counted: which, of how many.
    pub fn counts(&self) -> Vec<(u32, Option<u32>)> {
        let counts = |e: &UnlockEvent| match e {
            UnlockEvent::Begins { number, of, .. } => Some((*number, *of)),
            _ => None,
        };
        self.events.iter().filter_map(counts).collect()
    }
}

impl UnlockScript {
    /// Reads codes from this phone, types this new PIN twice, whenever it is asked for.
    pub fn new(phone: Phone, pin: &str) -> Self {
        Self {
            phone: Some(phone),
            new_pins: (0..8).map(|_| (pin.to_owned(), pin.to_owned())).collect(),
            accepts_weak: false,
            has_forgotten: false,
            knows: None,
            on_event: Box::new(|_| ControlFlow::Continue(())),
            on_token: Box::new(|_| ControlFlow::Break(())),
            timeout: 0,
            heard: UnlockHeard::default(),
        }
    }

    /// Types these, each twice, and then nothing more.
    #[must_use]
    pub fn types(mut self, pins: &[&str]) -> Self {
        self.new_pins = pins.iter().map(|pin| ((*pin).to_owned(), (*pin).to_owned())).collect();
        self
    }

    /// Knows the PIN that was set before.
    #[must_use]
    pub fn knows(mut self, pin: &str) -> Self {
        self.knows = Some(pin.to_owned());
        self
    }

    /// Calls back when a step begins, each time.
    #[must_use]
    pub fn at(mut self, step: UnlockStep, mut act: impl FnMut() + Send + 'static) -> Self {
        let mut before = std::mem::replace(&mut self.on_event, Box::new(|_| ControlFlow::Continue(())));
        self.on_event = Box::new(move |event| {
            if matches!(event, UnlockEvent::Begins { step: begins, .. } if *begins == step) {
                act();
            }
            before(event)
        });
        self
    }

    /// Stops when a step begins, before anything of it is done.
    #[must_use]
    pub fn stops_at(mut self, step: UnlockStep) -> Self {
        self.on_event = Box::new(move |event| match event {
            UnlockEvent::Begins { step: begins, .. } if *begins == step => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        self
    }
}

impl NewPinPrompter for UnlockScript {
    fn new_pin(&mut self, question: &NewPinQuestion) -> Option<(Pin, Pin)> {
        self.heard.new_pins.push(question.clone());
        self.new_pins.pop_front().map(|(new, again)| (Pin::new(new), Pin::new(again)))
    }

    fn accept_weak(&mut self, _: Weakness) -> bool {
        self.accepts_weak
    }
}

impl UnlockPrompter for UnlockScript {
    fn tell(&mut self, event: &UnlockEvent) -> ControlFlow<()> {
        self.heard.events.push(event.clone());
        (self.on_event)(event)
    }

    fn token_again(&mut self, problem: &TokenProblem) -> ControlFlow<()> {
        self.heard.token_problems.push(problem.clone());
        (self.on_token)(problem)
    }

    fn portal_again(&mut self, _step: UnlockStep, _error: &ApiError) -> ControlFlow<()> {
        match self.timeout.checked_sub(1) {
            Some(left) => {
                self.timeout = left;
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    }

    fn has_forgotten_pin(&mut self, _key: &TokenInfo) -> bool {
        self.heard.not_locked += 1;
        self.has_forgotten
    }

    fn before_code(&mut self, _key: &TokenInfo, _phone: &str, _approval: bool) -> Option<UnlockForm> {
        Some(UnlockForm::default())
    }

    fn sms_code(&mut self, _sent: &CodeSent, refused: Option<&ApiError>) -> CodeAnswer {
        self.heard.codes += 1;
        if let Some(refused) = refused {
            self.heard.refused_codes.push(refused.code().to_owned());
            return CodeAnswer::Stop;
        }
        self.phone.as_mut().map(Phone::next_code).into()
    }

    fn pin_set_before(&mut self, _key: &TokenInfo) -> Option<Pin> {
        self.heard.pin_set_before += 1;
        self.knows.clone().map(Pin::new)
    }
}
