//! From a card's insertion to its key, beside a bare loop over SCardGetStatusChange; and the watcher while nothing
//! happens.

use std::{
    collections::BTreeMap,
    env, fs,
    process::Command,
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use pcsc::{Context, ReaderState, Scope, State};
use serde::{Deserialize, Serialize};
use ycd_softkey::{
    admin::{self, Kdf, NewToken},
    card,
};
use ycd_token::{Drivers, TokenEvent, TokenWatcher};

use super::Row;
use crate::{
    pcscd::{Pcscd, with_own_service},
    world::{profile, program},
};

/// The argument with which the benchmark starts itself, in a process whose PC/SC is a service of its own.
pub const CHILD: &str = "hotplug";

/// What one turn of libpcsclite's own, once a minute, costs at most: it falls into the time of one thread or of the
/// other.
const LIBRARY_TURN: u64 = 3;
/// The bare loop's thread.
const BARE: &str = "bare loop";
/// What ours may take longer than the bare loop, at the 95th of a hundred.
const ALLOWED: Duration = Duration::from_millis(20);
/// The watcher's own attention after a change, which is to be over.
const SETTLED: Duration = Duration::from_secs(4);
const SOON: Duration = Duration::from_secs(30);

/// Seconds, each round's.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Times {
    arrived: Vec<f64>,
    arrived_bare: Vec<f64>,
    gone: Vec<f64>,
    gone_bare: Vec<f64>,
    idle_seconds: u64,
    /// Voluntary context switches of each thread of watcher and bare loop in that time, by name.
    wakes: BTreeMap<String, u64>,
}

/// 200 rounds and a minute, or 20 and five seconds; `Err` says why it cannot be measured here.
pub fn measure(short: bool) -> Result<Vec<Row>, String> {
    Pcscd::available()?;
    let mut child = Command::new(env::current_exe().unwrap());
    child.arg(CHILD).args(if short { ["20", "5"] } else { ["200", "60"] });
    let output = with_own_service(child, |child| child.output().unwrap());
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = || format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    let times: Times = serde_json::from_str(&printed).map_err(|_| errors())?;
    let mut rows = Vec::new();
    for (what, ours, bare) in [
        ("insertion → token identified", &times.arrived, &times.arrived_bare),
        ("removal → token known gone", &times.gone, &times.gone_bare),
    ] {
        for hundredth in [50, 95] {
            let (ours, beside) = (percentile(ours, hundredth), percentile(bare, hundredth));
            rows.push(Row {
                name: format!("{what}, p{hundredth}"),
                ours,
                beside,
                beside_name: format!("bare SCardGetStatusChange; wanted: +{} ms at p95", ALLOWED.as_millis()),
                ratio: ours / beside,
                wanted: None,
                ok: hundredth != 95 || ours - beside <= ALLOWED.as_secs_f64(),
                unit: "s",
            });
        }
    }
    // libpcsclite comes up for air once a minute, whoever waits in it without a timeout.
    let bare = times.wakes.get(BARE).copied().unwrap_or_default();
    let wakes = times.wakes.values().sum::<u64>() - bare;
    rows.push(Row {
        name: format!("watcher's wake-ups, {} s idle", times.idle_seconds),
        ours: wakes as f64,
        beside: bare as f64,
        beside_name: "the bare loop's thread in the same time; wanted: no more".into(),
        ratio: if bare == 0 { wakes as f64 } else { wakes as f64 / bare as f64 },
        wanted: None,
        ok: wakes <= bare + LIBRARY_TURN,
        unit: "",
    });
    Ok(rows)
}

/// The process of its own: prints its times as JSON. Arguments: rounds, seconds of rest.
#[allow(clippy::print_stdout, reason = "its parent reads it")]
pub fn child(arguments: &[String]) {
    let number = |at: usize| arguments[at].parse::<u64>().unwrap();
    let pcscd = Pcscd::start(2);
    let folder = tempfile::tempdir().unwrap();
    let new = NewToken { kdf: Kdf::WEAK, inserted: false, ..NewToken::default() };
    let serial = admin::create(folder.path(), &new).unwrap().serial_number;
    let reader = format!("127.0.0.1:{}", pcscd.ports()[0]);
    let runner = card::start(folder.path(), &serial, &reader, |_| ()).unwrap();
    let mut by_card = profile("softkey");
    by_card.recognition.beyond_pcsc = false;
    let drivers = Drivers::of(vec![by_card]).with_env("YCD_SOFTKEY_DIR", folder.path());
    let watcher = TokenWatcher::start(&drivers, Some(&program("ycd-host")));
    let bare = bare_loop();
    // What listens for hints looks a few more times after one that changed nothing: a first listing that overlapped
    // with a first insertion would be ahead of the reader from then on.
    thread::sleep(SETTLED);

    let mut times = Times { idle_seconds: number(1), ..Times::default() };
    for round in 0..=number(0) {
        let begun = Instant::now();
        admin::insert(folder.path(), &serial).unwrap();
        let arrived = watcher.events().recv_timeout(SOON).unwrap();
        let ours = begun.elapsed();
        assert!(matches!(arrived, TokenEvent::Arrived(_)));
        let floor = bare.recv_timeout(SOON).unwrap() - begun;
        let begun = Instant::now();
        admin::remove(folder.path(), &serial).unwrap();
        let gone = watcher.events().recv_timeout(SOON).unwrap();
        let ours_gone = begun.elapsed();
        assert!(matches!(gone, TokenEvent::Gone(_)));
        let floor_gone = bare.recv_timeout(SOON).unwrap() - begun;
        // The first round fills caches.
        if round > 0 {
            times.arrived.push(ours.as_secs_f64());
            times.arrived_bare.push(floor.as_secs_f64());
            times.gone.push(ours_gone.as_secs_f64());
            times.gone_bare.push(floor_gone.as_secs_f64());
        }
    }
    runner.stop().unwrap();
    thread::sleep(SETTLED);
    let before = switches();
    thread::sleep(Duration::from_secs(times.idle_seconds));
    for (name, count) in switches() {
        // Threads that have ended meanwhile slept no more.
        if let Some(earlier) = before.get(&name) {
            times.wakes.insert(name, count - earlier);
        }
    }
    println!("{}", serde_json::to_string(&times).unwrap());
}

/// Tells when the first reader's card comes or goes, and does nothing else.
fn bare_loop() -> Receiver<Instant> {
    let context = Context::establish(Scope::User).unwrap();
    let (sender, events) = channel();
    let watch = move || {
        let mut states = [ReaderState::new(context.list_readers_owned().unwrap().remove(0), State::UNAWARE)];
        let mut present = false;
        while context.get_status_change(None, &mut states).is_ok() {
            let now = Instant::now();
            let is_there = states[0].event_state().contains(State::PRESENT);
            if is_there != present && sender.send(now).is_err() {
                return;
            }
            present = is_there;
            states[0].sync_current_state();
        }
    };
    thread::Builder::new().name(BARE.into()).spawn(watch).unwrap();
    events
}

/// Voluntary context switches of every thread but the one that asks, by name.
fn switches() -> BTreeMap<String, u64> {
    let own = std::process::id().to_string();
    let mut counts = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
        if task.file_name().to_string_lossy() == own {
            continue;
        }
        let text = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let field = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
        };
        if let (Some(name), Some(count)) = (field("Name:"), field("voluntary_ctxt_switches:")) {
            *counts.entry(name).or_default() += count.parse::<u64>().unwrap();
        }
    }
    counts
}

fn percentile(values: &[f64], hundredth: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() * hundredth / 100).min(sorted.len() - 1)]
}
