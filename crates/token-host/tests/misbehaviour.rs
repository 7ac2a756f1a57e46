//! Modules that are missing, are none, print, hang and crash.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests and what they are built from"
)]
#![cfg(target_os = "linux")]

mod common;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Bench, CKA_ID, PIN, certificate, host_exe, library, profile_for, softkey_module};
use tempfile::TempDir;
use ycd_softkey::admin::{Action, Fault};
use ycd_token::{
    CkaId, ContainerHandle, Driver, Drivers, ModuleHost, Pin, TokenAccess, TokenError, TokenSet, wire,
};

/// The module under its path, in its folder's own profile.
fn driver(path: &Path) -> ycd_token::Result<Driver> {
    let profile = profile_for(path.parent().unwrap(), path.file_name().unwrap().to_str().unwrap());
    Driver::new(Arc::new(profile), path, 64)
}

fn start(path: &Path) -> ycd_token::Result<ModuleHost> {
    ModuleHost::start(host_exe(), &driver(path)?)
}

/// With deadlines of a second.
fn impatient(fixture: &Bench) -> ModuleHost {
    let mut host = fixture
        .host_with(|text| text.replace("_ms = 30000", "_ms = 1000").replace("_ms = 10000", "_ms = 1000"));
    host.login(&fixture.token, &Pin::new(PIN)).unwrap();
    host
}

#[test]
fn a_missing_module_is_told_with_its_path() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("absent.so");
    let error = start(&path).err().unwrap();
    assert_eq!(error, TokenError::ModuleMissing { path: path.display().to_string() });
}

#[test]
fn without_any_module_a_listing_says_so_and_does_not_claim_that_no_token_is_there() {
    let folder = TempDir::new().unwrap();
    let drivers = Drivers::of(vec![profile_for(folder.path(), "absent.so")]);
    let error = TokenSet::open(&drivers, Some(host_exe())).list().unwrap_err();
    assert_eq!(error, TokenError::ModuleMissing { path: "absent.so".into() });
}

#[test]
fn a_file_that_is_no_pkcs11_module_is_refused() {
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("text.so");
    std::fs::write(&text, "not a library").unwrap();
    let other = library(folder.path(), "other.so", "int answer(void) { return 42; }");
    for path in [text, other] {
        let error = start(&path).err().unwrap();
        assert_eq!(error.code(), "token.not_a_module", "{error}");
    }
}

#[test]
fn a_module_of_another_maker_than_the_profiles_is_refused() {
    let fixture = Bench::new();
    let module = softkey_module();
    let mut profile = fixture.driver().profile.as_ref().clone();
    profile.recognition.manufacturers = vec!["Longmai*".into()];
    let driver = Driver::new(Arc::new(profile.clone()), &module, 64).unwrap();
    assert_eq!(ModuleHost::start(host_exe(), &driver).err().unwrap().code(), "token.not_a_module");
    profile.recognition.manufacturers = vec!["ycd*".into()];
    let driver = Driver::new(Arc::new(profile), &module, 64).unwrap();
    ModuleHost::start(host_exe(), &driver).unwrap();
}

