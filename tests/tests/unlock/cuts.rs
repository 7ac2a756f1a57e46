//! The process ends, or the key is pulled, between any two calls to the key: the same call, once more, ends well.

use std::{cell::Cell, rc::Rc};

use ycd_flows::{
    conversation::{Go, KeyProblem},
    unlock::UnlockStep,
};
use ycd_softkey::{
    admin,
    fault::{Action, Fault, When as FaultWhen},
};
use ycd_tests::cut::Between;

use super::scene::{NEW, locked, unlocked_order};

/// Moments before and after calls of a straight unlock.
fn moments() -> usize {
    let mut scene = locked();
    let mut person = scene.person();
    let portal = scene.world.visitor();
    let seen = Rc::new(Cell::new(0));
    let count = seen.clone();
    let outcome = scene.machine.unlock_through(&portal, &mut person, |keys| {
        Box::new(Between::new(keys, move |_, _| count.set(count.get() + 1)))
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
        let mut person = scene.person();
        let crashed = scene.crash(&mut person, |keys| Between::crashes_at(keys, n));
        assert!(crashed, "moment {n}");
        let mut person = scene.person().knows(NEW);
        match scene.unlock_by(&mut person) {
            Ok(_) => scene.is_well(NEW),
            // Everything was over but for the word to the person.
            Err(error) => assert_eq!(error.code(), "unlock.not_locked", "moment {n}"),
        }
    }
}

#[test]
fn a_key_that_is_pulled_between_any_two_calls_is_unlocked_once_it_is_back() {
    let moments = moments();
    for n in (1..moments).step_by(3) {
        let mut scene = locked();
        let (folder, serial) = (scene.world.keys_folder(), scene.key.serial_number.clone());
        let mut person = scene.person();
        person.knows = Some(NEW.to_owned());
        person.on_key = {
            let (folder, serial) = (folder.clone(), serial.clone());
            Box::new(move |_| {
                admin::insert(&folder, &serial).unwrap();
                Go::On
            })
        };
        let portal = scene.world.visitor();
        let mut seen = 0;
        let outcome = scene.machine.unlock_through(&portal, &mut person, |keys| {
            Box::new(Between::new(keys, move |_, _| {
                if seen == n {
                    admin::remove(&folder, &serial).unwrap();
                }
                seen += 1;
            }))
        });
        assert!(outcome.is_ok(), "moment {n}: {outcome:?}");
        admin::insert(scene.world.keys_folder(), &scene.key.serial_number).unwrap();
        scene.is_well(NEW);
    }
}

/// Inside the calls: the module crashes, loses the key, or answers with an error, before or after it acted.
#[test]
fn whatever_happens_inside_a_call_the_next_run_ends_well() {
    for function in ["C_Login", "C_InitPIN", "C_SetPIN", "C_Logout", "C_Sign"] {
        for action in [Action::Crash, Action::Unplug, Action::Code(0x0000_0005)] {
            for when in [FaultWhen::Before, FaultWhen::After] {
                let mut scene = locked();
                let fault = Fault { when, ..Fault::at(function, action) };
                admin::set_fault(scene.world.keys_folder(), None, &fault).unwrap();
                let mut person = scene.person();
                person.knows = Some(NEW.to_owned());
                let (folder, serial) = (scene.world.keys_folder(), scene.key.serial_number.clone());
                person.on_key = Box::new(move |_| {
                    admin::insert(&folder, &serial).unwrap();
                    Go::On
                });
                let what = format!("{function} {action:?} {when:?}");
                if scene.unlock_by(&mut person).is_err() {
                    let _ = admin::insert(scene.world.keys_folder(), &scene.key.serial_number);
                    let mut person = scene.person().knows(NEW);
                    person.has_forgotten = true;
                    let outcome = scene.unlock_by(&mut person);
                    assert!(outcome.is_ok(), "{what}: {outcome:?}");
                }
                scene.is_well(NEW);
            }
        }
    }
}

#[test]
fn a_pulled_key_is_asked_for_with_the_step_that_it_stopped_at_until_it_is_back() {
    let mut scene = locked();
    admin::set_fault(scene.world.keys_folder(), None, &Fault::at("C_InitPIN", Action::Unplug)).unwrap();
    let mut person = scene.person();
    let (folder, serial) = (scene.world.keys_folder(), scene.key.serial_number.clone());
    let mut looks = 0;
    person.on_key = Box::new(move |_| {
        looks += 1;
        if looks == 2 {
            admin::insert(&folder, &serial).unwrap();
        }
        Go::On
    });
    scene.unlock_by(&mut person).unwrap();
    scene.is_well(NEW);
    let pulled = KeyProblem::Pulled { wanted: Some(scene.key.key_id.clone()), at: UnlockStep::SetPin.name() };
    assert_eq!(person.heard.key_problems, [pulled.clone(), pulled]);
}
