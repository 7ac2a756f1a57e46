//! The token fails as it was told to.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this is test code")]
#![allow(clippy::cast_possible_truncation, reason = "counts of a few objects; CK_ULONG has 32 or 64 bits")]
#![allow(clippy::macro_metavars_in_unsafe, reason = "the arguments of `call!` are values")]

mod common;

use std::process::Command;
use std::time::{Duration, Instant};

use common::*;
use cryptoki_sys::*;
use ycd_softkey::admin::{self, Action, Fault, Leaves, Length};

fn set(fixture: &Bench, fault: Fault) {
    admin::set_fault(fixture.path(), None, &fault).unwrap();
}

#[test]
fn a_call_answers_the_code_it_was_told_once() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    set(&fixture, Fault::at("C_CreateObject", Action::Code(0x30)));
    assert_eq!(client.write_certificate(session, b"id", b"x"), Err(CKR_DEVICE_ERROR));
    assert_eq!(client.find(session, Template::new()).len(), 0);
    client.write_certificate(session, b"id", b"x").unwrap();
}

#[test]
fn a_code_after_the_call_leaves_its_effect() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    set(&fixture, Fault::at("C_CreateObject", Action::Code(0x30)).after());
    assert_eq!(client.write_certificate(session, b"id", b"x"), Err(CKR_DEVICE_ERROR));
    assert_eq!(client.find(session, Template::new()).len(), 1);
}

#[test]
fn a_rule_that_is_not_once_strikes_from_its_call_on() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.open();
    set(&fixture, Fault::at_occurrence("C_Logout", 2, Action::Code(5)).always());
    let answers: Vec<_> = (0..4).map(|_| call!(client, C_Logout(session))).collect();
    assert_eq!(answers, [CKR_USER_NOT_LOGGED_IN, CKR_GENERAL_ERROR, CKR_GENERAL_ERROR, CKR_GENERAL_ERROR]);
}

#[test]
fn calls_are_counted_from_the_rule_on_over_all_processes() {
    let fixture = Bench::new();
    let first = fixture.client();
    set(&fixture, Fault::at_call(4, Action::Code(5)));
    let mut info = CK_INFO::default();
    ok(call!(first, C_GetInfo(&mut info)));
    let second = fixture.client();
    ok(call!(second, C_GetInfo(&mut info)));
    assert_eq!(call!(first, C_GetInfo(&mut info)), CKR_GENERAL_ERROR, "the fourth, C_Initialize being one");
    ok(call!(second, C_GetInfo(&mut info)));
    assert_eq!(admin::faults(fixture.path()).unwrap().rules[0].seen, 4);
}

#[test]
fn a_rule_for_one_token_spares_the_others() {
    let fixture = Bench::new();
    fixture.add("K2");
    let client = fixture.client();
    admin::set_fault(fixture.path(), Some("K2"), &Fault::at_call(1, Action::Unplug)).unwrap();
    client.token(1);
    client.slots(true);
    let mut info = CK_TOKEN_INFO::default();
    assert_eq!(call!(client, C_GetTokenInfo(2, &mut info)), CKR_TOKEN_NOT_PRESENT);
    assert_eq!(client.slots(true), [1]);
}

#[test]
fn an_unplugged_token_stays_out_until_it_is_inserted() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    set(&fixture, Fault::at("C_GenerateKeyPair", Action::Unplug));
    assert_eq!(client.try_generate(session, b"id"), Err(CKR_DEVICE_REMOVED));
    assert!(!admin::list(fixture.path()).unwrap()[0].inserted);
    admin::insert(fixture.path(), "K1").unwrap();
    let session = client.user();
    assert_eq!(client.find(session, Template::new()).len(), 0);
    set(&fixture, Fault::at("C_GenerateKeyPair", Action::Unplug).after());
    assert_eq!(client.try_generate(session, b"id"), Err(CKR_DEVICE_REMOVED));
    admin::insert(fixture.path(), "K1").unwrap();
    assert_eq!(client.find(client.user(), Template::new()).len(), 2, "pulled after the pair was made");
}

