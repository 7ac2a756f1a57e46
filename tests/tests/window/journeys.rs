//! Whole journeys in the real window, as a person makes them.

use serde_json::json;
use ycd_tests::{
    window::{Desktop, Page, Steered, wait},
    world::{IssuedToken, PIN, World, open_tokens},
};
use ycd_token::{Pin, TokenAccess as _, TokenError, TokenId};

use crate::is_left_out;

/// PINs that stand nowhere by chance.
const OWN: &str = "31415926";
const NEW: &str = "27182845";
const WRONG: &str = "99999999";

const PIN_BOX: &str = "[data-testid=pin-input]";
const CODE_BOX: &str = "main input[autocomplete=one-time-code]";

#[test]
fn an_approved_renewal_is_written_in_the_window() {
    if is_left_out("an_approved_renewal_is_written_in_the_window") {
        return;
    }
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut tokens = open_tokens(&world.softkey_dir());
    tokens.list().unwrap();
    tokens.change_pin(&token.token_id, &Pin::new(PIN), &Pin::new(OWN)).unwrap();
    let before = certificates(&mut tokens, &token.token_id);
    drop(tokens);
    let desktop = Desktop::new(&world);
    let steered = Steered::start(&desktop);
    let page = &steered.page;
    let violations = Violations(page);

    page.go("#/login");
    page.type_into("main input[type=tel]", &token.phone);
    let code = world.code_sent_to(&token.phone, || {
        page.press("发送验证码");
        page.wait_for(CODE_BOX);
    });
    page.type_into(CODE_BOX, &code);
    page.press("登录");
    wait("the login", || (!page.call("start", json!({}))["session"].is_null()).then_some(()));

    page.go(&format!("#/orders/{order}/write"));
    page.press_id("start-renewal");
    page.type_into(PIN_BOX, OWN);
    page.press_id("pin-submit");
    page.wait_for("[data-testid=outcome][data-outcome=renewed]");
    page.wait_for_text("更新成功");
    assert_nowhere(&desktop, page, &[OWN], &[&code]);
    for path in ["#/", "#/certificates", "#/orders", "#/usbkey", "#/diagnosis", "#/help", "#/settings"] {
        page.go(path);
        page.wait_for(&format!("nav a[aria-current=page][href='{path}']"));
    }
    violations.none();
    assert_nowhere(&desktop, page, &[OWN], &[&code]);
    drop(steered);

    let mut tokens = open_tokens(&world.softkey_dir());
    tokens.list().unwrap();
    let after = certificates(&mut tokens, &token.token_id);
    assert!(after.iter().any(|certificate| !before.contains(certificate)));
}

#[test]
fn a_locked_token_gets_a_new_pin_in_the_window_without_a_login() {
    if is_left_out("a_locked_token_gets_a_new_pin_in_the_window_without_a_login") {
        return;
    }
    let world = World::new();
    let (token, _) = world.token_with_order();
    lock(&world, &token);
    let desktop = Desktop::new(&world);
    let steered = Steered::start(&desktop);
    let page = &steered.page;
    let violations = Violations(page);
    page.wait_for_text("锁定");

    page.go("#/unlock");
    let mut phone = world.phone(&token.phone);
    world.another_code_may_be_sent();
    page.press_id("start-unlock");
    page.press_id("send-code");
    page.wait_for(CODE_BOX);
    let code = phone.next_code();
    page.type_into(CODE_BOX, &code);
    page.press_id("code-submit");
    page.type_into("[data-testid=new-pin]", NEW);
    page.type_into("[data-testid=new-pin-again]", NEW);
    page.press_id("new-pin-submit");
    page.wait_for("[data-testid=outcome][data-outcome=unlocked]");
    page.wait_for_text("新口令已生效");
    violations.none();
    assert_nowhere(&desktop, page, &[NEW, WRONG], &[&code]);
    drop(steered);
    let mut tokens = open_tokens(&world.softkey_dir());
    tokens.list().unwrap();
    tokens.login(&token.token_id, &Pin::new(NEW)).unwrap();
}

fn lock(world: &World, token: &IssuedToken) {
    let mut tokens = open_tokens(&world.softkey_dir());
    tokens.list().unwrap();
    while !matches!(tokens.login(&token.token_id, &Pin::new(WRONG)), Err(TokenError::PinLocked)) {}
}

fn certificates(tokens: &mut impl ycd_token::TokenAccess, token: &TokenId) -> Vec<Vec<u8>> {
    let contents = tokens.read(token).unwrap();
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
                texts
                    .push((entry.path().display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
    }
    assert!(
        texts.iter().any(|(place, _)| place.ends_with("journal.sqlite")),
        "the data folder was looked at"
    );
    for (place, text) in texts {
        for pin in pins {
            assert!(!text.contains(pin), "a PIN stands in {place}");
        }
        for code in codes {
            assert!(!text.contains(&format!("\"{code}\"")), "a code stands in {place}");
        }
    }
}

/// What the content security policy had to forbid, from the page's first moment on (`violations.js`).
struct Violations<'a>(&'a Page);

impl Violations<'_> {
    /// None so far. Then one is made, which is seen.
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
