//! `ycd token pin`, the PINs read from standard input.

use serde_json::Value;

use crate::support::{Desk, Printed};

const INITIAL: &str = "12345678";
const NEW: &str = "27182845";

/// Each token has a number of its own, as the lock on a token is the machine's.
fn desk_with_token(serial: &str, more: &[&str]) -> Desk {
    let setup = Desk::new();
    let create = ["softkey", "create", "--label", "甲公司", "--serial", serial];
    setup.json(&[&create[..], more].concat()).ok();
    setup
}

fn change(setup: &Desk, more: &[&str], lines: [&str; 3]) -> Printed {
    let args = ["token", "pin", "--pin-stdin"];
    setup.json_with(&[&args[..], more].concat(), &format!("{}\n", lines.join("\n")))
}

fn refused(setup: &Desk, more: &[&str], lines: [&str; 3]) -> (i32, String) {
    let printed = change(setup, more, lines);
    (printed.exit, printed.error_code())
}

fn pin_of(setup: &Desk) -> Value {
    setup.json(&["token", "list"]).ok()["tokens"][0]["pin"].clone()
}

#[test]
fn a_pin_is_changed_and_what_happens_is_told_without_any_pin() {
    let setup = desk_with_token("00003F21", &[]);
    let printed = change(&setup, &["--token", "3f21"], [INITIAL, NEW, NEW]);
    let events: Vec<Value> = printed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(names, ["found", "changing", "changed"]);
    assert_eq!(events[0]["token"]["pin"]["is_initial"], true);
    assert!(!format!("{printed:?}").contains(NEW) && !printed.out.contains(INITIAL), "{printed:?}");
    assert_eq!(printed.ok()["token"]["pin"]["is_initial"], false);
    assert_eq!(refused(&setup, &[], [INITIAL, "31415926", "31415926"]), (4, "token.pin_incorrect".into()));
    change(&setup, &[], [NEW, "31415926", "31415926"]).ok();
}

#[test]
fn a_person_is_told_in_words() {
    let setup = desk_with_token("00003F22", &[]);
    let printed = setup.run_with(&["token", "pin", "--pin-stdin"], &format!("{INITIAL}\n{NEW}\n{NEW}\n"));
    assert_eq!(printed.exit, 0, "{printed:?}");
    assert!(printed.err.contains("仍是初始口令") && printed.err.contains("请勿拔出"), "{printed:?}");
    assert!(printed.out.contains("新口令已生效") && printed.out.contains("3F22"), "{printed:?}");
}

#[test]
fn a_new_pin_that_is_not_taken_leaves_the_old_one_and_all_tries() {
    let setup = desk_with_token("00003F23", &[]);
    let before = pin_of(&setup);
    for (new, again, code) in [
        ("1", "1", "pin.too_short"),
        (NEW, "27182846", "pin.mismatch"),
        (INITIAL, INITIAL, "pin.same_as_old"),
        ("88888888", "88888888", "pin.weak"),
    ] {
        assert_eq!(refused(&setup, &[], [INITIAL, new, again]), (4, code.into()));
    }
    assert_eq!(pin_of(&setup), before);
    change(&setup, &["--accept-weak"], [INITIAL, "88888888", "88888888"]).ok();
}

#[test]
fn the_last_try_is_spent_only_when_agreed_to() {
    let setup = desk_with_token("00003F24", &["--retry-limit", "2"]);
    assert_eq!(refused(&setup, &[], ["99999999", NEW, NEW]), (4, "token.pin_incorrect".into()));
    assert_eq!(pin_of(&setup)["retry_counter"], "final_try");
    assert_eq!(refused(&setup, &[], [INITIAL, NEW, NEW]), (4, "pin.last_try".into()));
    change(&setup, &["--last-try"], [INITIAL, NEW, NEW]).ok();
    assert_eq!(pin_of(&setup)["retry_counter"], "not_low");
    for code in ["token.pin_incorrect", "token.pin_locked"] {
        let lines = ["99999999", "31415926", "31415926"];
        assert_eq!(refused(&setup, &["--last-try"], lines), (4, code.into()));
    }
}

#[test]
fn a_driver_that_dies_in_the_change_leaves_two_pins_and_the_advice_which_to_try_first() {
    let setup = desk_with_token("00003F25", &[]);
    setup.json(&["softkey", "fault", "--function", "C_SetPIN", "--do", "crash", "--after"]).ok();
    let printed = change(&setup, &[], [INITIAL, NEW, NEW]);
    assert_eq!((printed.exit, printed.error_code()), (1, "pin.outcome_unknown".into()));
    let remedy = printed.json()["error"]["remedy"].as_str().unwrap().to_owned();
    assert!(remedy.contains("先用新口令"), "{remedy}");
    change(&setup, &[], [NEW, "31415926", "31415926"]).ok();
}

#[test]
fn nobody_to_ask_no_token_and_a_log_without_pins() {
    let setup = desk_with_token("00003F26", &[]);
    let printed = setup.json(&["token", "pin"]);
    assert_eq!((printed.exit, printed.error_code()), (4, "cli.no_input".into()));

    let mut command = setup.command(&["token", "pin", "--pin-stdin", "--json"]);
    command.env("YCD_LOG", "trace");
    let printed = Printed::of(command, &format!("{INITIAL}\n{NEW}\n{NEW}\n"));
    assert_eq!(printed.exit, 0, "{printed:?}");
    assert!(!printed.err.contains(NEW) && !printed.err.contains(INITIAL), "{printed:?}");

    setup.json(&["softkey", "remove", "00003F26"]).ok();
    assert_eq!(refused(&setup, &[], [NEW, INITIAL, INITIAL]), (3, "flow.no_token".into()));
}
