//! `ycd driver …` and `ycd doctor` beside a real PC/SC service.

use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use ycd_softkey::{
    admin::{self, Kdf, NewToken},
    card,
};
use ycd_tests::{
    card::Card,
    pcscd::{Pcscd, in_own_process},
    world::{World, program},
};

use crate::ATR;

const LONGMAI: &str = "3B 9F 11 81 31 FE 9F 00 6A 6D 54 6F 6B 65 6E 2D 46 00 00 81 90 00 79";

fn ycd(data_dir: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(program("ycd"));
    command.arg("--json").args(arguments).env("YCD_DATA_DIR", data_dir.path());
    command.env_remove("YCD_PORTAL").env("YCD_DRIVERS_DIR", data_dir.path()).output().unwrap()
}

fn json(output: &Output) -> Value {
    let line = output.stdout.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty()).unwrap();
    serde_json::from_slice(line).unwrap()
}

/// Waits until the first reader shows a card with an ATR.
fn shown(reader: usize) {
    let is_there = || {
        let readers = ycd_token::readers::now().unwrap();
        readers[reader].card.as_ref().is_some_and(|card| card.atr.is_some())
    };
    while !is_there() {
        std::thread::yield_now();
    }
}

#[test]
fn a_card_is_explained_by_its_atr_and_one_that_nobody_knows_gives_a_draft_that_can_be_tried() {
    in_own_process(
        "commands::a_card_is_explained_by_its_atr_and_one_that_nobody_knows_gives_a_draft_that_can_be_tried",
        || {
            let pcscd = Pcscd::start(2);
            let data_dir = tempfile::tempdir().unwrap();
            let longmai = hex::decode(LONGMAI.replace(' ', "")).unwrap();
            let _known = Card::bare(pcscd.ports()[0], &longmai);
            let _unknown = Card::bare(pcscd.ports()[1], &ATR);
            shown(0);
            shown(1);
            let draft = data_dir.path().join("draft");
            let told = json(&ycd(&data_dir, &["driver", "explain", "--save", draft.to_str().unwrap()]));
            let cards = told["cards"].as_array().unwrap();
            assert_eq!(cards.len(), 2);
            let itrus = cards[0]["profiles"].as_array().unwrap().iter().find(|p| p["profile"] == "itrus");
            assert_eq!(itrus.unwrap()["claim"]["by"], "atr");
            assert!(itrus.unwrap()["why"].as_str().unwrap().contains("没有安装"));
            assert_eq!(cards[0]["unknown"], Value::Null);
            assert_eq!(cards[1]["unknown"]["reader"], "Test reader 00 00 01");
            assert_eq!(cards[1]["unknown"]["modules"][0]["bits"], 64);

            let one =
                json(&ycd(&data_dir, &["driver", "explain", "00 01", "--try", draft.to_str().unwrap()]));
            let cards = one["cards"].as_array().unwrap();
            assert_eq!(cards.len(), 1);
            assert_eq!(cards[0]["profiles"][0]["profile"], "draft");
            assert_eq!(cards[0]["profiles"][0]["claim"]["by"], "atr");
            let nobody = ycd(&data_dir, &["driver", "explain", "no such reader"]);
            assert_eq!(json(&nobody)["error"]["code"], "cli.not_found");
        },
    );
}

#[test]
fn a_probe_says_what_each_token_reports_and_the_doctor_what_is_missing() {
    in_own_process("commands::a_probe_says_what_each_token_reports_and_the_doctor_what_is_missing", || {
        let mut pcscd = Pcscd::start(2);
        let data_dir = tempfile::tempdir().unwrap();
        let softkey_dir = data_dir.path().join("softkey");
        let new = NewToken { kdf: Kdf::WEAK, inserted: false, ..NewToken::default() };
        let serial = admin::create(&softkey_dir, &new).unwrap().serial_number;
        let reader = format!("127.0.0.1:{}", pcscd.ports()[0]);
        let _card = card::start(&softkey_dir, &serial, &reader, |_| ()).unwrap();
        admin::insert(&softkey_dir, &serial).unwrap();
        shown(0);

        let told = json(&ycd(&data_dir, &["driver", "probe"]));
        let profiles = told["profiles"].as_array().unwrap();
        let softkey = profiles.iter().find(|profile| profile["profile"] == "softkey").unwrap();
        let mechanisms = softkey["tokens"][0]["mechanisms"].as_array().unwrap();
        assert_eq!(mechanisms[0]["mechanism"], "0x80008001");
        assert!(mechanisms.iter().all(|mechanism| mechanism["reported"] == true));

        let well = ycd(&data_dir, &["doctor"]);
        assert_eq!(well.status.code(), Some(0));
        let lines = json(&well)["lines"].as_array().unwrap().clone();
        for check in ["pcsc", "reader", "module", "host", "token", "locks", "journal"] {
            assert!(lines.iter().any(|line| line["check"] == check && line["level"] == "ok"), "{check}");
        }

        // A token of a token model whose driver is not installed, and a service that is gone.
        let longmai = hex::decode(LONGMAI.replace(' ', "")).unwrap();
        let _other = Card::bare(pcscd.ports()[1], &longmai);
        shown(1);
        let ill = ycd(&data_dir, &["doctor"]);
        assert_eq!(ill.status.code(), Some(7));
        let bad = json(&ill)["lines"].as_array().unwrap().iter().find(|line| line["level"] == "bad").cloned();
        assert!(bad.unwrap()["remedy"].as_str().unwrap().contains("CA"));
        pcscd.kill();
        let lines = json(&ycd(&data_dir, &["doctor"]))["lines"].as_array().unwrap().clone();
        assert!(lines.iter().any(|line| line["check"] == "pcsc" && line["level"] == "warn"));
    });
}

#[test]
fn the_doctor_reaches_the_portal_and_compares_clocks() {
    let world = World::new();
    let data_dir = tempfile::tempdir().unwrap();
    let lines =
        |url: &str| json(&ycd(&data_dir, &["--portal", url, "doctor"]))["lines"].as_array().unwrap().clone();
    let level = |lines: &[Value], check: &str| {
        lines.iter().find(|line| line["check"] == check).map(|line| line["level"].clone())
    };
    let well = lines(&world.proxy.url());
    assert_eq!((level(&well, "portal"), level(&well, "clock")), (Some("ok".into()), Some("ok".into())));
    let nobody = lines("http://127.0.0.1:1");
    assert_eq!((level(&nobody, "portal"), level(&nobody, "clock")), (Some("bad".into()), None));
}
