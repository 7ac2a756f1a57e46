//! Alone in its process, so that processes and handles can be counted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests and what they are built from"
)]
#![cfg(target_os = "linux")]

mod common;

use common::{Bench, CKA_ID, counts, host_exe, settled};
use ycd_softkey::admin::{Action, Fault};
use ycd_token::{Pin, TokenAccess, TokenWatcher};

#[test]
fn hosts_that_end_crash_hang_or_watch_leave_no_process_no_handle_and_no_thread() {
    let fixture = Bench::new();
    let before = counts();

    drop(fixture.logged_in());
    assert!(settled(before), "after an ordinary end: {:?} then {:?}", before, counts());

    let mut host = fixture.logged_in();
    fixture.fault(Fault::at("C_GenerateKeyPair", Action::Crash));
    host.generate(&fixture.token, &CKA_ID).unwrap_err();
    assert!(settled(before), "after a crash: {:?} then {:?}", before, counts());

    let mut host = fixture.host_with(|text| text.replace("_ms = 30000", "_ms = 300"));
    host.login(&fixture.token, &Pin::new(common::PIN)).unwrap();
    fixture.fault(Fault::at("C_GenerateKeyPair", Action::Hang));
    host.generate(&fixture.token, &CKA_ID).unwrap_err();
    assert!(settled(before), "after a hang: {:?} then {:?}", before, counts());

    let watcher = TokenWatcher::start(&fixture.drivers(), Some(host_exe()));
    watcher.events().recv().unwrap();
    drop(watcher);
    assert!(settled(before), "after watching: {:?} then {:?}", before, counts());
}
