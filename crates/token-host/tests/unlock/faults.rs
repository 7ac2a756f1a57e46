//! The SO PIN method with everything that may go wrong on it once, and a new release after each failure, as the flow
//! does it: the end is always a new PIN, an SO PIN that the portal keeps, and a proof of it.

use ycd_pki::unlock::Context;
use ycd_softkey::admin::{Action, Fault, Leaves};
use ycd_token::{ModuleHost, Pin, Result, SoLogin, TokenAccess, TokenError, Unlocker};

use crate::setup::{CURRENT, CURRENT_VERSION, Desk, NEW_PIN, NEXT, NEXT_VERSION, shows_no_secret};

const CKR_DEVICE_ERROR: u32 = 0x30;
const CKR_GENERAL_ERROR: u32 = 0x05;
const CKR_DEVICE_REMOVED: u32 = 0x32;

/// The flow's side: what its journal holds, and how often a login was wrong since one was right.
#[derive(Default)]
struct Flow {
    releases: u32,
    rotates: bool,
    wrong_in_a_row: u32,
}

impl Flow {
    fn so_login(&mut self, setup: &Desk, host: &mut ModuleHost, which: &SoLogin) -> Result<()> {
        let result = setup.so_login(host, which.clone());
        match &result {
            Ok(()) => self.wrong_in_a_row = 0,
            Err(TokenError::SoPinIncorrect { .. }) => self.wrong_in_a_row += 1,
            Err(error) => shows_no_secret(error),
        }
        assert!(self.wrong_in_a_row < 2, "two wrong ones in a row");
        result
    }

    /// The first of the two, and after a definite wrong answer the other. Gives the one that is right.
    fn either(&mut self, setup: &Desk, host: &mut ModuleHost, first: SoLogin) -> Result<SoLogin> {
        let other = if first == SoLogin::Next { SoLogin::Current } else { SoLogin::Next };
        match self.so_login(setup, host, &first) {
            Ok(()) => Ok(first),
            Err(TokenError::SoPinIncorrect { .. }) => self.so_login(setup, host, &other).map(|()| other),
            Err(error) => Err(error),
        }
    }

    /// Under one release; gives the version that was proven last. `before` is called before each step, with its number.
    fn release(
        &mut self,
        setup: &Desk,
        host: &mut ModuleHost,
        mut before: impl FnMut(&mut ModuleHost, u32),
    ) -> Result<u32> {
        let token = setup.token();
        let mut step = 0;
        let mut next = |host: &mut ModuleHost| {
            step += 1;
            before(host, step);
        };
        self.releases += 1;
        let one_time = host.unlock_begin(token, &setup.trusted())?;
        next(host);
        let context = Context { release: self.releases, ..setup.context(&one_time) };
        host.unlock_open(token, &setup.answer(&context, &one_time))?;
        next(host);
        let first = if self.rotates { SoLogin::Next } else { SoLogin::Current };
        let mut proven = self.either(setup, host, first)?;
        next(host);
        host.init_pin(token, &Pin::new(NEW_PIN))?;
        next(host);
        if proven == SoLogin::Current {
            self.rotates = true;
            host.rotate_so_pin(token)?;
            next(host);
            proven = self.either(setup, host, SoLogin::Next)?;
            next(host);
        }
        host.login(token, &Pin::new(NEW_PIN))?;
        next(host);
        let version = if proven == SoLogin::Next { NEXT_VERSION } else { CURRENT_VERSION };
        let opened = host.unlock_opened(token)?.ok_or(TokenError::ReleaseGone)?;
        assert_eq!(opened.proven_version, Some(version));
        setup.sign(host, &setup.unlocked(&opened, version))?;
        next(host);
        host.unlock_end(token)?;
        Ok(version)
    }

    fn finish(&mut self, setup: &Desk, host: &mut ModuleHost, version: u32, what: &str) {
        let so_pin = if version == NEXT_VERSION { NEXT } else { CURRENT };
        assert_eq!(setup.state().so_pin_retry_counter, setup.state().so_pin_retry_limit, "{what}");
        assert!(setup.user_pin_is(NEW_PIN), "{what}");
        assert!(setup.so_pin_is(so_pin), "{what}");
        assert_eq!(setup.state().certificates, 1, "{what}");
        assert!(host.unlock_opened(setup.token()).unwrap().is_none(), "{what}");
    }
}

fn survives(fault: &Fault) {
    let what = format!("{fault:?}");
    let setup = Desk::new();
    let (mut host, mut flow) = (setup.host(), Flow::default());
    setup.fault(fault);
    let version = loop {
        match flow.release(&setup, &mut host, |_, _| ()) {
            Ok(version) => break version,
            Err(error) => {
                shows_no_secret(&error);
                assert!(flow.releases < 3, "{what}: {error:?}");
                setup.fixture.put_in();
            }
        }
    };
    let struck = ycd_softkey::admin::faults(setup.fixture.dir.path()).unwrap();
    assert!(struck.rules[0].struck, "{what} did not happen");
    flow.finish(&setup, &mut host, version, &what);
}

/// Of the three functions that matter, each time they are called.
const CALLS: [(&str, u64); 5] =
    [("C_Login", 1), ("C_Login", 2), ("C_Login", 3), ("C_InitPIN", 1), ("C_SetPIN", 1)];

#[test]
fn a_crash_at_each_call_acted_or_not() {
    for (function, at) in CALLS {
        survives(&Fault::at_occurrence(function, at, Action::Crash));
        survives(&Fault::at_occurrence(function, at, Action::Crash).after());
    }
}

#[test]
fn an_error_at_each_call_acted_or_not() {
    for (function, at) in CALLS {
        for rv in [CKR_DEVICE_ERROR, CKR_GENERAL_ERROR, CKR_DEVICE_REMOVED] {
            survives(&Fault::at_occurrence(function, at, Action::Code(rv)));
            survives(&Fault::at_occurrence(function, at, Action::Code(rv)).after());
        }
    }
}

