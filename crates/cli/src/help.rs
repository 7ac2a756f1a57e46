//! The help, in the language asked for. Chinese stands with the arguments; English replaces it from `help.en.toml`.

use std::ffi::OsString;

use clap::{Command, CommandFactory as _};
use toml::{Table, Value};
use ycd_flows::messages::Language;

use crate::{args::Cli, exit};

/// The whole command line, explained in a language.
pub fn command(language: Language) -> Command {
    let mut command = Cli::command();
    // What clap adds by itself (help, version) is explained like all else, so it has to be there.
    command.build();
    match language {
        Language::Zh => in_chinese(command).after_help(exit::TABLE_ZH),
        Language::En => {
            let texts = include_str!("help.en.toml").parse().unwrap_or_default();
            in_english(command, &texts, "ycd").after_help(exit::TABLE_EN)
        }
    }
}

/// Needed before the arguments are read, because reading them may end in showing the help.
pub fn language_of(args: impl Iterator<Item = OsString>) -> Language {
    let mut from_environment = std::env::var("YCD_LANG").unwrap_or_default();
    let mut args = args.map(|arg| arg.to_string_lossy().into_owned());
    while let Some(arg) = args.next() {
        if let Some(lang) = arg.strip_prefix("--lang=") {
            from_environment = lang.to_owned();
        } else if arg == "--lang" {
            from_environment = args.next().unwrap_or_default();
        }
    }
    if from_environment == "en" { Language::En } else { Language::Zh }
}

const TEMPLATE_ZH: &str = "{about}\n\n用法：{usage}\n\n{all-args}{after-help}";

fn in_chinese(command: Command) -> Command {
    let mut command = command
        .help_template(TEMPLATE_ZH)
        .subcommand_help_heading("命令")
        .subcommand_value_name("命令")
        .mut_args(|arg| {
            let arg = match arg.get_id().as_str() {
                "help" => arg.help("显示这些说明"),
                "version" => arg.help("显示版本"),
                _ => arg,
            };
            let heading = if arg.is_positional() { "参数" } else { "选项" };
            arg.help_heading(heading)
        });
    if command.get_name() == "help" {
        command = command.about("显示一个命令的说明");
    }
    for name in names(&command) {
        command = command.mut_subcommand(name, in_chinese);
    }
    command
}

fn in_english(command: Command, texts: &Table, path: &str) -> Command {
    let text = |key: &str| texts.get(path).and_then(|texts| texts.get(key)).and_then(Value::as_str);
    let common = |key: &str| texts.get("ycd").and_then(|texts| texts.get(key)).and_then(Value::as_str);
    let about = text("about").map(str::to_owned);
    let mut command = match about {
        Some(about) => command.about(about),
        None => command,
    };
    command = command.mut_args(|arg| {
        if matches!(arg.get_id().as_str(), "help" | "version") {
            return arg;
        }
        let help = text(arg.get_id().as_str()).or_else(|| common(arg.get_id().as_str())).map(str::to_owned);
        match help {
            Some(help) => arg.help(help),
            None => arg,
        }
    });
    for name in names(&command) {
        let path = format!("{path} {name}");
        command = command.mut_subcommand(name, |sub| in_english(sub, texts, &path));
    }
    command
}

fn names(command: &Command) -> Vec<String> {
    command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_chinese(text: &str) -> bool {
        text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
    }

    fn every(command: &Command, path: &str, check: &mut dyn FnMut(String, String)) {
        check(path.to_owned(), command.get_about().map(ToString::to_string).unwrap_or_default());
        for arg in command.get_arguments().filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version"))
        {
            check(
                format!("{path}: {}", arg.get_id()),
                arg.get_help().map(ToString::to_string).unwrap_or_default(),
            );
        }
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            every(sub, &format!("{path} {}", sub.get_name()), check);
        }
    }

    #[test]
    fn the_arguments_fit_together() {
        command(Language::Zh).debug_assert();
    }

    #[test]
    fn everything_is_explained_in_both_languages() {
        // What explains itself by its name.
        let plain = [": order", ": serial", ": url", ": name", ": phone", ": reason", ": files"];
        every(&command(Language::Zh), "ycd", &mut |path, text| {
            assert!(is_chinese(&text) || plain.iter().any(|name| path.ends_with(name)), "{path}: {text:?}");
        });
        every(&command(Language::En), "ycd", &mut |path, text| {
            let is_plain = text.is_empty() && plain.iter().any(|name| path.ends_with(name));
            assert!(!is_chinese(&text) && (!text.is_empty() || is_plain), "{path}: {text:?}");
        });
    }

    #[test]
    fn the_language_is_known_before_the_arguments_are_read() {
        let of = |words: &[&str]| language_of(words.iter().map(OsString::from));
        assert_eq!(of(&["ycd", "--lang", "en", "--help"]), Language::En);
        assert_eq!(of(&["ycd", "token", "list", "--lang=en"]), Language::En);
        assert_eq!(of(&["ycd", "--help"]), Language::Zh);
    }
}
