//! Keys coming and going, seen by a second host.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests and what they are built from"
)]

mod common;

use std::time::Duration;

use common::{Bench, PIN, host_exe};
use ycd_softkey::admin::{Action, Fault};
use ycd_token::{KeyEvent, KeyWatcher, Pin, Token};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn keys_that_come_and_go_are_told_while_another_host_works() {
    let bench = Bench::new();
    let watcher = KeyWatcher::start(&bench.drivers(), Some(host_exe()));
    let next = || watcher.events().recv_timeout(SOON).unwrap();
    assert!(matches!(next(), KeyEvent::Arrived(key) if key.key_id == bench.key));
    let mut host = bench.logged_in();
    bench.pull();
    assert_eq!(next(), KeyEvent::Gone(bench.key.clone()));
    bench.put_in();
    assert!(matches!(next(), KeyEvent::Arrived(key) if key.key_id == bench.key));
    host.login(&bench.key, &Pin::new(PIN)).unwrap_err();
    host.login(&bench.key, &Pin::new(PIN)).unwrap();
    let second = bench.another_key();
    assert!(matches!(next(), KeyEvent::Arrived(key) if key.key_id == second));
}

#[test]
fn the_watching_host_opens_no_session() {
    let bench = Bench::new();
    bench.trace();
    let watcher = KeyWatcher::start(&bench.drivers(), Some(host_exe()));
    watcher.events().recv_timeout(SOON).unwrap();
    bench.pull();
    watcher.events().recv_timeout(SOON).unwrap();
    assert_eq!(bench.calls("C_OpenSession"), 0);
    assert!(bench.calls("C_WaitForSlotEvent") > 0);
}

#[test]
fn a_watching_host_that_crashes_is_started_again() {
    let bench = Bench::new();
    bench.pull();
    bench.fault(Fault::at("C_WaitForSlotEvent", Action::Crash));
    let watcher = KeyWatcher::start(&bench.drivers(), Some(host_exe()));
    bench.put_in();
    assert!(matches!(watcher.events().recv_timeout(SOON).unwrap(), KeyEvent::Arrived(_)));
}

#[test]
fn a_watcher_ends_at_once_though_its_host_waits_for_ever() {
    let bench = Bench::new();
    bench.fault(Fault::at("C_WaitForSlotEvent", Action::Hang));
    let watcher = KeyWatcher::start(&bench.drivers(), Some(host_exe()));
    watcher.events().recv_timeout(SOON).unwrap();
    let begun = std::time::Instant::now();
    drop(watcher);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
#[cfg(target_os = "linux")]
fn a_watcher_ends_at_once_though_its_module_hangs_while_it_is_loaded() {
    let folder = tempfile::TempDir::new().unwrap();
    let begun = folder.path().join("begun");
    let source = format!(
        "#include <fcntl.h>\n#include <unistd.h>\n__attribute__((constructor)) static void c(void) {{\
         creat({:?}, 0600); for (;;) pause(); }}",
        begun.to_str().unwrap()
    );
    common::library(folder.path(), "hang.so", &source);
    let drivers = ycd_token::Drivers::of(vec![common::profile_for(folder.path(), "hang.so")]);
    let watcher = KeyWatcher::start(&drivers, Some(host_exe()));
    while !begun.exists() {
        std::thread::yield_now();
    }
    let begun = std::time::Instant::now();
    drop(watcher);
    assert!(begun.elapsed() < Duration::from_secs(5), "the module's deadline is 10 s");
}

#[test]
fn a_module_that_cannot_wait_is_looked_at_in_the_interval_of_its_profile() {
    let bench = Bench::new();
    // CKR_FUNCTION_NOT_SUPPORTED
    bench.fault(Fault::at("C_WaitForSlotEvent", Action::Code(0x54)).always());
    let polled = common::profile_with(|text| text.replace("[quirks]", "[quirks]\npoll_ms = 500"));
    let drivers = ycd_token::Drivers::of(vec![polled]).with_env("YCD_SOFTKEY_DIR", bench.dir.path());
    let watcher = KeyWatcher::start(&drivers, Some(host_exe()));
    watcher.events().recv_timeout(SOON).unwrap();
    bench.pull();
    assert_eq!(watcher.events().recv_timeout(SOON).unwrap(), KeyEvent::Gone(bench.key.clone()));
}

#[test]
fn a_module_that_bears_one_process_only_is_not_watched() {
    let bench = Bench::new();
    let profile = common::profile_with(|text| text.replace("[quirks]", "[quirks]\nsingle_process = true"));
    let drivers = ycd_token::Drivers::of(vec![profile]).with_env("YCD_SOFTKEY_DIR", bench.dir.path());
    bench.trace();
    let watcher = KeyWatcher::start(&drivers, Some(host_exe()));
    assert!(watcher.events().recv_timeout(SOON).is_err());
    assert_eq!(bench.calls("C_Initialize"), 0);
}

#[test]
fn two_keys_that_bounce_at_once_are_known_for_what_they_are_in_the_end() {
    use std::collections::BTreeSet;

    use ycd_softkey::admin;

    let bench = Bench::new();
    let second = bench.another_key();
    let keys = [bench.key.clone(), second];
    let watcher = KeyWatcher::start(&bench.drivers(), Some(host_exe()));
    let mut known = BTreeSet::new();
    let rounds = std::env::var("YCD_BOUNCES").ok().and_then(|text| text.parse().ok()).unwrap_or(15);
    for round in 0..rounds {
        let mut inserted = BTreeSet::new();
        for bounce in 0..4_u64 {
            for (at, key) in keys.iter().enumerate() {
                let serial = key.as_str().rsplit(':').next().unwrap();
                // Another pattern each round; no two changes lie equally far apart.
                let is_in = (round + bounce * 3 + at as u64 * 2) % 5 < 3;
                let change = if is_in { admin::insert } else { admin::remove };
                change(bench.folder(), serial).unwrap();
                if is_in {
                    inserted.insert(key.clone())
                } else {
                    inserted.remove(key)
                };
                std::thread::sleep(Duration::from_millis((round * 7 + bounce * 13 + at as u64 * 5) % 60));
            }
        }
        let patience = std::time::Instant::now() + SOON;
        while known != inserted {
            let left = patience.saturating_duration_since(std::time::Instant::now());
            match watcher.events().recv_timeout(left) {
                Ok(KeyEvent::Arrived(key)) => drop(known.insert(key.key_id)),
                Ok(KeyEvent::Gone(key)) => drop(known.remove(&key)),
                Ok(KeyEvent::DriversMissing(names)) => panic!("{names:?}"),
                Err(_) => panic!("round {round}: {known:?} are known, {inserted:?} are in"),
            }
        }
    }
}