#[test]
fn a_module_outside_the_folders_of_its_profile_is_not_loaded_whatever_link_leads_to_it() {
    let (inside, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let real = library(outside.path(), "module.so", "int x;");
    let link = inside.path().join("module.so");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    assert_eq!(start(&link).err().unwrap().code(), "token.module_not_allowed");
    let profile = profile_for(inside.path(), "module.so");
    let lookups = Drivers::of(vec![profile]).lookups();
    assert_eq!(lookups[0].outcome.as_ref().unwrap_err().code(), "token.module_not_allowed");
    assert_eq!(driver(Path::new("module.so")).err().unwrap().code(), "token.module_not_allowed");
    // A driver that was right when it was found is looked at again.
    let mut driver = driver(&library(inside.path(), "own.so", "int x;")).unwrap();
    driver.module_path = real;
    assert_eq!(ModuleHost::start(host_exe(), &driver).err().unwrap().code(), "token.module_not_allowed");
}

#[test]
fn a_host_that_cannot_be_started_is_told() {
    let fixture = Bench::new();
    let error = ModuleHost::start(Path::new("/absent/ycd-host"), &fixture.driver()).err().unwrap();
    assert_eq!(error.code(), "token.host_start");
    // Another program in its place speaks no such protocol, or nothing at all.
    let error = ModuleHost::start(Path::new("/bin/echo"), &fixture.driver()).err().unwrap();
    assert!(matches!(error.code(), "token.driver_crashed" | "token.host_protocol"), "{error}");
}

#[test]
fn a_program_that_talks_nonsense_in_the_place_of_the_host_is_told() {
    let (fixture, folder) = (Bench::new(), TempDir::new().unwrap());
    let script = folder.path().join("ycd-host");
    for (says, code) in [
        ("HTTP/1.1 200 OK", "token.host_protocol"),
        ("ycdhost\\377", "token.host_protocol"),
        ("ycdhost\\0120.0.9", "token.driver_crashed"),
        ("ycdhost\\0120.0.9 and the assistant is newer", "token.host_other_release"),
        ("PREAMBLE\\377\\377\\377\\377", "token.host_protocol"),
        ("PREAMBLE\\001\\000\\000\\000\\077", "token.host_protocol"),
        ("PREAMBLE\\001", "token.driver_crashed"),
    ] {
        let preamble: String = wire::PREAMBLE.iter().map(|byte| format!("\\{byte:03o}")).collect();
        let says = says.replace("PREAMBLE", &preamble);
        let text = format!("#!/bin/sh\nhead -c 1 >/dev/null; printf '{says}'; exec 1>&-; cat >/dev/null");
        // Written by another process: a program that this one holds open for writing cannot be started.
        let write = ["-c", "printf '%s' \"$2\" > \"$1\" && chmod 700 \"$1\"", "sh"];
        let status = Command::new("sh").args(write).arg(&script).arg(text).status().unwrap();
        assert!(status.success());
        let error = ModuleHost::start(&script, &fixture.driver()).err().unwrap();
        assert_eq!(error.code(), code, "{says}: {error}");
    }
}

#[test]
fn an_owner_of_another_release_hears_which_one_this_is_and_nothing_is_done_for_it() {
    let mut child = Command::new(host_exe()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut other = wire::PREAMBLE;
    other[other.len() - 1] = b'x';
    // Kept open: the host ends by itself.
    let mut to_host = child.stdin.take().unwrap();
    to_host.write_all(&other).unwrap();
    let mut printed = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut printed).unwrap();
    assert_eq!(printed, wire::PREAMBLE);
    assert!(!child.wait().unwrap().success());
}

#[test]
fn what_a_module_prints_goes_nowhere_near_the_messages() {
    let fixture = Bench::new();
    let folder = TempDir::new().unwrap();
    let source = format!(
        r#"
        #include <stdio.h>
        #include <unistd.h>
        #include <dlfcn.h>
        __attribute__((constructor)) static void hello(void) {{
            printf("loading the driver\n"); fflush(stdout);
            write(1, "\x04\0\0\0....", 8); write(0, "x", 1); write(2, "warning\n", 8);
            getchar();
        }}
        int C_GetFunctionList(void **list) {{
            printf("C_GetFunctionList\n"); fflush(stdout);
            void *real = dlopen("{}", RTLD_NOW);
            return ((int (*)(void **))dlsym(real, "C_GetFunctionList"))(list);
        }}
        __attribute__((destructor)) static void bye(void) {{ printf("bye\n"); fflush(stdout); }}
        "#,
        softkey_module().display()
    );
    let path = library(folder.path(), "chatty.so", &source);
    let driver = driver(&path).unwrap().with_env("YCD_SOFTKEY_DIR", fixture.dir.path());
    let mut host = ModuleHost::start(host_exe(), &driver).unwrap();
    assert_eq!(host.list().unwrap()[0].token_id, fixture.token);
    host.ping().unwrap();
}

#[test]
fn a_module_that_crashes_while_it_is_loaded_takes_no_other_away() {
    let fixture = Bench::new();
    let folder = TempDir::new().unwrap();
    let crash = "#include <stdlib.h>\n__attribute__((constructor)) static void c(void) { abort(); }";
    let path = library(folder.path(), "crash.so", crash);
    let mut bad = profile_for(folder.path(), "crash.so");
    bad.name = "bad".into();
    let good = fixture.driver().profile.as_ref().clone();
    let drivers = Drivers::of(vec![bad, good]).with_env("YCD_SOFTKEY_DIR", fixture.dir.path());
    let mut tokens = TokenSet::open(&drivers, Some(host_exe()));
    assert_eq!(tokens.list().unwrap()[0].token_id, fixture.token);
    let [problem] = tokens.problems() else { panic!() };
    assert_eq!((problem.profile.as_str(), problem.error.code()), ("bad", "token.driver_crashed"));
    assert_eq!(problem.module, path);
    // Where it is the only one, it is the answer.
    fixture.pull();
    assert_eq!(tokens.list().unwrap_err().code(), "token.driver_crashed");
}

#[test]
fn a_module_that_hangs_while_it_is_loaded_is_given_up() {
    let folder = TempDir::new().unwrap();
    let hang = "#include <unistd.h>\n__attribute__((constructor)) static void c(void) { for (;;) pause(); }";
    let path = library(folder.path(), "hang.so", hang);
    let mut profile = profile_for(folder.path(), "hang.so");
    profile.deadlines.other_ms = 300;
    let driver = Driver::new(Arc::new(profile), &path, 64).unwrap();
    let error = ModuleHost::start(host_exe(), &driver).err().unwrap();
    assert_eq!(error, TokenError::HostTimeout { operation: "open".into(), seconds: 1 });
}

#[test]
fn a_call_that_changes_the_token_and_hangs_has_an_unknown_outcome_and_the_next_starts_afresh() {
    let fixture = Bench::new();
    let mut host = impatient(&fixture);
    let first = host.process_id();
    fixture.fault(Fault::at("C_GenerateKeyPair", Action::Hang).after());
    let error = host.generate(&fixture.token, &CKA_ID).unwrap_err();
    assert_eq!(error, TokenError::Unknown { operation: "generate".into() });
    assert_eq!(host.process_id(), None);
    let contents = host.read(&fixture.token).unwrap();
    assert_ne!(host.process_id(), first);
    assert!(!contents.logged_in);
    assert_eq!(contents.containers.len(), 1, "it was made all the same");
    assert_eq!(host.generate(&fixture.token, &CkaId([1; 16])), Err(TokenError::NotLoggedIn));
}

#[test]
fn a_call_that_changes_nothing_and_hangs_is_a_timeout() {
    let fixture = Bench::new();
    let mut host = impatient(&fixture);
    fixture.fault(Fault::at("C_FindObjects", Action::Hang));
    let begun = Instant::now();
    assert_eq!(
        host.read(&fixture.token),
        Err(TokenError::HostTimeout { operation: "read".into(), seconds: 1 })
    );
    assert!(begun.elapsed() < Duration::from_secs(5));
    host.read(&fixture.token).unwrap();
}

#[test]
fn every_call_that_changes_the_token_is_unknown_after_a_crash_and_none_is_repeated() {
    let fixture = Bench::new();
    let mut host = fixture.logged_in();
    let spki = host.generate(&fixture.token, &CKA_ID).unwrap();
    let der = certificate(&spki, 1);
    let unknown = |operation: &str| Err(TokenError::Unknown { operation: operation.into() });
    let login = |host: &mut ModuleHost| host.login(&fixture.token, &Pin::new(PIN));
    fixture.trace();
    let crash = |function: &str| fixture.fault(Fault::at(function, Action::Crash));

    crash("C_Login");
    host.rest();
    assert_eq!(login(&mut host), unknown("login"));
    assert_eq!(fixture.calls("C_Login"), 1);
    login(&mut host).unwrap();

    crash("C_GenerateKeyPair");
    assert_eq!(host.generate(&fixture.token, &CkaId([1; 16])).map(drop), unknown("generate"));
    assert_eq!(fixture.calls("C_GenerateKeyPair"), 1);
    login(&mut host).unwrap();

    crash("C_CreateObject");
    assert_eq!(host.write_certificate(&fixture.token, &der), unknown("write_certificate"));
    assert_eq!(fixture.calls("C_CreateObject"), 1);
    login(&mut host).unwrap();
    host.write_certificate(&fixture.token, &der).unwrap();

    crash("C_DestroyObject");
    assert_eq!(host.remove_certificate(&fixture.token, &der), unknown("remove_certificate"));
    login(&mut host).unwrap();

    crash("C_DestroyObject");
    assert_eq!(host.destroy(&fixture.token, &ContainerHandle::PublicKey(spki)), unknown("destroy"));
    assert_eq!(fixture.calls("C_DestroyObject"), 2);
}

#[test]
fn a_destroying_that_is_cut_off_can_be_done_once_more() {
    for cut in 1..=3 {
        let fixture = Bench::new();
        let mut host = fixture.logged_in();
        let spki = host.generate(&fixture.token, &CKA_ID).unwrap();
        host.write_certificate(&fixture.token, &certificate(&spki, 1)).unwrap();
        fixture.fault(Fault::at_occurrence("C_DestroyObject", cut, Action::Crash));
        host.destroy(&fixture.token, &ContainerHandle::PublicKey(spki)).unwrap_err();
        host.login(&fixture.token, &Pin::new(PIN)).unwrap();
        let contents = host.read(&fixture.token).unwrap();
        let [rest] = &contents.containers[..] else { panic!("{contents:?}") };
        assert!(rest.has_cka_id(&CKA_ID) && rest.pair != ycd_token::KeyPairState::Nothing, "{rest:?}");
        host.destroy(&fixture.token, &rest.handle).unwrap();
        assert!(host.read(&fixture.token).unwrap().containers.is_empty());
    }
}

#[test]
fn reading_is_repeated_once_where_the_driver_crashed_and_signing_is_not() {
    let fixture = Bench::new();
    let mut host = fixture.logged_in();
    let spki = host.generate(&fixture.token, &CKA_ID).unwrap();
    fixture.fault(Fault::at("C_FindObjectsInit", Action::Crash));
    assert!(host.read(&fixture.token).unwrap().with_key(&spki).is_some());
    fixture.fault(Fault::at("C_GetSlotList", Action::Crash));
    assert_eq!(host.list().unwrap().len(), 1);
    fixture.fault(Fault::at("C_GetSlotList", Action::Crash).always());
    assert_eq!(host.list(), Err(TokenError::HostDied { operation: "list".into() }));
    ycd_softkey::admin::clear_fault(fixture.dir.path()).unwrap();

    host.login(&fixture.token, &Pin::new(PIN)).unwrap();
    fixture.fault(Fault::at("C_Sign", Action::Crash));
    let subject = ycd_pki::name::Name::enterprise("x", None, None).to_der().unwrap();
    let error = host.sign_request(&fixture.token, &spki, &subject).unwrap_err();
    assert_eq!(error, TokenError::HostDied { operation: "sign_request".into() });
}

#[test]
fn a_host_nobody_calls_ends_itself_and_the_next_call_does_not_notice() {
    let fixture = Bench::new();
    let mut host = fixture.host().with_idle(Duration::from_millis(50));
    host.rest();
    host.list().unwrap();
    let first = host.process_id().unwrap();
    // It stays to be waited for, dead, until the next call.
    let dead = || {
        let stat = std::fs::read_to_string(format!("/proc/{first}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_none_or(|rest| rest.starts_with('Z') || rest.is_empty())
    };
    let begun = Instant::now();
    while !dead() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::yield_now();
    }
    // A change is done without being "unknown": the dead host has certainly not begun with it.
    host.login(&fixture.token, &Pin::new(PIN)).unwrap();
    assert_ne!(host.process_id(), Some(first));
    assert!(!Path::new(&format!("/proc/{first}")).exists());
}

#[test]
fn a_host_ends_when_its_owner_is_gone_even_in_the_middle_of_a_call_that_hangs() {
    let fixture = Bench::new();
    for hangs in [false, true] {
        let driver = fixture.driver();
        let mut child = Command::new(host_exe())
            .env("YCD_SOFTKEY_DIR", fixture.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut to_host = child.stdin.take().unwrap();
        let mut from_host = child.stdout.take().unwrap();
        let open = wire::Open {
            module: driver.module_path.clone(),
            profile: driver.profile.as_ref().clone(),
            owner: std::process::id(),
            idle_ms: 0,
        };
        to_host.write_all(&wire::PREAMBLE).unwrap();
        wire::send(&mut to_host, &wire::Request { id: 1, call: wire::Call::Open(Box::new(open)) }).unwrap();
        let mut frames = wire::Frames::new(&mut from_host);
        frames.preamble().unwrap();
        assert!(matches!(frames.receive().unwrap(), wire::FromHost::Answer { id: 1, result: Ok(_) }));
        if hangs {
            fixture.fault(Fault::at("C_GetSlotList", Action::Hang));
            wire::send(&mut to_host, &wire::Request { id: 2, call: wire::Call::List }).unwrap();
        }
        drop(to_host);
        let status = child.wait().unwrap();
        assert_eq!(status.success(), !hangs);
        assert_eq!(from_host.read(&mut [0; 1]).unwrap(), 0);
    }
}

#[test]
fn a_crash_leaves_no_image_of_memory_and_an_interrupt_at_the_terminal_reaches_no_host() {
    let fixture = Bench::new();
    let host = fixture.host();
    let process = host.process_id().unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"]);
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // pid (name) state ppid pgrp
    let group = stat.rsplit(") ").next().unwrap().split(' ').nth(2).unwrap();
    assert_eq!(group, process.to_string());
}

#[test]
fn a_host_that_is_spoken_to_in_another_protocol_ends() {
    let mut child = Command::new(host_exe()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(!child.wait().unwrap().success());
}
