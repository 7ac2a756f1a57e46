//! Whoever sits at the screen: calls, waits for what is shown, answers.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use ycd_assistant::{Assistant, home::Places, view::Event};
use ycd_tests::world::{IssuedKey, World, program};

pub struct Screen {
    pub assistant: Arc<Assistant>,
    pub events: Arc<Mutex<Vec<Value>>>,
    pub home: std::path::PathBuf,
}

/// Longer than any step of these tests on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

impl Screen {
    /// A machine of this name, set up with the world's portal, and its assistant, started.
    pub fn new(world: &World, name: &str) -> Self {
        let home = world.path().join(name);
        let places =
            Places { home: Some(home.clone()), softkey_dir: Some(world.keys_folder()), ..Places::default() };
        std::fs::create_dir_all(world.keys_folder()).unwrap();
        if !home.join("config.toml").exists() {
            let url = world.proxy.url();
            ycd_assistant::home::Home::at(places.clone()).use_portal(&url, &world.anchors()).unwrap();
        }
        let assistant = Arc::new(Assistant::open(places, Some(program("ycd-host"))));
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&events);
        assistant.listen(move |event: &Event| {
            heard.lock().unwrap().push(serde_json::to_value(event).unwrap());
            true
        });
        Self { assistant, events, home }
    }

    pub fn call(&self, name: &str, arguments: Value) -> Value {
        let outcome = self.assistant.call(name, arguments);
        outcome.unwrap_or_else(|failure| panic!("{name}: {failure:?}"))
    }

    /// The code of a refusal.
    pub fn refused(&self, name: &str, arguments: Value) -> String {
        match self.assistant.call(name, arguments) {
            Ok(value) => panic!("{name} was done: {value}"),
            Err(failure) => {
                assert!(!failure.sentence.is_empty() && !failure.remedy.is_empty(), "{failure:?}");
                failure.code
            }
        }
    }

    /// Logs in with the code that comes to the phone.
    pub fn log_in(&self, world: &World, phone: &str) {
        let code = world.code_sent_to(phone, || drop(self.call("login_code", json!({ "phone": phone }))));
        self.call("login", json!({ "phone": phone, "code": code }));
    }

    pub fn wait<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "{what}: {:#}", self.call("start", json!({})));
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn keys(&self) -> Vec<Value> {
        self.call("start", json!({}))["keys"]["keys"].as_array().unwrap().clone()
    }

    /// The one key that is in, once it has been read.
    pub fn the_key(&self) -> Value {
        self.wait("one key that is read", || match self.keys().as_slice() {
            [key] if key["state"] == "read" => Some(key.clone()),
            _ => None,
        })
    }

    pub fn work(&self) -> Value {
        self.call("work", json!({}))["work"].clone()
    }

    /// The question of this kind, once it is asked; with its work's and its own number.
    pub fn asked(&self, kind: &str) -> (Value, Value, Value) {
        self.wait(kind, || {
            let work = self.work();
            let asked = &work["asked"];
            let is_it = asked["question"]["ask"] == kind;
            is_it.then(|| (work["id"].clone(), asked["id"].clone(), asked["question"].clone()))
        })
    }

    /// Waits for a question of this kind, and answers it; gives the question.
    pub fn answer(&self, kind: &str, answer: Value) -> Value {
        let (work, id, question) = self.asked(kind);
        self.call("answer", json!({ "work": work, "question": id, "answer": answer }));
        question
    }

    /// How the work ended.
    pub fn outcome(&self) -> Value {
        self.wait("an end", || {
            let work = self.work();
            (!work["outcome"].is_null()).then(|| work["outcome"].clone())
        })
    }

    pub fn dismiss(&self) {
        let work = self.work();
        self.call("dismiss_work", json!({ "work": work["id"] }));
    }

    pub fn start_renewal(&self, order: &str) {
        self.call("start_renewal", json!({ "no": order, "remove_old": false }));
    }
}

/// The usual key with its approved renewal, and a screen that is logged in.
pub fn approved(world: &World) -> (Screen, IssuedKey, String) {
    let (key, order) = world.key_with_order();
    let screen = Screen::new(world, "machine");
    screen.log_in(world, &key.phone);
    (screen, key, order)
}

pub fn pin(pin: &str) -> Value {
    json!({ "answer": "pin", "pin": pin })
}

pub fn new_pin(pin: &str) -> Value {
    json!({ "answer": "new_pin", "new": pin, "again": pin })
}

pub fn yes() -> Value {
    json!({ "answer": "yes" })
}
