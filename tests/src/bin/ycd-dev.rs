//! `ycd-dev --data-dir DIR --pages DIR [--softkeys DIR] [--drivers DIR] [--listen ADDRESS] [--access-token TOKEN]`: the
//! assistant for a browser on this machine. Prints one line of JSON, `{"url": …}`, once it listens, and ends with its
//! standard input.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "whoever started it reads the address there")]

use std::{io::Read as _, net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use ycd_assistant::{Assistant, data_dir::PathOverrides};
use ycd_tests::{dev, world::program};

#[derive(Default)]
struct Args {
    path_overrides: PathOverrides,
    pages: PathBuf,
    listen: Option<SocketAddr>,
    access_token: Option<String>,
}

fn main() -> ExitCode {
    match read(std::env::args().skip(1)).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn read(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut args = Args::default();
    while let Some(word) = words.next() {
        let value = words.next().ok_or(format!("{word} wants a value"))?;
        match word.as_str() {
            "--data-dir" => args.path_overrides.data_dir = Some(value.into()),
            "--softkeys" => args.path_overrides.softkey_dir = Some(value.into()),
            "--drivers" => args.path_overrides.drivers = Some(value.into()),
            "--pages" => args.pages = value.into(),
            "--listen" => args.listen = Some(value.parse().map_err(|e| format!("{value}: {e}"))?),
            "--access-token" => args.access_token = Some(value),
            _ => return Err(format!("unknown argument {word}")),
        }
    }
    Ok(args)
}

fn run(args: Args) -> Result<(), String> {
    let access_token = args.access_token.map_or_else(dev::fresh_token, Ok)?;
    let listen = args.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    let assistant = Arc::new(Assistant::open(args.path_overrides, Some(program("ycd-host"))));
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    // Whoever started this has ended: nobody looks any more.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let tell = |url: &str| println!("{}", serde_json::json!({ "url": url }));
    runtime
        .block_on(dev::serve(assistant, args.pages, listen, &access_token, tell))
        .map_err(|error| error.to_string())
}
