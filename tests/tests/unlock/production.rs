//! A blank key becomes an applicant's, however often it is cut off.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ycd_softkey::admin;
use ycd_tests::{
    cut::{Between, Crash},
    world::{Maker, World, open_keys},
};
use ycd_token::{KeyId, Pin, Token as _};

#[test]
fn a_production_that_was_cut_off_anywhere_is_taken_up() {
    for (cuts, n) in (0..).step_by(3).enumerate() {
        let world = World::new();
        let serial = world.blank_key("USBKEY", None);
        let key = KeyId::new("softkey", &serial);
        let maker = Maker::default();
        let crashed = {
            let mut keys = open_keys(&world.keys_folder());
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let mut between = Between::crashes_at(&mut keys, n);
                world.produce(&mut between, &key, &maker)
            }));
            match outcome {
                Ok(_) => false,
                Err(cause) if cause.is::<Crash>() => true,
                Err(cause) => std::panic::resume_unwind(cause),
            }
        };
        let mut keys = open_keys(&world.keys_folder());
        let made = world.produce(&mut keys, &key, &maker);
        assert_eq!(made.record.current_version, 1, "cut {n}");
        keys.login(&key, &Pin::new(ycd_tests::world::PIN)).unwrap();
        let contents = keys.read(&key).unwrap();
        assert_eq!(contents.containers.len(), 1, "cut {n}: {contents:?}");
        assert_eq!(
            contents.containers[0].certificates,
            std::slice::from_ref(&made.certificate.certificate.0)
        );
        let listed = admin::list(world.keys_folder()).unwrap();
        assert_eq!(listed[0].so_pin_tries_left, listed[0].so_pin_tries_max);
        if !crashed {
            assert!(cuts > 8, "{cuts}");
            return;
        }
    }
}

#[test]
fn the_makers_so_pin_is_no_longer_the_keys() {
    let world = World::new();
    let key = world.issued_key(&Maker::default());
    world.insert(&key.serial_number);
    let folder = world.keys_folder();
    assert!(
        admin::try_so_pin(&folder, &key.serial_number, &ycd_tests::world::FACTORY_SO_PIN.into()).is_err()
    );
}

#[test]
fn a_wrong_so_pin_of_the_maker_stops_the_production_with_one_or_two_tries_spent() {
    let world = World::new();
    let serial = world.blank_key("USBKEY", None);
    let key = KeyId::new("softkey", &serial);
    let mut keys = open_keys(&world.keys_folder());
    let error = world.production_with(&mut keys, &key, &Maker::default(), "11112222").unwrap_err();
    assert_eq!(error.code(), "token.so_pin_incorrect");
    let listed = admin::list(world.keys_folder()).unwrap();
    assert!(listed[0].so_pin_tries_left + 2 >= listed[0].so_pin_tries_max, "{listed:?}");
    // With the right one it goes on.
    world.produce(&mut keys, &key, &Maker::default());
}

#[test]
fn another_applicant_does_not_get_a_production_that_was_begun() {
    let world = World::new();
    let key = world.issued_key(&Maker::default());
    world.insert(&key.serial_number);
    let mut keys = open_keys(&world.keys_folder());
    let other = Maker { company: "叙永机电设备有限公司", phone: "13900000000", ..Maker::default() };
    let error = world.production(&mut keys, &key.key_id, &other).unwrap_err();
    assert_eq!(error.code(), "production.other_assignment");
}
