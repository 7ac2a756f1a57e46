//! Unlocks through the driver profile of each token model, on a software token that emulates it. No make is known yet
//! to be unlocked by its SO PIN, so each is refused as its profile stands, and unlocked where a copy of the profile
//! says that it can.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use ycd_softkey::admin::VendorEmulation;
use ycd_token::{Pin, Profile, TokenAccess as _, profile::Tristate};

use super::{
    MODELS, emulation_of, profile,
    scene::{self, NEW, Scene, code, unlocked_order},
    wear,
};

/// Locked, under this emulation, and a machine with this profile.
fn locked_in(model: &Profile, emulation: VendorEmulation) -> Scene {
    let mut scene = scene::locked();
    wear(&scene.world, &scene.token, emulation);
    scene.machine = scene.world.machine_with("a", model);
    scene
}

/// As if hardware had confirmed what an unlock by SO PIN needs.
fn confirmed(model: &str) -> Profile {
    let mut model = profile(model);
    model.unlock.so_pin = Tristate::Yes;
    model.quirks.keys_survive_init_pin = Tristate::Yes;
    model
}

/// Emulating the token model, whose module tells of the SO PIN's tries what the profile says that it does.
fn emulate(model: &str) -> VendorEmulation {
    let tells_so_pin_retry_counter = profile(model).unlock.tells_so_pin_retry_counter == Tristate::Yes;
    VendorEmulation { tells_so_pin_retry_counter, ..emulation_of(model) }
}

fn is_unlocked(model: &str) {
    let mut scene = locked_in(&confirmed(model), emulate(model));
    for version in [2, 3] {
        let mut prompter = scene.prompter();
        unlocked_order(scene.unlock_by(&mut prompter));
        assert_eq!((prompter.heard.codes, prompter.heard.new_pins.len()), (1, 1), "{model}");
        scene.is_well(NEW);
        let record = scene.record();
        assert_eq!((record.current_version, record.next_version), (version, None), "{model}");
        assert_eq!(record.unproven_releases, 0, "{model}");
        // By somebody whose machine knows the token for what it is.
        wear(&scene.world, &scene.token, VendorEmulation::default());
        scene.lock();
        wear(&scene.world, &scene.token, emulate(model));
    }
}

macro_rules! unlocked_in_the_emulation_of {
    ($($test:ident: $model:literal,)*) => {
        const TRIED: &[&str] = &[$($model),*];
        $(
            #[test]
            fn $test() {
                is_unlocked($model);
            }
        )*
    };
}

unlocked_in_the_emulation_of! {
    unlocked_as_a_card_of_2009: "card-2009",
    unlocked_as_ep11: "ep11",
    unlocked_as_feitian: "feitian",
    unlocked_as_haitai: "haitai",
    unlocked_as_itrus: "itrus",
    unlocked_as_koal: "koal",
    unlocked_as_luna: "luna",
    unlocked_as_mssince: "mssince",
    unlocked_as_sansec: "sansec",
    unlocked_as_softkey: "softkey",
    unlocked_as_tass: "tass",
    unlocked_as_watchdata: "watchdata",
    unlocked_as_westone: "westone",
    unlocked_as_westone_bgi: "westone-bgi",
}

#[test]
fn every_model_is_tried() {
    assert_eq!(TRIED, MODELS);
}

/// A profile that says nothing of unlocking: that is told before anything is spent.
#[test]
fn what_no_profile_confirms_is_not_begun_with() {
    let mut scene = scene::locked();
    for model in MODELS.iter().filter(|model| **model != "softkey") {
        wear(&scene.world, &scene.token, emulate(model));
        scene.machine = scene.world.machine_with("a", &profile(model));
        let mut prompter = scene.prompter();
        assert_eq!(code(scene.unlock_by(&mut prompter)), "unlock.not_possible", "{model}");
        assert_eq!((prompter.heard.codes, prompter.heard.new_pins.len()), (0, 0), "{model}");
        assert!(scene.orders().is_empty(), "{model}");
        assert_eq!(scene.record().unproven_releases, 0, "{model}");
        let (left, max) = scene.so_pin_retry_counter();
        assert_eq!(left, max, "{model}");
    }
    // The same token, once its profile says that it can.
    wear(&scene.world, &scene.token, emulate("luna"));
    scene.machine = scene.world.machine_with("a", &confirmed("luna"));
    unlocked_order(scene.unlock());
    scene.is_well(NEW);
}

/// The authorization is the one use of the certificate's key, with the PIN of the login before it: nobody types it
/// again.
#[test]
fn a_token_that_asks_for_the_pin_before_each_signature_is_unlocked_and_the_pin_is_typed_once() {
    let mut model = confirmed("softkey");
    model.quirks.pin_per_signature = true;
    let emulation = VendorEmulation { pin_per_signature: true, ..VendorEmulation::default() };
    let mut scene = locked_in(&model, emulation);
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    scene.machine.tokens.on_pin_needed(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Some(Pin::new(NEW))
    });
    let mut prompter = scene.prompter();
    unlocked_order(scene.unlock_by(&mut prompter));
    assert_eq!((prompter.heard.new_pins.len(), asked.load(Ordering::Relaxed)), (1, 0));
    // Which it is for: a second use asks.
    let tokens = &mut scene.machine.tokens;
    tokens.login(&scene.token.token_id, &Pin::new(NEW)).unwrap();
    let signer = tokens.read(&scene.token.token_id).unwrap().containers[0].spki.clone().unwrap();
    let subject = ycd_pki::name::Name::china().to_der().unwrap();
    for asks in [0, 1] {
        tokens.sign_request(&scene.token.token_id, &signer, &subject).unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), asks);
    }
    scene.is_well(NEW);
    assert_eq!(scene.record().current_version, 2);
}
