//! Languages, exit codes, and what the command line refuses by itself.

use crate::support::Desk;

#[test]
fn help_is_chinese_and_english_where_asked_for() {
    let desk = Desk::new();
    let zh = desk.run(&["--help"]);
    assert!(zh.exit == 0 && zh.out.contains("退出码") && zh.out.contains("用法"), "{zh:?}");
    let en = desk.run(&["--lang", "en", "help"]);
    assert!(en.exit == 0 && en.out.contains("Exit codes") && !en.out.contains('证'), "{en:?}");
}

#[test]
fn a_command_that_is_not_written_right_ends_with_2() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["key", "lsit"]).exit, 2);
    assert_eq!(desk.run(&["order", "list", "--state", "nowhere"]).exit, 2);
}

#[test]
fn no_secret_is_taken_as_an_argument() {
    let desk = Desk::new();
    for args in [
        &["cert", "renew", "--pin", "12345678"][..],
        &["login", "--phone", "13800000000", "--code", "123456"],
        &["operator", "login", "--password", "secret"],
    ] {
        assert_eq!(desk.run(args).exit, 2, "{args:?}");
    }
}

#[test]
fn without_a_portal_it_says_how_to_set_one() {
    let desk = Desk::new();
    let said = desk.run(&["order", "list"]);
    assert_eq!(said.exit, 1);
    assert!(said.err.contains("ycd portal use") && said.err.contains("(home.no_portal)"), "{said:?}");
    let said = desk.run(&["order", "list", "--lang", "en"]);
    assert!(said.err.contains("No portal is set yet."), "{said:?}");
}

#[test]
fn a_portal_that_does_not_answer_ends_with_5() {
    let desk = Desk::new();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let said = desk.json(&["--portal", &format!("http://127.0.0.1:{port}"), "order", "list"]);
    assert_eq!((said.exit, said.error_code()), (5, "portal.unreachable".into()));
}

#[test]
fn plain_http_is_taken_for_this_machine_only() {
    let desk = Desk::new();
    let said = desk.json(&["--portal", "http://portal.example", "order", "list"]);
    assert_eq!((said.exit, said.error_code()), (5, "portal.address".into()));
}

#[test]
fn with_nobody_to_ask_it_names_the_option() {
    let desk = Desk::new();
    desk.json(&["softkey", "create", "--label", "a"]).ok();
    let args = ["operator", "produce", "--name", "x", "--phone", "13800000000"];
    let said = desk.json(&[&["--portal", "http://127.0.0.1:9"][..], &args].concat());
    assert_eq!((said.exit, said.error_code()), (4, "cli.no_input".into()));
    let flag = if cfg!(unix) { "--pin-fd" } else { "--pin-stdin" };
    assert!(said.json()["error"]["remedy"].as_str().unwrap().contains(flag));
}

#[test]
fn a_settings_file_that_is_wrong_is_named() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.path("home")).unwrap();
    std::fs::write(desk.path("home").join("config.toml"), "portle = 1\n").unwrap();
    let said = desk.json(&["order", "list"]);
    assert_eq!(said.error_code(), "home.config");
    assert!(said.json()["error"]["sentence"].as_str().unwrap().contains("config.toml"));
}

#[test]
fn a_file_without_a_certificate_is_no_anchor_and_changes_nothing() {
    let desk = Desk::new();
    let file = std::env::temp_dir().join(format!("ycd-no-anchor-{}.pem", std::process::id()));
    std::fs::write(&file, "no certificate here\n").unwrap();
    let said = desk.json(&["portal", "use", "https://portal.example", "--anchor", file.to_str().unwrap()]);
    std::fs::remove_file(file).unwrap();
    assert_eq!(said.error_code(), "home.config");
    assert_eq!(desk.json(&["order", "list"]).error_code(), "home.no_portal");
}
