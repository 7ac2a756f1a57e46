//! Whoever sits at the screen: calls, waits for what is shown, answers.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use ycd_assistant::{Assistant, data_dir::PathOverrides, view::Event};
use ycd_tests::world::{IssuedToken, World, program};

pub struct Screen {
    pub assistant: Arc<Assistant>,
    pub events: Arc<Mutex<Vec<Value>>>,
    pub data_dir: std::path::PathBuf,
}

/// Longer than any step of these tests on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

impl Screen {
    /// A machine of this name, set up with the world's portal, and its assistant, started.
    pub fn new(world: &World, name: &str) -> Self {
        let data_dir = world.path().join(name);
        let path_overrides = PathOverrides {
            data_dir: Some(data_dir.clone()),
            softkey_dir: Some(world.softkey_dir()),
            ..PathOverrides::default()
        };
        std::fs::create_dir_all(world.softkey_dir()).unwrap();
        if !data_dir.join("config.toml").exists() {
            let url = world.proxy.url();
            ycd_assistant::data_dir::DataDir::at(path_overrides.clone())
                .use_portal(&url, &world.anchors())
                .unwrap();
        }
        let assistant = Arc::new(Assistant::open(path_overrides, Some(program("ycd-host"))));
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&events);
        assistant.listen(move |event: &Event| {
            heard.lock().unwrap().push(serde_json::to_value(event).unwrap());
            true
        });
        Self { assistant, events, data_dir }
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
            assert!(begun.elapsed() < TIMEOUT, "{what}: {:#}", self.call("start", json!({})));
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn tokens(&self) -> Vec<Value> {
        self.call("start", json!({}))["tokens"]["tokens"].as_array().unwrap().clone()
    }

    /// The one token that is in, once it has been read.
    pub fn the_token(&self) -> Value {
        self.wait("one token that is read", || match self.tokens().as_slice() {
            [token] if token["state"] == "read" => Some(token.clone()),
            _ => None,
        })
    }

    pub fn job(&self) -> Value {
        self.call("job", json!({}))["job"].clone()
    }

    /// The question of this kind, once it is asked; with its work's and its own number.
    pub fn asked(&self, kind: &str) -> (Value, Value, Value) {
        self.wait(kind, || {
            let job = self.job();
            let asked = &job["asked"];
            let is_it = asked["question"]["ask"] == kind;
            is_it.then(|| (job["id"].clone(), asked["id"].clone(), asked["question"].clone()))
        })
    }

    /// Waits for a question of this kind, and answers it; gives the question.
    pub fn answer(&self, kind: &str, answer: Value) -> Value {
        let (job, id, question) = self.asked(kind);
        self.call("answer", json!({ "job": job, "question": id, "answer": answer }));
        question
    }

    /// How the work ended.
    pub fn outcome(&self) -> Value {
        self.wait("an end", || {
            let job = self.job();
            (!job["outcome"].is_null()).then(|| job["outcome"].clone())
        })
    }

    pub fn dismiss(&self) {
        let job = self.job();
        self.call("dismiss_job", json!({ "job": job["id"] }));
    }

    pub fn start_renewal(&self, order: &str) {
        self.call("start_renewal", json!({ "no": order, "remove_old": false }));
    }
}

/// The usual token with its approved renewal, and a screen that is logged in.
pub fn approved(world: &World) -> (Screen, IssuedToken, String) {
    let (token, order) = world.token_with_order();
    let screen = Screen::new(world, "machine");
    screen.log_in(world, &token.phone);
    (screen, token, order)
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