#[test]
fn a_torn_key_generation_leaves_an_orphan() {
    for (leaves, expected) in [
        (Leaves::PrivateKey, vec![CKO_PRIVATE_KEY]),
        (Leaves::PublicKey, vec![CKO_PUBLIC_KEY]),
        (Leaves::Nothing, vec![]),
    ] {
        let fixture = Bench::new();
        let client = fixture.client();
        let session = client.user();
        set(&fixture, Fault::at("C_GenerateKeyPair", Action::Torn(leaves)));
        assert_eq!(client.try_generate(session, b"id"), Err(CKR_DEVICE_REMOVED));
        admin::insert(fixture.path(), "K1").unwrap();
        let session = client.user();
        let found = client.find(session, Template::new());
        let class = |o: &CK_OBJECT_HANDLE| {
            CK_ULONG::from_ne_bytes(client.get(session, *o, CKA_CLASS).unwrap().try_into().unwrap())
        };
        assert_eq!(found.iter().map(class).collect::<Vec<_>>(), expected);
        found.iter().for_each(|o| ok(call!(client, C_DestroyObject(session, *o))));
    }
}

#[test]
fn a_torn_certificate_is_cut_short_or_missing() {
    for (leaves, expected) in [(Leaves::PrivateKey, vec![b"01234".to_vec()]), (Leaves::Nothing, vec![])] {
        let fixture = Bench::new();
        let client = fixture.client();
        let session = client.user();
        set(&fixture, Fault::at("C_CreateObject", Action::Torn(leaves)));
        assert_eq!(client.write_certificate(session, b"id", b"0123456789"), Err(CKR_DEVICE_REMOVED));
        admin::insert(fixture.path(), "K1").unwrap();
        let session = client.open();
        let found = client.find(session, Template::class(CKO_CERTIFICATE));
        let values: Vec<_> = found.iter().map(|o| client.get(session, *o, CKA_VALUE).unwrap()).collect();
        assert_eq!(values, expected);
    }
}

#[test]
fn an_eaten_write_is_answered_and_lost() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    set(&fixture, Fault::at("C_CreateObject", Action::Eat));
    client.write_certificate(session, b"id", b"x").unwrap();
    assert_eq!(client.find(session, Template::new()).len(), 0);
    set(&fixture, Fault::at("C_SetPIN", Action::Eat));
    ok(client.set_pin(session, PIN, "135790"));
    ok(client.set_pin(session, PIN, "135790"));
}

#[test]
fn a_delayed_call_takes_as_long_as_it_was_told() {
    let fixture = Bench::new();
    let client = fixture.client();
    set(&fixture, Fault::at("C_GetTokenInfo", Action::DelayMs(30)));
    let start = Instant::now();
    client.token(1);
    assert!(start.elapsed() >= Duration::from_millis(30));
}

#[test]
fn a_call_tells_the_length_it_was_told_to_and_writes_what_is_right() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let object = client.write_certificate(session, b"id", b"0123456789").unwrap();
    for (length, told) in
        [(Length::Is(u64::MAX), CK_ULONG::MAX), (Length::Longer(3), 13), (Length::Shorter(4), 6)]
    {
        let mut value = [0_u8; 16];
        let mut attribute =
            CK_ATTRIBUTE { type_: CKA_VALUE, pValue: value.as_mut_ptr().cast(), ulValueLen: 16 };
        set(&fixture, Fault::at("C_GetAttributeValue", Action::Length(length)));
        ok(call!(client, C_GetAttributeValue(session, object, &mut attribute, 1)));
        assert_eq!({ attribute.ulValueLen }, told);
        assert_eq!(value, *b"0123456789\0\0\0\0\0\0");
        let mut count = 0;
        set(&fixture, Fault::at("C_GetSlotList", Action::Length(length)));
        ok(call!(client, C_GetSlotList(CK_FALSE, std::ptr::null_mut(), &mut count)));
        assert_eq!(
            count,
            if told == 13 {
                4
            } else if told == 6 {
                0
            } else {
                told
            }
        );
        assert_eq!(client.slots(true), [1], "once");
    }
}

#[test]
fn a_printing_call_prints_and_a_hoarding_one_keeps_its_memory() {
    let fixture = Bench::new();
    set(&fixture, Fault::at("C_CreateObject", Action::Print(3 << 20)));
    set(&fixture, Fault::at("C_CreateObject", Action::Hoard(16)).after());
    let mut command = child("child_writes_a_certificate", &fixture);
    let printed =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).output().unwrap();
    assert!(printed.status.success());
    assert!(printed.stdout.len() >= 3 << 20 && printed.stderr.len() >= 3 << 20);
    let memory = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 4194304; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "child_is_refused_memory", "--ignored", "--nocapture"])
        .env("SOFTKEY_TEST_DIR", fixture.path())
        .output()
        .unwrap();
    assert!(memory.status.success(), "{memory:?}");
}

