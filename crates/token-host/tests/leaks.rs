//! Alone in its process, so that processes and handles can be counted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests and what they are built from"
)]
#![cfg(target_os = "linux")]

mod common;

use common::{Bench, TAG, counts, host_exe, settled};
use ycd_softkey::admin::{Action, Fault};
use ycd_token::{KeyWatcher, Pin, Token};

#[test]
fn hosts_that_end_crash_hang_or_watch_leave_no_process_no_handle_and_no_thread() {
    let bench = Bench::new();
    let before = counts();

    drop(bench.logged_in());
    assert!(settled(before), "after an ordinary end: {:?} then {:?}", before, counts());

    let mut host = bench.logged_in();
    bench.fault(Fault::at("C_GenerateKeyPair", Action::Crash));
    host.generate(&bench.key, &TAG).unwrap_err();
    assert!(settled(before), "after a crash: {:?} then {:?}", before, counts());

    let mut host = bench.host_with(|text| text.replace("_ms = 30000", "_ms = 300"));
    host.login(&bench.key, &Pin::new(common::PIN)).unwrap();
    bench.fault(Fault::at("C_GenerateKeyPair", Action::Hang));
    host.generate(&bench.key, &TAG).unwrap_err();
    assert!(settled(before), "after a hang: {:?} then {:?}", before, counts());

    let watcher = KeyWatcher::start(&bench.drivers(), Some(host_exe()));
    watcher.events().recv().unwrap();
    drop(watcher);
    assert!(settled(before), "after watching: {:?} then {:?}", before, counts());
}
