//! How the program starts, waits, and ends.

use serde_json::json;
use ycd_tests::{
    window::{Desktop, Page, Steered, listening, wait},
    world::{World, program},
};

use crate::is_left_out;

const READY: &str = "the page is ready";

#[test]
fn a_hidden_start_has_no_web_process_and_a_second_start_shows_the_window() {
    if is_left_out("a_hidden_start_has_no_web_process_and_a_second_start_shows_the_window") {
        return;
    }
    let world = World::new();
    let desktop = Desktop::new(&world);
    let host = desktop.tray_host();
    let mut app = desktop.start(&["--hidden"]);
    wait("its driver hosts", || (app.process().family().len() > 1).then_some(()));
    // Starts with the session that come late hide themselves too.
    let mut again = desktop.start(&["--hidden"]);
    assert!(again.ends().success());
    assert!(!desktop.has_window());
    assert_eq!(app.process().web_processes(), Vec::<String>::new());

    assert!(desktop.start(&[]).ends().success());
    desktop.wait_for_log(READY, 1);
    assert!(desktop.has_window());
    assert_eq!(app.process().web_processes().len(), 1);

    // With a tray the program outlives its window, and nothing of the web outlives it.
    desktop.close_window();
    wait("no web process", || app.process().web_processes().is_empty().then_some(()));
    assert!(app.is_running() && !desktop.has_window());
    assert!(desktop.start(&["ycd:"]).ends().success());
    desktop.wait_for_log(READY, 2);

    // Without one it could not be called up again.
    drop(host);
    desktop.close_window();
    assert!(app.ends().success());
}

#[test]
fn the_start_with_the_session_is_shown_as_the_desktop_has_it_and_changed_there() {
    if is_left_out("the_start_with_the_session_is_shown_as_the_desktop_has_it_and_changed_there") {
        return;
    }
    let world = World::new();
    let desktop = Desktop::new(&world);
    let entry = desktop.data_dir().join(".config/autostart/yuncaidun-assistant.desktop");
    let setting = |page: &Page, wanted: bool| {
        let asked = || page.run("return window.__TAURI_INTERNALS__.invoke('start')", json!(null));
        wait("the setting", || {
            (asked()["settings"]["autostart"] == wanted).then(|| asked()["settings"].clone())
        })
    };
    // Somebody else has put it on the list.
    std::fs::create_dir_all(entry.parent().unwrap()).unwrap();
    std::fs::write(&entry, "[Desktop Entry]\n").unwrap();
    let steered = Steered::start(&desktop);
    let mut settings = setting(&steered.page, true);
    let mut change = |wanted: bool| {
        settings["autostart"] = json!(wanted);
        let call = "return window.__TAURI_INTERNALS__.invoke('change_settings', { settings: given })";
        steered.page.run(call, settings.clone());
    };
    change(false);
    wait("the entry gone", || (!entry.exists()).then_some(()));
    setting(&steered.page, false);
    change(true);
    let text =
        wait("an entry", || std::fs::read_to_string(&entry).ok().filter(|text| text.contains("Exec=")));
    let program = program("ycd-app").canonicalize().unwrap();
    assert!(text.contains(&format!("Exec=\"{}\" --hidden", program.display())), "{text}");
    setting(&steered.page, true);
}

#[test]
fn an_installer_asks_the_program_to_end_and_where_none_runs_nothing_happens() {
    if is_left_out("an_installer_asks_the_program_to_end_and_where_none_runs_nothing_happens") {
        return;
    }
    let world = World::new();
    let desktop = Desktop::new(&world);
    assert!(desktop.start(&["--quit"]).ends().success());
    let mut app = desktop.start(&[]);
    desktop.wait_for_log(READY, 1);
    assert!(desktop.start(&["--quit"]).ends().success());
    assert!(app.ends().success());
    assert!(!desktop.has_window());
}

#[test]
fn nobody_can_call_the_program() {
    if is_left_out("nobody_can_call_the_program") {
        return;
    }
    let world = World::new();
    let desktop = Desktop::new(&world);
    let app = desktop.start(&[]);
    desktop.wait_for_log(READY, 1);
    let family = app.process().family();
    assert!(family.len() > 3, "{family:?}");
    assert_eq!(listening(&family), Vec::<String>::new());
    // The test sees one where there is one: its own portal's.
    assert!(!listening(&[ycd_tests::window::Process(std::process::id())]).is_empty());
}

#[test]
fn without_a_screen_it_says_so_and_ends() {
    if is_left_out("without_a_screen_it_says_so_and_ends") {
        return;
    }
    let world = World::new();
    let desktop = Desktop::new(&world);
    let mut command = desktop.command(program("ycd-app"));
    let ended = command.env_remove("DISPLAY").env_remove("GDK_BACKEND").status().unwrap();
    assert_eq!(ended.code(), Some(3));
    assert!(desktop.log().contains("没有图形界面"), "{}", desktop.log());
}

#[test]
fn without_a_session_bus_a_second_one_does_not_start() {
    if is_left_out("without_a_session_bus_a_second_one_does_not_start") {
        return;
    }
    let world = World::new();
    let desktop = Desktop::new(&world);
    let without_bus = || {
        let mut command = desktop.command(program("ycd-app"));
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
        command
    };
    let mut first = without_bus().spawn().unwrap();
    desktop.wait_for_log(READY, 1);
    let second = without_bus().status().unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(second.code(), Some(4));
    assert!(desktop.log().contains("助手已在运行"), "{}", desktop.log());
}

#[test]
fn a_page_cannot_leave_the_program_nor_call_what_it_was_not_granted() {
    if is_left_out("a_page_cannot_leave_the_program_nor_call_what_it_was_not_granted") {
        return;
    }
    let world = World::new();
    let desktop = Desktop::new(&world);
    let steered = Steered::start(&desktop);
    let page = &steered.page;
    let own = page.run("return location.origin", json!(null));
    for elsewhere in ["https://example.com/", "file:///etc/passwd", "data:text/html,x", &world.direct_url()] {
        page.run("location.href = given; await new Promise(done => setTimeout(done, 100))", json!(elsewhere));
        assert_eq!(page.run("return location.origin", json!(null)), own, "{elsewhere}");
    }
    assert!(page.run("return window.open('https://example.com/') === null", json!(null)).as_bool().unwrap());
    for (command, arguments) in [
        ("plugin:window|close", json!({ "label": "main" })),
        ("plugin:event|emit", json!({ "event": "close-asked" })),
        ("plugin:dialog|save", json!({ "options": {} })),
        ("plugin:autostart|enable", json!({})),
        ("plugin:webview|create_webview_window", json!({ "options": { "label": "other" } })),
        ("no_such_command", json!({})),
    ] {
        let refused = page.run(
            "return window.__TAURI_INTERNALS__.invoke(given.command, given.arguments).then(() => 'done', (e) => String(e))",
            json!({ "command": command, "arguments": arguments }),
        );
        let refused = refused.as_str().unwrap_or_default().to_owned();
        assert!(refused.contains("not allowed"), "{command}: {refused}");
    }
    let fetched =
        page.run("return fetch(given).then(() => 'done', () => 'refused')", json!(world.direct_url()));
    assert_eq!(fetched, "refused");
}
