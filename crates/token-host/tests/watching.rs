//! Tokens coming and going, seen by a second host.
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
use ycd_token::{Pin, TokenAccess, TokenEvent, TokenWatcher};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn tokens_that_come_and_go_are_told_while_another_host_works() {
    let fixture = Bench::new();
    let watcher = TokenWatcher::start(&fixture.drivers(), Some(host_exe()));
    let next = || watcher.events().recv_timeout(SOON).unwrap();
    assert!(matches!(next(), TokenEvent::Arrived(token) if token.token_id == fixture.token));
    let mut host = fixture.logged_in();
    fixture.pull();
    assert_eq!(next(), TokenEvent::Gone(fixture.token.clone()));
    fixture.put_in();
    assert!(matches!(next(), TokenEvent::Arrived(token) if token.token_id == fixture.token));
    host.login(&fixture.token, &Pin::new(PIN)).unwrap_err();
    host.login(&fixture.token, &Pin::new(PIN)).unwrap();
    let second = fixture.another_token();
    assert!(matches!(next(), TokenEvent::Arrived(token) if token.token_id == second));
}

#[test]
fn the_watching_host_opens_no_session() {
    let fixture = Bench::new();
    fixture.trace();
    let watcher = TokenWatcher::start(&fixture.drivers(), Some(host_exe()));
    watcher.events().recv_timeout(SOON).unwrap();
    fixture.pull();
    watcher.events().recv_timeout(SOON).unwrap();
    assert_eq!(fixture.calls("C_OpenSession"), 0);
    assert!(fixture.calls("C_WaitForSlotEvent") > 0);
}

#[test]
fn a_watching_host_that_crashes_is_started_again() {
    let fixture = Bench::new();
    fixture.pull();
    fixture.fault(Fault::at("C_WaitForSlotEvent", Action::Crash));
    let watcher = TokenWatcher::start(&fixture.drivers(), Some(host_exe()));
    fixture.put_in();
    assert!(matches!(watcher.events().recv_timeout(SOON).unwrap(), TokenEvent::Arrived(_)));
}

#[test]
fn a_watcher_ends_at_once_though_its_host_waits_for_ever() {
    let fixture = Bench::new();
    fixture.fault(Fault::at("C_WaitForSlotEvent", Action::Hang));
    let watcher = TokenWatcher::start(&fixture.drivers(), Some(host_exe()));
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
    let watcher = TokenWatcher::start(&drivers, Some(host_exe()));
    while !begun.exists() {
        std::thread::yield_now();
    }
    let begun = std::time::Instant::now();
    drop(watcher);
    assert!(begun.elapsed() < Duration::from_secs(5), "the module's deadline is 10 s");
}

#[test]
fn a_module_that_cannot_wait_is_looked_at_in_the_interval_of_its_profile() {
    let fixture = Bench::new();
    // CKR_FUNCTION_NOT_SUPPORTED
    fixture.fault(Fault::at("C_WaitForSlotEvent", Action::Code(0x54)).always());
    let polled = common::profile_with(|text| text.replace("[quirks]", "[quirks]\npoll_ms = 500"));
    let drivers = ycd_token::Drivers::of(vec![polled]).with_env("YCD_SOFTKEY_DIR", fixture.dir.path());
    let watcher = TokenWatcher::start(&drivers, Some(host_exe()));
    watcher.events().recv_timeout(SOON).unwrap();
    fixture.pull();
    assert_eq!(watcher.events().recv_timeout(SOON).unwrap(), TokenEvent::Gone(fixture.token.clone()));
}

#[test]
fn a_module_that_bears_one_process_only_is_not_watched() {
    let fixture = Bench::new();
    let profile = common::profile_with(|text| text.replace("[quirks]", "[quirks]\nsingle_process = true"));
    let drivers = ycd_token::Drivers::of(vec![profile]).with_env("YCD_SOFTKEY_DIR", fixture.dir.path());
    fixture.trace();
    let watcher = TokenWatcher::start(&drivers, Some(host_exe()));
    assert!(watcher.events().recv_timeout(SOON).is_err());
    assert_eq!(fixture.calls("C_Initialize"), 0);
}

#[test]
fn two_tokens_that_bounce_at_once_are_known_for_what_they_are_in_the_end() {
    use std::collections::BTreeSet;

    use ycd_softkey::admin;

    let fixture = Bench::new();
    let second = fixture.another_token();
    let tokens = [fixture.token.clone(), second];
    let watcher = TokenWatcher::start(&fixture.drivers(), Some(host_exe()));
    let mut known = BTreeSet::new();
    let rounds = std::env::var("YCD_BOUNCES").ok().and_then(|text| text.parse().ok()).unwrap_or(15);
    for round in 0..rounds {
        let mut inserted = BTreeSet::new();
        for bounce in 0..4_u64 {
            for (at, token) in tokens.iter().enumerate() {
                let serial = token.as_str().rsplit(':').next().unwrap();
                // Another pattern each round; no two changes lie equally far apart.
                let is_in = (round + bounce * 3 + at as u64 * 2) % 5 < 3;
                let change = if is_in { admin::insert } else { admin::remove };
                change(fixture.folder(), serial).unwrap();
                if is_in {
                    inserted.insert(token.clone())
                } else {
                    inserted.remove(token)
                };
                std::thread::sleep(Duration::from_millis((round * 7 + bounce * 13 + at as u64 * 5) % 60));
            }
        }
        let timeout = std::time::Instant::now() + SOON;
        while known != inserted {
            let left = timeout.saturating_duration_since(std::time::Instant::now());
            match watcher.events().recv_timeout(left) {
                Ok(TokenEvent::Arrived(token)) => drop(known.insert(token.token_id)),
                Ok(TokenEvent::Gone(token)) => drop(known.remove(&token)),
                Ok(TokenEvent::DriversMissing(names)) => panic!("{names:?}"),
                Err(_) => panic!("round {round}: {known:?} are known, {inserted:?} are in"),
            }
        }
    }
}
