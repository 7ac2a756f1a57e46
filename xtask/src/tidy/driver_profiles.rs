//! Numbers in driver profiles come from somewhere.

use toml::{Table, Value};

use crate::{finding::Finding, tree::Tree};

/// PKCS#11 leaves the numbers from here on to vendors (`CKK_VENDOR_DEFINED` and its like), so that one number means
/// different things in different modules.
const FIRST_VENDOR_NUMBER: i64 = 0x8000_0000;

/// A table of a profile that holds a vendor's number says in `source`, its own or that of a table around it, where
/// the number was read. (What the source says, only a reader can judge.)
pub fn numbers_have_a_source(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let profiles = tree.with_extension(&["toml"]).filter(|file| file.path.starts_with("drivers-config/"));
    for file in profiles {
        match file.text.parse::<Table>() {
            Ok(table) => {
                for (name, number) in unsourced(&table, "") {
                    let line =
                        file.lines().find(|(_, line)| mentions(line, &name, number)).map_or(0, |(n, _)| n);
                    findings.push(Finding::new(
                        &file.path,
                        line,
                        format!("{name} has a number without a source"),
                    ));
                }
            }
            Err(error) => findings.push(Finding::new(&file.path, 0, error.message())),
        }
    }
    findings
}

fn unsourced(table: &Table, path: &str) -> Vec<(String, i64)> {
    if table.contains_key("source") {
        return Vec::new();
    }
    table
        .iter()
        .flat_map(|(key, value)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            unsourced_value(value, &path)
        })
        .collect()
}

fn unsourced_value(value: &Value, path: &str) -> Vec<(String, i64)> {
    match value {
        Value::Integer(number) if *number >= FIRST_VENDOR_NUMBER => vec![(path.to_owned(), *number)],
        Value::Table(table) => unsourced(table, path),
        Value::Array(values) => values.iter().flat_map(|value| unsourced_value(value, path)).collect(),
        _ => Vec::new(),
    }
}

/// Numbers are written in hexadecimal, with or without `_`, or in decimal.
fn mentions(line: &str, path: &str, number: i64) -> bool {
    let key = path.rsplit('.').next().unwrap_or(path);
    let line = line.replace('_', "").to_lowercase();
    line.contains(&key.replace('_', "").to_lowercase())
        && (line.contains(&format!("{number:x}")) || line.contains(&number.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{super::tests::findings, *};

    #[test]
    fn a_vendor_number_without_a_source_is_found_with_its_line() {
        let profile = "name = \"x\"\n\n[mechanisms]\nkey_type = 0x8000_0004\nmodulus = 256\n";
        assert_eq!(
            findings(numbers_have_a_source, &[("drivers-config/x.toml", profile)]),
            ["drivers-config/x.toml:4: mechanisms.key_type has a number without a source"]
        );
    }

    #[test]
    fn a_source_beside_the_number_or_around_it_is_enough() {
        let beside = "[mechanisms]\nsource = \"a header\"\nkey_type = 0x8000_0004\n";
        let around = "[a]\nsource = \"a header\"\n[[a.b]]\nc = 0x8000_0004\n";
        let files = &[("drivers-config/x.toml", beside), ("drivers-config/y/z.toml", around)];
        assert_eq!(findings(numbers_have_a_source, files), Vec::<String>::new());
    }
}
