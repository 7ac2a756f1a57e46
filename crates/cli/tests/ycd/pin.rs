//! `ycd key pin`, the PINs read from standard input.

use serde_json::Value;

use crate::support::{Desk, Said};

const INITIAL: &str = "12345678";
const NEW: &str = "27182845";

/// Each key has a number of its own, as the lock on a key is the machine's.
fn desk_with_key(serial: &str, more: &[&str]) -> Desk {
    let desk = Desk::new();
    let create = ["softkey", "create", "--label", "甲公司", "--serial", serial];
    desk.json(&[&create[..], more].concat()).ok();
    desk
}

fn change(desk: &Desk, more: &[&str], lines: [&str; 3]) -> Said {
    let args = ["key", "pin", "--pin-stdin"];
    desk.json_with(&[&args[..], more].concat(), &format!("{}\n", lines.join("\n")))
}

fn refused(desk: &Desk, more: &[&str], lines: [&str; 3]) -> (i32, String) {
    let said = change(desk, more, lines);
    (said.exit, said.error_code())
}

fn pin_of(desk: &Desk) -> Value {
    desk.json(&["key", "list"]).ok()["keys"][0]["pin"].clone()
}

#[test]
fn a_pin_is_changed_and_what_happens_is_told_without_any_pin() {
    let desk = desk_with_key("00003F21", &[]);
    let said = change(&desk, &["--key", "3f21"], [INITIAL, NEW, NEW]);
    let events: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(names, ["found", "changing", "changed"]);
    assert_eq!(events[0]["key"]["pin"]["is_initial"], true);
    assert!(!format!("{said:?}").contains(NEW) && !said.out.contains(INITIAL), "{said:?}");
    assert_eq!(said.ok()["key"]["pin"]["is_initial"], false);
    assert_eq!(refused(&desk, &[], [INITIAL, "31415926", "31415926"]), (4, "token.pin_incorrect".into()));
    change(&desk, &[], [NEW, "31415926", "31415926"]).ok();
}

#[test]
fn a_person_is_told_in_words() {
    let desk = desk_with_key("00003F22", &[]);
    let said = desk.run_with(&["key", "pin", "--pin-stdin"], &format!("{INITIAL}\n{NEW}\n{NEW}\n"));
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(said.err.contains("仍是初始口令") && said.err.contains("请勿拔出"), "{said:?}");
    assert!(said.out.contains("新口令已生效") && said.out.contains("3F22"), "{said:?}");
}

#[test]
fn a_new_pin_that_is_not_taken_leaves_the_old_one_and_all_tries() {
    let desk = desk_with_key("00003F23", &[]);
    let before = pin_of(&desk);
    for (new, again, code) in [
        ("1", "1", "pin.too_short"),
        (NEW, "27182846", "pin.mismatch"),
        (INITIAL, INITIAL, "pin.same_as_old"),
        ("88888888", "88888888", "pin.weak"),
    ] {
        assert_eq!(refused(&desk, &[], [INITIAL, new, again]), (4, code.into()));
    }
    assert_eq!(pin_of(&desk), before);
    change(&desk, &["--accept-weak"], [INITIAL, "88888888", "88888888"]).ok();
}

#[test]
fn the_last_try_is_spent_only_when_agreed_to() {
    let desk = desk_with_key("00003F24", &["--tries", "2"]);
    assert_eq!(refused(&desk, &[], ["99999999", NEW, NEW]), (4, "token.pin_incorrect".into()));
    assert_eq!(pin_of(&desk)["tries"], "last");
    assert_eq!(refused(&desk, &[], [INITIAL, NEW, NEW]), (4, "pin.last_try".into()));
    change(&desk, &["--last-try"], [INITIAL, NEW, NEW]).ok();
    assert_eq!(pin_of(&desk)["tries"], "not_low");
    for code in ["token.pin_incorrect", "token.pin_locked"] {
        let lines = ["99999999", "31415926", "31415926"];
        assert_eq!(refused(&desk, &["--last-try"], lines), (4, code.into()));
    }
}

#[test]
fn a_driver_that_dies_in_the_change_leaves_two_pins_and_the_advice_which_to_try_first() {
    let desk = desk_with_key("00003F25", &[]);
    desk.json(&["softkey", "fault", "--function", "C_SetPIN", "--do", "crash", "--after"]).ok();
    let said = change(&desk, &[], [INITIAL, NEW, NEW]);
    assert_eq!((said.exit, said.error_code()), (1, "pin.outcome_unknown".into()));
    let remedy = said.json()["error"]["remedy"].as_str().unwrap().to_owned();
    assert!(remedy.contains("先用新口令"), "{remedy}");
    change(&desk, &[], [NEW, "31415926", "31415926"]).ok();
}

#[test]
fn nobody_to_ask_no_key_and_a_log_without_pins() {
    let desk = desk_with_key("00003F26", &[]);
    let said = desk.json(&["key", "pin"]);
    assert_eq!((said.exit, said.error_code()), (4, "cli.no_input".into()));

    let mut command = desk.command(&["key", "pin", "--pin-stdin", "--json"]);
    command.env("YCD_LOG", "trace");
    let said = Said::of(command, &format!("{INITIAL}\n{NEW}\n{NEW}\n"));
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(!said.err.contains(NEW) && !said.err.contains(INITIAL), "{said:?}");

    desk.json(&["softkey", "remove", "00003F26"]).ok();
    assert_eq!(refused(&desk, &[], [NEW, INITIAL, INITIAL]), (3, "flow.no_key".into()));
}
