//! Alone in its process, so that processes and handles can be counted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests and what they are built from"
)]
#![cfg(target_os = "linux")]

mod common;

use common::{Bench, TAG, host_exe};
use ycd_softkey::admin::{Action, Fault};
use ycd_token::{KeyWatcher, Pin, Token};

/// Children of this process, dead ones that nobody has waited for included; open handles; threads.
fn counts() -> (usize, usize, usize) {
    let me = std::process::id().to_string();
    let children = std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // pid (name) state ppid
        stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)) == Some(&me)
    });
    let entries = |path: &str| std::fs::read_dir(path).unwrap().count();
    (children.count(), entries("/proc/self/fd"), entries("/proc/self/task"))
}

/// Threads whose work is over go by themselves, a moment later.
fn settled(before: (usize, usize, usize)) -> bool {
    let begun = std::time::Instant::now();
    while begun.elapsed() < std::time::Duration::from_secs(20) {
        if counts() == before {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

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
