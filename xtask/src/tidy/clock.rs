//! Time comes from a clock that was given.

use crate::{
    finding::Finding,
    rust_text::{before_tests, code_only, has_word},
    tree::Tree,
};

/// Ways to ask the system for the time of day.
const ASKS: &[&str] = &["now_utc", "now_local", "SystemTime::now"];

/// What gives time to others, and `xtask`, which knows none of ours.
const EXEMPT: &[&str] = &["tests/", "xtask/"];

/// Only files called `clock.rs` ask the system for it.
pub fn only_clocks_ask_the_system(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.with_extension(&["rs"]) {
        if file.path.ends_with("/clock.rs") || EXEMPT.iter().any(|folder| file.path.starts_with(folder)) {
            continue;
        }
        let code = code_only(before_tests(&file.path, &file.text));
        for (index, line) in code.lines().enumerate() {
            if let Some(asks) = ASKS.iter().find(|asks| has_word(line, asks)) {
                findings.push(Finding::new(&file.path, index + 1, format!("{asks} outside clock.rs")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::tests::findings, *};

    #[test]
    fn whoever_asks_the_system_on_the_side_is_found() {
        let files = &[
            ("crates/flows/src/clock.rs", "fn now() { OffsetDateTime::now_utc() }\n"),
            ("crates/flows/src/journal.rs", "// now_utc\nfn f() { OffsetDateTime::now_utc() }\n"),
            ("crates/cli/src/main.rs", "fn f() { let at = SystemTime::now(); }\n"),
        ];
        assert_eq!(
            findings(only_clocks_ask_the_system, files),
            [
                "crates/cli/src/main.rs:1: SystemTime::now outside clock.rs",
                "crates/flows/src/journal.rs:2: now_utc outside clock.rs"
            ]
        );
    }

    #[test]
    fn tests_may_ask() {
        let files = &[
            ("crates/portal/src/init.rs", "#[cfg(test)]\nmod tests {\n    fn f() { now_utc() }\n}\n"),
            ("crates/portal/tests/all.rs", "fn f() { now_utc() }\n"),
        ];
        assert!(findings(only_clocks_ask_the_system, files).is_empty());
    }
}
