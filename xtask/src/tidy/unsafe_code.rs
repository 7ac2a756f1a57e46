//! `unsafe` stands only where a C ABI is spoken.

use crate::{
    finding::Finding,
    rust_text::{code_only, has_word},
    tree::Tree,
};

/// `softkey` is a C library to its callers; `token-host` loads C libraries; `windows` calls what only the system's
/// have. Nobody else has a reason.
const C_ABI_CRATES: &[&str] = &["crates/softkey/", "crates/token-host/", "crates/windows/"];

const FORBID: &str = "#![forbid(unsafe_code)]";

/// Every root of a library or program forbids it; the word itself is looked for as well, because tests and build
/// scripts have roots of their own.
pub fn only_where_a_c_abi_is_spoken(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let sources = tree.with_extension(&["rs"]);
    for file in sources.filter(|file| !C_ABI_CRATES.iter().any(|folder| file.path.starts_with(folder))) {
        let code = code_only(&file.text);
        if is_root(&file.path) && !code.lines().any(|line| line.trim() == FORBID) {
            findings.push(Finding::new(&file.path, 1, format!("{FORBID} is missing")));
        }
        for (index, _) in code.lines().enumerate().filter(|(_, line)| has_word(line, "unsafe")) {
            findings.push(Finding::new(
                &file.path,
                index + 1,
                "unsafe outside the crates that speak a C ABI",
            ));
        }
    }
    findings
}

fn is_root(path: &str) -> bool {
    path.ends_with("/src/lib.rs")
        || path.ends_with("/src/main.rs")
        || path.rsplit_once('/').is_some_and(|(folder, _)| folder.ends_with("/src/bin"))
}

#[cfg(test)]
mod tests {
    use super::{super::tests::findings, *};

    #[test]
    fn a_root_that_does_not_forbid_it_is_found() {
        let files = &[
            ("crates/pki/src/lib.rs", "//! #![forbid(unsafe_code)]\n"),
            ("crates/cli/src/main.rs", "#![forbid(unsafe_code)]\nfn main() {}\n"),
            ("tests/src/bin/demo.rs", "fn main() {}\n"),
        ];
        assert_eq!(
            findings(only_where_a_c_abi_is_spoken, files),
            [
                "crates/pki/src/lib.rs:1: #![forbid(unsafe_code)] is missing",
                "tests/src/bin/demo.rs:1: #![forbid(unsafe_code)] is missing"
            ]
        );
    }

    #[test]
    fn the_word_is_found_in_code_and_not_in_comments() {
        let files =
            &[("crates/flows/tests/all.rs", "// unsafe is fine here\nfn f() {\n    unsafe { g() }\n}\n")];
        assert_eq!(
            findings(only_where_a_c_abi_is_spoken, files),
            ["crates/flows/tests/all.rs:3: unsafe outside the crates that speak a C ABI"]
        );
    }

    #[test]
    fn the_c_abi_crates_may_use_it() {
        let files = &[("crates/softkey/src/lib.rs", "fn f() { unsafe { g() } }\n")];
        assert!(findings(only_where_a_c_abi_is_spoken, files).is_empty());
    }
}
