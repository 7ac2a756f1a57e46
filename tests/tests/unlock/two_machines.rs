//! Two machines, and two processes of one.

use ycd_tests::{
    cut::{Between, When},
    person::UnlockScript,
};

use super::scene::{NEW, Scene, code, locked, unlocked_order};

#[test]
fn a_machine_that_has_never_seen_the_work_takes_it_up() {
    for name in ["init_pin", "rotate_so_pin", "sign_statement"] {
        for when in [When::Before, When::After] {
            let mut scene = locked();
            let mut person = scene.person();
            assert!(scene.crash(&mut person, |keys| Between::crashes(keys, when, name)));
            scene.machine = scene.world.machine("another");
            let mut person = scene.person();
            unlocked_order(scene.unlock_by(&mut person));
            scene.is_well(NEW);
        }
    }
}

#[test]
fn two_processes_of_a_machine_do_not_unlock_one_key_at_once() {
    let mut scene = locked();
    let mut person = scene.person();
    let Scene { world, key, machine } = &mut scene;
    let portal = world.visitor();
    let mut second = world.machine("a");
    let mut refused = None;
    let hook = |name: &'static str, when: When| {
        if name == "so_login" && when == When::Before && refused.is_none() {
            let mut other = UnlockScript::new(world.phone(&key.phone), "314159");
            refused = Some(code(second.unlock(&portal, &mut other)));
        }
    };
    let outcome = machine.unlock_through(&portal, &mut person, |keys| Box::new(Between::new(keys, hook)));
    unlocked_order(outcome);
    assert_eq!(refused.as_deref(), Some("flow.key_busy"));
    scene.is_well(NEW);
}

#[test]
fn two_keys_are_unlocked_beside_each_other() {
    let mut scene = locked();
    let maker = ycd_tests::world::Maker {
        company: "叙永机电设备有限公司",
        phone: ycd_tests::world::OTHER_PHONE,
        ..Default::default()
    };
    let other = scene.world.issued_key(&maker);
    scene.world.insert(&other.serial_number);
    let mut person = scene.person();
    assert_eq!(code(scene.unlock_by(&mut person)), "flow.several_keys");
    let options = ycd_flows::unlock::Options { key: Some(scene.key.key_id.clone()), ..Default::default() };
    let mut person = scene.person();
    unlocked_order(scene.unlock_with(&mut person, options));
    scene.world.pull(&other.serial_number);
    scene.is_well(NEW);
}
