use serde_json::{Value, json};
use ycd_softkey::{
    admin,
    fault::{Action, Fault},
};
use ycd_tests::{
    proxy::Fate,
    world::{Maker, PHONE, World},
};

use crate::screen::Screen;

#[test]
fn an_order_is_made_filled_in_and_handed_in_by_commands_alone() {
    let world = World::new();
    let token = world.issued_token(&Maker::default());
    world.insert(&token.serial_number);
    let screen = Screen::new(&world, "machine");
    screen.log_in(&world, PHONE);
    let held = screen.call("certificates", json!({ "query": {} }));
    assert_eq!(held["items"][0]["actions"], json!(["renew"]));
    let order = json!({ "kind": "renewal", "certificate": token.certificate, "validity_years": 1 });
    let created = screen.call("create_order", json!({ "order": order }));
    let no = created["no"].as_str().unwrap().to_owned();
    // A form that is not complete is kept, and what is wrong is named field by field.
    let form = created["form"]["form"].clone();
    let failure = screen
        .assistant
        .call("save_form", json!({ "no": no, "form": { "form": form, "complete": true } }))
        .unwrap_err();
    assert_eq!(failure.code, "form.invalid");
    assert!(!failure.fields.is_empty());
    let mut form: ycd_portal_api::wire::form::OrderForm = serde_json::from_value(form).unwrap();
    form = ycd_tests::world::filled_in(form, PHONE);
    let saved = screen.call("save_form", json!({ "no": no, "form": { "form": form, "complete": true } }));
    assert_eq!(saved["form"]["errors"], json!([]));
    let free_capacity = screen.call("fix_mode", json!({ "no": no, "agrees": false }));
    assert_eq!(free_capacity, json!({ "mode": "side_by_side", "must_agree": false }));
    let code = world.code_sent_to(PHONE, || drop(screen.call("order_code", json!({ "no": no }))));
    let confirmed = screen.call("confirm_order", json!({ "no": no, "agreement": true, "code": code }));
    assert_eq!(confirmed["state"], "awaiting_payment");
    assert_eq!(screen.call("orders", json!({ "query": {} }))["counts"]["awaiting_payment"], 1);
    let taken_back = screen.call("edit_order", json!({ "no": no }));
    assert_eq!(taken_back["state"], "draft");
    screen.call("delete_order", json!({ "no": no }));
    assert_eq!(screen.refused("order", json!({ "no": no })), "order.not_found");
}

#[test]
fn a_token_without_free_capacity_asks_before_payment() {
    let world = World::new();
    let maker = Maker { containers: Some(1), ..Maker::default() };
    let token = world.issued_token(&maker);
    world.insert(&token.serial_number);
    let screen = Screen::new(&world, "machine");
    screen.log_in(&world, PHONE);
    let order = json!({ "kind": "renewal", "certificate": token.certificate, "validity_years": 1 });
    let no = screen.call("create_order", json!({ "order": order }))["no"].clone();
    let free_capacity = screen.call("fix_mode", json!({ "no": no, "agrees": false }));
    assert_eq!(free_capacity, json!({ "mode": "replace", "must_agree": true }));
    let free_capacity = screen.call("fix_mode", json!({ "no": no, "agrees": true }));
    assert_eq!(free_capacity, json!({ "mode": "replace", "must_agree": false }));
}

#[test]
fn a_token_that_does_not_tell_its_free_capacity_says_why() {
    let world = World::new();
    let token = world.issued_token(&Maker::default());
    world.insert(&token.serial_number);
    let screen = Screen::new(&world, "machine");
    screen.log_in(&world, PHONE);
    screen.the_token();
    let order = json!({ "kind": "renewal", "certificate": token.certificate, "validity_years": 1 });
    let no = screen.call("create_order", json!({ "order": order }))["no"].clone();
    let fault = Fault::at("C_FindObjects", Action::Code(0x30)).always();
    admin::set_fault(world.softkey_dir(), None, &fault).unwrap();
    assert_eq!(screen.refused("fix_mode", json!({ "no": no, "agrees": false })), "token.module_error");
    admin::clear_fault(world.softkey_dir()).unwrap();
    let free_capacity = screen.call("fix_mode", json!({ "no": no, "agrees": false }));
    assert_eq!(free_capacity, json!({ "mode": "side_by_side", "must_agree": false }));
    // Settled, whatever the token says now.
    admin::set_fault(world.softkey_dir(), None, &fault).unwrap();
    assert_eq!(screen.call("fix_mode", json!({ "no": no, "agrees": false })), free_capacity);
}

