//! `ycd-stage --pages DIR`: a portal, tokens, an operator and a phone for the tests of the pages. Prints one line of
//! JSON, `{"stage": ADDRESS, "token": TOKEN}`, and ends with its standard input.
//!
//! With `--demo` it puts up a few tokens, prints the address of the pages for whoever develops them, and takes words on
//! standard input.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "whoever started it reads the address there")]

use std::{
    io::Read as _,
    process::ExitCode,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use ycd_tests::{
    dev::fresh_token,
    stage::{self, Stage},
};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["--pages", pages] => serve(pages),
        ["--pages", pages, "--demo"] => demo(pages),
        _ => {
            eprintln!("ycd-stage --pages DIR [--demo]");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(pages: &str) -> Result<(), String> {
    let access_token = fresh_token()?;
    let made = Arc::new(Mutex::new(Stage::new(pages.into())));
    let served = Arc::clone(&made);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.spawn(async move {
        let tell = |stage: &str| println!("{}", json!({ "stage": stage, "token": access_token }));
        if let Err(error) = stage::serve(served, &access_token, tell).await {
            eprintln!("{error}");
        }
    });
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    // Nobody asks any more; what was put up is taken down from here.
    runtime.shutdown_background();
    drop(made);
    Ok(())
}

const WORDS: &str = "insert N, pull N, code PHONE, down, up, quit";

fn demo(pages: &str) -> Result<(), String> {
    let mut stage = Stage::new(pages.into());
    let mut act = |what: Value| stage.act(serde_json::from_value(what).map_err(|error| error.to_string())?);
    let mut serials = Vec::new();
    for (company, phone, age, says) in [
        ("泸州江阳商贸有限公司", "13800000001", 345, "20 days left, its renewal is approved"),
        ("合江酒业包装有限公司", "13800000002", 200, "locked"),
        ("泸州纳溪物流有限公司", "13800000003", 400, "its term is over"),
        ("叙永机电设备有限公司", "13800000004", 100, "revoked"),
    ] {
        let token = act(json!({ "do": "token", "company": company, "phone": phone, "age_days": age }))?;
        let serial = token["serial"].clone();
        match says {
            "locked" => {
                act(json!({ "do": "insert", "serial": serial }))?;
                act(json!({ "do": "wrong_pins", "serial": serial }))?;
                act(json!({ "do": "pull", "serial": serial }))?;
            }
            "revoked" => drop(act(json!({ "do": "revoke", "certificate": token["certificate"] }))?),
            "its term is over" => {}
            _ => {
                let order = json!({ "do": "order", "certificate": token["certificate"], "phone": phone,
                    "until": "approved" });
                act(order)?;
            }
        }
        println!("key {}  {}  {company}  {phone}  {says}", serials.len() + 1, text(&token["tail"]));
        serials.push(serial);
    }
    act(json!({ "do": "insert", "serial": serials[0] }))?;
    let assistant = act(json!({ "do": "assistant", "name": "dev" }))?;
    println!("\n{}\n\nkey 1 is in; PINs are 12345678. Words: {WORDS}", text(&assistant["url"]));
    for line in std::io::stdin().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let serial = |number: &str| {
            let at = number.parse::<usize>().ok()?.checked_sub(1)?;
            serials.get(at).cloned().ok_or(()).ok()
        };
        let what = match words.as_slice() {
            [] => continue,
            ["quit"] => break,
            [verb @ ("insert" | "pull"), number] => {
                serial(number).map(|serial| json!({ "do": verb, "serial": serial }))
            }
            ["code", phone] => Some(json!({ "do": "code", "phone": phone })),
            ["down"] => Some(json!({ "do": "portal", "up": false })),
            ["up"] => Some(json!({ "do": "portal", "up": true })),
            _ => None,
        };
        match what.map(&mut act) {
            None => println!("words: {WORDS}"),
            Some(Ok(answer)) => println!("{answer}"),
            Some(Err(error)) => println!("{error}"),
        }
    }
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
