//! What people are told: one sentence and one remedy for each stable code, in each language, and the short words of
//! the flows. The window and the command line show the same.
//!
//! The texts are `messages.toml` and `words.toml`; `docs/errors.md` is rendered from the former.

mod template;
mod words;

use std::sync::OnceLock;

use serde::Serialize;
use toml::{Table, Value};

pub use template::Values;
pub use words::{tries_word, weakness_word};

/// A language that the assistant speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    #[default]
    Zh,
    En,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::Zh, Self::En];

    /// `zh`, `en`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }
}

/// What happened and what it means, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    pub code: String,
    pub sentence: String,
    pub remedy: String,
}

/// An error that people can be told.
pub trait Explain {
    fn explain(&self, language: Language) -> Message;
}

/// The message of a code, with what the failure tells filled in. A code that is not in the catalogue (of a portal
/// newer than this program) gets a sentence that says so much.
pub fn message(code: &str, language: Language, values: &Values) -> Message {
    let entry = entry(messages(), code).or_else(|| entry(messages(), UNLISTED));
    let text = |key: String| {
        let template = entry.and_then(|entry| entry.get(&key)).and_then(Value::as_str).unwrap_or_default();
        template::fill(template, values)
    };
    Message {
        code: code.to_owned(),
        sentence: text(language.name().to_owned()),
        remedy: text(format!("{}_remedy", language.name())),
    }
}

/// What a button beside the message of a code does, where one can do what the remedy says.
pub fn action_of(code: &str) -> Option<&'static str> {
    entry(messages(), code)?.get("action")?.as_str()
}

/// Whether the catalogue knows a code.
pub fn is_known(code: &str) -> bool {
    entry(messages(), code).is_some()
}

/// A short word, `step.write`. What is not there is given back as it came.
pub fn word(name: &str, language: Language) -> String {
    word_with(name, language, &[])
}

/// As [`word`], with values filled in.
pub fn word_with(name: &str, language: Language, values: &Values) -> String {
    let entry = entry(words(), name).and_then(|entry| entry.get(language.name()));
    let last = name.rsplit('.').next().unwrap_or(name);
    entry.and_then(Value::as_str).map_or_else(|| last.to_owned(), |text| template::fill(text, values))
}

const UNLISTED: &str = "portal.unlisted";

fn messages() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| parse(include_str!("messages.toml")))
}

fn words() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| parse(include_str!("words.toml")))
}

/// The texts are part of the program, and a test reads them: they parse.
fn parse(text: &str) -> Table {
    text.parse().unwrap_or_default()
}

fn entry<'a>(table: &'a Table, code: &str) -> Option<&'a Table> {
    let (area, name) = code.split_once('.')?;
    table.get(area)?.get(name)?.as_table()
}

#[cfg(test)]
mod tests {
    use ycd_portal_api::problem::kinds;

    use super::*;
    use crate::renewal::Step;

    fn entries(table: &Table) -> impl Iterator<Item = (String, &Table)> {
        table.iter().flat_map(|(area, names)| {
            let names = names.as_table().expect("areas are tables");
            names.iter().map(move |(name, entry)| {
                (format!("{area}.{name}"), entry.as_table().expect("entries are tables"))
            })
        })
    }

    #[test]
    fn every_message_has_a_sentence_and_a_remedy_in_every_language() {
        assert!(messages().len() > 10, "the catalogue does not parse");
        for (code, entry) in entries(messages()) {
            for language in Language::ALL {
                for key in [language.name().to_owned(), format!("{}_remedy", language.name())] {
                    let text = entry.get(&key).and_then(Value::as_str).unwrap_or_default();
                    assert!(text.ends_with(['。', '.']), "{code}: {key} is no sentence: {text:?}");
                    assert_eq!(template::places_outside_brackets(text), 0, "{code}: {key}");
                }
            }
        }
    }

    #[test]
    fn no_message_shouts_or_blames() {
        for (code, entry) in entries(messages()) {
            for text in entry.values().filter_map(Value::as_str) {
                let shouts = text.contains(['!', '！']) || text.to_lowercase().contains("unknown error");
                assert!(!shouts, "{code}: {text}");
            }
        }
    }

    #[test]
    fn every_refusal_of_the_portal_is_known() {
        for kind in kinds::ALL {
            assert!(is_known(kind.code), "{}", kind.code);
        }
    }

    #[test]
    fn every_step_has_a_word() {
        for step in Step::ALL {
            for language in Language::ALL {
                let entry = entry(words(), &format!("step.{}", step.name()));
                assert!(entry.is_some_and(|entry| entry.contains_key(language.name())), "{step:?}");
            }
        }
    }

    #[test]
    fn a_code_of_a_newer_portal_still_says_something() {
        let message = message("order.new_thing", Language::Zh, &[("detail", "新规则".into())]);
        assert_eq!(message.code, "order.new_thing");
        assert_eq!(message.sentence, "门户没有接受这次操作：新规则。");
    }
}
