//! The traces that `unlock_model.py` prints for its variants A to L, each of which lacks a rule and breaks: here each
//! ends well, with the token's SO PIN among those the portal keeps and no try of it lost.

use ycd_flows::unlock::UnlockStep;
use ycd_portal_api::wire::orders::PublicStatus;
use ycd_softkey::{
    admin,
    fault::{Action, Fault},
};
use ycd_tests::{
    cut::{Between, When},
    prompter::UnlockScript,
};
use ycd_token::profile::Tristate;

use super::scene::{NEW, Scene, code, locked, unlocked, unlocked_order};

/// A: with one pending *next* that each release makes anew, the SO PIN that SetPIN put on the token before the crash is
/// forgotten by the portal.
#[test]
fn a_crash_right_after_set_pin_leaves_a_so_pin_that_the_portal_keeps() {
    let mut scene = locked();
    let mut prompter = scene.prompter();
    assert!(scene.crash(&mut prompter, |tokens| Between::crashes(tokens, When::After, "rotate_so_pin")));
    unlocked_order(scene.unlock());
    scene.is_well(NEW);
    assert_eq!(scene.record().current_version, 2);
}

/// B, C: with every *next* kept, crashes between J(rotate) and SetPIN pile up versions until the tries are spent.
#[test]
fn crashes_between_the_record_and_set_pin_pile_up_no_versions() {
    let mut scene = locked();
    for _ in 0..2 {
        let mut prompter = scene.prompter();
        assert!(scene.crash(&mut prompter, |tokens| Between::crashes(tokens, When::Before, "rotate_so_pin")));
        let record = scene.record();
        assert_eq!((record.current_version, record.next_version), (1, Some(2)));
    }
    unlocked_order(scene.unlock());
    scene.is_well(NEW);
    assert_eq!(scene.record().current_version, 2);
}

/// D: where tries cannot be read, counting only reported failures lets the token die. Here each release counts as one.
#[test]
fn where_tries_cannot_be_read_releases_count_until_a_login_is_proven() {
    let mut scene = locked();
    let mut profile = ycd_tests::world::profile("softkey");
    profile.unlock.tells_so_pin_retry_counter = Tristate::Unknown;
    let max = 5;
    let mut refused = None;
    for n in 0..max {
        scene.machine = scene.world.machine_with("a", &profile);
        let mut prompter = scene.prompter();
        let crashed = {
            let portal = scene.world.visitor();
            let machine = &mut scene.machine;
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                machine.unlock_through(&portal, &mut prompter, |tokens| {
                    Box::new(Between::crashes(tokens, When::Before, "so_login"))
                })
            }))
        };
        match crashed {
            Err(_) => assert_eq!(scene.record().unproven_releases, n + 1),
            Ok(outcome) => {
                refused = Some(code(outcome));
                break;
            }
        }
    }
    let refused = refused.expect("it stops before the tries could be spent");
    assert!(
        matches!(refused.as_str(), "unlock.so_pin_retry_counter_low" | "unlock.releases_used_up"),
        "{refused}"
    );
    let (left, max) = scene.so_pin_retry_counter();
    assert_eq!(left, max, "no try was spent");
}

/// E: after a lost journal the wrong SO PIN is guessed first; without the other one in the same release each order
/// would spend a release for nothing.
#[test]
fn after_a_wrong_guess_the_other_so_pin_is_tried_in_the_same_release() {
    let mut scene = locked();
    let mut prompter = scene.prompter();
    assert!(scene.crash(&mut prompter, |tokens| Between::crashes(tokens, When::After, "rotate_so_pin")));
    // Another machine, which knows of no rotation, goes on.
    scene.machine = scene.world.machine("b");
    unlocked_order(scene.unlock());
    scene.is_well(NEW);
    let record = scene.record();
    assert_eq!((record.current_version, record.next_version), (2, None));
}

