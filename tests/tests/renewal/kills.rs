//! The assistant's process is killed right after each of its journal records.

use ycd_flows::renewal::Step;
use ycd_tests::{
    prompter::Scripted,
    world::{PIN, Task, World},
};

use super::{ended_well, old_one_still_serves};

/// open, generate, issue, write, confirm, done
const RECORDS: u32 = 6;

#[test]
fn killed_after_any_journal_record_the_next_start_finishes_the_job() {
    for n in 1..=RECORDS {
        let world = World::new();
        let (token, order) = world.token_with_order();
        let task = Task::new(&world, "a", &token, &order, n);
        let status = task.run();
        assert!(!status.success(), "it was to end itself at record {n}");

        let mut machine = world.machine("a");
        let unfinished = machine.journal.unfinished().unwrap();
        if n < RECORDS {
            assert_eq!(unfinished.len(), 1, "record {n}");
            assert_eq!(unfinished[0].order, order);
            if n < 5 {
                old_one_still_serves(&world, &mut machine, &token);
            }
        } else {
            assert_eq!(unfinished, []);
        }
        let portal = world.applicant(&token.phone);
        let mut prompter = Scripted::with_pin(PIN);
        let renewed = machine
            .renew(&portal, &mut prompter, &order)
            .unwrap_or_else(|error| panic!("killed after record {n}: {error}"));
        let steps = prompter.heard.lock().unwrap().steps();
        assert_eq!(steps.contains(&Step::Generate), n == 1, "record {n}: {steps:?}");
        ended_well(&world, &mut machine, &token, &order, &renewed);
        assert_eq!(machine.journal.unfinished().unwrap(), []);
    }
}

#[test]
fn undisturbed_there_are_just_these_records() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let status = Task::new(&world, "a", &token, &order, RECORDS + 1).run();
    assert!(status.success());
}
