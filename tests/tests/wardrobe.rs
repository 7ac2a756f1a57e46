//! Renewals through the driver profile of each make, on a software key in its dress: its numbers, its form of
//! signatures and public keys. And the habits that makes have, one by one. Unlocks in the same dresses: `unlock`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "unlock/scene.rs"]
#[allow(dead_code, reason = "the tests of unlocking use the rest")]
mod scene;
#[path = "wardrobe/unlock.rs"]
mod unlock;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use serde::Deserialize;
use ycd_softkey::admin::{self, Dress, Point, Wardrobe};
use ycd_tests::{
    outcome::{ended_well, old_one_still_serves, portal_agrees},
    person::Scripted,
    world::{IssuedKey, Maker, PIN, World, profile},
};
use ycd_token::{Pin, Profile, Token as _};

/// What is read of a `.reference.json`.
#[derive(Deserialize)]
struct Reference {
    dress: Wardrobe,
}

fn dress_of(make: &str) -> Wardrobe {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../drivers-config");
    let text = std::fs::read_to_string(folder.join(format!("{make}.reference.json"))).unwrap();
    let reference: Reference = serde_json::from_str(&text).unwrap();
    reference.dress
}

fn wear(world: &World, key: &IssuedKey, wardrobe: Wardrobe) {
    let dress = Dress { wardrobe: Some(wardrobe), ..Dress::default() };
    admin::dress(world.keys_folder(), &key.serial_number, &dress).unwrap();
}

fn is_renewed(make: &Profile, wardrobe: Wardrobe) {
    let world = World::new();
    let (key, order) = world.key_with_order();
    wear(&world, &key, wardrobe);
    let mut machine = world.machine_with("a", make);
    let portal = world.applicant(&key.phone);
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &key, &order, &renewed);
}

macro_rules! renewed_in_the_dress_of {
    ($($test:ident: $make:literal,)*) => {
        const MAKES: &[&str] = &[$($make),*];
        $(
            #[test]
            fn $test() {
                is_renewed(&profile($make), dress_of($make));
            }
        )*
    };
}

renewed_in_the_dress_of! {
    renewed_as_a_card_of_2009: "card-2009",
    renewed_as_ep11: "ep11",
    renewed_as_feitian: "feitian",
    renewed_as_haitai: "haitai",
    renewed_as_itrus: "itrus",
    renewed_as_koal: "koal",
    renewed_as_luna: "luna",
    renewed_as_mssince: "mssince",
    renewed_as_sansec: "sansec",
    renewed_as_softkey: "softkey",
    renewed_as_tass: "tass",
    renewed_as_watchdata: "watchdata",
    renewed_as_westone: "westone",
    renewed_as_westone_bgi: "westone-bgi",
}

#[test]
fn every_embedded_profile_is_tried() {
    let drivers = ycd_token::Drivers::load(None).unwrap();
    let mut names: Vec<&str> = drivers.profiles().map(|profile| profile.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, MAKES);
}

/// The numbers of one make on a key of another: nothing is signed, nothing is lost.
#[test]
fn the_wrong_profile_is_refused_and_the_right_one_goes_on() {
    let world = World::new();
    let (key, order) = world.key_with_order();
    wear(&world, &key, dress_of("westone"));
    let portal = world.applicant(&key.phone);
    let mut machine = world.machine_with("a", &profile("luna"));
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert!(error.code().starts_with("token."), "{}", error.code());
    drop(machine);
    let mut machine = world.machine_with("b", &profile("westone"));
    old_one_still_serves(&world, &mut machine, &key);
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &key, &order, &renewed);
}

#[test]
fn public_keys_are_found_in_every_form_and_where_private_keys_do_not_tell_them() {
    for point in [Point::OctetString, Point::Bare, Point::Coordinates] {
        let wardrobe =
            Wardrobe { point, tells_curve: false, private_tells_point: false, ..Wardrobe::default() };
        is_renewed(&profile("softkey"), wardrobe);
    }
}

#[test]
fn a_key_that_keeps_no_ids_is_renewed() {
    let mut make = profile("softkey");
    make.quirks.keeps_ids = false;
    is_renewed(&make, Wardrobe { keeps_ids: false, ..Wardrobe::default() });
}

#[test]
fn a_key_that_asks_for_the_pin_before_each_signature_is_renewed_and_the_person_types_it_each_time() {
    let world = World::new();
    let (key, order) = world.key_with_order();
    wear(&world, &key, Wardrobe { pin_per_signature: true, ..Wardrobe::default() });
    let mut make = profile("softkey");
    make.quirks.pin_per_signature = true;
    let mut machine = world.machine_with("a", &make);
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    machine.keys.on_pin_needed(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Some(Pin::new(PIN))
    });
    let mut person = Scripted::with_pin(PIN);
    let renewed = machine.renew(&world.applicant(&key.phone), &mut person, &order).unwrap();
    // Statement, then request, then writing and confirmation.
    assert_eq!(person.heard.lock().unwrap().pins.len(), 1);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    ended_well(&world, &mut machine, &key, &order, &renewed);
}

#[test]
fn a_pin_that_nobody_types_again_is_not_sent_again() {
    let world = World::new();
    let (key, order) = world.key_with_order();
    wear(&world, &key, Wardrobe { pin_per_signature: true, ..Wardrobe::default() });
    let mut make = profile("softkey");
    make.quirks.pin_per_signature = true;
    let mut machine = world.machine_with("a", &make);
    let portal = world.applicant(&key.phone);
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "token.not_logged_in");
    old_one_still_serves(&world, &mut machine, &key);
}

#[test]
fn a_key_with_one_container_is_renewed_after_a_yes() {
    let world = World::new();
    let (key, order) = world.key_with_order_of(&Maker { containers: Some(1), ..Maker::default() });
    wear(&world, &key, dress_of("mssince"));
    let mut make = profile("mssince");
    make.limits.containers = profile("softkey").limits.container_bytes.map(|mut number| {
        number.value = 1;
        number
    });
    let mut machine = world.machine_with("a", &make);
    let portal = world.applicant(&key.phone);
    let mut person = world.person_with_phone(&key);
    person.agrees_to_replace = true;
    let renewed = machine.renew(&portal, &mut person, &order).unwrap();
    let contents = machine.contents(&key.key_id);
    assert_eq!(contents.containers.len(), 1);
    assert_eq!(contents.containers[0].certificates.as_slice(), std::slice::from_ref(&renewed.new));
    portal_agrees(&world, &key, &order, &ycd_pki::Certificate::from_der(&renewed.new).unwrap());
}

/// PKCS#11 tells flags and no numbers, so a renewal after one wrong PIN warns and goes on.
#[test]
fn tries_are_told_as_flags() {
    let world = World::new();
    let (key, _) = world.key_with_order();
    wear(&world, &key, dress_of("haitai"));
    let mut machine = world.machine_with("a", &profile("haitai"));
    let error = machine.keys.login(&key.key_id, &Pin::new("00000000")).unwrap_err();
    let tries = ycd_token::TriesLeft::Low;
    assert_eq!(error, ycd_token::TokenError::PinIncorrect { tries });
}
