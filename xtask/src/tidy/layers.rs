//! Who may know whom.

use toml::{Table, Value};

use crate::{
    finding::Finding,
    tree::{File, Tree},
};

/// A package, and the packages of the workspace it may depend on. Every row names rows above it only, so no arrow
/// points upwards.
struct Layer {
    folder: &'static str,
    package: &'static str,
    may_use: &'static [&'static str],
}

const LAYERS: &[Layer] = &[
    Layer { folder: "tests/skips", package: "ycd-test-skips", may_use: &[] },
    Layer { folder: "xtask", package: "ycd-xtask", may_use: &["ycd-test-skips"] },
    Layer { folder: "crates/windows", package: "ycd-windows", may_use: &[] },
    Layer { folder: "crates/pki", package: "ycd-pki", may_use: &[] },
    Layer { folder: "crates/portal-api", package: "ycd-portal-api", may_use: &[] },
    Layer { folder: "crates/softkey", package: "ycd-softkey", may_use: &["ycd-pki"] },
    Layer { folder: "crates/token", package: "ycd-token", may_use: &["ycd-pki"] },
    Layer { folder: "crates/token-host", package: "ycd-token-host", may_use: &["ycd-pki", "ycd-token"] },
    Layer { folder: "crates/portal", package: "ycd-portal", may_use: &["ycd-pki", "ycd-portal-api"] },
    Layer {
        folder: "crates/flows",
        package: "ycd-flows",
        may_use: &["ycd-pki", "ycd-portal-api", "ycd-token"],
    },
    Layer {
        folder: "crates/assistant",
        package: "ycd-assistant",
        may_use: &["ycd-windows", "ycd-pki", "ycd-portal-api", "ycd-token", "ycd-flows"],
    },
    Layer { folder: "src-tauri", package: "ycd-app", may_use: &["ycd-assistant"] },
    Layer {
        folder: "crates/cli",
        package: "ycd-cli",
        may_use: &[
            "ycd-pki",
            "ycd-portal-api",
            "ycd-softkey",
            "ycd-token",
            "ycd-portal",
            "ycd-flows",
            "ycd-assistant",
        ],
    },
    Layer {
        folder: "tests",
        package: "ycd-tests",
        may_use: &[
            "ycd-test-skips",
            "ycd-pki",
            "ycd-portal-api",
            "ycd-softkey",
            "ycd-token",
            "ycd-token-host",
            "ycd-portal",
            "ycd-flows",
            "ycd-assistant",
            "ycd-cli",
        ],
    },
];

/// Dev-dependencies are left out: a test may bring in what the crate itself must not know (the portal as a partner
/// for `flows`, the software token as a token), and nothing of it is in what is shipped.
pub fn dependencies_point_downwards(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in manifests(tree) {
        let folder = folder_of(file);
        let Some(layer) = LAYERS.iter().find(|layer| layer.folder == folder) else {
            findings.push(Finding::new(&file.path, 0, format!("{folder} has no row in the table of layers")));
            continue;
        };
        for name in dependencies(file, &["dependencies", "build-dependencies"]) {
            let is_ours = LAYERS.iter().any(|layer| layer.package == name);
            if is_ours && !layer.may_use.contains(&name.as_str()) {
                let line = line_of_dependency(file, &name);
                findings.push(Finding::new(
                    &file.path,
                    line,
                    format!("{} must not know {name}", layer.package),
                ));
            }
        }
    }
    findings
}

/// The whole of `crates/` serves the desktop app, the command line and the portal alike.
pub fn no_tauri_under_crates(tree: &Tree) -> Vec<Finding> {
    let under_crates = manifests(tree).filter(|file| file.path.starts_with("crates/"));
    let all = &["dependencies", "build-dependencies", "dev-dependencies"];
    under_crates
        .flat_map(|file| dependencies(file, all).into_iter().map(move |name| (file, name)))
        .filter(|(_, name)| name == "tauri" || name.starts_with("tauri-"))
        .map(|(file, name)| {
            Finding::new(
                &file.path,
                line_of_dependency(file, &name),
                format!("{name} belongs to src-tauri only"),
            )
        })
        .collect()
}

/// Versions and lints have one place, the root manifest; packages are named `ycd-…`.
pub fn manifests_inherit_from_the_workspace(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in manifests(tree) {
        let table = file.text.parse::<Table>().unwrap_or_default();
        let mut demand = |holds: bool, text: &str| {
            if !holds {
                findings.push(Finding::new(&file.path, 0, text));
            }
        };
        let is_true = |value: Option<&Value>| value.and_then(Value::as_bool) == Some(true);
        let lints = table.get("lints").and_then(|lints| lints.get("workspace"));
        demand(is_true(lints), "`[lints] workspace = true` is missing");
        let package = table.get("package");
        let name = package.and_then(|package| package.get("name")).and_then(Value::as_str);
        demand(name.is_some_and(|name| name.starts_with("ycd-")), "the package's name must begin with ycd-");
        let edition = package.and_then(|package| package.get("edition"));
        demand(
            is_true(edition.and_then(|edition| edition.get("workspace"))),
            "`edition.workspace = true` is missing",
        );
        for name in dependencies(file, &["dependencies", "build-dependencies", "dev-dependencies"]) {
            let inherited =
                dependency_tables(&table, &["dependencies", "build-dependencies", "dev-dependencies"])
                    .filter_map(|dependencies| dependencies.get(&name))
                    .all(|value| is_true(value.get("workspace")));
            if !inherited {
                let line = line_of_dependency(file, &name);
                findings.push(Finding::new(
                    &file.path,
                    line,
                    format!("{name} takes no version from the workspace"),
                ));
            }
        }
    }
    findings
}

