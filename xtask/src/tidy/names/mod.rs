//! Names are those of `docs/glossary.md`, which is the one place where they are laid down.

mod retired;
mod written;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use self::retired::Retired;
use crate::{finding::Finding, tree::Tree};

const GLOSSARY: &str = "docs/glossary.md";

/// No name has a retired word: no identifier, and no file or folder.
pub fn no_retired_words(tree: &Tree) -> Vec<Finding> {
    let Some(glossary) = tree.file(GLOSSARY) else { return vec![Finding::new(GLOSSARY, 0, "is missing")] };
    let retired = Retired::read(glossary);
    if retired.rows.is_empty() {
        return vec![Finding::new(GLOSSARY, 0, "has no table of retired words")];
    }
    let nameless = retired.rows.iter().filter(|row| row.instead.is_empty());
    let mut findings: Vec<Finding> =
        nameless.map(|row| Finding::new(GLOSSARY, row.line, "says no word to use instead")).collect();
    let mut folders = HashSet::new();
    for file in &tree.files {
        let Some(names) = written::names(file) else { continue };
        findings.extend(path_findings(&retired, &file.path, &mut folders));
        let mut times: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (name, line) in &names {
            times.entry(name).or_insert((*line, 0)).1 += 1;
        }
        for (name, (line, count)) in times {
            if let Some(hit) = retired.find(name, &file.path) {
                let times = if count == 1 { String::new() } else { format!(" ({count} times)") };
                let text = format!("{name}{times}: not `{}` but {}", hit.pattern, hit.row.instead);
                findings.push(Finding::new(&file.path, line, text));
            }
        }
    }
    findings
}

/// A file's own name without its extension, and its folders', each once.
fn path_findings(retired: &Retired, path: &str, folders: &mut HashSet<String>) -> Vec<Finding> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    let mut findings = Vec::new();
    for upto in ends.map(|end| &path[..end]).filter(|upto| folders.insert((*upto).to_owned())) {
        let name = upto.rsplit('/').next().unwrap_or_default();
        let name = name.split_once('.').map_or(name, |(stem, _)| stem);
        if let Some(hit) = retired.find(name, path) {
            let text = format!("the name {name}: not `{}` but {}", hit.pattern, hit.row.instead);
            findings.push(Finding::new(upto, 0, text));
        }
    }
    findings
}

/// Every name that the glossary says is in the code is there: what stands in backticks in the second column of its
/// tables, but for the retired ones.
pub fn the_glossary_is_about_this_code(tree: &Tree) -> Vec<Finding> {
    let Some(glossary) = tree.file(GLOSSARY) else { return Vec::new() };
    let mut written: BTreeSet<String> = BTreeSet::new();
    for file in &tree.files {
        written.extend(written::names(file).into_iter().flatten().map(|(name, _)| name));
    }
    let terms = glossary.lines().take_while(|(_, line)| *line != retired::HEADING);
    let mut findings = Vec::new();
    for (number, line) in terms.filter(|(_, line)| line.starts_with('|')) {
        let code = line.split('|').nth(2).unwrap_or_default();
        let names = code.split('`').skip(1).step_by(2).flat_map(|names| names.split("::"));
        for name in names.filter(|name| !written.contains(*name)) {
            findings.push(Finding::new(GLOSSARY, number, format!("{name} is nowhere in the code")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::tests::findings, *};

    const TERMS: &str = "| Term | In the code |\n| --- | --- |\n| token ID | `TokenId::NONE`, `Other` |\n";
    const RETIRED: &str = "## Retired words\n\n| Retired | Where | Use instead | Why |\n| --- | --- | --- | --- |\n\
                           | `key id` | | `token id` | |\n| `^moves$` | | portal calls | |\n";

    #[test]
    fn a_retired_word_is_found_once_in_a_file_with_its_count_and_the_word_to_use() {
        let code = "fn f(key_id: KeyId) -> KeyId {}\n// key id\nconst S: &str = \"key_id\";\n";
        let found = findings(no_retired_words, &[(GLOSSARY, RETIRED), ("crates/a.rs", code)]);
        assert_eq!(
            found,
            [
                "crates/a.rs:1: KeyId (2 times): not `key id` but `token id`",
                "crates/a.rs:1: key_id: not `key id` but `token id`"
            ]
        );
    }

    #[test]
    fn files_and_folders_have_names_too() {
        let files = &[(GLOSSARY, RETIRED), ("a/key-id/moves.rs", ""), ("a/key-id/moves.spec.ts", "")];
        assert_eq!(
            findings(no_retired_words, files),
            [
                "a/key-id: the name key-id: not `key id` but `token id`",
                "a/key-id/moves.rs: the name moves: not `^moves$` but portal calls",
                "a/key-id/moves.spec.ts: the name moves: not `^moves$` but portal calls"
            ]
        );
    }

    #[test]
    fn without_a_table_of_retired_words_the_rule_does_not_hold() {
        assert_eq!(findings(no_retired_words, &[]), ["docs/glossary.md: is missing"]);
        let found = findings(no_retired_words, &[(GLOSSARY, TERMS)]);
        assert_eq!(found, ["docs/glossary.md: has no table of retired words"]);
        let empty = RETIRED.replace("portal calls", "");
        let found = findings(no_retired_words, &[(GLOSSARY, &empty)]);
        assert_eq!(found, ["docs/glossary.md:6: says no word to use instead"]);
    }

    #[test]
    fn a_name_in_the_glossary_that_no_file_has_is_found() {
        let glossary = TERMS.to_owned() + RETIRED;
        let files = &[(GLOSSARY, glossary.as_str()), ("a.rs", "impl TokenId { const NONE: u8 = 1; }")];
        assert_eq!(
            findings(the_glossary_is_about_this_code, files),
            ["docs/glossary.md:3: Other is nowhere in the code"]
        );
    }
}
