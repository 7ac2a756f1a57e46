//! `cargo xtask …`: everything the README asks anyone to type.
//!
//! - [`demo`] and `bench` build what they need and run the programs of the package `ycd-tests`.
//! - [`checks`] is `cargo xtask test`: what CI runs, with counts.
//! - [`tidy`] holds the invariants of `docs/architecture.md` that no compiler checks.
//! - [`ui`] builds and tests the pages, and starts the development server.
//! - [`windows`] type-checks for Windows, makes the installer and tries it under Wine, all on a Debian machine.
//! - `linux` makes the Debian package and tries it in a clean Debian 12.
//! - [`setup`] installs the system packages that tests and demo lean on.
//! - [`models`] explores the models of `docs/protocols/`.
//! - [`errors`] renders `docs/errors.md` from the catalogue of messages.
//!
//! It depends on no other crate of the workspace, so that it starts in seconds and works while they do not compile.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

mod checks;
mod checksum;
mod debian;
mod demo;
mod errors;
mod files;
mod finding;
mod licences;
#[cfg(unix)]
mod linux;
mod models;
mod parts;
mod process;
mod provision;
mod rust_text;
mod rust_tokens;
mod sbom;
mod setup;
mod tidy;
mod tree;
mod ui;
mod windows;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask demo [--json FILE] [--keep DIR] [--serve] [--no-window]
                              renewals and unlocks on embedded defaults, told step by step; with a display, the window
cargo xtask bench [--json FILE] [--short]
                              speed, release build, ratios beside other people's tools
cargo xtask test [--quick]    quick tests first, then all that CI runs; ends with counts
cargo xtask exhaustive        the token pulled at every single token call of a renewal, and every operation misused at every
                              function that it calls and every command that it sends to a card, not only at a spread
cargo xtask tidy [RULE ...]   the invariants of docs/architecture.md
cargo xtask models [--all]    the models of docs/protocols: that each rule is needed, and that they suffice
cargo xtask errors [--check]  renders docs/errors.md from the catalogue of messages
cargo xtask check windows     type-checks every crate for x86_64-pc-windows-gnu
cargo xtask test windows [--short]
                              that installer and its programs under Wine: installed, used, pulled, killed, upgraded, removed
cargo xtask test linux        the .deb in a clean Debian 12: installed, used, upgraded, removed
cargo xtask package windows   the installer for Windows, signed, with its bill of materials, in dist/
cargo xtask package linux     a .deb in dist/
cargo xtask dev               the pages in a browser, on the real core, with a portal and tokens to play with
cargo xtask shots             every page in every state as a picture, and one page that shows them
cargo xtask contract          writes the contract of the assistant's commands and the pages' types that come from it
cargo xtask setup             installs the system packages that tests and demo need
";

/// What a command gives back: done, found something (already told), or could not be done (the reason).
type Outcome = Result<bool, String>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let root = tree::root();
    let outcome = match words.as_slice() {
        ["demo", flags @ ..] => demo::demo(&root, flags),
        ["bench", flags @ ..] => demo::bench(&root, flags),
        ["test"] => checks::run(&root, checks::Extent::All),
        ["test", "--quick"] => checks::run(&root, checks::Extent::Quick),
        ["exhaustive"] => checks::exhaustive(&root),
        ["models"] => models::run(&root, models::Extent::Short),
        ["models", "--all"] => models::run(&root, models::Extent::All),
        ["tidy", rules @ ..] => tidy::run(&root, rules),
        ["errors"] => errors::write(&root),
        ["errors", "--check"] => errors::check(&root),
        ["check", "windows"] => windows::check(&root),
        ["test", "windows", flags @ ..] => windows::test(&root, flags),
        #[cfg(unix)]
        ["test", "linux"] => linux::test(&root),
        #[cfg(unix)]
        ["package", "linux"] => linux::package(&root).map(|_| true),
        ["package", "windows"] => windows::package(&root).map(|_| true),
        ["dev"] => ui::dev(&root),
        ["shots"] => ui::shots(&root),
        ["contract"] => ui::contract(&root),
        ["setup"] => setup::ensure().map(|()| true),
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(true)
        }
        _ => {
            eprint!("unknown command: {}\n\n{USAGE}", args.join(" "));
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}
