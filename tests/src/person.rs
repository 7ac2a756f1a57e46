//! A person that a test has told what to say.

use std::sync::{Arc, Mutex};

use ycd_flows::{
    conversation::{Event, Go, KeyProblem, Person, PinQuestion},
    renewal::Step,
};
use ycd_pki::cert::CertificateInfo;
use ycd_portal_api::wire::login::Purpose;
use ycd_token::{KeyInfo, Pin};

type Answer<Q, A> = Box<dyn FnMut(&Q) -> A + Send>;

/// Says what it was scripted to say, and remembers what it was told and asked.
pub struct Scripted {
    pub on_pin: Answer<PinQuestion, Option<String>>,
    pub on_event: Answer<Event, Go>,
    pub on_key: Answer<KeyProblem, Go>,
    pub on_sms: Answer<Purpose, Option<String>>,
    pub agrees_to_replace: bool,
    pub heard: Arc<Mutex<Heard>>,
}

#[derive(Debug, Default, Clone)]
pub struct Heard {
    pub events: Vec<Event>,
    pub pins: Vec<PinQuestion>,
    pub key_problems: Vec<KeyProblem>,
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
    /// Knows the PIN, lets everything go on, and gives up where a key is missing.
    pub fn with_pin(pin: &str) -> Self {
        let pin = pin.to_owned();
        Self {
            on_pin: Box::new(move |question| (!question.again).then(|| pin.clone())),
            on_event: Box::new(|_| Go::On),
            on_key: Box::new(|_| Go::Stop),
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
            if seen > n { Go::Stop } else { Go::On }
        });
        self
    }

    /// Calls back when a step begins.
    pub fn at(mut self, step: Step, mut act: impl FnMut() + Send + 'static) -> Self {
        let mut before = std::mem::replace(&mut self.on_event, Box::new(|_| Go::On));
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
            Event::Begins { step: begins, .. } if *begins == step => Go::Stop,
            _ => Go::On,
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

impl Person for Scripted {
    fn tell(&mut self, event: &Event) -> Go {
        self.note(|heard| heard.events.push(event.clone()));
        (self.on_event)(event)
    }

    fn pin(&mut self, question: &PinQuestion) -> Option<Pin> {
        self.note(|heard| heard.pins.push(question.clone()));
        (self.on_pin)(question).map(Pin::new)
    }

    fn key_again(&mut self, problem: &KeyProblem) -> Go {
        self.note(|heard| heard.key_problems.push(problem.clone()));
        (self.on_key)(problem)
    }

    fn agree_to_replace(&mut self, _key: &KeyInfo, _old: &CertificateInfo) -> bool {
        self.agrees_to_replace
    }

    fn sms_code(&mut self, _masked_phone: &str, purpose: Purpose) -> Option<String> {
        (self.on_sms)(&purpose)
    }
}
