//! Renewals through the driver profile of each token model, on a software token that emulates it: its numbers, its form
//! of signatures and public keys. And the habits that makes have, one by one. Unlocks under the same emulations:
//! `unlock`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "unlock/scene.rs"]
#[allow(dead_code, reason = "the tests of unlocking use the rest")]
mod scene;
#[path = "emulation/unlock.rs"]
mod unlock;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use serde::Deserialize;
use ycd_softkey::admin::{self, Appearance, Point, VendorEmulation};
use ycd_tests::{
    outcome::{ended_well, old_one_still_serves, portal_agrees},
    prompter::Scripted,
    world::{IssuedToken, Maker, PIN, World, profile},
};
use ycd_token::{Pin, Profile, TokenAccess as _};

/// What is read of a `.reference.json`.
#[derive(Deserialize)]
struct Reference {
    emulation: VendorEmulation,
}

fn emulation_of(model: &str) -> VendorEmulation {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../drivers-config");
    let text = std::fs::read_to_string(folder.join(format!("{model}.reference.json"))).unwrap();
    let reference: Reference = serde_json::from_str(&text).unwrap();
    reference.emulation
}

fn wear(world: &World, token: &IssuedToken, emulation: VendorEmulation) {
    let emulation = Appearance { emulation: Some(emulation), ..Appearance::default() };
    admin::set_appearance(world.softkey_dir(), &token.serial_number, &emulation).unwrap();
}

fn is_renewed(model: &Profile, emulation: VendorEmulation) {
    let world = World::new();
    let (token, order) = world.token_with_order();
    wear(&world, &token, emulation);
    let mut machine = world.machine_with("a", model);
    let portal = world.applicant(&token.phone);
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

macro_rules! renewed_in_the_emulation_of {
    ($($test:ident: $model:literal,)*) => {
        const MODELS: &[&str] = &[$($model),*];
        $(
            #[test]
            fn $test() {
                is_renewed(&profile($model), emulation_of($model));
            }
        )*
    };
}

renewed_in_the_emulation_of! {
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
    assert_eq!(names, MODELS);
}

/// The numbers of one token model on a token of another: nothing is signed, nothing is lost.
#[test]
fn the_wrong_profile_is_refused_and_the_right_one_goes_on() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    wear(&world, &token, emulation_of("westone"));
    let portal = world.applicant(&token.phone);
    let mut machine = world.machine_with("a", &profile("luna"));
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert!(error.code().starts_with("token."), "{}", error.code());
    drop(machine);
    let mut machine = world.machine_with("b", &profile("westone"));
    old_one_still_serves(&world, &mut machine, &token);
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn public_keys_are_found_in_every_form_and_where_private_keys_do_not_tell_them() {
    for point in [Point::OctetString, Point::Bare, Point::Coordinates] {
        let emulation = VendorEmulation {
            point,
            tells_curve: false,
            private_tells_point: false,
            ..VendorEmulation::default()
        };
        is_renewed(&profile("softkey"), emulation);
    }
}

#[test]
fn a_token_that_keeps_no_ids_is_renewed() {
    let mut model = profile("softkey");
    model.quirks.keeps_ids = false;
    is_renewed(&model, VendorEmulation { keeps_ids: false, ..VendorEmulation::default() });
}

#[test]
fn a_token_that_asks_for_the_pin_before_each_signature_is_renewed_and_the_person_types_it_each_time() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    wear(&world, &token, VendorEmulation { pin_per_signature: true, ..VendorEmulation::default() });
    let mut model = profile("softkey");
    model.quirks.pin_per_signature = true;
    let mut machine = world.machine_with("a", &model);
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    machine.tokens.on_pin_needed(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Some(Pin::new(PIN))
    });
    let mut prompter = Scripted::with_pin(PIN);
    let renewed = machine.renew(&world.applicant(&token.phone), &mut prompter, &order).unwrap();
    // Authorization, then request, then writing and confirmation.
    assert_eq!(prompter.heard.lock().unwrap().pins.len(), 1);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn a_pin_that_nobody_types_again_is_not_sent_again() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    wear(&world, &token, VendorEmulation { pin_per_signature: true, ..VendorEmulation::default() });
    let mut model = profile("softkey");
    model.quirks.pin_per_signature = true;
    let mut machine = world.machine_with("a", &model);
    let portal = world.applicant(&token.phone);
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "token.not_logged_in");
    old_one_still_serves(&world, &mut machine, &token);
}

#[test]
fn a_token_with_one_container_is_renewed_after_a_yes() {
    let world = World::new();
    let (token, order) = world.token_with_order_of(&Maker { containers: Some(1), ..Maker::default() });
    wear(&world, &token, emulation_of("mssince"));
    let mut model = profile("mssince");
    model.limits.containers = profile("softkey").limits.container_bytes.map(|mut number| {
        number.value = 1;
        number
    });
    let mut machine = world.machine_with("a", &model);
    let portal = world.applicant(&token.phone);
    let mut prompter = world.prompter_with_phone(&token);
    prompter.agrees_to_replace = true;
    let renewed = machine.renew(&portal, &mut prompter, &order).unwrap();
    let contents = machine.contents(&token.token_id);
    assert_eq!(contents.containers.len(), 1);
    assert_eq!(contents.containers[0].certificates.as_slice(), std::slice::from_ref(&renewed.new));
    portal_agrees(&world, &token, &order, &ycd_pki::Certificate::from_der(&renewed.new).unwrap());
}

/// PKCS#11 tells flags and no numbers, so a renewal after one wrong PIN warns and goes on.
#[test]
fn tries_are_told_as_flags() {
    let world = World::new();
    let (token, _) = world.token_with_order();
    wear(&world, &token, emulation_of("haitai"));
    let mut machine = world.machine_with("a", &profile("haitai"));
    let error = machine.tokens.login(&token.token_id, &Pin::new("00000000")).unwrap_err();
    let retry_counter = ycd_token::PinRetryCounter::Low;
    assert_eq!(error, ycd_token::TokenError::PinIncorrect { retry_counter });
}