#[test]
fn a_session_that_is_over_is_forgotten_and_told() {
    let world = World::new();
    let screen = Screen::new(&world, "machine");
    screen.log_in(&world, PHONE);
    world.time_passes(time::Duration::days(2));
    assert_eq!(screen.refused("orders", json!({ "query": {} })), "auth.session_expired");
    assert!(screen.call("start", json!({}))["session"].is_null());
    let events = screen.events.lock().unwrap();
    let last = events.iter().rfind(|event| event["event"] == "session").unwrap();
    assert_eq!(last["session"], Value::Null);
}

#[test]
fn logging_out_forgets_the_session_even_while_the_portal_is_away() {
    let mut world = World::new();
    let screen = Screen::new(&world, "machine");
    screen.log_in(&world, PHONE);
    world.stop_portal();
    screen.call("logout", json!({}));
    assert!(screen.call("start", json!({}))["session"].is_null());
    assert!(!screen.data_dir.join("session.json").exists());
}

#[test]
fn prices_and_hotline_are_there_without_the_network_once_they_were_heard() {
    let mut world = World::new();
    let screen = Screen::new(&world, "machine");
    let told = screen.call("project", json!({}));
    world.stop_portal();
    assert_eq!(screen.call("start", json!({}))["project"], told);
    let failure = screen.assistant.call("project", json!({})).unwrap_err();
    assert!(matches!(failure.code.as_str(), "portal.unreachable" | "portal.cut"), "{failure:?}");
}

#[test]
fn settings_last_and_the_language_holds_for_all_that_is_told() {
    let world = World::new();
    let token = world.issued_token(&Maker::default());
    world.insert(&token.serial_number);
    let screen = Screen::new(&world, "machine");
    assert_eq!(screen.the_token()["model_name"], "软件密码钥匙");
    let mut settings = screen.call("start", json!({}))["settings"].clone();
    settings["language"] = json!("en");
    screen.call("change_settings", json!({ "settings": settings }));
    screen.wait("English", || (screen.the_token()["model_name"] != "软件密码钥匙").then_some(()));
    drop(screen);
    let screen = Screen::new(&world, "machine");
    assert_eq!(screen.call("start", json!({}))["settings"]["language"], "en");
    let failure = screen.assistant.call("orders", json!({ "query": {} })).unwrap_err();
    assert!(failure.sentence.is_ascii(), "{failure:?}");
}

#[test]
fn a_machine_is_set_up_with_a_portal_and_its_roots() {
    let world = World::new();
    let data_dir = world.path().join("bare");
    let path_overrides =
        ycd_assistant::data_dir::PathOverrides { data_dir: Some(data_dir), ..Default::default() };
    let assistant = ycd_assistant::Assistant::open(path_overrides, None);
    let call = |name: &str, arguments: Value| assistant.call(name, arguments);
    assert_eq!(call("project", json!({})).unwrap_err().code, "data_dir.no_portal");
    let url = world.proxy.url();
    let without = call("use_portal", json!({ "url": url, "anchors": ["no certificate in here"] }));
    assert!(without.is_err());
    let root = world.anchors()[0].to_pem().unwrap();
    let setup = call("use_portal", json!({ "url": url, "anchors": [root] })).unwrap();
    assert_eq!(setup["anchors"].as_array().unwrap().len(), 1);
    assert!(!setup["name"].is_null());
    let bad = call("use_portal", json!({ "url": "http://example.org", "anchors": [root] })).unwrap_err();
    assert_eq!(bad.code, "portal.address");
    assert_eq!(call("start", json!({})).unwrap()["portal"]["url"], url);
}

#[test]
fn a_report_of_an_unknown_token_is_shown_and_sent_where_there_is_something_to_tell() {
    let world = World::new();
    let screen = Screen::new(&world, "machine");
    assert!(screen.call("unknown_token", json!({}))["text"].as_str().unwrap().contains("# A draft"));
    let query = ycd_portal_api::wire::drivers::DriverReportQuery::default();
    let received = || world.operator().driver_reports(&query).unwrap().items;
    // What is plugged in is this machine's own business: a server has nothing, a desk has.
    match screen.assistant.call("send_unknown_token", json!({})) {
        Ok(answer) => assert_eq!(received()[0].number, answer["number"]),
        Err(failure) => {
            assert_eq!(failure.code, "flow.no_token");
            assert!(received().is_empty());
        }
    }
}

