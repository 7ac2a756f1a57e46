use serde_json::json;
use ycd_tests::world::{Maker, PIN, World, open_tokens};
use ycd_token::{Pin, TokenAccess as _, TokenError};

use crate::screen::{Screen, new_pin, pin};

const NEW: &str = "31415926";

/// Everything that a screen, a log or a file could show.
fn everything(screen: &Screen) -> String {
    let mut text = serde_json::to_string(&*screen.events.lock().unwrap()).unwrap();
    for name in ["start", "job", "unfinished", "diagnose", "diagnosis_file", "unknown_token"] {
        text += &screen.call(name, json!({})).to_string();
    }
    for entry in std::fs::read_dir(&screen.data_dir).unwrap() {
        let path = entry.unwrap().path();
        // The session is a secret of its own, in a file of its own.
        if path.is_file() && path.file_name().is_some_and(|name| name != "session.json") {
            text += &String::from_utf8_lossy(&std::fs::read(path).unwrap());
        }
    }
    text
}

#[test]
fn no_pin_and_no_code_is_left_anywhere_after_a_renewal_an_unlock_and_a_change() {
    let world = World::new();
    let (token, order) = world.token_with_order_of(&Maker::default());
    let screen = Screen::new(&world, "machine");
    let login = world.code_sent_to(&token.phone, || {
        drop(screen.call("login_code", json!({ "phone": token.phone })));
    });
    screen.call("login", json!({ "phone": token.phone, "code": login }));
    screen.start_renewal(&order);
    screen.answer("pin", pin(PIN));
    assert_eq!(screen.outcome()["outcome"], "renewed");
    screen.dismiss();

    let mut tokens = open_tokens(&world.softkey_dir());
    tokens.list().unwrap();
    while !matches!(tokens.login(&token.token_id, &Pin::new("99999999")), Err(TokenError::PinLocked)) {}
    drop(tokens);
    screen.call("start_unlock", json!({ "token_id": null, "no": null }));
    let mut phone = world.phone(&token.phone);
    world.another_code_may_be_sent();
    screen.answer("before_code", json!({ "answer": "send_code", "used_at": null, "note": null }));
    let code = phone.next_code();
    screen.answer("code", json!({ "answer": "code", "code": code }));
    screen.answer("new_pin", new_pin(NEW));
    assert_eq!(screen.outcome()["outcome"], "unlocked");
    screen.dismiss();

    screen.call("start_pin_change", json!({ "token_id": token.token_id.to_string() }));
    let changed = json!({ "answer": "change_pin", "old": NEW, "new": "27182845", "again": "27182845" });
    screen.answer("change_pin", changed);
    assert_eq!(screen.outcome()["outcome"], "pin_changed");

    let session = std::fs::read_to_string(screen.data_dir.join("session.json")).unwrap();
    let session: serde_json::Value = serde_json::from_str(&session).unwrap();
    let session_token = session["session"]["session_token"].as_str().unwrap().to_owned();
    let text = everything(&screen);
    for secret in [NEW, "27182845", "99999999", &session_token] {
        assert!(!text.contains(secret), "{secret} is told");
    }
    // Six digits can stand in a time or a serial number by chance: as a word they do not.
    for code in [&login, &code] {
        assert!(!text.contains(&format!("\"{code}\"")), "{code} is told");
    }
    // The initial PIN is no secret, and no screen has it but in its own words.
    assert!(!text.contains(PIN), "the PIN is told");
}
