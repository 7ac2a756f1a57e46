use serde_json::json;
use ycd_softkey::{
    admin,
    fault::{Action, Fault},
};
use ycd_tests::world::{Maker, PIN, World};

use crate::screen::{Screen, approved, pin, yes};

#[test]
fn a_renewal_is_seen_step_by_step_to_its_end() {
    let world = World::new();
    let (screen, token, order) = approved(&world);
    screen.the_token();
    screen.start_renewal(&order);
    let question = screen.answer("pin", pin(PIN));
    assert_eq!(question["token"]["holder"], "泸州某某商贸有限公司");
    assert_eq!(question["is_initial"], true);
    let outcome = screen.outcome();
    assert_eq!(outcome["outcome"], "renewed", "{outcome}");
    assert!(outcome["new_until"].as_str() > outcome["old_until"].as_str());
    let job = screen.job();
    for step in job["steps"].as_array().unwrap() {
        assert_eq!(step["state"], "done", "{step}");
    }
    // The token card shows the new certificate, by itself.
    let serial = &outcome["serial"];
    screen.wait("the new certificate", || {
        let shown = screen.the_token();
        let certificates = shown["certificates"].as_array()?;
        let at = usize::try_from(shown["current"].as_u64()?).ok()?;
        (certificates[at]["serial"] == *serial).then_some(())
    });
    assert_eq!(screen.call("unfinished", json!({}))["items"], json!([]));
    screen.dismiss();
    assert!(screen.job().is_null());
    drop(token);
}

#[test]
fn a_token_that_is_pulled_is_asked_for_and_the_work_goes_on_by_itself() {
    let world = World::new();
    let (screen, token, order) = approved(&world);
    admin::set_fault(world.softkey_dir(), None, &Fault::at("C_GenerateKeyPair", Action::Unplug)).unwrap();
    screen.start_renewal(&order);
    screen.answer("pin", pin(PIN));
    let (_, _, question) = screen.asked("token");
    assert_eq!(question["problem"], "pulled");
    assert_eq!(question["at_step"], "在 USBKEY 内生成密钥");
    assert_eq!(question["wanted"]["tail"], token.token_id.tail());
    world.insert(&token.serial_number);
    // The PIN is asked for again: a token that was pulled knows nobody.
    screen.answer("pin", pin(PIN));
    assert_eq!(screen.outcome()["outcome"], "renewed");
}

#[test]
fn none_two_and_the_wrong_token_are_told_and_go_on_by_themselves() {
    let world = World::new();
    let (screen, token, order) = approved(&world);
    let other = world.issued_token(&Maker { company: "乙公司", ..Maker::default() });
    world.pull(&token.serial_number);
    screen.start_renewal(&order);
    assert_eq!(screen.asked("token").2["problem"], "absent");
    world.insert(&other.serial_number);
    let wrong = screen.wait("the wrong key", || {
        let (_, _, question) = screen.asked("token");
        (question["problem"] == "wrong").then_some(question)
    });
    assert_eq!(wrong["wanted"]["tail"], token.token_id.tail());
    assert_eq!(wrong["inserted"][0]["tail"], other.token_id.tail());
    world.insert(&token.serial_number);
    screen.wait("two keys", || (screen.asked("token").2["problem"] == "several").then_some(()));
    world.pull(&other.serial_number);
    screen.answer("pin", pin(PIN));
    assert_eq!(screen.outcome()["outcome"], "renewed");
}

#[test]
fn a_wrong_pin_is_told_with_what_is_left_and_never_sent_again() {
    let world = World::new();
    let (screen, token, order) = approved(&world);
    screen.start_renewal(&order);
    screen.answer("pin", pin("11112222"));
    let again = screen.wait("asked again", || {
        let (_, _, question) = screen.asked("pin");
        (question["again"] == true).then_some(question)
    });
    assert_ne!(again["retry_counter"]["kind"], "locked");
    screen.answer("pin", pin(PIN));
    assert_eq!(screen.outcome()["outcome"], "renewed");
    let state = admin::list(world.softkey_dir()).unwrap();
    let state = state.iter().find(|state| state.serial_number == token.serial_number).unwrap();
    assert_eq!(state.pin_retry_counter, state.pin_retry_limit);
}

#[test]
fn what_was_stopped_is_found_at_the_next_start_and_goes_on() {
    let world = World::new();
    let (screen, token, order) = approved(&world);
    screen.start_renewal(&order);
    let (job, _, _) = screen.asked("pin");
    screen.call("stop_job", json!({ "job": job }));
    let outcome = screen.outcome();
    assert_eq!((&outcome["outcome"], &outcome["can_go_on"]), (&json!("stopped"), &json!(true)));
    drop(screen);

    let screen = Screen::new(&world, "machine");
    let start = screen.call("start", json!({}));
    let unfinished = &start["unfinished"][0];
    assert_eq!(unfinished["order"], order.as_str());
    assert_eq!(unfinished["tail"], token.token_id.tail());
    // The login is the machine's; nobody logs in again.
    assert!(start["session"]["phone"].as_str().unwrap().contains("****"));
    screen.start_renewal(&order);
    screen.answer("pin", pin(PIN));
    assert_eq!(screen.outcome()["outcome"], "renewed");
}

