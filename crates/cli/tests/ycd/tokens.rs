//! Tokens, drivers and faults on the command line.

use crate::support::Desk;

#[test]
fn a_software_token_is_made_listed_pulled_and_put_back() {
    let setup = Desk::new();
    let made = setup.json(&["softkey", "create", "--label", "甲公司"]).ok();
    let serial = made["serial_number"].as_str().unwrap();
    assert!(made["slot"].is_u64() && made.get("so_pin").is_none(), "{made}");

    let listed = setup.json(&["token", "list"]).ok();
    assert_eq!(listed["tokens"][0]["serial_number"], serial);
    assert_eq!(listed["tokens"][0]["label"], "甲公司");
    assert_eq!(listed["tokens"][0]["pin"]["is_initial"], true);

    setup.json(&["softkey", "remove", serial]).ok();
    assert_eq!(setup.json(&["token", "list"]).ok()["tokens"].as_array().unwrap().len(), 0);
    setup.json(&["softkey", "insert", serial]).ok();
    assert_eq!(setup.json(&["token", "list"]).ok()["tokens"].as_array().unwrap().len(), 1);
}

#[test]
fn the_so_pin_is_shown_only_when_asked_for() {
    let setup = Desk::new();
    let shown = setup.json(&["softkey", "create", "--label", "a", "--show-so-pin"]).ok();
    assert!(shown["so_pin"].as_str().is_some_and(|pin| pin.len() >= 6));
    let text = setup.run(&["softkey", "create", "--label", "b"]);
    assert!(!text.out.contains("管理员口令"), "{text:?}");
}

#[test]
fn a_token_tells_what_is_on_it_and_which_one_is_meant() {
    let setup = Desk::new();
    assert_eq!(setup.json(&["token", "info"]).exit, 3);
    setup.json(&["softkey", "create", "--label", "a", "--serial", "0001AAAA"]).ok();
    let info = setup.json(&["token", "info"]).ok();
    assert_eq!(info["containers"].as_array().unwrap().len(), 0);
    assert_eq!(info["token"]["serial_number"], "0001AAAA");

    setup.json(&["softkey", "create", "--label", "b", "--serial", "0001BBBB"]).ok();
    let several = setup.json(&["token", "info"]);
    assert_eq!((several.exit, several.error_code()), (3, "flow.several_tokens".into()));
    assert_eq!(setup.json(&["token", "info", "bbbb"]).ok()["token"]["label"], "b");
    assert_eq!(setup.json(&["token", "info", "cccc"]).error_code(), "cli.not_found");
}

#[test]
fn tokens_that_are_there_are_the_first_events_of_a_watch() {
    let setup = Desk::new();
    setup.json(&["softkey", "create", "--label", "a", "--serial", "0001AAAA"]).ok();
    let event = setup.json(&["token", "watch", "--count", "1"]).ok();
    assert_eq!(event["event"], "arrived");
    assert_eq!(event["token"]["serial_number"], "0001AAAA");
}

#[test]
fn faults_are_set_listed_and_cleared() {
    let setup = Desk::new();
    setup.json(&["softkey", "create", "--label", "a", "--serial", "A1"]).ok();
    let set =
        setup.json(&["softkey", "fault", "A1", "--function", "C_GetTokenInfo", "--do", "code=0x30"]).ok();
    assert_eq!(set["rules"][0]["do"]["code"], 0x30);
    assert_eq!(setup.json(&["softkey", "fault"]).ok()["rules"].as_array().unwrap().len(), 1);
    assert_eq!(setup.json(&["softkey", "fault", "--clear"]).ok()["rules"].as_array().unwrap().len(), 0);
}

#[test]
fn a_driver_that_keeps_crashing_is_told_with_its_code_and_takes_nothing_down() {
    let setup = Desk::new();
    setup.json(&["softkey", "create", "--label", "a"]).ok();
    setup.json(&["softkey", "fault", "--function", "C_GetSlotList", "--do", "crash", "--always"]).ok();
    let crashed = setup.json(&["token", "list"]);
    assert_eq!((crashed.exit, crashed.error_code()), (7, "token.driver_crashed".into()));
    setup.json(&["softkey", "fault", "--clear"]).ok();
    assert_eq!(setup.json(&["token", "list"]).ok()["tokens"].as_array().unwrap().len(), 1);
}

#[test]
fn a_wrong_profile_is_told_with_file_and_line() {
    let setup = Desk::new();
    let file = setup.path("mine.toml");
    std::fs::write(&file, "name = \"mine\"\nfamily = 3\n").unwrap();
    let refused = setup.json(&["driver", "check", file.to_str().unwrap()]);
    assert_eq!((refused.exit, refused.error_code()), (7, "profile.invalid".into()));
    let sentence = refused.json()["error"]["sentence"].as_str().unwrap().to_owned();
    assert!(sentence.contains("mine.toml:2"), "{sentence}");
}

#[test]
fn every_driver_that_is_installed_starts() {
    let setup = Desk::new();
    let checked = setup.json(&["driver", "check"]).ok();
    let softkey = checked["drivers"].as_array().unwrap().iter().find(|driver| driver["profile"] == "softkey");
    assert!(softkey.unwrap()["started"]["manufacturer"].is_string(), "{checked}");
}
