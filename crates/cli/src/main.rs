//! `ycd`: the assistant's command line. It translates words into calls and answers into sentences or JSON; what is
//! done is in the crates below. Nothing is built up that a command does not need: no runtime, no TLS and no log for
//! those that only look at a token.

#![forbid(unsafe_code)]

mod args;
mod ask;
mod commands;
mod error;
mod exit;
mod help;
mod new_pin;
mod prompter;
mod say;

use std::process::ExitCode;

use clap::Parser as _;

pub(crate) use ycd_assistant::data_dir;

use crate::{args::Cli, data_dir::DataDir, say::Say};

fn main() -> ExitCode {
    ycd_assistant::process::begin_guarded();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come here too. Only then are the words of a language put in.
            let error = help::command(help::language_of(std::env::args_os()))
                .try_get_matches()
                .err()
                .unwrap_or(error);
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::USAGE } else { 0 });
        }
    };
    if std::env::var_os("YCD_LOG").is_some() {
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_env("YCD_LOG"))
            .with_writer(std::io::stderr)
            .init();
    }
    let say = Say { json: cli.common.json, language: cli.common.lang.into() };
    match commands::run(cli.command, &DataDir::at(cli.common.path_overrides()), &say) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say.failure(&error);
            ExitCode::from(exit::code_of(error.code()))
        }
    }
}
