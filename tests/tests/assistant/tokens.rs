use std::{thread, time::Duration};

use serde_json::json;
use ycd_portal_api::wire::orders::Reason;
use ycd_tests::world::{Maker, World};

use crate::screen::Screen;

#[test]
fn tokens_are_shown_as_they_come_and_go() {
    let world = World::new();
    let token = world.issued_token(&Maker::default());
    let screen = Screen::new(&world, "machine");
    screen.wait("the first look", || {
        (screen.call("start", json!({}))["tokens"]["looking"] == false).then_some(())
    });
    assert_eq!(screen.tokens(), Vec::<serde_json::Value>::new());
    world.insert(&token.serial_number);
    let shown = screen.the_token();
    assert_eq!(shown["tail"], token.token_id.tail());
    assert_eq!(shown["certificates"][0]["holder"], "泸州某某商贸有限公司");
    assert_eq!(shown["certificates"][0]["state"], "expiring_soon");
    assert_eq!(shown["current"], 0);
    world.pull(&token.serial_number);
    screen.wait("gone", || screen.tokens().is_empty().then_some(()));
    // Told, not only to be found.
    let events = screen.events.lock().unwrap();
    let told = events.iter().filter(|event| event["event"] == "tokens").count();
    assert!(told >= 3, "{told}");
}

#[test]
fn a_revoked_certificate_is_shown_as_such_without_login() {
    let world = World::new();
    let token = world.issued_token(&Maker::default());
    world.operator().revoke_certificate(&token.certificate, &Reason { reason: "遗失".into() }).unwrap();
    world.insert(&token.serial_number);
    let screen = Screen::new(&world, "machine");
    screen.wait("revoked", || (screen.the_token()["certificates"][0]["state"] == "revoked").then_some(()));
}

#[test]
fn a_revocation_list_of_a_stranger_is_not_believed() {
    let world = World::new();
    let stranger = World::new();
    let token = world.issued_token(&Maker::default());
    world.operator().revoke_certificate(&token.certificate, &Reason { reason: "遗失".into() }).unwrap();
    world.insert(&token.serial_number);
    // A machine that trusts another authority than the portal's.
    let screen = {
        let data_dir = world.path().join("machine");
        let path_overrides = ycd_assistant::data_dir::PathOverrides {
            data_dir: Some(data_dir),
            ..ycd_assistant::data_dir::PathOverrides::default()
        };
        let data_dir = ycd_assistant::data_dir::DataDir::at(path_overrides);
        data_dir.use_portal(&world.proxy.url(), &stranger.anchors()).unwrap();
        Screen::new(&world, "machine")
    };
    screen.the_token();
    // The list was fetched: it is the last of what is asked for.
    screen.wait("the list", || {
        world.proxy.calls().iter().any(|call| call.path.contains("/crl/")).then_some(())
    });
    for _ in 0..20 {
        assert_eq!(screen.the_token()["certificates"][0]["state"], "expiring_soon");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_token_that_is_pulled_at_once_while_tokens_are_listed_is_not_shown_in_the_end() {
    let world = World::new();
    let token = world.issued_token(&Maker::default());
    let screen = Screen::new(&world, "machine");
    screen.wait("the first look", || {
        (screen.call("start", json!({}))["tokens"]["looking"] == false).then_some(())
    });
    thread::scope(|scope| {
        let looks = scope.spawn(|| (0..30).for_each(|_| drop(screen.call("refresh_tokens", json!({})))));
        // Shorter than the watcher's look at the folder, which comes ten times a second.
        while !looks.is_finished() {
            world.insert(&token.serial_number);
            thread::sleep(Duration::from_millis(20));
            world.pull(&token.serial_number);
            thread::sleep(Duration::from_millis(15));
        }
    });
    screen.wait("gone", || screen.tokens().is_empty().then_some(()));
    // Nothing that was under way brings it back.
    thread::sleep(Duration::from_millis(500));
    assert_eq!(screen.tokens(), Vec::<serde_json::Value>::new());
}

#[test]
fn the_public_certificate_is_given_as_pem() {
    let world = World::new();
    let token = world.issued_token(&Maker::default());
    world.insert(&token.serial_number);
    let screen = Screen::new(&world, "machine");
    screen.the_token();
    let wanted = json!({ "token_id": token.token_id.to_string(), "serial": token.certificate });
    let file = screen.call("export_certificate", wanted);
    assert!(file["text"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(file["name"].as_str().unwrap().ends_with(".pem"));
    let other = json!({ "token_id": token.token_id.to_string(), "serial": "00" });
    assert_eq!(screen.refused("export_certificate", other), "app.certificate_gone");
    let gone = json!({ "token_id": "softkey:0000", "serial": token.certificate });
    assert_eq!(screen.refused("export_certificate", gone), "app.token_gone");
}

#[test]
fn a_token_that_was_seen_is_known_by_its_holder_when_it_is_not_in() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let screen = Screen::new(&world, "machine");
    screen.log_in(&world, &token.phone);
    screen.the_token();
    world.pull(&token.serial_number);
    screen.wait("gone", || screen.tokens().is_empty().then_some(()));
    screen.start_renewal(&order);
    assert_eq!(screen.asked("token").2["wanted"]["holder"], "泸州某某商贸有限公司");
}
