//! The release window beside a bare Tauri window with an empty page: start, memory, and what both do while nothing
//! happens; and from the core's word of a token to the painted page.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use ycd_softkey::admin::{self, Kdf, NewToken};

use super::{Row, median};
use crate::{
    window::{self, App, Desktop, Process, Steered, proportional_kib, switches_and_ticks, wait},
    world::program,
};

const BESIDE: &str = "bare Tauri window, empty page";
/// What both programs say once their page was painted.
const READY: &str = "the page is ready";
/// After a start, until all is loaded that will be.
const SETTLED: Duration = Duration::from_secs(5);
/// Wake-ups a second that come and go between two runs of the same bare window.
const NOISE: f64 = 1.0;
/// From the event to the painted page, at the 95th of a hundred.
const PAINTED: Duration = Duration::from_millis(100);
/// From the insertion to the painted page, at the 95th of a hundred.
const SEEN: Duration = Duration::from_millis(300);

/// How much is measured.
struct Extent {
    starts: usize,
    idle: Duration,
    insertions: usize,
}

/// What a program does while nothing happens.
struct Rest {
    kib: u64,
    wakes: u64,
    ticks: u64,
}

/// `Err` says why it cannot be measured here.
///
/// # Errors
/// A program is missing.
pub fn measure(short: bool) -> Result<Vec<Row>, String> {
    window::available()?;
    let extent = if short {
        Extent { starts: 3, idle: Duration::from_secs(10), insertions: 10 }
    } else {
        Extent { starts: 10, idle: Duration::from_secs(30), insertions: 40 }
    };
    let app = program("ycd-app");
    let examples = app.parent().unwrap().join("examples");
    let (bare, steered) = (examples.join("bare-window"), examples.join("steered-window"));
    for example in [&bare, &steered] {
        if !example.is_file() {
            return Err(format!(
                "{} is not built (cargo build --release -p ycd-app --examples)",
                example.display()
            ));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let softkeys = folder.path().join("tokens");
    fs::create_dir_all(&softkeys).unwrap();
    let desktop = Desktop::bare(&folder.path().join("desktop"), &softkeys);

    let mut rows = vec![starts(&desktop, &app, &bare, extent.starts)];
    let (ours, beside) = (rest(&desktop, &app, extent.idle), rest(&desktop, &bare, extent.idle));
    rows.extend(at_rest(&ours, &beside, extent.idle));
    rows.push(hidden(&desktop, &app));
    rows.push(refuses_to_be_steered(&desktop, &app));
    rows.extend(insertions(
        &desktop,
        &softkeys,
        &beside_host(folder.path(), &app, &steered),
        extent.insertions,
    ));
    Ok(rows)
}

fn starts(desktop: &Desktop, app: &Path, bare: &Path, rounds: usize) -> Row {
    let (mut ours, mut beside) = (Vec::new(), Vec::new());
    // The first round fills caches.
    for round in 0..=rounds {
        for (program, times) in [(app, &mut ours), (bare, &mut beside)] {
            let begun = Instant::now();
            let running = started(desktop, program);
            if round > 0 {
                times.push(begun.elapsed());
            }
            end(running);
        }
    }
    Row::times("start to the first usable page", median(ours), BESIDE, median(beside), 1.3)
}

/// Once its page stands.
fn started(desktop: &Desktop, program: &Path) -> App {
    let before = desktop.log().matches(READY).count();
    let app = desktop.start_as(program, &[]);
    desktop.wait_for_log(READY, before + 1);
    app
}

/// With its web processes, which would be in the way of what is measured next.
fn end(app: App) {
    let family = app.process().family();
    drop(app);
    wait("the end of all", || family.iter().all(|process| process.name().is_empty()).then_some(()));
}

fn rest(desktop: &Desktop, program: &Path, idle: Duration) -> Rest {
    let app = started(desktop, program);
    thread::sleep(SETTLED);
    // The software token's module looks at its folder ten times a second, in its driver host: that is no window's
    // doing, and what the watcher costs is measured with the tokens.
    let is_window = |process: &Process| process.name() != "ycd-host";
    let windows: Vec<Process> = app.process().family().into_iter().filter(is_window).collect();
    let (wakes_before, ticks_before) = switches_and_ticks(&windows);
    thread::sleep(idle);
    let (wakes, ticks) = switches_and_ticks(&windows);
    let rest = Rest {
        kib: proportional_kib(&windows),
        wakes: wakes.saturating_sub(wakes_before),
        ticks: ticks.saturating_sub(ticks_before),
    };
    end(app);
    rest
}

fn at_rest(ours: &Rest, beside: &Rest, idle: Duration) -> Vec<Row> {
    let seconds = idle.as_secs();
    let row = |name: String, ours: f64, beside: f64, unit, wanted: Option<f64>| {
        let ratio = ours / beside.max(1.0);
        let ok = wanted.is_none_or(|wanted| ratio <= wanted);
        Row { name, ours, beside, beside_name: BESIDE.to_owned(), ratio, wanted, ok, unit }
    };
    let mut wakes = row(
        format!("window's wake-ups, {seconds} s idle, app and web"),
        ours.wakes as f64,
        beside.wakes as f64,
        "",
        None,
    );
    wakes.ok = wakes.ours <= wakes.beside + NOISE * idle.as_secs_f64();
    wakes.beside_name += "; wanted: no more";
    vec![
        row(
            "window's memory (PSS, app and web), KiB".into(),
            ours.kib as f64,
            beside.kib as f64,
            "",
            Some(1.2),
        ),
        wakes,
        row(
            format!("window's processor time, {seconds} s idle, 10 ms"),
            ours.ticks as f64,
            beside.ticks as f64,
            "",
            None,
        ),
    ]
}

fn hidden(desktop: &Desktop, app: &Path) -> Row {
    let running = desktop.start_as(app, &["--hidden"]);
    thread::sleep(SETTLED);
    let web = running.process().web_processes().len();
    end(running);
    none_wanted("web processes while hidden", web)
}

fn refuses_to_be_steered(desktop: &Desktop, app: &Path) -> Row {
    const CONTROL: &str = "TAURI_WEBVIEW_AUTOMATION";
    let mut child = desktop.command(app).arg("--hidden").env(CONTROL, "true").spawn().unwrap();
    thread::sleep(SETTLED);
    let kept = Process(child.id()).environment().contains(CONTROL);
    let _ = child.kill();
    let _ = child.wait();
    none_wanted("steering variables kept by the release", usize::from(kept))
}

fn none_wanted(name: &str, ours: usize) -> Row {
    Row {
        name: name.to_owned(),
        ours: ours as f64,
        beside: 0.0,
        beside_name: "wanted: none".to_owned(),
        ratio: ours as f64,
        wanted: None,
        ok: ours == 0,
        unit: "",
    }
}

/// The program in a folder of its own with driver host and module, which are looked for beside it.
fn beside_host(folder: &Path, app: &Path, steered: &Path) -> PathBuf {
    let programs = folder.join("programs");
    fs::create_dir_all(&programs).unwrap();
    let place = programs.join("ycd-app");
    fs::copy(steered, &place).unwrap();
    for needed in ["ycd-host", "libycd_softkey.so"] {
        fs::copy(app.parent().unwrap().join(needed), programs.join(needed)).unwrap();
    }
    place
}

fn insertions(desktop: &Desktop, softkeys: &Path, steered: &Path, rounds: usize) -> Vec<Row> {
    let new = NewToken { kdf: Kdf::WEAK, inserted: false, ..NewToken::default() };
    let serial = admin::create(softkeys, &new).unwrap().serial_number;
    let steered = Steered::start_as(desktop, steered);
    let page = &steered.page;
    page.run(
        "window.__painted = []
         const now = () => performance.timeOrigin + performance.now()
         new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => window.__painted.push(now()))))
           .observe(document.querySelector('main'), { childList: true, subtree: true, characterData: true, attributes: true })",
        json!(null),
    );
    let (mut after_event, mut after_insertion) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        thread::sleep(Duration::from_millis(1000));
        page.run("window.__painted.length = 0", json!(null));
        let told_before = told(desktop).len();
        let begun = milliseconds(OffsetDateTime::now_utc());
        admin::insert(softkeys, &serial).unwrap();
        let event = wait("the word of a key", || told(desktop).get(told_before).copied());
        let painted = wait("the painted page", || {
            let times = page.run("return window.__painted", json!(null));
            let times = times.as_array()?.iter().filter_map(serde_json::Value::as_f64);
            // The page's clock may tell whole milliseconds only.
            times.into_iter().find(|time| *time >= event - 1.0)
        });
        if round > 0 {
            after_event.push((painted - event).max(0.0) / 1e3);
            after_insertion.push((painted - begun) / 1e3);
        }
        admin::remove(softkeys, &serial).unwrap();
    }
    let row = |name: &str, values: &[f64], wanted: Duration| {
        let p95 = percentile(values, 95);
        Row {
            name: name.to_owned(),
            ours: p95,
            beside: wanted.as_secs_f64(),
            beside_name: format!("wanted: at most this; median {:.0} ms", percentile(values, 50) * 1e3),
            ratio: p95 / wanted.as_secs_f64(),
            wanted: Some(1.0),
            ok: p95 <= wanted.as_secs_f64(),
            unit: "s",
        }
    };
    vec![
        row("key event → painted, p95", &after_event, PAINTED),
        row("insertion → painted, p95", &after_insertion, SEEN),
    ]
}

/// When pages were told of tokens, milliseconds since 1970.
fn told(desktop: &Desktop) -> Vec<f64> {
    let log = desktop.log();
    let lines = log.lines().filter(|line| line.contains("keys are told"));
    let time = |line: &str| OffsetDateTime::parse(line.split_whitespace().next()?, &Rfc3339).ok();
    lines.filter_map(time).map(milliseconds).collect()
}

fn milliseconds(time: OffsetDateTime) -> f64 {
    time.unix_timestamp_nanos() as f64 / 1e6
}

fn percentile(values: &[f64], hundredth: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() * hundredth / 100).min(sorted.len() - 1)]
}