/// F, G: the second guess needs two tries only, because one of the two is right for certain.
#[test]
fn a_wrong_first_guess_never_leaves_the_token_with_fewer_than_two_tries() {
    let mut scene = locked();
    let mut prompter = scene.prompter();
    assert!(scene.crash(&mut prompter, |tokens| Between::crashes(tokens, When::After, "rotate_so_pin")));
    scene.machine = scene.world.machine("b");
    let folder = scene.world.softkey_dir();
    let serial = scene.token.serial_number.clone();
    let least = std::rc::Rc::new(std::cell::Cell::new(u32::MAX));
    let seen = least.clone();
    let mut prompter = scene.prompter();
    let portal = scene.world.visitor();
    let outcome = scene.machine.unlock_through(&portal, &mut prompter, |tokens| {
        Box::new(Between::new(tokens, move |_, _| {
            let tokens = admin::list(&folder).unwrap();
            let token = tokens.iter().find(|token| token.serial_number == serial).unwrap();
            seen.set(seen.get().min(token.so_pin_retry_counter));
        }))
    });
    unlocked_order(outcome);
    let (_, max) = scene.so_pin_retry_counter();
    assert_eq!(least.get(), max - 1, "one guess was wrong, and only one");
    scene.is_well(NEW);
}

/// H: without the portal's word directly before the login, an older release guesses with versions that have moved on.
#[test]
fn an_older_release_is_not_used_once_there_is_a_newer_one() {
    let mut scene = locked();
    let mut prompter = scene.prompter();
    // Machine a has its release open when machine b asks for another one, and unlocks.
    let Scene { world, token, machine } = &mut scene;
    let portal = world.visitor();
    let mut b = Some(world.machine("b"));
    let hook = |name: &'static str, when: When| {
        if name == "unlock_nonce"
            && when == When::Before
            && let Some(mut b) = b.take()
        {
            world.time_passes(time::Duration::seconds(61));
            let mut other = UnlockScript::new(world.phone(&token.phone), "314159");
            unlocked_order(b.unlock(&portal, &mut other));
        }
    };
    let outcome =
        machine.unlock_through(&portal, &mut prompter, |tokens| Box::new(Between::new(tokens, hook)));
    // The order is completed by b; a's release is dead, and a has spent no try.
    let code = match outcome {
        Err(error) => error.code().to_owned(),
        Ok(outcome) => panic!("{outcome:?}"),
    };
    assert!(
        matches!(
            code.as_str(),
            "unlock.not_locked" | "unlock.order_over" | "unlock.release_stale" | "auth.step_up_invalid"
        ),
        "{code}"
    );
    scene.is_well("314159");
}

/// I: "the PIN works already" must not complete an order when the PIN was set by nobody under it.
#[test]
fn a_pin_that_was_known_all_along_completes_no_order() {
    let mut scene = unlocked();
    let mut prompter = scene.prompter().stops_at(UnlockStep::SetPin);
    prompter.has_forgotten = true;
    assert_eq!(code(scene.unlock_by(&mut prompter)), "unlock.stopped");
    assert_eq!(scene.orders()[0].order.summary.state, PublicStatus::AwaitingUnlock);

    // Taken up, the old PIN remembered: it is not asked for, a new one is set.
    let mut prompter = scene.prompter().knows(ycd_tests::world::PIN);
    unlocked_order(scene.unlock_by(&mut prompter));
    assert_eq!(prompter.heard.pin_set_before, 0);
    scene.is_well(NEW);
}

/// J, K: an order that is completed because the PIN works says nothing about the SO PIN, and the portal believes
/// nothing about it.
#[test]
fn a_proof_that_names_no_so_pin_moves_none() {
    let mut scene = locked();
    let mut prompter = scene.prompter();
    assert!(scene.crash(&mut prompter, |tokens| Between::crashes(tokens, When::Before, "rotate_so_pin")));
    let mut prompter = scene.prompter().knows(NEW);
    unlocked_order(scene.unlock_by(&mut prompter));
    assert_eq!(prompter.heard.pin_set_before, 1);
    assert!(prompter.heard.new_pins.is_empty(), "no new PIN was needed");
    let record = scene.record();
    assert_eq!((record.current_version, record.next_version), (1, Some(2)));

    // The next order still opens it.
    scene.lock();
    unlocked_order(scene.unlock());
    scene.is_well(NEW);
    assert_eq!(scene.record().current_version, 2);
}

/// L: SetPIN may say yes and do nothing: only a login proves the new SO PIN.
#[test]
fn a_set_pin_that_lies_is_found_out() {
    let mut scene = locked();
    let fault = Fault::at("C_SetPIN", Action::Eat);
    admin::set_fault(scene.world.softkey_dir(), None, &fault).unwrap();
    unlocked_order(scene.unlock());
    let record = scene.record();
    assert_eq!((record.current_version, record.next_version), (1, Some(2)), "the SO PIN is the old one");
    scene.is_well(NEW);

    scene.lock();
    unlocked_order(scene.unlock());
    assert_eq!(scene.record().current_version, 2);
    scene.is_well(NEW);
}
