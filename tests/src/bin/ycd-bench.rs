//! `cargo xtask bench` runs this, built for release: ratios against named peers in the same run. With `--only-window`
//! the window alone.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a program that measures and prints")]

use std::process::ExitCode;

use ycd_tests::bench::{Row, crypto, host, listing, renewal};
#[cfg(target_os = "linux")]
use ycd_tests::bench::{hotplug, unlock, window};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(host::ECHO) => {
            host::echo();
            return ExitCode::SUCCESS;
        }
        Some(renewal::BARE) => {
            renewal::bare(&arguments[1..]);
            return ExitCode::SUCCESS;
        }
        #[cfg(target_os = "linux")]
        Some(hotplug::CHILD) => {
            hotplug::child(&arguments[1..]);
            return ExitCode::SUCCESS;
        }
        #[cfg(target_os = "linux")]
        Some(unlock::CHALLENGE) => {
            unlock::child();
            return ExitCode::SUCCESS;
        }
        #[cfg(target_os = "linux")]
        Some(unlock::BARE) => {
            unlock::bare();
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let json = arguments.iter().position(|a| a == "--json").and_then(|at| arguments.get(at + 1));

    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let mut rows = Vec::new();
    if !has("--only-window") {
        rows.extend(flows_and_tokens(has("--short")));
    }
    #[cfg(target_os = "linux")]
    match window::measure(has("--short")) {
        Ok(measured) => rows.extend(measured),
        Err(reason) => println!("skipped: the window: {reason}"),
    }

    println!("{:<36} {:>13} {:>13} {:>7} {:>7}  beside", "", "ours", "beside", "ratio", "wanted");
    for row in &rows {
        let show = |value: f64| match row.unit {
            "s" => format!("{:.3} ms", value * 1e3),
            "" => format!("{value:.0}"),
            _ => format!("{value:.0}/s"),
        };
        let wanted = row.wanted.map_or_else(|| "-".to_owned(), |wanted| format!("{wanted:.1}"));
        let mark = if row.ok { "" } else { "  MISSED" };
        println!(
            "{:<36} {:>13} {:>13} {:>7.2} {:>7}  {}{mark}",
            row.name,
            show(row.ours),
            show(row.beside),
            row.ratio,
            wanted,
            row.beside_name
        );
    }
    if let Some(file) = json {
        let text = serde_json::json!({ "rows": rows });
        std::fs::write(file, format!("{text:#}\n")).expect("the file is written");
    }
    if rows.iter().all(|row| row.ok) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All but the window.
#[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "what can be long runs on Linux"))]
fn flows_and_tokens(short: bool) -> Vec<Row> {
    let mut rows = vec![renewal::measure()];
    #[cfg(target_os = "linux")]
    {
        rows.push(unlock::wrapped());
        match unlock::challenge() {
            Ok(row) => rows.push(row),
            Err(reason) => println!("skipped: whole unlock by challenge: {reason}"),
        }
    }
    rows.push(host::measure());
    match listing::measure() {
        Some(row) => rows.push(row),
        None => println!("skipped: ycd token list, cold: pkcs11-tool is not installed"),
    }
    rows.extend(crypto::measure());
    #[cfg(target_os = "linux")]
    match hotplug::measure(short) {
        Ok(measured) => rows.extend(measured),
        Err(reason) => println!("skipped: insertion and removal: {reason}"),
    }
    rows
}