#[test]
fn what_came_with_the_program_holds_until_this_machine_has_its_own() {
    use ycd_assistant::data_dir::{DataDir, PathOverrides};

    let world = World::new();
    let brought = world.path().join("provision");
    std::fs::create_dir_all(brought.join("anchors")).unwrap();
    let url = world.proxy.url();
    std::fs::write(brought.join("config.toml"), format!("portal = \"{url}\"\n")).unwrap();
    std::fs::write(brought.join("anchors/root.pem"), world.anchors()[0].to_pem().unwrap()).unwrap();
    std::fs::write(brought.join("settings.json"), r#"{ "language": "en" }"#).unwrap();
    let path_overrides = || PathOverrides {
        data_dir: Some(world.path().join("new-machine")),
        provision: Some(brought.clone()),
        ..PathOverrides::default()
    };
    let start = || ycd_assistant::Assistant::open(path_overrides(), None).call("start", json!({})).unwrap();
    let first = start();
    assert_eq!((&first["portal"]["url"], &first["settings"]["language"]), (&json!(url), &json!("en")));
    assert_eq!(first["portal"]["anchors"].as_array().unwrap().len(), 1);
    // The portal's name and tokens are learnt at the first need, and kept.
    let data_dir = DataDir::at(path_overrides());
    assert!(data_dir.pinned().unwrap().is_none());
    // Where it cannot be reached nothing is written down, so that the next need asks again.
    world.proxy.set(|_| Fate::CutBefore);
    assert_eq!(data_dir.trust().unwrap_err().code(), "data_dir.portal_not_pinned");
    assert!(!data_dir.folder().join("config.toml").exists());
    world.proxy.pass_all();
    data_dir.trust().unwrap();
    assert!(data_dir.folder().join("config.toml").exists());
    // From then on what comes with a later version changes nothing.
    std::fs::write(brought.join("config.toml"), "portal = \"https://other.example\"\n").unwrap();
    std::fs::remove_dir_all(brought.join("anchors")).unwrap();
    let later = start();
    assert_eq!(later["portal"]["url"], json!(url));
    assert_eq!(later["portal"]["anchors"].as_array().unwrap().len(), 1);
    assert!(data_dir.pinned().unwrap().is_some());
}

#[test]
fn the_systems_own_list_of_starts_with_the_session_is_the_truth() {
    use ycd_assistant::{Assistant, data_dir::PathOverrides};

    let world = World::new();
    let brought = world.path().join("provision");
    std::fs::create_dir_all(&brought).unwrap();
    let open = |machine: &str| {
        let data_dir = Some(world.path().join(machine));
        Assistant::open(
            PathOverrides { data_dir, provision: Some(brought.clone()), ..PathOverrides::default() },
            None,
        )
    };
    let shown = |assistant: &Assistant| assistant.settings().autostart;

    // An installer has listed it, then the system's settings have not.
    let assistant = open("listed");
    assert!(assistant.take_over_autostart(true).unwrap() && shown(&assistant));
    assert!(!assistant.take_over_autostart(false).unwrap() && !shown(&assistant));
    // The program came with the wish, which is carried out once; after that the list counts.
    std::fs::write(brought.join("settings.json"), r#"{ "autostart": true }"#).unwrap();
    let assistant = open("wished");
    assert!(assistant.take_over_autostart(false).unwrap() && shown(&assistant));
    assert!(assistant.take_over_autostart(true).unwrap() && shown(&assistant));
    assert!(!open("listed").take_over_autostart(false).unwrap());
    // Taken off the list by the system's settings: it is not put back, at no start.
    for _ in 0..2 {
        let assistant = open("wished");
        assert!(!assistant.take_over_autostart(false).unwrap() && !shown(&assistant));
    }
    // Nor where it had been on the list before the program was first started.
    assert!(open("both").take_over_autostart(true).unwrap());
    assert!(!open("both").take_over_autostart(false).unwrap());
}
