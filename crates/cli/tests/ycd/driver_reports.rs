//! A token that nobody knows, from the user's machine to the operator's list.

use crate::support::{Desk, RunningPortal};

/// Of no make.
const ATR: &str = "3B 07 59 43 44 74 65 73 74";
const LONGMAI: &str = "3B 9F 11 81 31 FE 9F 00 6A 6D 54 6F 6B 65 6E 2D 46 00 00 81 90 00 79";

/// A portal, set up, with its operator logged in.
fn portal(setup: &Desk) -> RunningPortal {
    let data = setup.path("portal");
    let made = setup.json(&["portal", "init", "--data", data.to_str().unwrap()]).ok();
    let portal = RunningPortal::start(setup, &data, 0);
    setup.json(&["portal", "use", &portal.url, "--anchor", made["root"].as_str().unwrap()]).ok();
    crate::journey::log_operator_in(setup, &made);
    portal
}

#[test]
fn a_report_is_shown_sent_and_found_by_its_number() {
    let setup = Desk::new();
    let _portal = portal(&setup);
    let printed = setup.run(&["driver", "explain", ATR, "--send"]);
    assert_eq!(printed.exit, 0, "{printed:?}");
    // All that is sent stands there for whoever looks.
    assert!(
        printed.err.contains("将发送给门户") && printed.err.contains(&format!("ATR:    {ATR}")),
        "{printed:?}"
    );
    assert!(printed.err.contains("name = \"draft\""), "{printed:?}");
    let number: String = printed.out.chars().filter(char::is_ascii_digit).collect();
    assert_eq!(number.len(), 6, "{printed:?}");

    let listed = setup.run(&["operator", "driver-reports"]);
    assert!(listed.exit == 0 && listed.out.contains(&number) && listed.out.contains(ATR), "{listed:?}");
    let one = setup.run(&["operator", "driver-reports", &number]);
    assert!(
        one.exit == 0 && one.out.contains("[recognition]") && printed.err.contains(one.out.trim()),
        "{one:?}"
    );
    assert_eq!(setup.json(&["operator", "driver-reports", "000"]).error_code(), "cli.not_found");

    let sent = setup.json(&["driver", "explain", ATR, "--send"]).ok();
    let found = setup.json(&["operator", "driver-reports", sent["sent"]["number"].as_str().unwrap()]).ok();
    assert_eq!(found["items"][0]["report"], sent["sent"]["report"]);
    assert_eq!(setup.json(&["operator", "driver-reports"]).ok()["total"], 2);
}

#[test]
fn nothing_of_the_user_is_in_a_report() {
    let setup = Desk::new();
    let _portal = portal(&setup);
    let serial = "0001AAAABBBBCCCC";
    setup.json(&["softkey", "create", "--label", "甲公司", "--serial", serial]).ok();
    let sent = setup.json(&["driver", "explain", ATR, "--send"]).ok();
    let report = sent["sent"]["report"].to_string();
    // The module was asked, and the token is in it.
    assert!(report.contains("\"profile\":\"softkey\""), "{report}");
    let data_dir = setup.folder.path().to_str().unwrap();
    for secret in [serial, "甲公司", data_dir] {
        assert!(!report.contains(secret), "{secret}: {report}");
    }
    let modules = sent["sent"]["report"]["modules"].as_array().unwrap();
    assert!(modules.iter().all(|module| !module["file"].as_str().unwrap().contains('/')), "{report}");
}

#[test]
fn what_is_known_or_cannot_be_sent_is_said() {
    let setup = Desk::new();
    let known = setup.json(&["driver", "explain", LONGMAI, "--send"]);
    assert_eq!(known.error_code(), "cli.not_found");
    assert_eq!(setup.json(&["driver", "explain", ATR, "--send"]).error_code(), "data_dir.no_portal");
    let nobody = ["--portal", "http://127.0.0.1:1", "driver", "explain", ATR, "--send"];
    assert_eq!(setup.json(&nobody).error_code(), "portal.unreachable");
    let portal = portal(&setup);
    std::fs::write(setup.path("portal").join("portal.toml"), "[driver_reports]\nper_day = 0\n").unwrap();
    drop(portal);
    let portal = RunningPortal::start(&setup, &setup.path("portal"), 0);
    let full = setup.json(&["--portal", &portal.url, "driver", "explain", ATR, "--send"]);
    assert_eq!((full.exit, full.error_code()), (6, "driver_report.too_many".into()));
    let printed = setup.run(&["--lang", "en", "--portal", &portal.url, "driver", "explain", ATR, "--send"]);
    assert!(
        printed.err.contains("This is sent to the portal") && printed.err.contains("Too many reports"),
        "{printed:?}"
    );
}
