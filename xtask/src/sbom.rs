//! What a package is made of: a bill of materials in CycloneDX 1.5 (ECMA-424), from what cargo and npm have locked.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Value, json};

use crate::process;

/// Everything that is linked into `programs` for `target`, and what the pages are built from.
pub fn of(root: &Path, programs: &[&str], target: &str) -> Result<Value, String> {
    let metadata = process::metadata(root, &["--locked", "--filter-platform", target])?;
    let lock = read(&root.join("Cargo.lock"))?;
    let lock: toml::Table = toml::from_str(&lock).map_err(|error| format!("Cargo.lock: {error}"))?;
    let mut parts = crates(&metadata, &checksums(&lock), programs);
    let pages: Value = serde_json::from_str(&read(&root.join("ui/package-lock.json"))?)
        .map_err(|error| format!("ui/package-lock.json: {error}"))?;
    parts.extend(modules(&pages));
    // npm may have put a module into several places.
    let mut seen = BTreeSet::new();
    parts.retain(|part| seen.insert(part["bom-ref"].to_string()));
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": "yuncaidun-assistant",
                "version": env!("CARGO_PKG_VERSION"),
                "bom-ref": "yuncaidun-assistant",
                "licenses": [{ "expression": "Apache-2.0" }],
            },
        },
        "components": parts,
    }))
}

/// Reached from the programs by dependencies that are linked: not those of build scripts and tests.
fn crates(metadata: &Value, checksums: &BTreeMap<(String, String), String>, programs: &[&str]) -> Vec<Value> {
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
    let mut parts = Vec::new();
    for package in seen.iter().filter_map(|id| packages.get(id.as_str())) {
        let text = |name: &str| package[name].as_str().unwrap_or_default().to_owned();
        let (name, version) = (text("name"), text("version"));
        let purl = format!("pkg:cargo/{name}@{version}");
        let mut part = json!({
            "type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl,
        });
        if let Some(license) = package["license"].as_str() {
            // An old way of writing "or".
            part["licenses"] = json!([{ "expression": license.replace('/', " OR ").replace("  ", " ") }]);
        }
        if let Some(checksum) = checksums.get(&(name, version)) {
            part["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
        }
        parts.push(part);
    }
    parts
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
fn modules(lock: &Value) -> Vec<Value> {
    let packages = lock["packages"].as_object().into_iter().flatten();
    let part = |(path, package): (&String, &Value)| {
        let name = path.rsplit_once("node_modules/")?.1;
        let version = package["version"].as_str()?;
        let is_tool = package["dev"] == true || package["devOptional"] == true;
        (!is_tool).then(|| {
            let purl = format!("pkg:npm/{}@{version}", name.replace('@', "%40"));
            let mut part = json!({
                "type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl,
            });
            if let Some(license) = package["license"].as_str() {
                part["licenses"] = json!([{ "expression": license }]);
            }
            part
        })
    };
    packages.filter_map(part).collect()
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_of_this_workspace_names_what_is_linked_and_no_tools() {
        let bill = of(&crate::tree::root(), &["ycd-token-host"], "x86_64-pc-windows-gnu").unwrap();
        let parts = bill["components"].as_array().unwrap();
        let named = |name: &str| parts.iter().find(|part| part["name"] == name);
        let cryptoki = named("cryptoki").unwrap();
        assert!(cryptoki["hashes"][0]["content"].as_str().is_some_and(|sum| sum.len() == 64));
        assert!(named("vue").is_some());
        // Of build scripts, tests, and pages' tools.
        assert!(named("winresource").is_none() && named("tempfile").is_none() && named("vitest").is_none());
        let mut names: Vec<&str> = parts.iter().filter_map(|part| part["bom-ref"].as_str()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
