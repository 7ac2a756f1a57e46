//! Every operation, struck by a driver in every way that drivers have, at the PKCS#11 functions that it calls: the
//! call ends within its deadline with the right error, the host is replaced, other tokens go on working, and no process
//! and no handle is left.
//!
//! In short form each operation is struck in every way at the function in which its work is done, and at another one.
//! `cargo xtask exhaustive` strikes at all of them, at the first and at the last time that they are called.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests and what they are built from"
)]
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;
mod kinds;
mod operations;
mod release;
mod scene;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::{Bench, PIN, counts, settled};
use ycd_softkey::admin;
use ycd_token::{ModuleHost, Pin, TokenAccess, TokenError};

use kinds::Kind;
use operations::{Given, Operation};
use scene::{DEADLINE_MS, Scene};

/// Cells at once. Most of them wait for a host to start or for a deadline.
const WORKERS: usize = 8;
/// What a call may take beyond its deadline: for killing and burying the host, on a machine that is busy.
const GRACE: Duration = Duration::from_millis(1500);

/// One operation, struck in one way at one call of one function.
#[derive(Debug)]
struct Cell {
    operation: Operation,
    function: String,
    occurrence: u64,
    kind: Kind,
}

/// An operation without misuse.
struct Honest {
    given: Given,
    /// Each function with how often it is called, in the order of their first calls.
    functions: Vec<(String, u64)>,
}

