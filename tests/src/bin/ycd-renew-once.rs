//! One renewal in a process of its own, which ends itself without a word right after a given journal record: what a
//! power cut or a killed process leaves. Reads its task as JSON from standard input.
#![forbid(unsafe_code)]
#![allow(clippy::expect_used, reason = "a test's helper")]

use std::ops::ControlFlow;
use ycd_flows::renewal::Event;
use ycd_tests::{
    prompter::Scripted,
    world::{Machine, Task},
};

fn main() {
    let task: Task = serde_json::from_reader(std::io::stdin()).expect("a task on standard input");
    let mut machine = Machine::of_task(&task);
    let mut prompter = Scripted::with_pin(&task.pin);
    let mut records = 0;
    prompter.on_event = Box::new(move |event| {
        if matches!(event, Event::Recorded { .. }) {
            records += 1;
            if records == task.abort_after {
                std::process::abort();
            }
        }
        ControlFlow::Continue(())
    });
    machine.renew(&task.portal(), &mut prompter, &task.order).expect("renewed");
}
