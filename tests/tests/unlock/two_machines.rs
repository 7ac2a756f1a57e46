//! Two machines, and two processes of one.

use ycd_tests::{
    cut::{Between, When},
    prompter::UnlockScript,
};

use super::scene::{NEW, Scene, code, locked, unlocked_order};

#[test]
fn a_machine_that_has_never_seen_the_work_takes_it_up() {
    for name in ["init_pin", "rotate_so_pin", "sign_authorization"] {
        for when in [When::Before, When::After] {
            let mut scene = locked();
            let mut prompter = scene.prompter();
            assert!(scene.crash(&mut prompter, |tokens| Between::crashes(tokens, when, name)));
            scene.machine = scene.world.machine("another");
            let mut prompter = scene.prompter();
            unlocked_order(scene.unlock_by(&mut prompter));
            scene.is_well(NEW);
        }
    }
}

#[test]
fn two_processes_of_a_machine_do_not_unlock_one_token_at_once() {
    let mut scene = locked();
    let mut prompter = scene.prompter();
    let Scene { world, token, machine } = &mut scene;
    let portal = world.visitor();
    let mut second = world.machine("a");
    let mut refused = None;
    let hook = |name: &'static str, when: When| {
        if name == "so_login" && when == When::Before && refused.is_none() {
            let mut other = UnlockScript::new(world.phone(&token.phone), "314159");
            refused = Some(code(second.unlock(&portal, &mut other)));
        }
    };
    let outcome =
        machine.unlock_through(&portal, &mut prompter, |tokens| Box::new(Between::new(tokens, hook)));
    unlocked_order(outcome);
    assert_eq!(refused.as_deref(), Some("flow.token_busy"));
    scene.is_well(NEW);
}

#[test]
fn two_tokens_are_unlocked_beside_each_other() {
    let mut scene = locked();
    let maker = ycd_tests::world::Maker {
        company: "叙永机电设备有限公司",
        phone: ycd_tests::world::OTHER_PHONE,
        ..Default::default()
    };
    let other = scene.world.issued_token(&maker);
    scene.world.insert(&other.serial_number);
    let mut prompter = scene.prompter();
    assert_eq!(code(scene.unlock_by(&mut prompter)), "flow.several_tokens");
    let options =
        ycd_flows::unlock::Options { token: Some(scene.token.token_id.clone()), ..Default::default() };
    let mut prompter = scene.prompter();
    unlocked_order(scene.unlock_with(&mut prompter, options));
    scene.world.pull(&other.serial_number);
    scene.is_well(NEW);
}