/// The manifests of packages (the root's has none).
fn manifests(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|file| file.path.ends_with("/Cargo.toml"))
}

fn folder_of(file: &File) -> &str {
    file.path.trim_end_matches("/Cargo.toml")
}

/// Names as the package registry knows them, of the given kinds, for every platform.
fn dependencies(file: &File, kinds: &[&str]) -> Vec<String> {
    // A manifest that is no TOML stops cargo itself; here it just has no dependencies.
    let table = file.text.parse::<Table>().unwrap_or_default();
    let mut names: Vec<String> = dependency_tables(&table, kinds)
        .flatten()
        .map(|(name, value)| value.get("package").and_then(Value::as_str).unwrap_or(name).to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn dependency_tables<'a>(manifest: &'a Table, kinds: &'a [&str]) -> impl Iterator<Item = &'a Table> {
    let of_platforms = manifest.get("target").and_then(Value::as_table).into_iter().flatten();
    let holders = std::iter::once(manifest).chain(of_platforms.filter_map(|(_, value)| value.as_table()));
    holders.flat_map(move |holder| kinds.iter().filter_map(|kind| holder.get(*kind)?.as_table()))
}

fn line_of_dependency(file: &File, name: &str) -> usize {
    let names_it = |line: &str| {
        line.trim_start().strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
            || line.contains(&format!("\"{name}\""))
    };
    file.lines().find(|(_, line)| names_it(line)).map_or(0, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::{super::tests::findings, *};

    const HEAD: &str = "[package]\nname = \"ycd-x\"\nedition.workspace = true\n[lints]\nworkspace = true\n";

    #[test]
    fn no_row_of_the_table_names_itself_or_a_row_below() {
        for (index, layer) in LAYERS.iter().enumerate() {
            for used in layer.may_use {
                let above = &LAYERS[..index];
                assert!(above.iter().any(|other| other.package == *used), "{} uses {used}", layer.package);
            }
        }
    }

    #[test]
    fn a_dependency_upwards_is_found_with_its_line() {
        let manifest = "[package]\nname = \"ycd-token\"\n[dependencies]\nycd-pki.workspace = true\n\
                        ycd-flows.workspace = true\n";
        assert_eq!(
            findings(dependencies_point_downwards, &[("crates/token/Cargo.toml", manifest)]),
            ["crates/token/Cargo.toml:5: ycd-token must not know ycd-flows"]
        );
    }

    #[test]
    fn a_dependency_for_one_platform_or_under_another_name_is_found_too() {
        let manifest = "[target.'cfg(windows)'.dependencies]\n\
                        portal = { package = \"ycd-portal\", path = \"../portal\" }\n";
        assert_eq!(
            findings(dependencies_point_downwards, &[("crates/flows/Cargo.toml", manifest)]),
            ["crates/flows/Cargo.toml:2: ycd-flows must not know ycd-portal"]
        );
    }

    #[test]
    fn a_test_may_know_what_the_crate_must_not() {
        let manifest = "[dev-dependencies]\nycd-portal.workspace = true\n";
        assert!(findings(dependencies_point_downwards, &[("crates/flows/Cargo.toml", manifest)]).is_empty());
    }

    #[test]
    fn a_crate_outside_the_table_is_found() {
        assert_eq!(findings(dependencies_point_downwards, &[("crates/new/Cargo.toml", HEAD)]).len(), 1);
    }

    #[test]
    fn tauri_under_crates_is_found_even_for_tests() {
        let manifest = "[dev-dependencies]\ntauri-plugin-log = \"2\"\n";
        assert_eq!(
            findings(no_tauri_under_crates, &[("crates/flows/Cargo.toml", manifest)]),
            ["crates/flows/Cargo.toml:2: tauri-plugin-log belongs to src-tauri only"]
        );
        assert!(findings(no_tauri_under_crates, &[("src-tauri/Cargo.toml", manifest)]).is_empty());
    }

    #[test]
    fn a_version_or_lints_of_its_own_are_found() {
        let good = format!("{HEAD}[dependencies]\nserde.workspace = true\n");
        let own_version = format!("{HEAD}[dependencies]\nserde = \"1\"\n");
        let find = manifests_inherit_from_the_workspace;
        assert!(findings(find, &[("crates/a/Cargo.toml", &good)]).is_empty());
        assert_eq!(
            findings(find, &[("crates/a/Cargo.toml", &own_version)]),
            ["crates/a/Cargo.toml:7: serde takes no version from the workspace"]
        );
        assert_eq!(findings(find, &[("crates/a/Cargo.toml", "[package]\nname = \"a\"\n")]).len(), 3);
    }
}
