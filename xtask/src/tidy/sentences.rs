//! Sentences for people have owners.

use crate::{
    finding::Finding,
    rust_text::{before_tests, without_comments},
    tree::Tree,
};

/// Files and folders with words for people in their code, as `docs/architecture.md` names them.
const OWNERS: &[&str] = &[
    // Words of a terminal, beside the call that says them.
    "crates/cli/src/",
    // Version resources of Windows programs.
    "crates/cli/build.rs",
    "crates/token-host/build.rs",
    // What is found on this machine, and what its token models are called.
    "crates/assistant/src/diagnosis.rs",
    "crates/assistant/src/models.rs",
    // Name of a file that a person saves.
    "crates/assistant/src/portal.rs",
    // Titles of problems, and names of states.
    "crates/portal-api/src/problem/",
    "crates/portal-api/src/wire/orders.rs",
    "crates/portal-api/src/wire/shared.rs",
    // What the portal itself says: in SMS, in the catalogue that it begins with, in certificates and histories.
    "crates/portal/src/authority/",
    "crates/portal/src/config.rs",
    "crates/portal/src/init.rs",
    "crates/portal/src/orders/operate.rs",
    "crates/portal/src/sms/",
    "crates/portal/src/unlock/",
];

/// Every sentence is there in Chinese, so Chinese is what shows one.
pub fn stand_with_their_owners(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let programs = |path: &str| path.starts_with("crates/") || path.starts_with("src-tauri/");
    for file in tree.with_extension(&["rs"]).filter(|file| programs(&file.path)) {
        if OWNERS.iter().any(|owner| file.path.starts_with(owner)) {
            continue;
        }
        let code = without_comments(before_tests(&file.path, &file.text));
        for (index, _) in code.lines().enumerate().filter(|(_, line)| line.chars().any(is_chinese)) {
            findings.push(Finding::new(&file.path, index + 1, "words for people outside their owners"));
        }
    }
    findings
}

fn is_chinese(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::{super::tests::findings, *};

    #[test]
    fn words_in_code_that_owns_none_are_found() {
        let files = &[
            ("crates/flows/src/lock.rs", "/// 锁\nfn f() { say(\"锁\") }\n"),
            ("crates/cli/src/say.rs", "fn f() { say(\"锁\") }\n"),
        ];
        assert_eq!(
            findings(stand_with_their_owners, files),
            ["crates/flows/src/lock.rs:2: words for people outside their owners"]
        );
    }

    #[test]
    fn tests_may_have_any() {
        let files = &[
            ("crates/pki/src/cert/tests.rs", "fn f() { say(\"锁\") }\n"),
            ("crates/pki/src/a.rs", "#[cfg(test)]\nmod tests {\n    const A: &str = \"锁\";\n}\n"),
            ("crates/pki/tests/a.rs", "fn f() { say(\"锁\") }\n"),
        ];
        assert!(findings(stand_with_their_owners, files).is_empty());
    }
}
