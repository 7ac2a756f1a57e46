use serde_json::{Value, json};
use ycd_softkey::admin;
use ycd_tests::world::{IssuedToken, Maker, PIN, World, open_tokens};
use ycd_token::{Pin, TokenAccess as _, TokenError};

use crate::screen::{Screen, new_pin, pin, yes};

const NEW: &str = "27182845";

fn locked(world: &World) -> (Screen, IssuedToken) {
    let token = world.issued_token(&Maker::default());
    world.insert(&token.serial_number);
    wrong_pins(world, &token, 20);
    let screen = Screen::new(world, "machine");
    (screen, token)
}

fn wrong_pins(world: &World, token: &IssuedToken, times: u32) {
    let mut tokens = open_tokens(&world.softkey_dir());
    tokens.list().unwrap();
    for _ in 0..times {
        if let Err(TokenError::PinLocked) = tokens.login(&token.token_id, &Pin::new("00000001")) {
            return;
        }
    }
}

/// Sends the code and types it.
fn with_code(world: &World, screen: &Screen, token: &IssuedToken) {
    let mut phone = world.phone(&token.phone);
    world.another_code_may_be_sent();
    let question =
        screen.answer("before_code", json!({ "answer": "send_code", "used_at": null, "note": null }));
    assert_eq!(question["phone"], "138****0000");
    screen.answer("code", json!({ "answer": "code", "code": phone.next_code() }));
}

fn takes(world: &World, token: &IssuedToken, pin: &str) -> bool {
    let mut tokens = open_tokens(&world.softkey_dir());
    tokens.list().unwrap();
    tokens.login(&token.token_id, &Pin::new(pin)).is_ok()
}

#[test]
fn a_locked_token_gets_a_new_pin_without_login() {
    let world = World::new();
    let (screen, token) = locked(&world);
    assert_eq!(screen.the_token()["pin"]["is_locked"], true);
    screen.call("start_unlock", json!({ "token_id": null, "no": null }));
    with_code(&world, &screen, &token);
    let question = screen.answer("new_pin", new_pin(NEW));
    assert_eq!(question["rules"]["min_len"], 6);
    let outcome = screen.outcome();
    assert_eq!(outcome["outcome"], "unlocked", "{outcome}");
    assert!(takes(&world, &token, NEW));
    // Locked no longer, shown without the token being pulled.
    screen.wait("unlocked", || (screen.the_token()["pin"]["is_locked"] == false).then_some(()));
}

#[test]
fn a_wrong_code_and_one_that_did_not_come_are_asked_for_again() {
    let world = World::new();
    let (screen, token) = locked(&world);
    screen.call("start_unlock", json!({ "token_id": token.token_id.to_string(), "no": null }));
    let mut phone = world.phone(&token.phone);
    world.another_code_may_be_sent();
    screen.answer("before_code", json!({ "answer": "send_code", "used_at": null, "note": null }));
    let right = phone.next_code();
    let wrong = if right == "000000" { "000001" } else { "000000" };
    screen.answer("code", json!({ "answer": "code", "code": wrong }));
    let refused = screen.wait("refused", || {
        let question = screen.asked("code").2;
        (!question["refused"].is_null()).then(|| question["refused"].clone())
    });
    assert_eq!(refused["code"], "sms.code_wrong");
    // Too soon for another one: said, and the first one is still good.
    screen.answer("code", json!({ "answer": "send_again" }));
    screen.wait("too soon", || (screen.asked("code").2["refused"]["code"] == "sms.too_soon").then_some(()));
    world.another_code_may_be_sent();
    screen.answer("code", json!({ "answer": "send_again" }));
    screen.answer("code", json!({ "answer": "code", "code": phone.next_code() }));
    screen.answer("new_pin", new_pin(NEW));
    assert_eq!(screen.outcome()["outcome"], "unlocked");
}

#[test]
fn a_new_pin_is_refused_with_its_reason_and_a_weak_one_needs_a_yes() {
    let world = World::new();
    let (screen, token) = locked(&world);
    screen.call("start_unlock", json!({ "token_id": null, "no": null }));
    with_code(&world, &screen, &token);
    let refused = |answer: Value| {
        screen.answer("new_pin", answer);
        screen.wait("refused", || {
            let question = screen.asked("new_pin").2;
            (!question["refused"].is_null()).then(|| question["refused"]["code"].clone())
        })
    };
    assert_eq!(refused(json!({ "answer": "new_pin", "new": NEW, "again": "27182846" })), "pin.mismatch");
    screen.answer("new_pin", new_pin("123456"));
    screen.answer("weak", json!({ "answer": "no" }));
    screen.answer("new_pin", new_pin("123456"));
    screen.answer("weak", yes());
    assert_eq!(screen.outcome()["outcome"], "unlocked");
    assert!(takes(&world, &token, "123456"));
}

