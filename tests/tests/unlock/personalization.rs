//! A blank token becomes an applicant's, however often it is cut off.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ycd_portal_api::wire::orders::Reason;
use ycd_softkey::admin;
use ycd_tests::{
    cut::{Between, Crash},
    world::{IssuedToken, Maker, PIN, World, open_tokens, profile},
};
use ycd_token::{Pin, TokenAccess as _, TokenId, profile::Tristate};

const ANOTHER: Maker = Maker {
    company: "叙永机电设备有限公司",
    phone: "13900000000",
    containers: None,
    age_days: 345,
    method: Some(ycd_pki::unlock::UnlockMethod::SoPin),
};

/// In use once, with a PIN that its holder chose; its certificate is revoked.
fn revoked_token(world: &World) -> IssuedToken {
    let token = world.issued_token(&Maker::default());
    world.insert(&token.serial_number);
    let mut tokens = open_tokens(&world.softkey_dir());
    tokens.change_pin(&token.token_id, &Pin::new(PIN), &Pin::new("271828")).unwrap();
    let reason = Reason { reason: "持有人离职".into() };
    world.operator().revoke_certificate(&token.certificate, &reason).unwrap();
    token
}

/// The new holder's certificate stands on a pair of its own beside the old one, which is as it was.
fn is_anothers(world: &World, token: &IssuedToken, serial: &str) {
    let mut tokens = open_tokens(&world.softkey_dir());
    tokens.login(&token.token_id, &Pin::new(PIN)).unwrap();
    let contents = tokens.read(&token.token_id).unwrap();
    assert_eq!(contents.containers.len(), 2, "{contents:?}");
    let serials: Vec<String> = contents
        .containers
        .iter()
        .flat_map(|container| &container.certificates)
        .map(|der| ycd_pki::Certificate::from_der(der).unwrap().serial_hex())
        .collect();
    assert!(serials.contains(&token.certificate) && serials.iter().any(|s| s == serial), "{serials:?}");
    let record = world.operator().token_record(token.token_id.as_str()).unwrap();
    assert_eq!((record.current_version, record.next_version), (1, None));
    let listed = admin::list(world.softkey_dir()).unwrap();
    assert_eq!(listed[0].so_pin_retry_counter, listed[0].so_pin_retry_limit);
}

#[test]
fn a_token_whose_certificate_was_revoked_is_personalized_again_at_any_workstation_without_being_erased() {
    let world = World::new();
    let token = revoked_token(&world);
    // Its holder's wrong tries do not matter either.
    let mut tokens = open_tokens(&world.softkey_dir());
    while tokens.login(&token.token_id, &Pin::new("00000000")).unwrap_err().code() != "token.pin_locked" {}
    // Another workstation has no record of the first personalization.
    std::fs::remove_dir_all(world.path().join("station")).unwrap();
    let made = world.personalize(&mut tokens, &token.token_id, &ANOTHER);
    is_anothers(&world, &token, &made.certificate.serial);
    // Run again it is done.
    let again = world.personalize(&mut tokens, &token.token_id, &ANOTHER);
    assert_eq!(again.certificate.serial, made.certificate.serial);
}

#[test]
fn a_second_personalization_that_was_cut_off_anywhere_is_taken_up() {
    for n in (0..).step_by(3) {
        let world = World::new();
        let token = revoked_token(&world);
        let crashed = {
            let mut tokens = open_tokens(&world.softkey_dir());
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let mut between = Between::crashes_at(&mut tokens, n);
                world.personalize(&mut between, &token.token_id, &ANOTHER)
            }));
            match outcome {
                Ok(_) => false,
                Err(cause) if cause.is::<Crash>() => true,
                Err(cause) => std::panic::resume_unwind(cause),
            }
        };
        let made = world.personalize(&mut open_tokens(&world.softkey_dir()), &token.token_id, &ANOTHER);
        is_anothers(&world, &token, &made.certificate.serial);
        if !crashed {
            assert!(n > 24, "{n}");
            return;
        }
    }
}

#[test]
fn on_a_token_that_keeps_no_cka_ids_the_second_personalization_does_not_take_the_first_ones_pair() {
    let world = World::new();
    let token = revoked_token(&world);
    let mut machine = world.machine_without_cka_ids("station-b");
    let made = world.personalize(&mut machine.tokens, &token.token_id, &ANOTHER);
    is_anothers(&world, &token, &made.certificate.serial);
}

