//! Unlocks through the driver profile of each make, on a software key in its dress. No make is known yet to be unlocked
//! by its SO PIN, so each is refused as its profile stands, and unlocked where a copy of the profile says that it can.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use ycd_softkey::admin::Wardrobe;
use ycd_token::{Pin, Profile, Token as _, profile::Tristate};

use super::{
    MAKES, dress_of, profile,
    scene::{self, NEW, Scene, code, unlocked_order},
    wear,
};

/// Locked, in this dress, and a machine with this profile.
fn locked_in(make: &Profile, wardrobe: Wardrobe) -> Scene {
    let mut scene = scene::locked();
    wear(&scene.world, &scene.key, wardrobe);
    scene.machine = scene.world.machine_with("a", make);
    scene
}

/// As if hardware had confirmed what an unlock by SO PIN needs.
fn confirmed(make: &str) -> Profile {
    let mut make = profile(make);
    make.unlock.so_pin = Tristate::Yes;
    make.quirks.keys_survive_init_pin = Tristate::Yes;
    make
}

/// In the dress of the make, whose module tells of the SO PIN's tries what the profile says that it does.
fn dress(make: &str) -> Wardrobe {
    let tells_so_tries = profile(make).unlock.tells_so_tries == Tristate::Yes;
    Wardrobe { tells_so_tries, ..dress_of(make) }
}

fn is_unlocked(make: &str) {
    let mut scene = locked_in(&confirmed(make), dress(make));
    for version in [2, 3] {
        let mut person = scene.person();
        unlocked_order(scene.unlock_by(&mut person));
        assert_eq!((person.heard.codes, person.heard.new_pins.len()), (1, 1), "{make}");
        scene.is_well(NEW);
        let record = scene.record();
        assert_eq!((record.current_version, record.next_version), (version, None), "{make}");
        assert_eq!(record.unproven_releases, 0, "{make}");
        // By somebody whose machine knows the key for what it is.
        wear(&scene.world, &scene.key, Wardrobe::default());
        scene.lock();
        wear(&scene.world, &scene.key, dress(make));
    }
}

macro_rules! unlocked_in_the_dress_of {
    ($($test:ident: $make:literal,)*) => {
        const TRIED: &[&str] = &[$($make),*];
        $(
            #[test]
            fn $test() {
                is_unlocked($make);
            }
        )*
    };
}

unlocked_in_the_dress_of! {
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
fn every_make_is_tried() {
    assert_eq!(TRIED, MAKES);
}

/// A profile that says nothing of unlocking: that is told before anything is spent.
#[test]
fn what_no_profile_confirms_is_not_begun_with() {
    let mut scene = scene::locked();
    for make in MAKES.iter().filter(|make| **make != "softkey") {
        wear(&scene.world, &scene.key, dress(make));
        scene.machine = scene.world.machine_with("a", &profile(make));
        let mut person = scene.person();
        assert_eq!(code(scene.unlock_by(&mut person)), "unlock.not_possible", "{make}");
        assert_eq!((person.heard.codes, person.heard.new_pins.len()), (0, 0), "{make}");
        assert!(scene.orders().is_empty(), "{make}");
        assert_eq!(scene.record().unproven_releases, 0, "{make}");
        let (left, max) = scene.so_tries();
        assert_eq!(left, max, "{make}");
    }
    // The same key, once its profile says that it can.
    wear(&scene.world, &scene.key, dress("luna"));
    scene.machine = scene.world.machine_with("a", &confirmed("luna"));
    unlocked_order(scene.unlock());
    scene.is_well(NEW);
}

/// The statement is the one use of the certificate's key, with the PIN of the login before it: nobody types it again.
#[test]
fn a_key_that_asks_for_the_pin_before_each_signature_is_unlocked_and_the_pin_is_typed_once() {
    let mut make = confirmed("softkey");
    make.quirks.pin_per_signature = true;
    let wardrobe = Wardrobe { pin_per_signature: true, ..Wardrobe::default() };
    let mut scene = locked_in(&make, wardrobe);
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    scene.machine.keys.on_pin_needed(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Some(Pin::new(NEW))
    });
    let mut person = scene.person();
    unlocked_order(scene.unlock_by(&mut person));
    assert_eq!((person.heard.new_pins.len(), asked.load(Ordering::Relaxed)), (1, 0));
    // Which it is for: a second use asks.
    let keys = &mut scene.machine.keys;
    keys.login(&scene.key.key_id, &Pin::new(NEW)).unwrap();
    let signer = keys.read(&scene.key.key_id).unwrap().containers[0].spki.clone().unwrap();
    let subject = ycd_pki::name::Name::china().to_der().unwrap();
    for asks in [0, 1] {
        keys.sign_request(&scene.key.key_id, &signer, &subject).unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), asks);
    }
    scene.is_well(NEW);
    assert_eq!(scene.record().current_version, 2);
}
