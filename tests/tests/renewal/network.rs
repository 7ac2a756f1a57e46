//! The connection is cut, doubled, slow or lying, at each call of a renewal.

use std::{sync::Mutex, time::Duration};

use ycd_flows::FlowError;
use ycd_tests::{
    prompter::Scripted,
    proxy::Fate,
    world::{PIN, World},
};

use super::{ended_well, old_one_still_serves};

/// How many requests an undisturbed renewal makes.
fn requests_of_a_renewal() -> usize {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    world.proxy.pass_all();
    machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    world.proxy.calls().len()
}

/// The `n`-th request meets its fate, and so does every further try of it within the call; then the network is well
/// again and the work is taken up.
fn met_at_each_request(fate: &Fate) {
    let requests = requests_of_a_renewal();
    assert!(requests >= 7, "{requests}");
    let next = Mutex::new(0..requests);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(n) = next.lock().unwrap().next() else { break };
                    met_at(n, fate);
                }
            });
        }
    });
}

fn met_at(n: usize, fate: &Fate) {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let (meets, mut struck) = (fate.clone(), None);
    world.proxy.set(move |call| {
        let is_it = call.index == n || struck.as_ref() == Some(&(call.method.clone(), call.path.clone()));
        if is_it {
            struck = Some((call.method.clone(), call.path.clone()));
            meets.clone()
        } else {
            Fate::Pass
        }
    });
    let outcome = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order);
    world.proxy.pass_all();
    let renewed = match outcome {
        Ok(renewed) => renewed,
        Err(error) => {
            assert!(
                matches!(error, FlowError::Portal { .. } | FlowError::CertificateMismatch { .. }),
                "{fate:?} at request {n}: {error}"
            );
            assert!(!error.code().is_empty());
            machine
                .renew(&portal, &mut Scripted::with_pin(PIN), &order)
                .unwrap_or_else(|error| panic!("{fate:?} at request {n}, taken up: {error}"))
        }
    };
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn cut_before_the_portal_acted() {
    met_at_each_request(&Fate::CutBefore);
}

#[test]
fn cut_after_the_portal_acted() {
    met_at_each_request(&Fate::CutAfter);
}

#[test]
fn answered_500() {
    let body = r#"{"type":"about:blank","title":"x","status":500,"code":"portal.internal"}"#.to_owned();
    met_at_each_request(&Fate::Answer { status: 500, content_type: "application/problem+json", body });
}

#[test]
fn answered_with_garbage() {
    let body = "<html><body>欢迎登录校园网</body></html>".to_owned();
    met_at_each_request(&Fate::Answer { status: 200, content_type: "text/html", body });
}

#[test]
fn sent_twice() {
    met_at_each_request(&Fate::Twice);
}

#[test]
fn a_portal_that_is_down_is_said_to_be_down_and_nothing_is_lost() {
    let mut world = World::new();
    let (token, order) = world.token_with_order();
    let portal = world.applicant(&token.phone);
    let mut machine = world.machine("a");
    let address = portal.clone();
    world.stop_portal();
    let error = machine.renew(&address, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert!(matches!(error.code(), "portal.unreachable" | "portal.cut"), "{error}");
    world.start_portal();
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn a_portal_that_is_too_slow_is_given_up_on_and_the_work_is_taken_up() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    world.proxy.set(|call| {
        if call.path.ends_with("/confirm") { Fate::Slow(Duration::from_secs(6)) } else { Fate::Pass }
    });
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "portal.timeout");
    world.proxy.pass_all();
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn a_session_that_ended_asks_for_a_new_login_and_the_work_goes_on() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    machine
        .renew(&portal, &mut Scripted::with_pin(PIN).stops_at(ycd_flows::renewal::Step::Write), &order)
        .unwrap_err();
    world.time_passes(time::Duration::days(2));
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "auth.session_expired");
    old_one_still_serves(&world, &mut machine, &token);
    let renewed =
        machine.renew(&world.applicant(&token.phone), &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}
