//! An application with threads that forks: the child is an application of its own.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this is test code")]
#![allow(clippy::cast_possible_truncation, reason = "counts of a few objects; CK_ULONG has 32 or 64 bits")]
#![allow(clippy::macro_metavars_in_unsafe, reason = "the arguments of `call!` are values")]

mod common;

use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::*;
use cryptoki_sys::*;

const FORKS: usize = 20;
/// A child that has not ended by then hangs.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What a child does; gives 0, or the number of the answer that was wrong.
fn as_a_child(client: &Client) -> i32 {
    let mut count = 0;
    let steps = [
        (call!(client, C_GetSlotList(1, null_mut(), &mut count)), CKR_CRYPTOKI_NOT_INITIALIZED),
        (call!(client, C_CloseAllSessions(1)), CKR_CRYPTOKI_NOT_INITIALIZED),
        (call!(client, C_Finalize(null_mut())), CKR_CRYPTOKI_NOT_INITIALIZED),
        (call!(client, C_Initialize(null_mut())), CKR_OK),
        (call!(client, C_GetSlotList(1, null_mut(), &mut count)), CKR_OK),
        (call!(client, C_Initialize(null_mut())), CKR_CRYPTOKI_ALREADY_INITIALIZED),
    ];
    if let Some(wrong) = steps.iter().position(|(answer, right)| answer != right) {
        return wrong as i32 + 1;
    }
    // The parent's login is not the child's.
    let mut session = 0;
    let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    let steps = [
        (call!(client, C_OpenSession(1, flags, null_mut(), None, &mut session)), CKR_OK),
        (client.login(session, CKU_USER, PIN), CKR_OK),
        (call!(client, C_Finalize(null_mut())), CKR_OK),
    ];
    steps.iter().position(|(answer, right)| answer != right).map_or(0, |wrong| wrong as i32 + 10)
}

/// The exit status of a child that did this; `None` where it hung.
fn in_a_child(act: impl FnOnce() -> i32) -> Option<i32> {
    // SAFETY: the child calls the module, which is what this is about, and ends without going back into the test.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let status = act();
        // SAFETY: ends the process.
        unsafe { libc::_exit(status) };
    }
    let begun = Instant::now();
    let mut status = 0;
    while begun.elapsed() < TIMEOUT {
        // SAFETY: our own child, and room for its status.
        if unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } == child {
            return Some(if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -1 });
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    // SAFETY: our own child, not waited for yet.
    unsafe { (libc::kill(child, libc::SIGKILL), libc::waitpid(child, &mut status, 0)) };
    None
}

#[test]
fn a_forked_child_has_to_initialize_and_hangs_on_no_lock_of_its_parents_threads() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let done = AtomicBool::new(false);
    let first_wrong = std::thread::scope(|scope| {
        for thread in 0..3 {
            let (client, done) = (&client, &done);
            scope.spawn(move || {
                let mut n = 0_u8;
                while !done.load(Ordering::Relaxed) {
                    n = n.wrapping_add(1);
                    let object = client.write_certificate(session, &[thread], &[thread, n]).unwrap();
                    ok(call!(client, C_DestroyObject(session, object)));
                }
            });
        }
        let first_wrong =
            (0..FORKS).map(|_| in_a_child(|| as_a_child(&client))).find(|status| *status != Some(0));
        done.store(true, Ordering::Relaxed);
        first_wrong
    });
    assert_eq!(first_wrong, None, "the child hung, or an answer of it was wrong");
    client.write_certificate(session, b"id", b"the parent goes on").unwrap();
}
