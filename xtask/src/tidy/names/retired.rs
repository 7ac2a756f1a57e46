//! The retired words of the glossary, and whether a name has one.

use std::collections::HashMap;

use crate::tree::File;

/// One row of the table.
pub struct Row {
    pub line: usize,
    patterns: Vec<Pattern>,
    exceptions: Vec<Pattern>,
    only_in: Vec<String>,
    not_in: Vec<String>,
    pub instead: String,
}

/// Parts of a name that stand next to each other.
struct Pattern {
    text: String,
    parts: Vec<String>,
    /// `^`
    is_at_start: bool,
    /// `$`
    is_at_end: bool,
    /// Written with capitals: of names of types only.
    is_type: bool,
}

/// A retired word in a name.
pub struct Hit<'a> {
    pub pattern: &'a str,
    pub row: &'a Row,
}

pub struct Retired {
    pub rows: Vec<Row>,
    /// By the first part of their pattern.
    by_part: HashMap<String, Vec<(usize, usize)>>,
}

pub const HEADING: &str = "## Retired words";

impl Retired {
    /// Out of the table under its heading: retired, where, use instead, why.
    pub fn read(glossary: &File) -> Self {
        let table = glossary.lines().skip_while(|(_, line)| *line != HEADING).skip(1);
        let table = table.take_while(|(_, line)| !line.starts_with("## "));
        let rows: Vec<Row> = table.filter_map(|(number, line)| Row::read(number, line)).collect();
        let mut by_part: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
        for (row_at, row) in rows.iter().enumerate() {
            for (at, pattern) in row.patterns.iter().enumerate() {
                let mut first = vec![pattern.parts[0].clone()];
                first.extend((pattern.parts.len() == 1).then(|| format!("{}s", pattern.parts[0])));
                for part in first {
                    by_part.entry(part).or_default().push((row_at, at));
                }
            }
        }
        Self { rows, by_part }
    }

    /// The first retired word in a name that stands in a file.
    pub fn find(&self, name: &str, path: &str) -> Option<Hit<'_>> {
        // Names of the PKCS#11 C interface are its own.
        if ["C_", "CK_"].iter().any(|own| name.starts_with(own))
            || name.starts_with("CK") && name.get(3..4) == Some("_")
        {
            return None;
        }
        let parts = parts(name);
        let found = parts.iter().enumerate().flat_map(|(at, part)| {
            self.by_part
                .get(part.as_str())
                .into_iter()
                .flatten()
                .map(move |(row, pattern)| (at, *row, *pattern))
        });
        found
            .map(|(at, row, pattern)| (at, &self.rows[row], &self.rows[row].patterns[pattern]))
            .find(|(at, row, pattern)| {
                row.is_about(path)
                    && pattern.matches(name, &parts, *at)
                    && !row.exceptions.iter().any(|exception| exception.covers(name, &parts, *at))
            })
            .map(|(_, row, pattern)| Hit { pattern: &pattern.text, row })
    }
}

impl Row {
    /// `` | `key id` (not `public key id`) | `crates/` | token id | why | ``
    fn read(line: usize, text: &str) -> Option<Self> {
        let cells: Vec<&str> = text.strip_prefix('|')?.split('|').map(str::trim).collect();
        let [retired, place, instead, ..] = cells.as_slice() else { return None };
        let (retired, exceptions) = retired.split_once("(not ").unwrap_or((retired, ""));
        let patterns: Vec<_> = quoted(retired).filter_map(Pattern::read).collect();
        let (only, not) = place.split_once("not in").unwrap_or((place, ""));
        (!patterns.is_empty()).then(|| Self {
            line,
            patterns,
            exceptions: quoted(exceptions).filter_map(Pattern::read).collect(),
            only_in: quoted(only).map(str::to_owned).collect(),
            not_in: quoted(not).map(str::to_owned).collect(),
            instead: (*instead).to_owned(),
        })
    }

    fn is_about(&self, path: &str) -> bool {
        let is_in = |folders: &[String]| folders.iter().any(|folder| path.starts_with(folder.as_str()));
        (self.only_in.is_empty() || is_in(&self.only_in)) && !is_in(&self.not_in)
    }
}

impl Pattern {
    fn read(text: &str) -> Option<Self> {
        let words = text.trim_start_matches('^').trim_end_matches('$');
        let parts: Vec<String> = words.split(' ').flat_map(parts).collect();
        (!parts.is_empty()).then(|| Self {
            text: text.to_owned(),
            parts,
            is_at_start: text.starts_with('^'),
            is_at_end: text.ends_with('$'),
            is_type: words.starts_with(char::is_uppercase),
        })
    }