#[test]
fn a_pull_at_each_call_acted_or_not() {
    for (function, at) in CALLS {
        survives(&Fault::at_occurrence(function, at, Action::Unplug));
        survives(&Fault::at_occurrence(function, at, Action::Unplug).after());
    }
    for function in ["C_InitPIN", "C_SetPIN"] {
        survives(&Fault::at(function, Action::Torn(Leaves::Nothing)));
    }
}

#[test]
fn a_change_that_is_confirmed_and_lost() {
    for function in ["C_InitPIN", "C_SetPIN"] {
        survives(&Fault::at(function, Action::Eat));
    }
}

#[test]
fn a_module_that_always_lies_about_the_rotation_costs_no_pin() {
    let setup = Desk::new();
    let (mut host, mut flow) = (setup.host(), Flow::default());
    setup.fault(&Fault::at("C_SetPIN", Action::Eat).always());
    let version = flow.release(&setup, &mut host, |_, _| ()).unwrap();
    assert_eq!(version, CURRENT_VERSION);
    flow.finish(&setup, &mut host, version, "a liar");
}

#[test]
fn under_one_release_a_rotation_that_fails_twice_is_given_up() {
    let setup = Desk::new();
    let (mut host, mut flow) = (setup.host(), Flow::default());
    setup.fault(&Fault::at("C_SetPIN", Action::Eat).always());
    setup.opened(&mut host);
    flow.so_login(&setup, &mut host, &SoLogin::Current).unwrap();
    for _ in 0..2 {
        host.rotate_so_pin(setup.token()).unwrap();
        let error = flow.so_login(&setup, &mut host, &SoLogin::Next).unwrap_err();
        assert_eq!(error.code(), "token.so_pin_incorrect");
        flow.so_login(&setup, &mut host, &SoLogin::Current).unwrap();
    }
    setup.fixture.trace();
    assert_eq!(host.rotate_so_pin(setup.token()).unwrap_err().code(), "token.release_refused");
    assert_eq!(setup.fixture.calls("C_SetPIN"), 0);
}

#[test]
fn a_rotation_of_which_nothing_is_known_answers_so_and_logs_out() {
    for fault in [
        Fault::at("C_SetPIN", Action::Code(CKR_DEVICE_ERROR)),
        Fault::at("C_SetPIN", Action::Code(CKR_DEVICE_ERROR)).after(),
        Fault::at("C_SetPIN", Action::Crash).after(),
        // Not believed of the PIN that has just opened the token.
        Fault::at("C_SetPIN", Action::Code(0xA0)),
    ] {
        let setup = Desk::new();
        let mut host = setup.host();
        setup.opened(&mut host);
        setup.so_login(&mut host, SoLogin::Current).unwrap();
        setup.fault(&fault);
        let error = host.rotate_so_pin(setup.token()).unwrap_err();
        assert_eq!(error, TokenError::Unknown { operation: "rotate_so_pin".into() }, "{fault:?}");
        let error = host.init_pin(setup.token(), &Pin::new(NEW_PIN)).unwrap_err();
        assert!(matches!(error, TokenError::NotLoggedIn | TokenError::ReleaseGone), "{fault:?}: {error:?}");
    }
}

#[test]
fn an_init_pin_of_which_nothing_is_known_answers_so() {
    for fault in [
        Fault::at("C_InitPIN", Action::Code(CKR_DEVICE_ERROR)).after(),
        Fault::at("C_InitPIN", Action::Crash),
        Fault::at("C_InitPIN", Action::Torn(Leaves::Nothing)),
    ] {
        let setup = Desk::new();
        let mut host = setup.host();
        setup.opened(&mut host);
        setup.so_login(&mut host, SoLogin::Current).unwrap();
        setup.fault(&fault);
        let error = host.init_pin(setup.token(), &Pin::new(NEW_PIN)).unwrap_err();
        assert_eq!(error, TokenError::Unknown { operation: "init_pin".into() }, "{fault:?}");
    }
    // Refused, and so not done.
    const CKR_PIN_LEN_RANGE: u32 = 0xA2;
    let setup = Desk::new();
    let mut host = setup.host();
    setup.opened(&mut host);
    setup.so_login(&mut host, SoLogin::Current).unwrap();
    setup.fault(&Fault::at("C_InitPIN", Action::Code(CKR_PIN_LEN_RANGE)));
    let error = host.init_pin(setup.token(), &Pin::new(NEW_PIN)).unwrap_err();
    assert_eq!(error, TokenError::PinInvalid { min_len: 6, max_len: 16 });
    host.init_pin(setup.token(), &Pin::new(NEW_PIN)).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn a_host_killed_between_any_two_calls_leaves_a_token_that_another_release_unlocks() {
    for at in 1..=8 {
        let setup = Desk::new();
        let (mut host, mut flow) = (setup.host(), Flow::default());
        let mut killed = false;
        let kill = |host: &mut ModuleHost, step: u32| {
            if step == at {
                crate::process::kill(host);
                killed = true;
            }
        };
        let first = flow.release(&setup, &mut host, kill);
        assert!(killed, "no step {at}");
        let version = match first {
            // After the authorization nothing is left to do.
            Ok(version) => {
                assert_eq!(at, 8);
                version
            }
            Err(error) => {
                let code = error.code();
                assert!(matches!(code, "token.release_gone" | "token.not_logged_in"), "{at}: {error:?}");
                flow.release(&setup, &mut host, |_, _| ()).unwrap()
            }
        };
        flow.finish(&setup, &mut host, version, &format!("killed at {at}"));
    }
}