#[test]
fn an_unlock_that_needs_approval_waits_for_it_and_goes_on() {
    let mut world = World::new();
    world.configure(|config| config.project.unlock_approval = true);
    let (screen, token) = locked(&world);
    screen.call("start_unlock", json!({ "token_id": null, "no": null }));
    assert_eq!(screen.asked("before_code").2["approval"], true);
    let mut phone = world.phone(&token.phone);
    world.another_code_may_be_sent();
    let form = json!({ "answer": "send_code", "used_at": "招采平台", "note": "忘记口令" });
    screen.answer("before_code", form);
    screen.answer("code", json!({ "answer": "code", "code": phone.next_code() }));
    assert_eq!(screen.outcome()["outcome"], "awaits_approval");
    let order = screen.job()["order"].as_str().unwrap().to_owned();
    assert_eq!(screen.call("unfinished", json!({}))["items"][0]["order"], order.as_str());
    world.operator().approve(&order).unwrap();
    screen.dismiss();
    screen.call("start_unlock", json!({ "token_id": null, "no": order }));
    with_code(&world, &screen, &token);
    screen.answer("new_pin", new_pin(NEW));
    assert_eq!(screen.outcome()["outcome"], "unlocked");
    // The same steps as before, the one that is over among them.
    assert_eq!(screen.job()["approval"], true);
}

#[test]
fn a_token_that_is_not_locked_is_unlocked_only_when_its_pin_is_said_to_be_forgotten() {
    let world = World::new();
    let token = world.issued_token(&Maker::default());
    world.insert(&token.serial_number);
    let screen = Screen::new(&world, "machine");
    screen.call("start_unlock", json!({ "token_id": null, "no": null }));
    screen.answer("forgotten", json!({ "answer": "no" }));
    let outcome = screen.outcome();
    assert_eq!(outcome["failure"]["code"], "unlock.not_locked", "{outcome}");
    assert!(takes(&world, &token, PIN));
}

#[test]
fn the_portal_away_in_the_middle_of_an_unlock_is_tried_again_at_the_persons_word() {
    let mut world = World::new();
    let (screen, token) = locked(&world);
    world.stop_portal();
    screen.call("start_unlock", json!({ "token_id": null, "no": null }));
    let question = screen.asked("portal").2;
    assert_eq!(question["failure"]["action"], "retry");
    world.start_portal();
    screen.answer("portal", yes());
    with_code(&world, &screen, &token);
    screen.answer("new_pin", new_pin(NEW));
    assert_eq!(screen.outcome()["outcome"], "unlocked");
}

#[test]
fn a_pin_is_changed_on_one_page_and_a_wrong_old_one_is_typed_again() {
    let world = World::new();
    let token = world.issued_token(&Maker::default());
    world.insert(&token.serial_number);
    let screen = Screen::new(&world, "machine");
    screen.the_token();
    screen.call("start_pin_change", json!({ "token_id": token.token_id.to_string() }));
    let change = json!({ "answer": "change_pin", "old": "11112222", "new": NEW, "again": NEW });
    let question = screen.answer("change_pin", change);
    assert_eq!(question["is_initial"], true);
    let again = screen.answer("pin", pin(PIN));
    assert_eq!(again["again"], true);
    assert_eq!(screen.outcome()["outcome"], "pin_changed");
    assert!(takes(&world, &token, NEW));
    screen.wait("no longer initial", || (screen.the_token()["pin"]["is_initial"] == false).then_some(()));
}

#[test]
fn the_last_try_needs_a_yes_of_its_own() {
    let world = World::new();
    let token = world.issued_token(&Maker::default());
    world.insert(&token.serial_number);
    let max = admin::list(world.softkey_dir()).unwrap()[0].pin_retry_limit;
    wrong_pins(&world, &token, max - 1);
    let screen = Screen::new(&world, "machine");
    assert_eq!(screen.the_token()["pin"]["is_last_try"], true);
    screen.call("start_pin_change", json!({ "token_id": token.token_id.to_string() }));
    let change = json!({ "answer": "change_pin", "old": PIN, "new": NEW, "again": NEW });
    screen.answer("change_pin", change);
    screen.answer("last_try", json!({ "answer": "no" }));
    assert_eq!(screen.outcome()["outcome"], "stopped");
    assert_eq!(admin::list(world.softkey_dir()).unwrap()[0].pin_retry_counter, 1);
}
