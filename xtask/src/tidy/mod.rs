//! The invariants of `docs/architecture.md` that no compiler checks: one small function each.
//!
//! A rule reads the tree and gives findings; it changes nothing. Every rule has a name, and the map names every rule.

mod circles;
mod clock;
mod driver_profiles;
mod layers;
mod map;
mod names;
mod sentences;
mod text;
mod unsafe_code;

use std::path::Path;

use crate::{errors, finding::Finding, tree::Tree};

/// An invariant, by the name that `docs/architecture.md` gives it.
pub struct Rule {
    pub name: &'static str,
    pub find: fn(&Tree) -> Vec<Finding>,
}

pub const RULES: &[Rule] = &[
    Rule { name: "layers", find: layers::dependencies_point_downwards },
    Rule { name: "no-tauri", find: layers::no_tauri_under_crates },
    Rule { name: "manifests", find: layers::manifests_inherit_from_the_workspace },
    Rule { name: "circles", find: circles::only_of_a_module_and_its_children },
    Rule { name: "names", find: names::no_retired_words },
    Rule { name: "glossary", find: names::the_glossary_is_about_this_code },
    Rule { name: "unsafe", find: unsafe_code::only_where_a_c_abi_is_spoken },
    Rule { name: "clock", find: clock::only_clocks_ask_the_system },
    Rule { name: "sentences", find: sentences::stand_with_their_owners },
    Rule { name: "markers", find: text::no_markers_of_unfinished_work },
    Rule { name: "machine-paths", find: text::no_paths_of_one_machine },
    Rule { name: "registries", find: text::no_hosts_of_package_registries },
    Rule { name: "long-files", find: text::no_long_files_without_a_reason },
    Rule { name: "ignored-tests", find: text::no_ignored_tests_without_a_reason },
    Rule { name: "driver-sources", find: driver_profiles::numbers_have_a_source },
    Rule { name: "map", find: map::names_every_folder_and_rule },
    Rule { name: "errors", find: errors::page_is_up_to_date },
    Rule { name: "codes", find: errors::every_code_has_a_message },
];

/// The named rules, or all, over the project; prints `file:line: what [rule]` for each finding. `true` where there is
/// none.
pub fn run(root: &Path, names: &[&str]) -> crate::Outcome {
    if let Some(name) = names.iter().find(|name| !RULES.iter().any(|rule| rule.name == **name)) {
        let known: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
        return Err(format!("no rule is called {name}; there are {}", known.join(", ")));
    }
    let rules = || RULES.iter().filter(|rule| names.is_empty() || names.contains(&rule.name));
    let tree = Tree::read(root).map_err(|error| format!("{}: {error}", root.display()))?;
    let mut count = 0;
    for rule in rules() {
        for finding in (rule.find)(&tree) {
            println!("{finding} [{}]", rule.name);
            count += 1;
        }
    }
    println!("tidy: {} rules over {} files, {count} findings", rules().count(), tree.files.len());
    Ok(count == 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What a rule finds in a folder that holds these files.
    pub fn findings(find: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let tree = Tree::read(folder.path()).unwrap();
        find(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rules_have_names_of_their_own() {
        let mut names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
    }

    #[test]
    fn build_folders_are_not_read() {
        let tree = &[("target/CACHEDIR.TAG", ""), ("target/x.rs", concat!("// TO", "DO"))];
        assert_eq!(findings(text::no_markers_of_unfinished_work, tree), Vec::<String>::new());
    }
}
