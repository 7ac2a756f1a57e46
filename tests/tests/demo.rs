//! The demonstration itself: every step of it succeeds, and what it leaves holds no secret.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

use serde_json::Value;
use ycd_tests::world::program;

#[test]
fn every_step_succeeds_and_nothing_secret_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (keep, json) = (folder.path().join("kept"), folder.path().join("steps.json"));
    let output =
        Command::new(program("ycd-demo")).arg("--keep").arg(&keep).arg("--json").arg(&json).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}");

    let told: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let steps = told["steps"].as_array().unwrap();
    assert!(steps.len() >= 20, "{}", steps.len());
    for step in steps {
        assert_eq!(step["ok"], true, "{step}");
        assert!(step["name"].is_string() && step["ms"].is_u64(), "{step}");
    }
    for name in ["renewal.csr.pem", "old.pem", "new.pem", "chain.pem", "report.html", "demo.log"] {
        let text = std::fs::read_to_string(keep.join(name)).unwrap();
        assert!(!text.is_empty(), "{name}");
        assert!(!text.contains("PRIVATE KEY"), "{name} holds a private key");
        assert!(!text.contains(ycd_tests::world::PIN), "{name} holds a PIN");
    }
}
