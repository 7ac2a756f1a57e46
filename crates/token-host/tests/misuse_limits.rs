//! What a driver cannot take: the machine's memory, a caller's time, and a process of its own that stays.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests and what they are built from"
)]
#![cfg(target_os = "linux")]

mod common;

use std::time::{Duration, Instant};

use common::{Bench, CKA_ID, PIN, host_exe, library, profile_for, softkey_module};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use ycd_pki::authorization::Authorization;
use ycd_softkey::admin::{self, Action, Fault, Length};
use ycd_token::{Driver, ModuleHost, Pin, TokenAccess, TokenError};

/// With deadlines of a second, logged in.
fn impatient(fixture: &Bench) -> ModuleHost {
    let mut host = fixture
        .host_with(|text| text.replace("_ms = 30000", "_ms = 1000").replace("_ms = 10000", "_ms = 1000"));
    host.login(&fixture.token, &Pin::new(PIN)).unwrap();
    host
}

fn authorization() -> Authorization {
    Authorization::Abandon {
        portal: "portal".into(),
        order: "SAAS1".into(),
        attempt: 1,
        token_id: "softkey:1".into(),
        nonce: [3; 32],
    }
}

#[test]
fn a_module_that_takes_memory_without_end_meets_the_limit_of_its_host_which_is_replaced() {
    let fixture = Bench::new();
    let mut host = fixture.logged_in();
    let process = host.process_id().unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let data = limits.lines().find(|line| line.starts_with("Max data size")).unwrap();
    assert_eq!(data.split_whitespace().collect::<Vec<_>>()[3..5], ["536870912", "536870912"]);
    fixture.fault(Fault::at("C_GenerateKeyPair", Action::Hoard(1536)));
    let error = host.generate(&fixture.token, &CKA_ID).unwrap_err();
    let refused = TokenError::Module { function: "C_GenerateKeyPair".into(), code: 2 };
    assert!(error == refused || matches!(error, TokenError::Unknown { .. }), "{error:?}");
    assert_eq!(host.process_id(), None, "what has run out does not come back");
    assert!(host.read(&fixture.token).unwrap().containers.is_empty());
}

#[test]
fn a_host_that_reads_nothing_is_given_up_in_time_however_long_the_call() {
    let fixture = Bench::new();
    let mut host = impatient(&fixture);
    let process = Pid::from_raw(i32::try_from(host.process_id().unwrap()).unwrap()).unwrap();
    kill_process(process, Signal::STOP).unwrap();
    let begun = Instant::now();
    // More than a pipe holds.
    let error = host.write_certificate(&fixture.token, &vec![0x30; 1 << 20]).unwrap_err();
    assert_eq!(error, TokenError::Unknown { operation: "write_certificate".into() });
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert_eq!(
        host.write_certificate(&fixture.token, &vec![0x30; 1 << 20]).unwrap_err().code(),
        "token.unsupported"
    );
}

#[test]
fn lists_that_never_end_or_always_grow_are_an_error_and_no_deadline_is_waited_for() {
    let fixture = Bench::new();
    let mut host = fixture.logged_in();
    let process = host.process_id();
    let protocol = |error: TokenError, says: &str| {
        assert!(matches!(&error, TokenError::Protocol { detail } if detail.contains(says)), "{error:?}");
        admin::clear_fault(fixture.dir.path()).unwrap();
    };
    // CKR_BUFFER_TOO_SMALL, whatever the free capacity.
    fixture.fault(Fault::at_occurrence("C_GetSlotList", 2, Action::Code(0x150)).always());
    protocol(host.list().unwrap_err(), "never has enough room");
    fixture.fault(Fault::at("C_GetSlotList", Action::Length(Length::Is(u64::MAX))));
    protocol(host.list().unwrap_err(), "slots");
    fixture.fault(Fault::at("C_FindObjects", Action::Length(Length::Is(16))).always());
    protocol(host.read(&fixture.token).unwrap_err(), "never comes to an end");
    fixture.fault(Fault::at("C_FindObjects", Action::Length(Length::Is(u64::MAX))));
    protocol(host.read(&fixture.token).unwrap_err(), "more than it has room for");
    host.generate(&fixture.token, &CKA_ID).unwrap();
    for told in [u64::MAX - 1, 1 << 40, 1 << 30] {
        fixture.fault(Fault::at("C_GetAttributeValue", Action::Length(Length::Is(told))));
        protocol(host.read(&fixture.token).unwrap_err(), "bytes");
    }
    fixture.fault(Fault::at_occurrence("C_GetAttributeValue", 2, Action::Length(Length::Shorter(1))));
    assert!(host.read(&fixture.token).unwrap().containers[0].has_cka_id(&CKA_ID), "read once more");
    admin::clear_fault(fixture.dir.path()).unwrap();
    assert_eq!((host.process_id(), host.read(&fixture.token).unwrap().logged_in), (process, true));
}