    /// Whether it begins at a part of a name. Its last part may be in the plural.
    fn matches(&self, name: &str, parts: &[String], at: usize) -> bool {
        let len = self.parts.len();
        let Some(found) = parts.get(at..at + len) else { return false };
        let (last, first) = (&self.parts[len - 1], &self.parts[..len - 1]);
        found[..len - 1] == *first
            && (found[len - 1] == *last || found[len - 1].strip_suffix('s') == Some(last))
            && (!self.is_at_start || at == 0)
            && (!self.is_at_end || at + len == parts.len())
            && (!self.is_type || is_type(name))
    }

    /// Whether it stands over a part of a name.
    fn covers(&self, name: &str, parts: &[String], at: usize) -> bool {
        (at.saturating_sub(self.parts.len() - 1)..=at).any(|begin| self.matches(name, parts, begin))
    }
}

fn is_type(name: &str) -> bool {
    name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// `KeyId`, `key_id`, `KEY_ID`, `keyId` and `key-id` are `key`, `id`.
pub fn parts(name: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for word in name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let chars: Vec<char> = word.chars().collect();
        let mut part = String::new();
        for (at, &c) in chars.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| chars[before]);
            let follows_small = before.is_some_and(|before| before.is_lowercase() || before.is_ascii_digit());
            // `HTTPServer`: the last capital belongs to what follows.
            let begins_word =
                before.is_some_and(char::is_uppercase) && chars.get(at + 1).is_some_and(|c| c.is_lowercase());
            if c.is_uppercase() && (follows_small || begins_word) {
                parts.push(std::mem::take(&mut part));
            }
            part.extend(c.to_lowercase());
        }
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(row: &str, name: &str, path: &str) -> bool {
        let text = format!(
            "{HEADING}\n\n| Retired | Where | Use instead | Why |\n| --- | --- | --- | --- |\n{row}\n"
        );
        Retired::read(&File { path: "g.md".into(), text }).find(name, path).is_some()
    }

    #[test]
    fn a_name_is_taken_apart_however_it_is_spelled() {
        for name in ["KeyId", "key_id", "KEY_ID", "keyId", "key-id", "_key_id"] {
            assert_eq!(parts(name), ["key", "id"], "{name}");
        }
        assert_eq!(parts("HTTPServerOfSm2"), ["http", "server", "of", "sm2"]);
    }

    #[test]
    fn a_retired_word_is_found_wherever_in_a_name_it_stands_and_in_the_plural() {
        let row = "| `key id`, `road` | | token id | |";
        for name in ["KeyId", "by_key_ids", "KEY_ID_LEN", "checkRoads", "a_road_of_its_own"] {
            assert!(hit(row, name, "a.rs"), "{name}");
        }
        for name in ["key", "monkey_id", "keyid", "broad", "id_key"] {
            assert!(!hit(row, name, "a.rs"), "{name}");
        }
    }

    #[test]
    fn a_pattern_may_be_the_whole_name_or_that_of_a_type() {
        assert!(hit("| `^works$` | | jobs | |", "WORKS", "a.rs"));
        assert!(!hit("| `^works$` | | jobs | |", "it_works", "a.rs"));
        let types = "| `^Person$`, `Work` | | x | |";
        for (name, is_found) in
            [("Person", true), ("person", false), ("PERSON", false), ("MyWorkView", true), ("my_work", false)]
        {
            assert_eq!(hit(types, name, "a.rs"), is_found, "{name}");
        }
    }

    #[test]
    fn what_a_row_leaves_out_is_not_found() {
        let row =
            "| `key id` (not `authority key id`) | `crates/`, `ui/`, not in `crates/pki/` | token id | |";
        assert!(hit(row, "key_id", "crates/a.rs"));
        assert!(hit(row, "authority_key_id_or_key_id", "ui/a.ts"));
        assert!(!hit(row, "AuthorityKeyId", "crates/a.rs"));
        assert!(!hit(row, "key_id", "tests/a.rs"));
        assert!(!hit(row, "key_id", "crates/pki/a.rs"));
    }

    #[test]
    fn names_of_the_pkcs11_interface_are_its_own() {
        assert!(!hit("| `key` | | x | |", "CKO_PUBLIC_KEY", "a.rs"));
        assert!(!hit("| `key` | | x | |", "C_GenerateKey", "a.rs"));
        assert!(hit("| `key` | | x | |", "CkKey", "a.rs"));
    }

    #[test]
    fn only_the_table_under_its_heading_is_read() {
        let text = format!("| `a` | | b | |\n{HEADING}\n| `c` | | d | |\n## More\n| `e` | | f | |\n");
        let retired = Retired::read(&File { path: "g.md".into(), text });
        assert_eq!(retired.rows.len(), 1);
        assert_eq!(retired.find("c", "a.rs").unwrap().row.instead, "d");
    }
}
