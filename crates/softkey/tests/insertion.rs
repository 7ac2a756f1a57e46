//! Tokens that come and go while a module is loaded.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this is test code")]
#![allow(clippy::cast_possible_truncation, reason = "counts of a few objects; CK_ULONG has 32 or 64 bits")]
#![allow(clippy::macro_metavars_in_unsafe, reason = "the arguments of `call!` are values")]

mod common;

use common::*;
use cryptoki_sys::*;
use ycd_softkey::admin;

#[test]
fn a_pull_ends_sessions_and_login() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (_, private) = client.generate(session, b"id");
    ok(client.sign_init(session, SM3_DEFAULT_DER, private));
    admin::remove(fixture.path(), "K1").unwrap();
    let (mut out, mut len) = ([0; 72], 72);
    let rv = call!(client, C_Sign(session, b"x".as_ptr().cast_mut(), 1, out.as_mut_ptr(), &mut len));
    assert_eq!(rv, CKR_DEVICE_REMOVED);
    assert_eq!(client.get(session, private, CKA_ID), Err(CKR_DEVICE_REMOVED));
    assert_eq!(client.try_open(0), Err(CKR_TOKEN_NOT_PRESENT));
    assert!(client.slots(true).is_empty());
    admin::insert(fixture.path(), "K1").unwrap();
    assert_eq!(client.get(session, private, CKA_ID), Err(CKR_SESSION_HANDLE_INVALID));
    let again = client.open();
    assert_eq!(client.find(again, Template::class(CKO_PRIVATE_KEY)).len(), 0, "the user has to log in again");
    ok(client.login(again, CKU_USER, PIN));
    client.sign(again, SM3_DEFAULT_DER, private, b"x").unwrap();
}

#[test]
fn a_pull_is_noticed_even_when_the_token_is_back_before_the_next_call() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    admin::remove(fixture.path(), "K1").unwrap();
    admin::insert(fixture.path(), "K1").unwrap();
    let mut info = CK_SESSION_INFO::default();
    assert_eq!(call!(client, C_GetSessionInfo(session, &mut info)), CKR_DEVICE_REMOVED);
    assert_eq!(call!(client, C_GetSessionInfo(session, &mut info)), CKR_SESSION_HANDLE_INVALID);
    let again = client.open();
    ok(call!(client, C_GetSessionInfo(again, &mut info)));
    assert_eq!({ info.state }, CKS_RW_PUBLIC_SESSION);
}

#[test]
fn inserting_an_inserted_token_disturbs_nobody() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    admin::insert(fixture.path(), "K1").unwrap();
    client.generate(session, b"id");
}

#[test]
fn a_token_that_is_initialized_by_another_process_ends_the_sessions_here() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let other = fixture.client();
    let label = [b' '; 32];
    ok(call!(other, C_InitToken(1, SO_PIN.as_ptr().cast_mut(), 8, label.as_ptr().cast_mut())));
    assert_eq!(client.try_generate(session, b"id"), Err(CKR_DEVICE_REMOVED));
}

#[test]
fn slot_events_tell_each_change_once() {
    let fixture = Bench::new();
    fixture.add("K2");
    let client = fixture.client();
    let event = || {
        let mut slot = 0;
        match call!(client, C_WaitForSlotEvent(CKF_DONT_BLOCK, &mut slot, std::ptr::null_mut())) {
            CKR_OK => Some(slot),
            CKR_NO_EVENT => None,
            other => panic!("{other:#x}"),
        }
    };
    assert_eq!(event(), None);
    admin::remove(fixture.path(), "K2").unwrap();
    assert_eq!(event(), Some(2));
    assert_eq!(event(), None);
    admin::insert(fixture.path(), "K2").unwrap();
    assert_eq!(event(), Some(2));
    fixture.add("K3");
    assert_eq!(event(), Some(3));
    assert_eq!(event(), None);
}

#[test]
fn a_waiting_call_returns_when_a_token_comes() {
    let fixture = Bench::new();
    let client = fixture.client();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let mut slot = 0;
            ok(call!(client, C_WaitForSlotEvent(0, &mut slot, std::ptr::null_mut())));
            slot
        });
        admin::remove(fixture.path(), "K1").unwrap();
        assert_eq!(waiting.join().unwrap(), 1);
    });
}

#[test]
fn finalize_sends_waiting_calls_home() {
    let fixture = Bench::new();
    let client = fixture.client();
    std::thread::scope(|scope| {
        let (started, wait_started) = std::sync::mpsc::channel();
        let client = &client;
        let waiting = scope.spawn(move || {
            let mut slot = 0;
            started.send(()).unwrap();
            call!(client, C_WaitForSlotEvent(0, &mut slot, std::ptr::null_mut()))
        });
        wait_started.recv().unwrap();
        ok(call!(client, C_Finalize(std::ptr::null_mut())));
        assert_eq!(waiting.join().unwrap(), CKR_CRYPTOKI_NOT_INITIALIZED);
    });
}

#[test]
fn without_a_folder_there_are_slots_for_no_tokens() {
    let fixture = Bench::empty();
    for dir in [std::path::Path::new(""), &fixture.path().join("missing")] {
        let client = Client::load(dir);
        assert!(client.slots(false).is_empty());
        let mut slot = 0;
        let event = call!(client, C_WaitForSlotEvent(CKF_DONT_BLOCK, &mut slot, std::ptr::null_mut()));
        assert_eq!(event, CKR_NO_EVENT);
    }
}

#[test]
fn a_folder_that_is_made_later_is_noticed() {
    let fixture = Bench::empty();
    let dir = fixture.path().join("later");
    let client = Client::load(&dir);
    admin::create(&dir, &Bench::token()).unwrap();
    assert_eq!(client.slots(true), [1]);
}