#[test]
#[ignore = "run as a process of its own, with little memory, by the test of hoarding"]
fn child_is_refused_memory() {
    let client = Client::load(std::env::var_os("SOFTKEY_TEST_DIR").unwrap().as_ref());
    let session = client.user();
    let dir = std::env::var_os("SOFTKEY_TEST_DIR").unwrap();
    admin::set_fault(dir, None, &Fault::at("C_CreateObject", Action::Hoard(8192))).unwrap();
    assert_eq!(client.write_certificate(session, b"id", b"x"), Err(CKR_HOST_MEMORY));
}

#[test]
fn a_crash_ends_the_process_before_or_after_the_write() {
    for (fault, expected) in [
        (Fault::at("C_CreateObject", Action::Crash), 0),
        (Fault::at("C_CreateObject", Action::Crash).after(), 1),
    ] {
        let fixture = Bench::new();
        set(&fixture, fault);
        let status = child("child_writes_a_certificate", &fixture).status().unwrap();
        assert!(!status.success());
        let client = fixture.client();
        assert_eq!(client.find(client.open(), Template::new()).len(), expected);
    }
}

#[test]
fn a_process_killed_while_a_pin_is_checked_has_spent_a_try() {
    let fixture = Bench::new();
    set(&fixture, Fault::at("C_Login", Action::Crash).after());
    assert!(!child("child_tries_a_wrong_pin", &fixture).status().unwrap().success());
    assert_eq!(admin::list(fixture.path()).unwrap()[0].pin_retry_counter, 9);
}

#[test]
fn a_hanging_call_never_returns() {
    let fixture = Bench::new();
    admin::set_trace(fixture.path(), true).unwrap();
    set(&fixture, Fault::at("C_CreateObject", Action::Hang));
    let mut hanging = child("child_writes_a_certificate", &fixture).spawn().unwrap();
    while admin::trace(fixture.path()).unwrap().iter().all(|(name, _)| name != "C_CreateObject") {
        std::thread::yield_now();
        assert!(hanging.try_wait().unwrap().is_none());
    }
    assert!(hanging.try_wait().unwrap().is_none());
    hanging.kill().unwrap();
    assert!(!hanging.wait().unwrap().success());
}

fn child(test: &str, fixture: &Bench) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command.env("SOFTKEY_TEST_DIR", fixture.path());
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command
}

#[test]
#[ignore = "run as a process of its own by the tests of crash and hang"]
fn child_writes_a_certificate() {
    let client = Client::load(std::env::var_os("SOFTKEY_TEST_DIR").unwrap().as_ref());
    let session = client.user();
    client.write_certificate(session, b"id", b"x").unwrap();
}

#[test]
#[ignore = "run as a process of its own by the test of a kill in the middle of a PIN check"]
fn child_tries_a_wrong_pin() {
    let client = Client::load(std::env::var_os("SOFTKEY_TEST_DIR").unwrap().as_ref());
    client.login(client.open(), CKU_USER, "00000000");
}

/// A small renewal: generate, sign, write, read back.
fn journey(fixture: &Bench) -> Result<(), CK_RV> {
    let client = fixture.client();
    if client.slots(true).is_empty() {
        return Err(CKR_TOKEN_NOT_PRESENT);
    }
    let session = client.try_open(CKF_RW_SESSION)?;
    match client.login(session, CKU_USER, PIN) {
        CKR_OK => {}
        rv => return Err(rv),
    }
    let (_, private) = client.try_generate(session, b"id")?;
    client.sign(session, SM3_DEFAULT_DER, private, b"x")?;
    let object = client.write_certificate(session, b"id", b"certificate")?;
    assert_eq!(client.get(session, object, CKA_VALUE)?, b"certificate");
    Ok(())
}

