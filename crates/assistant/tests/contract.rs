//! The contract that the pages' types come from is the one this program keeps.

use std::{env, fs, path::Path};

use ycd_assistant::{commands, contract};

#[test]
fn the_pages_contract_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/backend/contract.json");
    let now = contract::document();
    if env::var_os("YCD_WRITE_CONTRACT").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == now, "stale: cargo xtask contract");
}

#[test]
fn every_type_that_is_named_is_described() {
    let document: serde_json::Value = serde_json::from_str(&contract::document()).unwrap();
    let text = document.to_string();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name}");
    }
    assert_eq!(document["paths"].as_object().unwrap().len(), commands::NAMES.len());
}
