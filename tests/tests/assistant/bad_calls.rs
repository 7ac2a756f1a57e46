use serde_json::json;
use ycd_assistant::commands;
use ycd_tests::world::{Maker, PIN, World};

use crate::screen::{Screen, approved, pin};

#[test]
fn what_no_command_takes_is_refused_and_changes_nothing() {
    let world = World::new();
    let screen = Screen::new(&world, "machine");
    let start = || screen.call("start", json!({}));
    let before = screen.wait("the first look", || Some(start()).filter(|s| s["tokens"]["looking"] == false));
    for arguments in [json!(null), json!([]), json!("x"), json!({ "nothing": "of ours" }), json!({ "no": 7 })]
    {
        for name in commands::NAMES {
            if screen.assistant.call(name, arguments.clone()).is_ok() {
                panic!("{name} took {arguments}");
            }
        }
    }
    assert_eq!(screen.refused("no_such_command", json!({})), "app.unknown_command");
    assert_eq!(screen.refused("start; rm", json!({})), "app.unknown_command");
    assert_eq!(screen.call("start", json!({})), before);
}

#[test]
fn an_answer_counts_for_its_own_question_only() {
    let world = World::new();
    let (screen, _, order) = approved(&world);
    screen.start_renewal(&order);
    let (job, question, _) = screen.asked("pin");
    let answer = |job: &serde_json::Value, question: u64, answer: serde_json::Value| {
        screen.refused("answer", json!({ "job": job, "question": question, "answer": answer }))
    };
    let id = question.as_u64().unwrap();
    assert_eq!(answer(&job, id + 1, pin(PIN)), "app.question_over");
    assert_eq!(answer(&json!(99), id, pin(PIN)), "app.question_over");
    // A yes is no PIN.
    assert_eq!(answer(&job, id, json!({ "answer": "yes" })), "app.arguments");
    assert_eq!(answer(&job, id, json!({ "answer": "no_such" })), "app.arguments");
    screen.answer("pin", pin(PIN));
    assert_eq!(screen.outcome()["outcome"], "renewed");
    assert_eq!(answer(&job, id, pin(PIN)), "app.question_over");
}

#[test]
fn one_job_at_a_time_and_none_is_dismissed_while_it_runs() {
    let world = World::new();
    let (screen, _, order) = approved(&world);
    screen.start_renewal(&order);
    let (job, _, _) = screen.asked("pin");
    let unlock = json!({ "token_id": null, "no": null });
    assert_eq!(screen.refused("start_unlock", unlock), "app.job_busy");
    assert_eq!(screen.refused("dismiss_job", json!({ "job": job })), "app.job_busy");
    screen.answer("pin", json!({ "answer": "stop" }));
    assert_eq!(screen.outcome()["outcome"], "stopped");
}

#[test]
fn an_administrators_broken_profile_keeps_nobody_from_the_others() {
    let world = World::new();
    let token = world.issued_token(&Maker::default());
    world.insert(&token.serial_number);
    let drivers = world.path().join("drivers");
    std::fs::create_dir_all(&drivers).unwrap();
    std::fs::write(drivers.join("broken.toml"), "name = ").unwrap();
    let path_overrides = ycd_assistant::data_dir::PathOverrides {
        data_dir: Some(world.path().join("machine")),
        softkey_dir: Some(world.softkey_dir()),
        drivers: Some(drivers),
        ..Default::default()
    };
    let assistant =
        ycd_assistant::Assistant::open(path_overrides, Some(ycd_tests::world::program("ycd-host")));
    for _ in 0..500 {
        if assistant.call("start", json!({})).unwrap()["tokens"]["tokens"][0]["state"] == "read" {
            let page = assistant.call("diagnose", json!({})).unwrap();
            let line = page["lines"].as_array().unwrap().iter().find(|line| line["check"] == "profiles");
            assert_eq!(line.unwrap()["code"], "profile.invalid");
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("the token is not read");
}
