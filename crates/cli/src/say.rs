//! What the command line says: sentences for people, or JSON for programs.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use serde::Serialize;
use serde_json::json;
use time::{OffsetDateTime, UtcOffset};
use ycd_assistant::AssistantError;
use ycd_flows::messages::{Explain as _, Language};

use crate::error::CliError;

/// With JSON each event and the result is one line on standard output. Otherwise results are text there, and what
/// happens on the way goes to standard error.
#[derive(Debug, Clone, Copy)]
pub struct Say {
    pub json: bool,
    pub language: Language,
}

impl Say {
    /// The line of a step that begins: of how many, where that is known, how long it usually takes and at most, and
    /// whether the token must stay in.
    pub fn step(
        &self,
        number: u32,
        of: Option<u32>,
        name: &str,
        [usual, longest]: [Duration; 2],
        stays: bool,
    ) -> String {
        let text = self
            .t(
                "第 {n}{of} 步：{name}，通常 {usual} 秒，最长 {longest} 秒。",
                "Step {n}{of}: {name}; usually {usual} s, at most {longest} s.",
            )
            .replace("{n}", &number.to_string())
            .replace("{of}", &of.map(|of| format!("/{of}")).unwrap_or_default())
            .replace("{name}", name)
            .replace("{usual}", &usual.as_secs().to_string())
            .replace("{longest}", &longest.as_secs().to_string());
        text + if stays { self.t("请勿拔出。", " Do not pull the token.") } else { "" }
    }

    /// The words of the language in use.
    pub fn t<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        match self.language {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    /// The result of a command; `text` is made only where it is shown.
    pub fn result(&self, value: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json {
            print_line(&as_json(value));
        } else {
            print_line(text().trim_end());
        }
    }

    /// Something that happens before the end.
    pub fn event(&self, value: &impl Serialize, text: impl FnOnce() -> Option<String>) {
        if self.json {
            print_line(&as_json(value));
        } else if let Some(text) = text() {
            note(&text);
        }
    }

    /// For people only.
    pub fn aside(&self, text: &str) {
        if !self.json {
            note(text);
        }
    }

    pub fn failure(&self, error: &CliError) {
        let message = error.explain(self.language);
        if self.json {
            print_line(&as_json(&json!({
                "error": {
                    "code": message.code,
                    "sentence": message.sentence,
                    "remedy": message.remedy,
                    "step": error.step(),
                    "detail": error.to_string(),
                    "fields": fields(error),
                }
            })));
        } else {
            note(&format!("{}\n{}", message.sentence, message.remedy));
            for field in fields(error) {
                note(&format!("  {field}"));
            }
            note(&format!("({})", message.code));
        }
    }

    /// Whether somebody can be asked.
    pub fn can_ask(&self) -> bool {
        !self.json && io::stdin().is_terminal()
    }
}

/// What of a form is wrong, as the portal tells it: `applicant.phone: bad_phone`.
fn fields(error: &CliError) -> Vec<String> {
    let problem = match error {
        CliError::Assistant(AssistantError::Api(error)) => error.problem(),
        _ => None,
    };
    let errors = problem.and_then(|problem| problem.extra.get("errors")).and_then(|errors| errors.as_array());
    let text = |error: &serde_json::Value, key: &str| error[key].as_str().unwrap_or_default().to_owned();
    errors
        .into_iter()
        .flatten()
        .map(|error| format!("{}: {}", text(error, "field"), text(error, "code")))
        .collect()
}

/// Rows under headings, in columns. Chinese characters are two columns wide.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&head).chain(rows).collect();
    let width_of = |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max();
    let mut text = String::new();
    for row in &all {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let padding = width_of(column).unwrap_or(0).saturating_sub(width(cell)) + 2;
            line += cell;
            line += &" ".repeat(padding);
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// The day, in China's time.
pub fn day(at: OffsetDateTime) -> String {
    let at = at.to_offset(CHINA);
    format!("{:04}-{:02}-{:02}", at.year(), u8::from(at.month()), at.day())
}

/// Day and minute, in China's time.
pub fn minute(at: OffsetDateTime) -> String {
    let here = at.to_offset(CHINA);
    format!("{} {:02}:{:02}", day(at), here.hour(), here.minute())
}

/// Fen as yuan: `400.00`.
pub fn yuan(fen: i64) -> String {
    format!("{}{}.{:02}", if fen < 0 { "-" } else { "" }, fen.abs() / 100, fen.abs() % 100)
}

/// China has one time zone and no summer time.
const CHINA: UtcOffset = time::macros::offset!(+8);

fn width(text: &str) -> usize {
    text.chars().map(|c| if ('\u{1100}'..='\u{ffe6}').contains(&c) { 2 } else { 1 }).sum()
}

fn as_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| json!({ "error": error.to_string() }).to_string())
}

/// A reader that has gone away is no reason to fail.
fn print_line(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_with_chinese_in_them() {
        let text = table(&["a", "b"], &[vec!["中文".into(), "x".into()], vec!["ab".into(), "y".into()]]);
        assert_eq!(text, "a     b\n中文  x\nab    y\n");
    }

    #[test]
    fn fen_are_shown_as_yuan() {
        assert_eq!(yuan(40_000), "400.00");
        assert_eq!(yuan(-5), "-0.05");
    }

    #[test]
    fn a_day_is_chinas_day() {
        assert_eq!(minute(time::macros::datetime!(2026-12-20 16:30 UTC)), "2026-12-21 00:30");
    }
}
