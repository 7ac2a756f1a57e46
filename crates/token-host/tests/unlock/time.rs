//! What ends with time, in a real host; the borders themselves are tested inside it.

use std::time::{Duration, Instant};

use ycd_pki::unlock::Context;
use ycd_token::{ModuleHost, Pin, SoLogin, TokenAccess, TokenError, Unlocker};

use crate::setup::{CURRENT_VERSION, Desk, NEW_PIN};

fn opened_for(setup: &Desk, host: &mut ModuleHost, valid_seconds: u32) {
    let one_time = setup.begin(host);
    let context = Context { valid_seconds, ..setup.context(&one_time) };
    host.unlock_open(setup.token(), &setup.answer(&context, &one_time)).unwrap();
}

#[test]
fn a_release_whose_time_is_over_is_gone_and_the_so_logged_out() {
    let setup = Desk::new();
    let mut host = setup.host();
    let token = setup.token();
    opened_for(&setup, &mut host, 2);
    let opened = host.unlock_opened(token).unwrap().unwrap();
    setup.so_login(&mut host, SoLogin::Current).unwrap();
    host.init_pin(token, &Pin::new(NEW_PIN)).unwrap();
    setup.fixture.trace();
    let begun = Instant::now();
    while host.unlock_opened(token).unwrap().is_some() {
        assert!(begun.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(setup.fixture.calls("C_Logout"), 1);
    assert_eq!(host.init_pin(token, &Pin::new("314159")), Err(TokenError::ReleaseGone));
    assert_eq!(host.rotate_so_pin(token), Err(TokenError::ReleaseGone));
    assert_eq!(host.unlock_nonce(token), Err(TokenError::ReleaseGone));
    assert_eq!(host.unlock_challenge(token), Err(TokenError::ReleaseGone));
    // What was done under it may still be said.
    host.login(token, &Pin::new(NEW_PIN)).unwrap();
    setup.sign(&mut host, &setup.unlocked(&opened, CURRENT_VERSION)).unwrap();
    assert!(setup.sign(&mut host, &setup.unlocked(&opened, 5)).is_err());
}

#[test]
#[cfg(target_os = "linux")]
fn a_host_with_an_open_release_does_not_end_for_want_of_calls() {
    use crate::common::host_exe;
    use crate::process::ends;

    let setup = Desk::new();
    let idle = Duration::from_millis(100);
    let start = || ModuleHost::start(host_exe(), &setup.fixture.driver()).unwrap().with_idle(idle);
    let mut host = start();
    host.rest();
    opened_for(&setup, &mut host, 2);
    assert!(ends(&host) > Duration::from_secs(1));
    assert_eq!(host.unlock_opened(setup.token()).unwrap(), None);
    // A one-time key waits for its release, unless that was the end.
    let mut host = start();
    host.rest();
    setup.begin(&mut host);
    host.unlock_end(setup.token()).unwrap();
    assert!(ends(&host) < Duration::from_secs(2));
}
