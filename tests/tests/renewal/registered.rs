//! The certificate in the user's store, where the system has one.

use ycd_flows::{
    messages::Language,
    renewal::{Event, Step},
    store::StoreError,
};
use ycd_tests::{
    prompter::Scripted,
    user_store::RecordedStore,
    world::{PIN, World, profile},
};
use ycd_token::{Drivers, TokenAccess as _};

use super::ended_well;

/// What the flow told of it, in the order it was told.
fn told(prompter: &Scripted) -> Vec<Event> {
    let heard = prompter.heard.lock().unwrap();
    let of_store = |event: &&Event| matches!(event, Event::Registered(_) | Event::NotRegistered { .. });
    heard.events.iter().filter(of_store).cloned().collect()
}

#[test]
fn the_new_certificate_is_linked_with_its_key_and_the_old_one_says_that_it_is_superseded() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let old = machine.contents(&token.token_id).containers[0].certificates[0].clone();
    let store = RecordedStore::new();
    store.holds(&old, "");
    store.holds(b"of somebody else", "mine");
    machine.store = Some(store);

    let mut prompter = Scripted::with_pin(PIN);
    let renewed = machine.renew(&portal, &mut prompter, &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
    assert_eq!(prompter.heard.lock().unwrap().steps().last(), Some(&Step::Register));
    let entries = machine.store.as_ref().unwrap().entries();
    let holder = entries[2].name.clone();
    assert!(!holder.is_empty());
    assert_eq!((&entries[0].certificate, &entries[0].name), (&old, &format!("（已更新）{holder}")));
    assert_eq!((entries[1].name.as_str(), entries.len()), ("mine", 3));
    assert_eq!(entries[2].certificate, renewed.new);
    let link = entries[2].link.clone().unwrap();
    let id = machine
        .contents(&token.token_id)
        .containers
        .into_iter()
        .find(|c| c.certificates.contains(&renewed.new));
    let says = profile("softkey").windows_store.unwrap();
    let serial = &machine.tokens.list().unwrap()[0].serial_number;
    assert_eq!((link.provider.as_str(), link.provider_type), (says.provider.value.as_str(), 0));
    assert_eq!(link.container, says.container_of(&id.unwrap().id, serial));
    assert!(
        matches!(told(&prompter)[..], [Event::Registered(ref done)] if done.superseded == 1 && done.link == link)
    );

    // Again, and in another language: the same.
    machine.store.as_mut().unwrap().language = Language::En;
    machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    assert_eq!(machine.store.as_ref().unwrap().entries(), entries);
}

#[test]
fn a_store_that_refuses_fails_nothing_and_is_asked_again_by_hand() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let store = RecordedStore::new();
    store.refuses(true);
    machine.store = Some(store);
    let mut prompter = Scripted::with_pin(PIN);
    let renewed = machine.renew(&world.applicant(&token.phone), &mut prompter, &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
    assert_eq!(machine.journal.unfinished().unwrap(), []);
    assert!(matches!(&told(&prompter)[..], [Event::NotRegistered { code, .. }] if code == "store.refused"));

    let (info, contents) = (machine.tokens.list().unwrap().remove(0), machine.contents(&token.token_id));
    let store = machine.store.as_ref().unwrap();
    store.refuses(false);
    store.holds(&renewed.old, "旧");
    let done = store.as_the_flow_has_it().register_newest(&info, &contents).unwrap();
    assert_eq!(done.superseded, 1);
    let names: Vec<_> = store.entries().into_iter().map(|entry| (entry.certificate, entry.name)).collect();
    assert_eq!(names[0], (renewed.old, "（已更新）旧".to_owned()));
    assert_eq!(names[1].0, renewed.new);
}

#[test]
fn a_token_that_is_pulled_or_a_person_who_stops_at_the_last_step_loses_nothing() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    machine.store = Some(RecordedStore::new());
    let (folder, serial_number) = (world.softkey_dir(), token.serial_number.clone());
    let mut prompter = Scripted::with_pin(PIN).at(Step::Register, move || {
        ycd_softkey::admin::remove(&folder, &serial_number).unwrap();
    });
    machine.renew(&world.applicant(&token.phone), &mut prompter, &order).unwrap();
    assert!(matches!(&told(&prompter)[..], [Event::NotRegistered { code, .. }] if code == "token.removed"));

    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    machine.store = Some(RecordedStore::new());
    let mut prompter = Scripted::with_pin(PIN).stops_at(Step::Register);
    let renewed = machine.renew(&world.applicant(&token.phone), &mut prompter, &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
    assert_eq!(machine.store.as_ref().unwrap().entries().len(), 1);
}

#[test]
fn a_model_whose_provider_is_not_known_is_left_out() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let mut unsaid = profile("softkey");
    unsaid.windows_store = None;
    machine.store = Some(RecordedStore::of(Drivers::of(vec![unsaid])));
    let mut prompter = Scripted::with_pin(PIN);
    machine.renew(&world.applicant(&token.phone), &mut prompter, &order).unwrap();
    assert_eq!(told(&prompter), []);
    assert!(!prompter.heard.lock().unwrap().steps().contains(&Step::Register));
    let store = machine.store.as_ref().unwrap();
    assert_eq!(store.entries(), []);
    let info = machine.tokens.list().unwrap().remove(0);
    let contents = machine.tokens.read(&token.token_id).unwrap();
    let refused = store.as_the_flow_has_it().register_newest(&info, &contents).unwrap_err();
    assert_eq!(refused, StoreError::ModelUnknown { profile: "softkey".to_owned() });
}
