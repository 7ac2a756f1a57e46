//! A key that nobody knows, from the user's machine to the operator's list.

use crate::support::{Desk, RunningPortal};

/// Of no make.
const ATR: &str = "3B 07 59 43 44 74 65 73 74";
const LONGMAI: &str = "3B 9F 11 81 31 FE 9F 00 6A 6D 54 6F 6B 65 6E 2D 46 00 00 81 90 00 79";

/// A portal, set up, with its operator logged in.
fn portal(desk: &Desk) -> RunningPortal {
    let data = desk.path("portal");
    let made = desk.json(&["portal", "init", "--data", data.to_str().unwrap()]).ok();
    let portal = RunningPortal::start(desk, &data, 0);
    desk.json(&["portal", "use", &portal.url, "--anchor", made["root"].as_str().unwrap()]).ok();
    crate::journey::log_operator_in(desk, &made);
    portal
}

#[test]
fn a_report_is_shown_sent_and_found_by_its_number() {
    let desk = Desk::new();
    let _portal = portal(&desk);
    let said = desk.run(&["driver", "explain", ATR, "--send"]);
    assert_eq!(said.exit, 0, "{said:?}");
    // All that is sent stands there for whoever looks.
    assert!(said.err.contains("将发送给门户") && said.err.contains(&format!("ATR:    {ATR}")), "{said:?}");
    assert!(said.err.contains("name = \"draft\""), "{said:?}");
    let number: String = said.out.chars().filter(char::is_ascii_digit).collect();
    assert_eq!(number.len(), 6, "{said:?}");

    let listed = desk.run(&["operator", "driver-reports"]);
    assert!(listed.exit == 0 && listed.out.contains(&number) && listed.out.contains(ATR), "{listed:?}");
    let one = desk.run(&["operator", "driver-reports", &number]);
    assert!(
        one.exit == 0 && one.out.contains("[recognition]") && said.err.contains(one.out.trim()),
        "{one:?}"
    );
    assert_eq!(desk.json(&["operator", "driver-reports", "000"]).error_code(), "cli.not_found");

    let sent = desk.json(&["driver", "explain", ATR, "--send"]).ok();
    let found = desk.json(&["operator", "driver-reports", sent["sent"]["number"].as_str().unwrap()]).ok();
    assert_eq!(found["items"][0]["report"], sent["sent"]["report"]);
    assert_eq!(desk.json(&["operator", "driver-reports"]).ok()["total"], 2);
}

#[test]
fn nothing_of_the_user_is_in_a_report() {
    let desk = Desk::new();
    let _portal = portal(&desk);
    let serial = "0001AAAABBBBCCCC";
    desk.json(&["softkey", "create", "--label", "甲公司", "--serial", serial]).ok();
    let sent = desk.json(&["driver", "explain", ATR, "--send"]).ok();
    let report = sent["sent"]["report"].to_string();
    // The module was asked, and the key is in it.
    assert!(report.contains("\"profile\":\"softkey\""), "{report}");
    let home = desk.folder.path().to_str().unwrap();
    for secret in [serial, "甲公司", home] {
        assert!(!report.contains(secret), "{secret}: {report}");
    }
    let modules = sent["sent"]["report"]["modules"].as_array().unwrap();
    assert!(modules.iter().all(|module| !module["file"].as_str().unwrap().contains('/')), "{report}");
}

#[test]
fn what_is_known_or_cannot_be_sent_is_said() {
    let desk = Desk::new();
    let known = desk.json(&["driver", "explain", LONGMAI, "--send"]);
    assert_eq!(known.error_code(), "cli.not_found");
    assert_eq!(desk.json(&["driver", "explain", ATR, "--send"]).error_code(), "home.no_portal");
    let nobody = ["--portal", "http://127.0.0.1:1", "driver", "explain", ATR, "--send"];
    assert_eq!(desk.json(&nobody).error_code(), "portal.unreachable");
    let portal = portal(&desk);
    std::fs::write(desk.path("portal").join("portal.toml"), "[driver_reports]\nper_day = 0\n").unwrap();
    drop(portal);
    let portal = RunningPortal::start(&desk, &desk.path("portal"), 0);
    let full = desk.json(&["--portal", &portal.url, "driver", "explain", ATR, "--send"]);
    assert_eq!((full.exit, full.error_code()), (6, "driver_report.too_many".into()));
    let said = desk.run(&["--lang", "en", "--portal", &portal.url, "driver", "explain", ATR, "--send"]);
    assert!(
        said.err.contains("This is sent to the portal") && said.err.contains("Too many reports"),
        "{said:?}"
    );
}
