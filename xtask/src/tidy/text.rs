//! Rules about the text of files, whatever they hold.

use crate::{
    finding::Finding,
    rust_text::has_word,
    tree::{File, Tree},
};

/// Written by package managers; nobody's own text.
const LOCK_FILES: &[&str] = &["Cargo.lock", "package-lock.json"];

/// Put together here so that this file does not find itself.
const MARKERS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

const MACHINE_PATHS: &[&str] =
    &[concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!(r"C:\Us", "ers")];

const REGISTRY_HOSTS: &[&str] = &[
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("//crates", ".io"),
    concat!("pypi", ".org"),
    concat!("python", "hosted.org"),
    concat!("registry.npm", "js"),
    concat!("npm", "mirror"),
    concat!("deb.deb", "ian.org"),
];

const LONG: usize = 800;

/// Files longer than [`LONG`] lines, each with the reason why it is one piece.
const LONG_FILES: &[(&str, &str)] = &[("ui/src/backend/contract.ts", "generated: cargo xtask contract")];

/// What is unfinished is an issue, not a comment.
pub fn no_markers_of_unfinished_work(tree: &Tree) -> Vec<Finding> {
    lines_with(tree, |line| {
        let marker = MARKERS.iter().find(|marker| has_word(line, marker))?;
        Some(format!("{marker}: finish it, or open an issue"))
    })
}

/// What works on one machine only does not belong in the project.
pub fn no_paths_of_one_machine(tree: &Tree) -> Vec<Finding> {
    lines_with(tree, |line| {
        let path = MACHINE_PATHS.iter().find(|path| has_absolute(line, path))?;
        Some(format!("a path of one machine: {path}"))
    })
}

/// Where packages come from is the business of the package managers' own settings (a mirror, a firewall).
pub fn no_hosts_of_package_registries(tree: &Tree) -> Vec<Finding> {
    lines_with(tree, |line| {
        let host = REGISTRY_HOSTS.iter().find(|host| line.contains(*host))?;
        Some(format!("the host of a package registry: {host}"))
    })
}

pub fn no_long_files_without_a_reason(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.with_extension(&["rs", "ts", "vue", "js", "py", "sh"]) {
        let lines = file.text.lines().count();
        let is_listed = LONG_FILES.iter().any(|(path, _)| *path == file.path);
        if lines > LONG && !is_listed {
            findings.push(Finding::new(&file.path, LONG, format!("{lines} lines: more than one idea?")));
        } else if lines <= LONG && is_listed {
            findings.push(Finding::new(&file.path, 0, "is listed as long, and is not"));
        }
    }
    findings
}

pub fn no_ignored_tests_without_a_reason(tree: &Tree) -> Vec<Finding> {
    let bare = concat!("#[ign", "ore]");
    let rust = tree.with_extension(&["rs"]);
    rust.flat_map(|file| {
        let lines = file.lines().filter(|(_, line)| line.trim() == bare);
        lines.map(|(number, _)| Finding::new(&file.path, number, "a test that is left out says why"))
    })
    .collect()
}

fn lines_with(tree: &Tree, look: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let is_ours = |file: &&File| !LOCK_FILES.contains(&file.path.rsplit('/').next().unwrap_or_default());
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(is_ours) {
        for (number, line) in file.lines() {
            if let Some(text) = look(line) {
                findings.push(Finding::new(&file.path, number, text));
            }
        }
    }
    findings
}

/// Whether `path` stands in the line as the beginning of a path, not as a part of a longer one.
fn has_absolute(line: &str, path: &str) -> bool {
    let continues = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '~' | '}' | '*');
    line.match_indices(path).any(|(start, _)| !line[..start].chars().next_back().is_some_and(continues))
}

#[cfg(test)]
mod tests {
    use super::{super::tests::findings, *};

    #[test]
    fn markers_are_found_as_words() {
        let text = format!("fine\n// {}: later\nA{}B\n", MARKERS[0], MARKERS[2]);
        assert_eq!(
            findings(no_markers_of_unfinished_work, &[("a.md", &text)]),
            [format!("a.md:2: {}: finish it, or open an issue", MARKERS[0])]
        );
    }

    #[test]
    fn paths_of_one_machine_are_found_where_they_begin() {
        let text = format!(
            "cd {}me/x\nsee target{}x and https://host{}x\n{}\\me\n",
            MACHINE_PATHS[0], MACHINE_PATHS[2], MACHINE_PATHS[2], MACHINE_PATHS[3]
        );
        let found = findings(no_paths_of_one_machine, &[("a.sh", &text)]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("a.sh:1:") && found[1].starts_with("a.sh:3:"));
    }

    #[test]
    fn hosts_of_registries_are_found_outside_lock_files() {
        let text = format!("index = \"https://{}\"\n", REGISTRY_HOSTS[0]);
        let files = &[("x.toml", text.as_str()), ("Cargo.lock", text.as_str())];
        assert_eq!(findings(no_hosts_of_package_registries, files).len(), 1);
    }

    #[test]
    fn a_long_file_is_found_and_a_long_table_of_data_is_not() {
        let long = "x\n".repeat(LONG + 1);
        let files = &[("a.rs", long.as_str()), ("b.toml", long.as_str())];
        assert_eq!(
            findings(no_long_files_without_a_reason, files),
            ["a.rs:800: 801 lines: more than one idea?"]
        );
    }

    #[test]
    fn an_ignored_test_says_why() {
        let text = format!("{}\n#[ignore = \"needs hardware\"]\n", concat!("#[ign", "ore]"));
        assert_eq!(findings(no_ignored_tests_without_a_reason, &[("a.rs", &text)]).len(), 1);
    }
}