#[test]
fn a_signature_that_fails_half_way_does_not_stand_in_the_way_of_the_next() {
    let fixture = Bench::new();
    let mut host = fixture.logged_in();
    let spki = host.generate(&fixture.token, &CKA_ID).unwrap();
    fixture.fault(Fault::at("C_Sign", Action::Code(0x30)));
    let error = host.sign_authorization(&fixture.token, &spki, &authorization()).unwrap_err();
    assert_eq!(error, TokenError::Module { function: "C_Sign".into(), code: 0x30 });
    host.sign_authorization(&fixture.token, &spki, &authorization()).unwrap();
    // A search that was not put away neither.
    fixture.fault(Fault::at("C_FindObjectsFinal", Action::Code(0x30)));
    assert!(host.read(&fixture.token).unwrap().logged_in);
}

#[test]
fn a_signature_of_a_claimed_length_is_none() {
    let fixture = Bench::new();
    let mut host = fixture.logged_in();
    let spki = host.generate(&fixture.token, &CKA_ID).unwrap();
    for length in
        [Length::Is(u64::MAX), Length::Is(1 << 40), Length::Longer(1), Length::Shorter(1), Length::Is(0)]
    {
        fixture.fault(Fault::at("C_Sign", Action::Length(length)).always());
        let error = host.sign_authorization(&fixture.token, &spki, &authorization()).unwrap_err();
        assert_eq!(error.code(), "token.signs_wrongly", "{length:?}: {error:?}");
        admin::clear_fault(fixture.dir.path()).unwrap();
    }
    host.sign_authorization(&fixture.token, &spki, &authorization()).unwrap();
}

#[test]
fn a_process_that_a_module_has_started_goes_with_its_host_however_that_ends() {
    let fixture = Bench::new();
    let folder = TempDir::new().unwrap();
    let source = format!(
        r#"
        #include <stdio.h>
        #include <unistd.h>
        #include <dlfcn.h>
        int C_GetFunctionList(void **list) {{
            static int started;
            if (!started++ && fork() == 0) for (;;) pause();
            void *real = dlopen("{}", RTLD_NOW);
            return ((int (*)(void **))dlsym(real, "C_GetFunctionList"))(list);
        }}
        "#,
        softkey_module().display()
    );
    let path = library(folder.path(), "forks.so", &source);
    let mut profile = profile_for(folder.path(), "forks.so");
    profile.deadlines.other_ms = 1000;
    let driver = Driver::new(profile.into(), &path, 64).unwrap();
    let driver = driver.with_env("YCD_SOFTKEY_DIR", fixture.dir.path());
    for hangs in [false, true] {
        let mut host = ModuleHost::start(host_exe(), &driver).unwrap();
        let group = host.process_id().unwrap();
        assert_eq!(living(group), 2, "the host and what its module has started");
        if hangs {
            fixture.fault(Fault::at("C_GetSlotList", Action::Hang));
            assert_eq!(host.list().unwrap_err().code(), "token.driver_timeout");
        }
        drop(host);
        let begun = Instant::now();
        while living(group) > 0 {
            assert!(begun.elapsed() < Duration::from_secs(20));
            std::thread::yield_now();
        }
    }
}

/// Processes of a group that are not dead.
fn living(group: u32) -> usize {
    let stats = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = stats.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    stats
        .filter(|stat| {
            // pid (name) state ppid pgrp
            let rest: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
            rest.len() > 2 && rest[0] != "Z" && rest[2] == group.to_string()
        })
        .count()
}