#[test]
fn unfinished_work_is_told_until_it_is_done_or_the_person_wants_to_hear_no_more_of_it() {
    let world = World::new();
    let (screen, _, order) = approved(&world);
    screen.start_renewal(&order);
    screen.answer("pin", json!({ "answer": "stop" }));
    screen.outcome();
    assert_eq!(screen.call("unfinished", json!({}))["items"][0]["order"], order.as_str());
    assert_eq!(screen.call("forget_unfinished", json!({ "no": order }))["items"], json!([]));
    // Nothing else has changed.
    screen.dismiss();
    screen.start_renewal(&order);
    screen.answer("pin", pin(PIN));
    assert_eq!(screen.outcome()["outcome"], "renewed");
}

#[test]
fn without_free_capacity_the_old_pair_goes_only_after_a_yes() {
    let world = World::new();
    let maker = Maker { containers: Some(1), ..Maker::default() };
    let (_, order) = world.token_with_order_of(&maker);
    let screen = Screen::new(&world, "machine");
    screen.log_in(&world, maker.phone);
    screen.start_renewal(&order);
    screen.answer("pin", pin(PIN));
    screen.answer("replace", json!({ "answer": "no" }));
    assert_eq!(screen.outcome()["outcome"], "stopped");
    screen.dismiss();
    screen.start_renewal(&order);
    screen.answer("pin", pin(PIN));
    let mut phone = world.phone(maker.phone);
    world.another_code_may_be_sent();
    screen.answer("replace", yes());
    // In the place of the old key's word, the person's.
    screen.answer("code", json!({ "answer": "code", "code": phone.next_code() }));
    assert_eq!(screen.outcome()["outcome"], "renewed");
}

#[test]
fn a_portal_that_is_away_ends_the_work_with_a_remedy_and_it_goes_on_later() {
    let mut world = World::new();
    let (screen, _, order) = approved(&world);
    world.stop_portal();
    screen.start_renewal(&order);
    let outcome = screen.outcome();
    assert_eq!(outcome["outcome"], "failed", "{outcome}");
    assert_eq!(outcome["failure"]["action"], "retry", "{outcome}");
    assert_eq!(outcome["can_go_on"], true);
    world.start_portal();
    screen.dismiss();
    screen.start_renewal(&order);
    screen.answer("pin", pin(PIN));
    assert_eq!(screen.outcome()["outcome"], "renewed");
}

#[test]
fn an_attempt_is_given_up_and_the_order_begins_again() {
    let world = World::new();
    let (screen, token, order) = approved(&world);
    // The new certificate is signed, and does not come onto the token.
    admin::set_fault(world.softkey_dir(), None, &Fault::at("C_CreateObject", Action::Unplug)).unwrap();
    screen.start_renewal(&order);
    screen.answer("pin", pin(PIN));
    screen.answer("token", json!({ "answer": "stop" }));
    screen.outcome();
    screen.dismiss();
    assert_eq!(screen.call("unfinished", json!({}))["items"][0]["order"], order.as_str());
    world.insert(&token.serial_number);

    screen.call("give_up", json!({ "no": order }));
    let mut phone = world.phone(&token.phone);
    world.another_code_may_be_sent();
    screen.answer("pin", pin(PIN));
    screen.answer("code", json!({ "answer": "code", "code": phone.next_code() }));
    let outcome = screen.outcome();
    assert_eq!(outcome["outcome"], "given_up", "{outcome}");
    assert!(outcome["attempts_left"].as_u64().unwrap() > 0, "{outcome}");
    for step in screen.job()["steps"].as_array().unwrap() {
        assert_eq!(step["state"], "done", "{step}");
    }
    // The old certificate is there, nothing is left to go on with, and the order stands.
    assert_eq!(screen.call("unfinished", json!({}))["items"], json!([]));
    assert_eq!(screen.call("order", json!({ "no": order }))["state"], "awaiting_renewal");
    assert_eq!(screen.the_token()["certificates"][0]["serial"], token.certificate);
    screen.dismiss();
    screen.start_renewal(&order);
    screen.answer("pin", pin(PIN));
    assert_eq!(screen.outcome()["outcome"], "renewed");
}

#[test]
fn a_job_is_told_in_the_language_that_is_chosen_while_it_stands_there() {
    let mut world = World::new();
    let (screen, _, order) = approved(&world);
    let is_chinese = |text: &serde_json::Value| {
        let text = text.as_str().unwrap_or_else(|| panic!("no text: {text}"));
        text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
    };
    let speak = |language: &str| {
        let mut settings = screen.call("start", json!({}))["settings"].clone();
        settings["language"] = json!(language);
        screen.call("change_settings", json!({ "settings": settings }));
    };
    screen.start_renewal(&order);
    let (job, _, _) = screen.asked("pin");
    assert!(is_chinese(&screen.job()["steps"][0]["word"]));
    speak("en");
    assert!(!is_chinese(&screen.job()["steps"][0]["word"]));
    // Told without being asked, and newer than what was told before.
    let told = |screen: &Screen| {
        let events = screen.events.lock().unwrap();
        events.iter().rfind(|event| event["event"] == "job").unwrap()["job"].clone()
    };
    assert!(!is_chinese(&told(&screen)["steps"][0]["word"]));
    screen.call("stop_job", json!({ "job": job }));
    assert!(!is_chinese(&screen.outcome()["at_step"]));
    speak("zh");
    assert!(is_chinese(&told(&screen)["outcome"]["at_step"]));
    screen.dismiss();

    world.stop_portal();
    screen.start_renewal(&order);
    let code = screen.outcome()["failure"]["code"].clone();
    assert!(is_chinese(&screen.outcome()["failure"]["sentence"]));
    speak("en");
    let failure = screen.outcome()["failure"].clone();
    assert_eq!(failure["code"], code);
    for part in ["sentence", "remedy"] {
        assert!(!is_chinese(&failure[part]), "{failure}");
    }
}
