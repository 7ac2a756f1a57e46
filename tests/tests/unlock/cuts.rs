//! The process ends, or the token is pulled, between any two calls to the token: the same call, once more, ends well.

use std::ops::ControlFlow;
use std::{cell::Cell, rc::Rc};

use ycd_flows::{prompts::TokenProblem, unlock::UnlockStep};
use ycd_softkey::{
    admin,
    fault::{Action, Fault, When as FaultWhen},
};
use ycd_tests::cut::Between;

use super::scene::{NEW, locked, unlocked_order};

/// Moments before and after calls of a straight unlock.
fn moments() -> usize {
    let mut scene = locked();
    let mut prompter = scene.prompter();
    let portal = scene.world.visitor();
    let seen = Rc::new(Cell::new(0));
    let count = seen.clone();
    let outcome = scene.machine.unlock_through(&portal, &mut prompter, |tokens| {
        Box::new(Between::new(tokens, move |_, _| count.set(count.get() + 1)))
    });
    unlocked_order(outcome);
    seen.get()
}

#[test]
fn a_crash_between_any_two_calls_is_taken_up() {
    let moments = moments();
    assert!(moments > 30, "{moments}");
    // Every second one here, beginning with the first; the other half lies between the same two calls.
    for n in (0..moments).step_by(2) {
        let mut scene = locked();
        let mut prompter = scene.prompter();
        let crashed = scene.crash(&mut prompter, |tokens| Between::crashes_at(tokens, n));
        assert!(crashed, "moment {n}");
        let mut prompter = scene.prompter().knows(NEW);
        match scene.unlock_by(&mut prompter) {
            Ok(_) => scene.is_well(NEW),
            // Everything was over but for the word to the person.
            Err(error) => assert_eq!(error.code(), "unlock.not_locked", "moment {n}"),
        }
    }
}

#[test]
fn a_token_that_is_pulled_between_any_two_calls_is_unlocked_once_it_is_back() {
    let moments = moments();
    for n in (1..moments).step_by(3) {
        let mut scene = locked();
        let (folder, serial) = (scene.world.softkey_dir(), scene.token.serial_number.clone());
        let mut prompter = scene.prompter();
        prompter.knows = Some(NEW.to_owned());
        prompter.on_token = {
            let (folder, serial) = (folder.clone(), serial.clone());
            Box::new(move |_| {
                admin::insert(&folder, &serial).unwrap();
                ControlFlow::Continue(())
            })
        };
        let portal = scene.world.visitor();
        let mut seen = 0;
        let outcome = scene.machine.unlock_through(&portal, &mut prompter, |tokens| {
            Box::new(Between::new(tokens, move |_, _| {
                if seen == n {
                    admin::remove(&folder, &serial).unwrap();
                }
                seen += 1;
            }))
        });
        assert!(outcome.is_ok(), "moment {n}: {outcome:?}");
        admin::insert(scene.world.softkey_dir(), &scene.token.serial_number).unwrap();
        scene.is_well(NEW);
    }
}

/// Inside the calls: the module crashes, loses the token, or answers with an error, before or after it acted.
#[test]
fn whatever_happens_inside_a_call_the_next_run_ends_well() {
    for function in ["C_Login", "C_InitPIN", "C_SetPIN", "C_Logout", "C_Sign"] {
        for action in [Action::Crash, Action::Unplug, Action::Code(0x0000_0005)] {
            for when in [FaultWhen::Before, FaultWhen::After] {
                let mut scene = locked();
                let fault = Fault { when, ..Fault::at(function, action) };
                admin::set_fault(scene.world.softkey_dir(), None, &fault).unwrap();
                let mut prompter = scene.prompter();
                prompter.knows = Some(NEW.to_owned());
                let (folder, serial) = (scene.world.softkey_dir(), scene.token.serial_number.clone());
                prompter.on_token = Box::new(move |_| {
                    admin::insert(&folder, &serial).unwrap();
                    ControlFlow::Continue(())
                });
                let what = format!("{function} {action:?} {when:?}");
                if scene.unlock_by(&mut prompter).is_err() {
                    let _ = admin::insert(scene.world.softkey_dir(), &scene.token.serial_number);
                    let mut prompter = scene.prompter().knows(NEW);
                    prompter.has_forgotten = true;
                    let outcome = scene.unlock_by(&mut prompter);
                    assert!(outcome.is_ok(), "{what}: {outcome:?}");
                }
                scene.is_well(NEW);
            }
        }
    }
}

#[test]
fn a_pulled_token_is_asked_for_with_the_step_that_it_stopped_at_until_it_is_back() {
    let mut scene = locked();
    admin::set_fault(scene.world.softkey_dir(), None, &Fault::at("C_InitPIN", Action::Unplug)).unwrap();
    let mut prompter = scene.prompter();
    let (folder, serial) = (scene.world.softkey_dir(), scene.token.serial_number.clone());
    let mut looks = 0;
    prompter.on_token = Box::new(move |_| {
        looks += 1;
        if looks == 2 {
            admin::insert(&folder, &serial).unwrap();
        }
        ControlFlow::Continue(())
    });
    scene.unlock_by(&mut prompter).unwrap();
    scene.is_well(NEW);
    let pulled =
        TokenProblem::Pulled { wanted: Some(scene.token.token_id.clone()), at: UnlockStep::SetPin.name() };
    assert_eq!(prompter.heard.token_problems, [pulled.clone(), pulled]);
}
