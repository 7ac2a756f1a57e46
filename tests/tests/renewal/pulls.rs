//! The token is pulled at every token call of a renewal; put back, the work goes on.

use std::ops::ControlFlow;
use std::sync::Mutex;

use ycd_flows::{prompts::TokenProblem, renewal::Step};
use ycd_softkey::{
    admin,
    fault::{Action, Fault},
};
use ycd_tests::{
    prompter::Scripted,
    world::{PIN, World},
};

use super::{ended_well, old_one_still_serves};

/// How many calls the module gets in one undisturbed renewal, after its host was started.
fn calls_of_a_renewal() -> u64 {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    admin::set_trace(world.softkey_dir(), true).unwrap();
    machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    let calls = admin::trace(world.softkey_dir()).unwrap().len();
    u64::try_from(calls).unwrap()
}

/// Pulls at the n-th call, before or after it took effect, and lets the person put the token back once asked.
fn pulled_at(n: u64, after: bool) {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let fault = Fault::at_call(n, Action::Unplug);
    let fault = if after { fault.after() } else { fault };
    admin::set_fault(world.softkey_dir(), Some(&token.serial_number), &fault).unwrap();

    let (folder, serial) = (world.softkey_dir(), token.serial_number.clone());
    let mut prompter = Scripted::with_pin(PIN);
    prompter.on_token = Box::new(move |_| {
        admin::insert(&folder, &serial).unwrap();
        ControlFlow::Continue(())
    });
    let renewed = machine
        .renew(&portal, &mut prompter, &order)
        .unwrap_or_else(|error| panic!("pulled at call {n} (after: {after}): {error}"));
    // Where the pull came after the last step, or was still to come.
    admin::clear_fault(world.softkey_dir()).unwrap();
    world.insert(&token.serial_number);
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn a_pulled_token_is_asked_for_with_the_step_that_it_stopped_at_until_it_is_back() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    admin::set_fault(world.softkey_dir(), None, &Fault::at("C_GenerateKeyPair", Action::Unplug)).unwrap();
    let (folder, serial) = (world.softkey_dir(), token.serial_number.clone());
    let mut prompter = Scripted::with_pin(PIN);
    let mut looks = 0;
    prompter.on_token = Box::new(move |_| {
        looks += 1;
        if looks == 3 {
            admin::insert(&folder, &serial).unwrap();
        }
        ControlFlow::Continue(())
    });
    let renewed = machine.renew(&portal, &mut prompter, &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
    let pulled = TokenProblem::Pulled { wanted: Some(token.token_id.clone()), at: Step::Generate.name() };
    assert_eq!(prompter.heard.lock().unwrap().token_problems, [pulled.clone(), pulled.clone(), pulled]);
}

#[test]
fn pulled_at_any_token_call_and_put_back_the_renewal_ends_well() {
    let calls = calls_of_a_renewal();
    assert!(calls > 30, "a renewal is more than {calls} calls");
    // All of them in the exhaustive run; a spread of them otherwise.
    let step = if std::env::var_os("YCD_EXHAUSTIVE").is_some() { 1 } else { calls / 24 };
    let next = Mutex::new((1..=calls).step_by(usize::try_from(step.max(1)).unwrap()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(n) = next.lock().unwrap().next() else { break };
                    pulled_at(n, n % 2 == 0);
                }
            });
        }
    });
}

#[test]
fn pulled_and_not_put_back_the_work_is_found_at_the_next_start() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let fault = Fault::at("C_CreateObject", Action::Unplug);
    admin::set_fault(world.softkey_dir(), Some(&token.serial_number), &fault).unwrap();
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "token.removed");
    assert_eq!(error.step(), Some(ycd_flows::renewal::Step::Write.into()));
    let unfinished = machine.journal.unfinished().unwrap();
    assert_eq!(unfinished[0].order, order);
    old_one_still_serves(&world, &mut machine, &token);

    // Another machine, another day.
    drop(machine);
    let mut machine = world.machine("b");
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}
