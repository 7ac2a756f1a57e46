//! `ycd-stage --pages DIR`: a portal, keys, an operator and a phone for the tests of the pages. Prints one line of JSON,
//! `{"stage": ADDRESS, "token": TOKEN}`, and ends with its standard input.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "whoever started it reads the address there")]

use std::{
    io::Read as _,
    process::ExitCode,
    sync::{Arc, Mutex},
};

use ycd_tests::{dev::fresh_token, stage};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [flag, pages] = words.as_slice() else {
        eprintln!("ycd-stage --pages DIR");
        return ExitCode::from(2);
    };
    if flag != "--pages" {
        eprintln!("unknown argument {flag}");
        return ExitCode::from(2);
    }
    match run(pages) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(pages: &str) -> Result<(), String> {
    let token = fresh_token()?;
    let made = Arc::new(Mutex::new(stage::Stage::new(pages.into())));
    let served = Arc::clone(&made);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.spawn(async move {
        let tell = |stage: &str| println!("{}", serde_json::json!({ "stage": stage, "token": token }));
        if let Err(error) = stage::serve(served, &token, tell).await {
            eprintln!("{error}");
        }
    });
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    // Nobody asks any more; what was put up is taken down from here.
    runtime.shutdown_background();
    drop(made);
    Ok(())
}
