//! Languages, exit codes, and what the command line refuses by itself.

use crate::support::Desk;

#[test]
fn help_is_chinese_and_english_where_asked_for() {
    let setup = Desk::new();
    let zh = setup.run(&["--help"]);
    assert!(zh.exit == 0 && zh.out.contains("退出码") && zh.out.contains("用法"), "{zh:?}");
    let en = setup.run(&["--lang", "en", "help"]);
    assert!(en.exit == 0 && en.out.contains("Exit codes") && !en.out.contains('证'), "{en:?}");
}

#[test]
fn a_command_that_is_not_written_right_ends_with_2() {
    let setup = Desk::new();
    assert_eq!(setup.run(&["token", "lsit"]).exit, 2);
    assert_eq!(setup.run(&["order", "list", "--state", "nowhere"]).exit, 2);
}

#[test]
fn no_secret_is_taken_as_an_argument() {
    let setup = Desk::new();
    for args in [
        &["cert", "renew", "--pin", "12345678"][..],
        &["login", "--phone", "13800000000", "--code", "123456"],
        &["operator", "login", "--password", "secret"],
    ] {
        assert_eq!(setup.run(args).exit, 2, "{args:?}");
    }
}

#[test]
fn without_a_portal_it_says_how_to_set_one() {
    let setup = Desk::new();
    let printed = setup.run(&["order", "list"]);
    assert_eq!(printed.exit, 1);
    assert!(
        printed.err.contains("ycd portal use") && printed.err.contains("(data_dir.no_portal)"),
        "{printed:?}"
    );
    let printed = setup.run(&["order", "list", "--lang", "en"]);
    assert!(printed.err.contains("No portal is set yet."), "{printed:?}");
}

#[test]
fn a_portal_that_does_not_answer_ends_with_5() {
    let setup = Desk::new();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let printed = setup.json(&["--portal", &format!("http://127.0.0.1:{port}"), "order", "list"]);
    assert_eq!((printed.exit, printed.error_code()), (5, "portal.unreachable".into()));
}

#[test]
fn plain_http_is_taken_for_this_machine_only() {
    let setup = Desk::new();
    let printed = setup.json(&["--portal", "http://portal.example", "order", "list"]);
    assert_eq!((printed.exit, printed.error_code()), (5, "portal.address".into()));
}

#[test]
fn with_nobody_to_ask_it_names_the_option() {
    let setup = Desk::new();
    setup.json(&["softkey", "create", "--label", "a"]).ok();
    let args = ["operator", "personalize", "--name", "x", "--phone", "13800000000"];
    let printed = setup.json(&[&["--portal", "http://127.0.0.1:9"][..], &args].concat());
    assert_eq!((printed.exit, printed.error_code()), (4, "cli.no_input".into()));
    let flag = if cfg!(unix) { "--pin-fd" } else { "--pin-stdin" };
    assert!(printed.json()["error"]["remedy"].as_str().unwrap().contains(flag));
}

#[test]
fn a_settings_file_that_is_wrong_is_named() {
    let setup = Desk::new();
    std::fs::create_dir_all(setup.path("home")).unwrap();
    std::fs::write(setup.path("home").join("config.toml"), "portle = 1\n").unwrap();
    let printed = setup.json(&["order", "list"]);
    assert_eq!(printed.error_code(), "data_dir.config");
    assert!(printed.json()["error"]["sentence"].as_str().unwrap().contains("config.toml"));
}

#[test]
fn a_file_without_a_certificate_is_no_anchor_and_changes_nothing() {
    let setup = Desk::new();
    let file = std::env::temp_dir().join(format!("ycd-no-anchor-{}.pem", std::process::id()));
    std::fs::write(&file, "no certificate here\n").unwrap();
    let printed =
        setup.json(&["portal", "use", "https://portal.example", "--anchor", file.to_str().unwrap()]);
    std::fs::remove_file(file).unwrap();
    assert_eq!(printed.error_code(), "data_dir.config");
    assert_eq!(setup.json(&["order", "list"]).error_code(), "data_dir.no_portal");
}
