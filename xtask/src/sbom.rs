//! The bill of materials of a package, in CycloneDX 1.5 (ECMA-424).

use serde_json::{Value, json};

use crate::parts::Part;

pub fn of(parts: &[Part]) -> Value {
    json!({
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
        "components": parts.iter().map(component).collect::<Vec<_>>(),
    })
}

fn component(part: &Part) -> Value {
    let mut component = json!({
        "type": "library", "name": part.name, "version": part.version, "purl": part.purl, "bom-ref": part.purl,
    });
    if let Some(licence) = &part.licence {
        component["licenses"] = json!([{ "expression": licence }]);
    }
    if let Some(checksum) = &part.checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts;

    #[test]
    fn a_bill_of_this_workspace_names_what_is_linked_and_no_tools() {
        let parts = parts::of(&crate::tree::root(), &["ycd-token-host"], "x86_64-pc-windows-gnu").unwrap();
        let bill = of(&parts);
        let components = bill["components"].as_array().unwrap();
        let named = |name: &str| components.iter().find(|part| part["name"] == name);
        let cryptoki = named("cryptoki").unwrap();
        assert!(cryptoki["hashes"][0]["content"].as_str().is_some_and(|sum| sum.len() == 64));
        assert!(named("vue").is_some());
        // Of build scripts, tests, and pages' tools.
        assert!(named("winresource").is_none() && named("tempfile").is_none() && named("vitest").is_none());
        let mut names: Vec<&str> = components.iter().filter_map(|part| part["bom-ref"].as_str()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
