//! What ends with time, in a real host; the borders themselves are tested inside it.

use std::time::{Duration, Instant};

use ycd_pki::unlock::Context;
use ycd_token::{ModuleHost, Pin, SoLogin, Token, TokenError, Unlocker};

use crate::desk::{CURRENT_VERSION, Desk, NEW_PIN};

fn opened_for(desk: &Desk, host: &mut ModuleHost, valid_seconds: u32) {
    let one_time = desk.begin(host);
    let context = Context { valid_seconds, ..desk.context(&one_time) };
    host.unlock_open(desk.key(), &desk.answer(&context, &one_time)).unwrap();
}

#[test]
fn a_release_whose_time_is_over_is_gone_and_the_so_logged_out() {
    let desk = Desk::new();
    let mut host = desk.host();
    let key = desk.key();
    opened_for(&desk, &mut host, 2);
    let opened = host.unlock_opened(key).unwrap().unwrap();
    desk.so_login(&mut host, SoLogin::Current).unwrap();
    host.init_pin(key, &Pin::new(NEW_PIN)).unwrap();
    desk.bench.trace();
    let begun = Instant::now();
    while host.unlock_opened(key).unwrap().is_some() {
        assert!(begun.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(desk.bench.calls("C_Logout"), 1);
    assert_eq!(host.init_pin(key, &Pin::new("314159")), Err(TokenError::ReleaseGone));
    assert_eq!(host.rotate_so_pin(key), Err(TokenError::ReleaseGone));
    assert_eq!(host.unlock_nonce(key), Err(TokenError::ReleaseGone));
    assert_eq!(host.unlock_challenge(key), Err(TokenError::ReleaseGone));
    // What was done under it may still be said.
    host.login(key, &Pin::new(NEW_PIN)).unwrap();
    desk.sign(&mut host, &desk.unlocked(&opened, CURRENT_VERSION)).unwrap();
    assert!(desk.sign(&mut host, &desk.unlocked(&opened, 5)).is_err());
}

#[test]
#[cfg(target_os = "linux")]
fn a_host_with_an_open_release_does_not_end_for_want_of_calls() {
    use crate::common::host_exe;
    use crate::process::ends;

    let desk = Desk::new();
    let idle = Duration::from_millis(100);
    let start = || ModuleHost::start(host_exe(), &desk.bench.driver()).unwrap().with_idle(idle);
    let mut host = start();
    host.rest();
    opened_for(&desk, &mut host, 2);
    assert!(ends(&host) > Duration::from_secs(1));
    assert_eq!(host.unlock_opened(desk.key()).unwrap(), None);
    // A one-time key waits for its release, unless that was the end.
    let mut host = start();
    host.rest();
    desk.begin(&mut host);
    host.unlock_end(desk.key()).unwrap();
    assert!(ends(&host) < Duration::from_secs(2));
}
