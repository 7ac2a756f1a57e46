//! Whole journeys in the real window, as a person makes them.

use serde_json::{Value, json};
use ycd_tests::{
    window::{Desktop, Page, Steered, wait},
    world::{IssuedKey, PIN, Phone, World, open_keys},
};
use ycd_token::{KeyId, Pin, Token as _, TokenError};

use crate::is_left_out;

/// PINs that stand nowhere by chance.
const OWN: &str = "31415926";
const NEW: &str = "27182845";
const WRONG: &str = "99999999";

const PIN_BOX: &str = "main input[type=password]";
const CODE_BOX: &str = "main input[autocomplete=one-time-code]";

#[test]
fn an_approved_renewal_is_written_in_the_window() {
    if is_left_out("an_approved_renewal_is_written_in_the_window") {
        return;
    }
    let world = World::new();
    let (key, order) = world.key_with_order();
    let mut keys = open_keys(&world.keys_folder());
    keys.keys().unwrap();
    keys.change_pin(&key.key_id, &Pin::new(PIN), &Pin::new(OWN)).unwrap();
    let before = certificates(&mut keys, &key.key_id);
    drop(keys);
    let desktop = Desktop::new(&world);
    let steered = Steered::start(&desktop);
    let page = &steered.page;
    let violations = Violations::watched(page);

    page.go("#/login");
    page.type_into("main input[type=tel]", &key.phone);
    let code = world.code_sent_to(&key.phone, || {
        page.press("发送验证码");
        page.wait_for(CODE_BOX);
    });
    page.type_into(CODE_BOX, &code);
    page.press("登录");
    wait("the login", || (!page.call("start", json!({}))["session"].is_null()).then_some(()));

    page.go(&format!("#/orders/{order}/write"));
    let outcome = goes_through(page, OWN, None);
    assert_eq!(outcome["outcome"], "renewed", "{outcome}");
    page.wait_for_text("更新成功");
    assert_nowhere(&desktop, page, &[OWN], &[&code]);
    for path in ["#/", "#/certificates", "#/orders", "#/usbkey", "#/diagnosis", "#/help", "#/settings"] {
        page.go(path);
        page.wait_for("main h1");
    }
    violations.none();
    assert_nowhere(&desktop, page, &[OWN], &[&code]);
    drop(steered);

    let mut keys = open_keys(&world.keys_folder());
    keys.keys().unwrap();
    let after = certificates(&mut keys, &key.key_id);
    assert!(after.iter().any(|certificate| !before.contains(certificate)));
}

#[test]
fn a_locked_key_gets_a_new_pin_in_the_window_without_a_login() {
    if is_left_out("a_locked_key_gets_a_new_pin_in_the_window_without_a_login") {
        return;
    }
    let world = World::new();
    let (key, _) = world.key_with_order();
    lock(&world, &key);
    let desktop = Desktop::new(&world);
    let steered = Steered::start(&desktop);
    let page = &steered.page;
    let violations = Violations::watched(page);
    page.wait_for_text("锁定");

    page.go("#/unlock");
    let mut phone = world.phone(&key.phone);
    world.another_code_may_be_sent();
    let outcome = goes_through(page, NEW, Some(&mut phone));
    assert_eq!(outcome["outcome"], "unlocked", "{outcome}");
    page.wait_for_text("新口令已生效");
    violations.none();
    assert_nowhere(&desktop, page, &[NEW, WRONG], &[]);
    drop(steered);
    let mut keys = open_keys(&world.keys_folder());
    keys.keys().unwrap();
    keys.login(&key.key_id, &Pin::new(NEW)).unwrap();
}

/// Does what the page asks for until the work ends; gives its outcome. The page is looked at and typed into; what it
/// asks for is read from the work itself.
fn goes_through(page: &Page, pin: &str, mut phone: Option<&mut Phone>) -> Value {
    let mut answered = Value::Null;
    wait("the end of the work", || {
        let work = page.call("work", json!({}))["work"].take();
        if work.is_null() {
            page.press_main();
            return None;
        }
        let asked = &work["asked"];
        if !asked.is_null() && asked["id"] != answered {
            answered = asked["id"].clone();
            match asked["question"]["ask"].as_str().unwrap_or_default() {
                "pin" => page.type_into_all(PIN_BOX, 1, pin),
                "new_pin" => page.type_into_all(PIN_BOX, 2, pin),
                "code" => {
                    let code = phone.as_mut().expect("no code was expected").next_code();
                    page.type_into(CODE_BOX, &code);
                }
                "before_code" => {}
                other => panic!("asked for {other}: {}", page.text()),
            }
            page.press_main();
        }
        Some(work["outcome"].clone()).filter(|outcome| !outcome.is_null())
    })
}

fn lock(world: &World, key: &IssuedKey) {
    let mut keys = open_keys(&world.keys_folder());
    keys.keys().unwrap();
    while !matches!(keys.login(&key.key_id, &Pin::new(WRONG)), Err(TokenError::PinLocked)) {}
}

fn certificates(keys: &mut impl ycd_token::Token, key: &KeyId) -> Vec<Vec<u8>> {
    let contents = keys.read(key).unwrap();
    contents.containers.into_iter().flat_map(|container| container.certificates).collect()
}

/// PINs stand nowhere; codes of six digits stand nowhere as a word of their own.
fn assert_nowhere(desktop: &Desktop, page: &Page, pins: &[&str], codes: &[&str]) {
    let mut texts = vec![("the page".to_owned(), page.state()), ("the log".to_owned(), desktop.log())];
    let mut folders = vec![desktop.folder.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let bytes = std::fs::read(entry.path()).unwrap_or_default();
                texts.push((entry.path().display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
    }
    assert!(texts.iter().any(|(place, _)| place.ends_with("journal.sqlite")), "the data folder was looked at");
    for (place, text) in texts {
        for pin in pins {
            assert!(!text.contains(pin), "a PIN stands in {place}");
        }
        for code in codes {
            assert!(!text.contains(&format!("\"{code}\"")), "a code stands in {place}");
        }
    }
}

/// What the content security policy had to forbid.
struct Violations<'a>(&'a Page);

impl<'a> Violations<'a> {
    /// From the page's beginning on: what happened before is told too.
    fn watched(page: &'a Page) -> Self {
        page.run(
            "window.__violations = []
             new ReportingObserver((reports) => window.__violations.push(...reports.map((it) => JSON.stringify(it.body))),
               { types: ['csp-violation'], buffered: true }).observe()",
            json!(null),
        );
        Self(page)
    }

    /// None so far; then one is made, which is seen.
    fn none(&self) {
        let seen = || self.0.run("return window.__violations", json!(null));
        assert_eq!(seen(), json!([]));
        self.0.run(
            "const style = document.createElement('style'); style.textContent = 'p { color: red }'
             document.head.append(style); style.remove()",
            json!(null),
        );
        wait("the violation", || seen().as_array().is_some_and(|seen| !seen.is_empty()).then_some(()));
        self.0.run("window.__violations.length = 0", json!(null));
    }
}
