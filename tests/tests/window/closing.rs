//! The window is closed while a token is written.

use serde_json::{Value, json};
use ycd_softkey::{
    admin,
    fault::{Action, Fault},
};
use ycd_tests::{
    window::{Desktop, Page, Steered, wait},
    world::{IssuedToken, PIN, World},
};

use crate::is_left_out;

/// Long enough to close a window in.
const SLOW: Action = Action::DelayMs(4000);

/// A window in which a token is being written, slowly.
fn writing(world: &World, desktop: &Desktop) -> (Steered, IssuedToken) {
    let (token, order) = world.token_with_order();
    let steered = Steered::start(desktop);
    let page = &steered.page;
    let code = world.code_sent_to(&token.phone, || {
        drop(page.call("login_code", json!({ "phone": token.phone })));
    });
    page.call("login", json!({ "phone": token.phone, "code": code }));
    admin::set_fault(world.softkey_dir(), None, &Fault::at("C_GenerateKeyPair", SLOW)).unwrap();
    page.call("start_renewal", json!({ "no": order, "remove_old": false }));
    let job = wait("the question for the PIN", || {
        let job = page.call("job", json!({}))["job"].take();
        (job["asked"]["question"]["ask"] == "pin").then_some(job)
    });
    let answer = json!({ "answer": "pin", "pin": PIN });
    page.call("answer", json!({ "job": job["id"], "question": job["asked"]["id"], "answer": answer }));
    wait("the writing", || (job_of(page)["on_token"] == true).then_some(()));
    (steered, token)
}

fn job_of(page: &Page) -> Value {
    page.call("job", json!({}))["job"].take()
}

#[test]
fn a_window_that_is_closed_while_a_token_is_written_asks_and_the_person_stays() {
    if is_left_out("a_window_that_is_closed_while_a_token_is_written_asks_and_the_person_stays") {
        return;
    }
    let world = World::new();
    let desktop = Desktop::new(&world);
    let (steered, _) = writing(&world, &desktop);
    let page = &steered.page;
    desktop.close_window();
    page.press("留在这里");
    let outcome = wait("the end", || Some(job_of(page)["outcome"].take()).filter(|it| !it.is_null()));
    assert_eq!(outcome["outcome"], "renewed", "{outcome}");
    assert!(desktop.has_window());
    // Nothing is written any more, and nobody is asked.
    let app = steered.process();
    desktop.close_window();
    wait("the program's end", || app.name().is_empty().then_some(()));
}

#[test]
fn an_installer_does_not_end_a_program_that_writes_a_token() {
    if is_left_out("an_installer_does_not_end_a_program_that_writes_a_token") {
        return;
    }
    let world = World::new();
    let desktop = Desktop::new(&world);
    let (steered, token) = writing(&world, &desktop);
    let app = steered.process();
    let before = certificates(&world, &token);
    assert!(desktop.start(&["--quit"]).ends().success());
    wait("the new certificate on the key", || (certificates(&world, &token) > before).then_some(()));
    assert_eq!(app.name(), "ycd-app");
}

#[test]
fn work_goes_on_without_its_window_and_is_seen_when_it_is_opened_again() {
    if is_left_out("work_goes_on_without_its_window_and_is_seen_when_it_is_opened_again") {
        return;
    }
    let world = World::new();
    let desktop = Desktop::new(&world);
    let (steered, token) = writing(&world, &desktop);
    let app = steered.process();
    let before = certificates(&world, &token);
    desktop.close_window();
    steered.page.press("转到后台");
    wait("no window", || (!desktop.has_window()).then_some(()));
    // The driver of this session is bound to the window that is gone: from here on the desktop alone is looked at.
    wait("the new certificate on the key", || (certificates(&world, &token) > before).then_some(()));
    assert_eq!(app.name(), "ycd-app");
    assert_eq!(app.web_processes(), Vec::<String>::new());

    assert!(desktop.start(&[]).ends().success());
    desktop.wait_for_log("the page is ready", 2);
    assert!(desktop.has_window());
    assert_eq!(app.web_processes().len(), 1);
    // The page asks for all that there is, the work among it.
    desktop.wait_for_log("called name=\"start\"", 2);
}

fn certificates(world: &World, token: &IssuedToken) -> u32 {
    let tokens = admin::list(world.softkey_dir()).unwrap();
    tokens.iter().find(|state| state.serial_number == token.serial_number).unwrap().certificates
}
