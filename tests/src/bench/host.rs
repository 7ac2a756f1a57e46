//! A round trip to the driver host with nothing to do, against a bare ping-pong over pipes.

use std::{
    io::{Read, Write},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use ycd_token::{Drivers, ModuleHost};

use super::{Row, median};
use crate::world::program;

const MAX_PASSES: u32 = 4_000;
const BATCHES: usize = 9;

/// The argument with which the bench program is its own peer: it writes back what it reads.
pub const ECHO: &str = "--echo";

/// A frame as long as the host's for a ping: length and a small body.
const FRAME: [u8; 8] = [4, 0, 0, 0, 1, 2, 3, 4];

pub fn echo() {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut frame = [0; FRAME.len()];
    while input.read_exact(&mut frame).is_ok() {
        output.write_all(&frame).and_then(|()| output.flush()).expect("the pipe takes it");
    }
}

/// Both pairs of processes run on one processor: whether the scheduler puts a pair on one or on two makes a factor of
/// twenty either way, and is luck.
pub fn measure() -> Row {
    let whole = on_one_processor();
    let row = measure_here();
    back_to(whole);
    row
}

#[cfg(target_os = "linux")]
fn on_one_processor() -> Option<rustix::thread::CpuSet> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let whole = sched_getaffinity(None).ok()?;
    let first = (0..CpuSet::MAX_CPU).find(|cpu| whole.is_set(*cpu))?;
    let mut one = CpuSet::new();
    one.set(first);
    sched_setaffinity(None, &one).ok().map(|()| whole)
}

#[cfg(target_os = "linux")]
fn back_to(whole: Option<rustix::thread::CpuSet>) {
    if let Some(whole) = whole {
        // What is measured next may run anywhere; where it may not, its own figures tell.
        let _ = rustix::thread::sched_setaffinity(None, &whole);
    }
}

#[cfg(not(target_os = "linux"))]
fn on_one_processor() {}

#[cfg(not(target_os = "linux"))]
fn back_to((): ()) {}

fn measure_here() -> Row {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let drivers = Drivers::load(None).expect("the profiles").with_env("YCD_SOFTKEY_DIR", folder.path());
    let driver =
        drivers.find_modules().into_iter().find(|d| d.profile.name == "softkey").expect("the module");
    let mut host = ModuleHost::start(&program("ycd-host"), &driver).expect("the host starts");

    let mut child = Command::new(std::env::current_exe().expect("this program's own path"))
        .arg(ECHO)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the echo starts");
    let mut to = child.stdin.take().expect("a pipe");
    let mut from = child.stdout.take().expect("a pipe");

    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        ours.push(time(|| host.ping().expect("the host answers")));
        bare.push(time(|| {
            let mut frame = FRAME;
            to.write_all(&frame).expect("the pipe takes it");
            from.read_exact(&mut frame).expect("the echo answers");
        }));
    }
    drop(to);
    drop(child.wait());
    Row::times("host round trip", median(ours), "bare pipe ping-pong", median(bare), 3.0)
}

fn time(mut once: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..MAX_PASSES {
        once();
    }
    start.elapsed() / MAX_PASSES
}