#[test]
fn a_token_pulled_at_any_call_holds_whole_objects_and_its_pin() {
    let fixture = Bench::new();
    admin::set_trace(fixture.path(), true).unwrap();
    journey(&fixture).unwrap();
    let calls = admin::trace(fixture.path()).unwrap().iter().filter(|(_, key)| key.is_some()).count() as u64;
    assert!(calls > 6);
    for n in 1..=calls {
        for fault in [Fault::at_call(n, Action::Unplug), Fault::at_call(n, Action::Unplug).after()] {
            let fixture = Bench::new();
            admin::set_fault(fixture.path(), Some("K1"), &fault).unwrap();
            let outcome = journey(&fixture);
            assert!(!admin::list(fixture.path()).unwrap()[0].inserted, "call {n}: {outcome:x?}");
            admin::clear_fault(fixture.path()).unwrap();
            admin::insert(fixture.path(), "K1").unwrap();
            let client = fixture.client();
            let session = client.user();
            let count = |class| client.find(session, Template::class(class)).len();
            assert_eq!(count(CKO_PUBLIC_KEY), count(CKO_PRIVATE_KEY), "call {n}");
            assert_eq!(admin::list(fixture.path()).unwrap()[0].pin_retry_counter, 10, "call {n}");
        }
    }
}

#[test]
fn a_control_file_that_cannot_be_read_is_an_error_and_no_crash() {
    let texts = [
        "",
        "{",
        "[1]",
        r#"{"rules": [{"on": {"call": 1}, "do": "unplug", "whem": "after"}]}"#,
        r#"{"rules": [{"on": {"function": "C_Renew"}, "do": "unplug"}]}"#,
        r#"{"rules": [{"on": {"call": 1}}]}"#,
        r#"{"rules": [{"on": {"call": -1}, "do": "unplug"}]}"#,
        r#"{"rules": [{"on": {"call": 1}, "do": "explode"}]}"#,
        r#"{"rulez": []}"#,
        "\0\u{1}",
    ];
    for text in texts {
        let fixture = Bench::new();
        let client = fixture.client();
        std::fs::write(fixture.path().join("control.json"), text).unwrap();
        let mut info = CK_INFO::default();
        assert_eq!(call!(client, C_GetInfo(&mut info)), CKR_GENERAL_ERROR, "{text}");
        assert!(admin::faults(fixture.path()).is_err());
        admin::clear_fault(fixture.path()).unwrap();
        ok(call!(client, C_GetInfo(&mut info)));
    }
}

#[test]
fn the_control_file_is_read_as_it_is_documented() {
    let fixture = Bench::new();
    let text = r#"{ "trace": true, "rules": [
        { "token": "A1B2", "on": { "call": 7 }, "do": "unplug" },
        { "on": { "function": "C_CreateObject", "occurrence": 2 }, "do": "crash", "when": "after" },
        { "on": { "function": "C_Sign" }, "do": { "code": 48 }, "once": false },
        { "on": { "call": 1 }, "do": { "delay_ms": 5 } },
        { "on": { "call": 1 }, "do": { "torn": "public_key" } },
        { "on": { "call": 1 }, "do": "eat" },
        { "on": { "call": 1 }, "do": { "length": { "is": 18446744073709551615 } } },
        { "on": { "call": 1 }, "do": { "length": { "shorter": 1 } } },
        { "on": { "call": 1 }, "do": { "print": 1024 } },
        { "on": { "call": 1 }, "do": { "hoard": 64 } } ] }"#;
    std::fs::write(fixture.path().join("control.json"), text).unwrap();
    let control = admin::faults(fixture.path()).unwrap();
    assert!(control.trace);
    assert_eq!(control.rules[0].token.as_deref(), Some("A1B2"));
    assert_eq!(control.rules[0].fault, Fault::at_call(7, Action::Unplug));
    assert_eq!(control.rules[1].fault, Fault::at_occurrence("C_CreateObject", 2, Action::Crash).after());
    assert_eq!(control.rules[2].fault, Fault::at("C_Sign", Action::Code(48)).always());
    assert_eq!(control.rules[4].fault.action, Action::Torn(Leaves::PublicKey));
    assert_eq!(control.rules[6].fault.action, Action::Length(Length::Is(u64::MAX)));
    assert_eq!(control.rules[7].fault.action, Action::Length(Length::Shorter(1)));
    assert_eq!(control.rules[8].fault.action, Action::Print(1024));
    assert_eq!(control.rules[9].fault.action, Action::Hoard(64));
}

#[test]
fn a_rule_for_an_unknown_function_or_token_is_refused() {
    let fixture = Bench::new();
    assert!(admin::set_fault(fixture.path(), None, &Fault::at("C_Renew", Action::Hang)).is_err());
    assert!(admin::set_fault(fixture.path(), Some("K9"), &Fault::at("C_Sign", Action::Hang)).is_err());
}
