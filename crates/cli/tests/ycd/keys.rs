//! Keys, drivers and faults on the command line.

use crate::support::Desk;

#[test]
fn a_software_key_is_made_listed_pulled_and_put_back() {
    let desk = Desk::new();
    let made = desk.json(&["softkey", "create", "--label", "甲公司"]).ok();
    let serial = made["serial_number"].as_str().unwrap();
    assert!(made["slot"].is_u64() && made.get("so_pin").is_none(), "{made}");

    let listed = desk.json(&["key", "list"]).ok();
    assert_eq!(listed["keys"][0]["serial_number"], serial);
    assert_eq!(listed["keys"][0]["label"], "甲公司");
    assert_eq!(listed["keys"][0]["pin"]["is_initial"], true);

    desk.json(&["softkey", "remove", serial]).ok();
    assert_eq!(desk.json(&["key", "list"]).ok()["keys"].as_array().unwrap().len(), 0);
    desk.json(&["softkey", "insert", serial]).ok();
    assert_eq!(desk.json(&["key", "list"]).ok()["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn the_so_pin_is_shown_only_when_asked_for() {
    let desk = Desk::new();
    let shown = desk.json(&["softkey", "create", "--label", "a", "--show-so-pin"]).ok();
    assert!(shown["so_pin"].as_str().is_some_and(|pin| pin.len() >= 6));
    let text = desk.run(&["softkey", "create", "--label", "b"]);
    assert!(!text.out.contains("管理员口令"), "{text:?}");
}

#[test]
fn a_key_tells_what_is_on_it_and_which_one_is_meant() {
    let desk = Desk::new();
    assert_eq!(desk.json(&["key", "info"]).exit, 3);
    desk.json(&["softkey", "create", "--label", "a", "--serial", "0001AAAA"]).ok();
    let info = desk.json(&["key", "info"]).ok();
    assert_eq!(info["containers"].as_array().unwrap().len(), 0);
    assert_eq!(info["key"]["serial_number"], "0001AAAA");

    desk.json(&["softkey", "create", "--label", "b", "--serial", "0001BBBB"]).ok();
    let several = desk.json(&["key", "info"]);
    assert_eq!((several.exit, several.error_code()), (3, "flow.several_keys".into()));
    assert_eq!(desk.json(&["key", "info", "bbbb"]).ok()["key"]["label"], "b");
    assert_eq!(desk.json(&["key", "info", "cccc"]).error_code(), "cli.not_found");
}

#[test]
fn keys_that_are_there_are_the_first_events_of_a_watch() {
    let desk = Desk::new();
    desk.json(&["softkey", "create", "--label", "a", "--serial", "0001AAAA"]).ok();
    let event = desk.json(&["key", "watch", "--count", "1"]).ok();
    assert_eq!(event["event"], "arrived");
    assert_eq!(event["key"]["serial_number"], "0001AAAA");
}

#[test]
fn faults_are_set_listed_and_cleared() {
    let desk = Desk::new();
    desk.json(&["softkey", "create", "--label", "a", "--serial", "A1"]).ok();
    let set =
        desk.json(&["softkey", "fault", "A1", "--function", "C_GetTokenInfo", "--do", "code=0x30"]).ok();
    assert_eq!(set["rules"][0]["do"]["code"], 0x30);
    assert_eq!(desk.json(&["softkey", "fault"]).ok()["rules"].as_array().unwrap().len(), 1);
    assert_eq!(desk.json(&["softkey", "fault", "--clear"]).ok()["rules"].as_array().unwrap().len(), 0);
}

#[test]
fn a_driver_that_keeps_crashing_is_told_with_its_code_and_takes_nothing_down() {
    let desk = Desk::new();
    desk.json(&["softkey", "create", "--label", "a"]).ok();
    desk.json(&["softkey", "fault", "--function", "C_GetSlotList", "--do", "crash", "--always"]).ok();
    let crashed = desk.json(&["key", "list"]);
    assert_eq!((crashed.exit, crashed.error_code()), (7, "token.driver_crashed".into()));
    desk.json(&["softkey", "fault", "--clear"]).ok();
    assert_eq!(desk.json(&["key", "list"]).ok()["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn a_wrong_profile_is_told_with_file_and_line() {
    let desk = Desk::new();
    let file = desk.path("mine.toml");
    std::fs::write(&file, "name = \"mine\"\nfamily = 3\n").unwrap();
    let refused = desk.json(&["driver", "check", file.to_str().unwrap()]);
    assert_eq!((refused.exit, refused.error_code()), (7, "profile.invalid".into()));
    let sentence = refused.json()["error"]["sentence"].as_str().unwrap().to_owned();
    assert!(sentence.contains("mine.toml:2"), "{sentence}");
}

#[test]
fn every_driver_that_is_installed_starts() {
    let desk = Desk::new();
    let checked = desk.json(&["driver", "check"]).ok();
    let softkey = checked["drivers"].as_array().unwrap().iter().find(|driver| driver["profile"] == "softkey");
    assert!(softkey.unwrap()["started"]["manufacturer"].is_string(), "{checked}");
}
