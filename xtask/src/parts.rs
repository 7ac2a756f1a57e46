//! What a package is made of, from what cargo and npm have locked: other people's crates that are linked, and modules
//! that the pages are built from.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{files, process};

pub struct Part {
    pub name: String,
    pub version: String,
    /// Where it is had from (Package URL).
    pub purl: String,
    /// An SPDX expression.
    pub licence: Option<String>,
    /// SHA-256 of the archive that it came in.
    pub checksum: Option<String>,
    /// Where its source lies on this machine.
    pub folder: PathBuf,
    pub is_ours: bool,
}

/// Everything that is linked into `programs` for `target`, and what the pages are built from; each version once.
pub fn of(root: &Path, programs: &[&str], target: &str) -> Result<Vec<Part>, String> {
    let metadata = process::metadata(root, &["--locked", "--filter-platform", target])?;
    let lock: toml::Table = toml::from_str(&files::read_text(&root.join("Cargo.lock"))?)
        .map_err(|error| format!("Cargo.lock: {error}"))?;
    let mut parts = crates(&metadata, &checksums(&lock), programs);
    let pages: Value = serde_json::from_str(&files::read_text(&root.join("ui/package-lock.json"))?)
        .map_err(|error| format!("ui/package-lock.json: {error}"))?;
    parts.extend(modules(&pages, &root.join("ui")));
    // npm may have put a module into several places.
    let mut seen = BTreeSet::new();
    parts.retain(|part| seen.insert(part.purl.clone()));
    Ok(parts)
}

/// Reached from the programs by dependencies that are linked: not those of build scripts and tests.
fn crates(metadata: &Value, checksums: &BTreeMap<(String, String), String>, programs: &[&str]) -> Vec<Part> {
    let empty = Vec::new();
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let packages: BTreeMap<&str, &Value> = metadata["packages"]
        .as_array()
        .unwrap_or(&empty)
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package)))
        .collect();
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap_or(&empty)
        .iter()
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let is_program = |package: &Value| package["name"].as_str().is_some_and(|name| programs.contains(&name));
    let mut left: Vec<String> =
        packages.iter().filter(|(_, package)| is_program(package)).map(|(id, _)| (*id).to_owned()).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = left.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        for dependency in nodes.get(id.as_str()).map(|node| list(&node["deps"])).unwrap_or_default() {
            let linked = list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            if let (true, Some(id)) = (linked, dependency["pkg"].as_str()) {
                left.push(id.to_owned());
            }
        }
    }
    let part = |package: &Value| {
        let text = |name: &str| package[name].as_str().unwrap_or_default().to_owned();
        let (name, version) = (text("name"), text("version"));
        Part {
            purl: format!("pkg:cargo/{name}@{version}"),
            // An old way of writing "or".
            licence: package["license"].as_str().map(|it| it.replace('/', " OR ").replace("  ", " ")),
            checksum: checksums.get(&(name.clone(), version.clone())).cloned(),
            folder: PathBuf::from(text("manifest_path")).parent().map(Path::to_owned).unwrap_or_default(),
            is_ours: package["source"].is_null(),
            name,
            version,
        }
    };
    seen.iter().filter_map(|id| packages.get(id.as_str())).map(|package| part(package)).collect()
}

fn checksums(lock: &toml::Table) -> BTreeMap<(String, String), String> {
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let entry = |package: &toml::Value| {
        let text = |name: &str| Some(package.get(name)?.as_str()?.to_owned());
        Some(((text("name")?, text("version")?), text("checksum")?))
    };
    packages.into_iter().flatten().filter_map(entry).collect()
}

/// Modules of the pages, without those of their tools.
fn modules(lock: &Value, pages: &Path) -> Vec<Part> {
    let packages = lock["packages"].as_object().into_iter().flatten();
    let part = |(path, package): (&String, &Value)| {
        let name = path.rsplit_once("node_modules/")?.1;
        let version = package["version"].as_str()?;
        let is_tool = package["dev"] == true || package["devOptional"] == true;
        (!is_tool).then(|| Part {
            name: name.to_owned(),
            version: version.to_owned(),
            purl: format!("pkg:npm/{}@{version}", name.replace('@', "%40")),
            licence: package["license"].as_str().map(str::to_owned),
            checksum: None,
            folder: pages.join(path),
            is_ours: false,
        })
    };
    packages.filter_map(part).collect()
}
