//! `docs/architecture.md` and the tree say the same.

use super::RULES;
use crate::{finding::Finding, tree::Tree};

const MAP: &str = "docs/architecture.md";

/// The map names every package's folder, and every rule by `tidy: name`; no rule stands there that does not exist.
pub fn names_every_folder_and_rule(tree: &Tree) -> Vec<Finding> {
    let Some(map) = tree.file(MAP) else { return vec![Finding::new(MAP, 0, "is missing")] };
    let mut findings = Vec::new();
    for manifest in tree.files.iter().filter_map(|file| file.path.strip_suffix("/Cargo.toml")) {
        if !map.text.contains(&format!("`{manifest}`")) {
            findings.push(Finding::new(MAP, 0, format!("does not name `{manifest}`")));
        }
    }
    for rule in RULES {
        if !map.text.contains(&format!("(tidy: {})", rule.name)) {
            findings.push(Finding::new(
                MAP,
                0,
                format!("has no invariant for the rule (tidy: {})", rule.name),
            ));
        }
    }
    for (number, line) in map.lines() {
        for name in line.split("(tidy: ").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !RULES.iter().any(|rule| rule.name == name) {
                findings.push(Finding::new(MAP, number, format!("no rule of tidy is called {name}")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::tests::findings, *};

    fn map_of_all_rules() -> String {
        RULES.iter().map(|rule| format!("Architecture invariant (tidy: {}).\n", rule.name)).collect()
    }

    #[test]
    fn a_folder_that_the_map_does_not_name_is_found() {
        let map = map_of_all_rules() + "`crates/a`\n";
        let files = &[(MAP, map.as_str()), ("crates/a/Cargo.toml", ""), ("crates/b/Cargo.toml", "")];
        assert_eq!(
            findings(names_every_folder_and_rule, files),
            ["docs/architecture.md: does not name `crates/b`"]
        );
    }

    #[test]
    fn a_rule_without_its_line_and_a_line_without_its_rule_are_found() {
        let map = map_of_all_rules().replace("(tidy: layers)", "(tidy: lairs)");
        let found = findings(names_every_folder_and_rule, &[(MAP, &map)]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].contains(":1: no rule of tidy is called lairs"));
    }

    #[test]
    fn a_tree_without_a_map_is_found() {
        assert_eq!(findings(names_every_folder_and_rule, &[]), ["docs/architecture.md: is missing"]);
    }
}