#[test]
fn every_operation_misused_in_every_way_ends_in_time_with_the_right_error_and_leaves_nothing_behind() {
    let exhaustive = std::env::var_os("YCD_EXHAUSTIVE").is_some();
    let before = counts();
    let templates = Scene::templates();
    let template = |operation: Operation| &templates[usize::from(operation.needs_certificate())];
    let honest: Vec<Honest> =
        Operation::ALL.iter().map(|operation| honestly(*operation, template(*operation))).collect();
    let mut cells = Vec::new();
    for (row, operation) in Operation::ALL.iter().enumerate() {
        cells.extend(cells_of(*operation, row, &honest[row].functions, exhaustive));
    }
    let (next, hungry, failures) = (AtomicUsize::new(0), Mutex::new(()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let mut neighbour = Neighbour::new();
                while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // One at a time takes all the memory that it is given.
                    let _turn = (cell.kind == Kind::EatsMemory)
                        .then(|| hungry.lock().unwrap_or_else(PoisonError::into_inner));
                    let honest = &honest[Operation::ALL.iter().position(|o| *o == cell.operation).unwrap()];
                    let struck = catch_unwind(AssertUnwindSafe(|| {
                        strike(cell, &template(cell.operation).copy(), &honest.given)?;
                        neighbour.works()
                    }));
                    if let Err(what) = struck.unwrap_or_else(|_| Err("panicked".into())) {
                        failures.lock().unwrap().push(format!("{cell:?}: {what}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {} cells:\n{}", failures.len(), cells.len(), failures.join("\n"));
    assert!(settled(before), "{before:?} then {:?}: processes, handles, threads", counts());
    println!("{} cells", cells.len());
}

fn honestly(operation: Operation, template: &Scene) -> Honest {
    let scene = template.copy();
    let mut host = scene.host();
    let ready = operation.prepare(&scene, &mut host);
    admin::set_trace(scene.dir.path(), true).unwrap();
    let given = operation.perform(&scene, &ready, &mut host).unwrap();
    let mut functions: Vec<(String, u64)> = Vec::new();
    for (function, _) in admin::trace(scene.dir.path()).unwrap() {
        match functions.iter_mut().find(|(name, _)| *name == function) {
            Some((_, times)) => *times += 1,
            None => functions.push((function, 1)),
        }
    }
    let main = operation.main_function();
    assert!(functions.iter().any(|(name, _)| name == main), "{operation:?} does not call {main}");
    admin::clear_fault(scene.dir.path()).unwrap();
    operation.confirm(&scene, &mut host).unwrap();
    let seen = scene.look(&mut host).unwrap();
    assert!(operation.is_done(&scene, &given, &given, &seen), "{operation:?}: {seen:?}");
    Honest { given, functions }
}

fn cells_of(operation: Operation, row: usize, functions: &[(String, u64)], exhaustive: bool) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut add = |kind: Kind, function: &str, occurrence| {
        if kind.at(function, occurrence).is_some() {
            cells.push(Cell { operation, function: function.to_owned(), occurrence, kind });
        }
    };
    if exhaustive {
        for (at, (function, times)) in functions.iter().enumerate() {
            for kind in Kind::all(row * 7 + at * 3, 8) {
                add(kind, function, 1);
                if *times > 1 {
                    add(kind, function, *times);
                }
            }
        }
        return cells;
    }
    for (column, kind) in Kind::all(row * 3, 2).into_iter().enumerate() {
        add(kind, operation.main_function(), 1);
        if matches!(kind, Kind::HangAfter | Kind::TooSlow | Kind::EatsMemory) {
            // Those that take long.
            continue;
        }
        // Another function, or, of those that can fail like that, another call.
        let others = functions.iter().filter(|(name, _)| name != operation.main_function());
        let others: Vec<_> = others.filter(|(name, times)| kind.at(name, *times).is_some()).collect();
        if let Some((function, times)) = others.get((row + column) % others.len().max(1)) {
            add(kind, function, 1 + (column as u64) % times);
        }
    }
    cells
}

/// Does the operation with the fault in its way, and looks at everything afterwards.
fn strike(cell: &Cell, scene: &Scene, honest: &Given) -> Result<(), String> {
    let (operation, kind) = (cell.operation, cell.kind);
    let mut host = scene.host();
    let ready = operation.prepare(scene, &mut host);
    let fault = kind.at(&cell.function, cell.occurrence).ok_or("no such fault")?;
    admin::set_fault(scene.dir.path(), None, &fault).unwrap();
    let process = host.process_id();

    let begun = Instant::now();
    let outcome = operation.perform(scene, &ready, &mut host);
    let took = begun.elapsed();
    let struck = admin::faults(scene.dir.path()).unwrap().rules.iter().all(|rule| rule.struck);
    admin::clear_fault(scene.dir.path()).unwrap();

    if !struck {
        return Err("the fault was not met".into());
    }
    if took > Duration::from_millis(DEADLINE_MS) + GRACE {
        return Err(format!("took {took:?}: {outcome:?}"));
    }
    let stopped = matches!(
        outcome,
        Err(TokenError::HostDied { .. } | TokenError::HostTimeout { .. } | TokenError::Unknown { .. })
    ) && kind.stops_the_host();
    if stopped && host.process_id().is_some() {
        return Err(format!("the host lives on after {outcome:?}"));
    }
    let is_proven_later = kind.forgets() && operation.is_proven_later();
    if outcome.is_ok() && kind != Kind::EatsMemory && !is_proven_later {
        operation.confirm(scene, &mut host).map_err(|error| format!("a wrong success: {error:?}"))?;
    }
    let seen = scene.look(&mut host)?;
    if stopped && host.process_id() == process {
        return Err("the host is the old one".into());
    }
    match &outcome {
        Ok(_) if !kind.allows_success(operation) => Err(format!("{outcome:?}")),
        Ok(_) if kind.hides(operation, &cell.function) || is_proven_later => Ok(()),
        Ok(given) if operation.is_done(scene, given, honest, &seen) => Ok(()),
        Ok(given) => Err(format!("a wrong success: {given:?}, {seen:?}")),
        Err(error) if !kind.allows_error(operation, error) => Err(format!("{error:?}")),
        Err(TokenError::Unknown { .. } | TokenError::Removed | TokenError::ReadBackDiffers) => Ok(()),
        Err(_) if operation.is_complete(scene, &seen) => Ok(()),
        Err(error) => Err(format!("half done, but {error:?}: {seen:?}")),
    }
}

/// A token behind a host of its own, which nobody misuses.
struct Neighbour {
    fixture: Bench,
    host: ModuleHost,
    process: Option<u32>,
}

impl Neighbour {
    fn new() -> Self {
        let fixture = Bench::new();
        let mut host = fixture.host();
        host.login(&fixture.token, &Pin::new(PIN)).unwrap();
        let process = host.process_id();
        Self { fixture, host, process }
    }

    fn works(&mut self) -> Result<(), String> {
        let contents =
            self.host.read(&self.fixture.token).map_err(|error| format!("the neighbour: {error:?}"))?;
        match contents.logged_in && self.host.process_id() == self.process {
            true => Ok(()),
            false => Err("the neighbour's host is another one".into()),
        }
    }
}
