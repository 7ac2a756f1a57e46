//! A blank key becomes an applicant's, however often it is cut off.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ycd_portal_api::wire::orders::Reason;
use ycd_softkey::admin;
use ycd_tests::{
    cut::{Between, Crash},
    world::{IssuedKey, Maker, PIN, World, open_keys, profile},
};
use ycd_token::{KeyId, Pin, Token as _, profile::Tristate};

const ANOTHER: Maker = Maker {
    company: "叙永机电设备有限公司",
    phone: "13900000000",
    containers: None,
    age_days: 345,
    road: Some(ycd_pki::unlock::Road::Wrapped),
};

/// In use once, with a PIN that its holder chose; its certificate is revoked.
fn revoked_key(world: &World) -> IssuedKey {
    let key = world.issued_key(&Maker::default());
    world.insert(&key.serial_number);
    let mut keys = open_keys(&world.keys_folder());
    keys.change_pin(&key.key_id, &Pin::new(PIN), &Pin::new("271828")).unwrap();
    let reason = Reason { reason: "持有人离职".into() };
    world.operator().revoke_certificate(&key.certificate, &reason).unwrap();
    key
}

/// The new holder's certificate stands on a pair of its own beside the old one, which is as it was.
fn is_anothers(world: &World, key: &IssuedKey, serial: &str) {
    let mut keys = open_keys(&world.keys_folder());
    keys.login(&key.key_id, &Pin::new(PIN)).unwrap();
    let contents = keys.read(&key.key_id).unwrap();
    assert_eq!(contents.containers.len(), 2, "{contents:?}");
    let serials: Vec<String> = contents
        .containers
        .iter()
        .flat_map(|container| &container.certificates)
        .map(|der| ycd_pki::Certificate::from_der(der).unwrap().serial_hex())
        .collect();
    assert!(serials.contains(&key.certificate) && serials.iter().any(|s| s == serial), "{serials:?}");
    let record = world.operator().key_record(key.key_id.as_str()).unwrap();
    assert_eq!((record.current_version, record.next_version), (1, None));
    let listed = admin::list(world.keys_folder()).unwrap();
    assert_eq!(listed[0].so_pin_tries_left, listed[0].so_pin_tries_max);
}

#[test]
fn a_key_whose_certificate_was_revoked_is_produced_again_at_any_station_without_being_erased() {
    let world = World::new();
    let key = revoked_key(&world);
    // Its holder's wrong tries do not matter either.
    let mut keys = open_keys(&world.keys_folder());
    while keys.login(&key.key_id, &Pin::new("00000000")).unwrap_err().code() != "token.pin_locked" {}
    // Another station has no record of the first production.
    std::fs::remove_dir_all(world.path().join("station")).unwrap();
    let made = world.produce(&mut keys, &key.key_id, &ANOTHER);
    is_anothers(&world, &key, &made.certificate.serial);
    // Run again it is done.
    let again = world.produce(&mut keys, &key.key_id, &ANOTHER);
    assert_eq!(again.certificate.serial, made.certificate.serial);
}

#[test]
fn a_second_production_that_was_cut_off_anywhere_is_taken_up() {
    for n in (0..).step_by(3) {
        let world = World::new();
        let key = revoked_key(&world);
        let crashed = {
            let mut keys = open_keys(&world.keys_folder());
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let mut between = Between::crashes_at(&mut keys, n);
                world.produce(&mut between, &key.key_id, &ANOTHER)
            }));
            match outcome {
                Ok(_) => false,
                Err(cause) if cause.is::<Crash>() => true,
                Err(cause) => std::panic::resume_unwind(cause),
            }
        };
        let made = world.produce(&mut open_keys(&world.keys_folder()), &key.key_id, &ANOTHER);
        is_anothers(&world, &key, &made.certificate.serial);
        if !crashed {
            assert!(n > 24, "{n}");
            return;
        }
    }
}

#[test]
fn on_a_key_that_keeps_no_tags_the_second_production_does_not_take_the_first_ones_pair() {
    let world = World::new();
    let key = revoked_key(&world);
    let mut machine = world.machine_without_tags("station-b");
    let made = world.produce(&mut machine.keys, &key.key_id, &ANOTHER);
    is_anothers(&world, &key, &made.certificate.serial);
}

#[test]
fn where_a_new_pin_may_cost_the_pairs_of_the_past_a_key_that_has_some_is_refused_untouched() {
    let world = World::new();
    let key = revoked_key(&world);
    let mut make = profile("softkey");
    make.quirks.keys_survive_init_pin = Tristate::Unknown;
    let mut machine = world.machine_with("station-b", &make);
    let error = world.production(&mut machine.keys, &key.key_id, &ANOTHER).unwrap_err();
    assert_eq!(error.code(), "flow.key_not_blank");
    let listed = admin::list(world.keys_folder()).unwrap();
    assert_eq!(listed[0].so_pin_tries_left, listed[0].so_pin_tries_max);
    machine.keys.login(&key.key_id, &Pin::new("271828")).unwrap();
    assert_eq!(machine.keys.read(&key.key_id).unwrap().containers.len(), 1);
    // A blank one of that make is produced.
    world.pull(&key.serial_number);
    let blank = KeyId::new("softkey", &world.blank_key("USBKEY", None));
    world.produce(&mut machine.keys, &blank, &Maker::default());
}

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
        keys.login(&key, &Pin::new(PIN)).unwrap();
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