#[test]
fn where_a_new_pin_may_cost_previous_key_pairs_a_token_that_has_some_is_refused_untouched() {
    let world = World::new();
    let token = revoked_token(&world);
    let mut model = profile("softkey");
    model.quirks.keys_survive_init_pin = Tristate::Unknown;
    let mut machine = world.machine_with("station-b", &model);
    let error = world.personalization(&mut machine.tokens, &token.token_id, &ANOTHER).unwrap_err();
    assert_eq!(error.code(), "flow.token_not_blank");
    let listed = admin::list(world.softkey_dir()).unwrap();
    assert_eq!(listed[0].so_pin_retry_counter, listed[0].so_pin_retry_limit);
    machine.tokens.login(&token.token_id, &Pin::new("271828")).unwrap();
    assert_eq!(machine.tokens.read(&token.token_id).unwrap().containers.len(), 1);
    // A blank one of that token model is personalized.
    world.pull(&token.serial_number);
    let blank = TokenId::new("softkey", &world.blank_token("USBKEY", None));
    world.personalize(&mut machine.tokens, &blank, &Maker::default());
}

#[test]
fn a_personalization_that_was_cut_off_anywhere_is_taken_up() {
    for (cuts, n) in (0..).step_by(3).enumerate() {
        let world = World::new();
        let serial = world.blank_token("USBKEY", None);
        let token = TokenId::new("softkey", &serial);
        let maker = Maker::default();
        let crashed = {
            let mut tokens = open_tokens(&world.softkey_dir());
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let mut between = Between::crashes_at(&mut tokens, n);
                world.personalize(&mut between, &token, &maker)
            }));
            match outcome {
                Ok(_) => false,
                Err(cause) if cause.is::<Crash>() => true,
                Err(cause) => std::panic::resume_unwind(cause),
            }
        };
        let mut tokens = open_tokens(&world.softkey_dir());
        let made = world.personalize(&mut tokens, &token, &maker);
        assert_eq!(made.record.current_version, 1, "cut {n}");
        tokens.login(&token, &Pin::new(PIN)).unwrap();
        let contents = tokens.read(&token).unwrap();
        assert_eq!(contents.containers.len(), 1, "cut {n}: {contents:?}");
        assert_eq!(
            contents.containers[0].certificates,
            std::slice::from_ref(&made.certificate.certificate.0)
        );
        let listed = admin::list(world.softkey_dir()).unwrap();
        assert_eq!(listed[0].so_pin_retry_counter, listed[0].so_pin_retry_limit);
        if !crashed {
            assert!(cuts > 8, "{cuts}");
            return;
        }
    }
}

#[test]
fn the_makers_so_pin_is_no_longer_the_tokens() {
    let world = World::new();
    let token = world.issued_token(&Maker::default());
    world.insert(&token.serial_number);
    let folder = world.softkey_dir();
    assert!(
        admin::try_so_pin(&folder, &token.serial_number, &ycd_tests::world::FACTORY_SO_PIN.into()).is_err()
    );
}

#[test]
fn a_wrong_so_pin_of_the_maker_stops_the_personalization_with_one_or_two_tries_spent() {
    let world = World::new();
    let serial = world.blank_token("USBKEY", None);
    let token = TokenId::new("softkey", &serial);
    let mut tokens = open_tokens(&world.softkey_dir());
    let error = world.personalization_with(&mut tokens, &token, &Maker::default(), "11112222").unwrap_err();
    assert_eq!(error.code(), "token.so_pin_incorrect");
    let listed = admin::list(world.softkey_dir()).unwrap();
    assert!(listed[0].so_pin_retry_counter + 2 >= listed[0].so_pin_retry_limit, "{listed:?}");
    // With the right one it goes on.
    world.personalize(&mut tokens, &token, &Maker::default());
}

#[test]
fn another_applicant_does_not_get_a_personalization_that_was_begun() {
    let world = World::new();
    let token = world.issued_token(&Maker::default());
    world.insert(&token.serial_number);
    let mut tokens = open_tokens(&world.softkey_dir());
    let other = Maker { company: "叙永机电设备有限公司", phone: "13900000000", ..Maker::default() };
    let error = world.personalization(&mut tokens, &token.token_id, &other).unwrap_err();
    assert_eq!(error.code(), "personalization.other_assignment");
}
