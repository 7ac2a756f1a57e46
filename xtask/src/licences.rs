//! The licences of other people's parts, in full: most of them want to go along with what is made from them.

use std::{collections::BTreeMap, path::Path};

use crate::{files, parts::Part};

/// What the page is called among the files of a package.
pub const FILE: &str = "licences.txt";

/// What such files are called, in capitals.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// Every text once, under the parts that it came with. Texts that only break their lines elsewhere are the same.
pub fn of(parts: &[Part]) -> Result<String, String> {
    let mut texts: BTreeMap<String, (Vec<String>, String)> = BTreeMap::new();
    let mut without = Vec::new();
    for part in parts.iter().filter(|part| !part.is_ours) {
        let called =
            format!("{} {} ({})", part.name, part.version, part.licence.as_deref().unwrap_or("see its text"));
        let found = texts_in(&part.folder)?;
        if found.is_empty() {
            without.push(called.clone());
        }
        for text in found {
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let (whose, _) = texts.entry(words).or_insert_with(|| (Vec::new(), text));
            // Two files of one part may say the same.
            if whose.last() != Some(&called) {
                whose.push(called.clone());
            }
        }
    }
    let mut page = String::from(
        "云采盾证书助手使用了下列第三方软件，按其许可发布。\n\
         The certificate assistant is made with these parts of other people's, under their licences.\n\
         Linked with all of them: the Rust standard library, MIT OR Apache-2.0.\n",
    );
    if !without.is_empty() {
        page += "\nOffered without a text of their own, under the licence named:\n";
        page.extend(without.iter().map(|part| format!("  {part}\n")));
    }
    let mut texts: Vec<(Vec<String>, String)> = texts.into_values().collect();
    texts.sort();
    for (whose, text) in texts {
        page += &format!("\n{}\n", "=".repeat(80));
        page.extend(whose.iter().map(|part| format!("  {part}\n")));
        page += &format!("\n{text}\n");
    }
    Ok(page)
}

fn texts_in(folder: &Path) -> Result<Vec<String>, String> {
    let mut texts = Vec::new();
    for path in files::entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        let is_text = NAMES.iter().any(|it| name.starts_with(it)) && !name.ends_with(".SPDX");
        if is_text && path.is_file() {
            let text = String::from_utf8_lossy(&files::read(&path)?).replace('\r', "");
            texts.push(text.trim_matches('\n').trim_end().to_owned());
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::parts;

    #[test]
    fn every_foreign_part_of_this_workspace_is_named() {
        let mut parts =
            parts::of(&crate::tree::root(), &["ycd-token-host"], "x86_64-pc-windows-gnu").unwrap();
        // Modules of the pages lie here only once the pages were built.
        parts.retain(|part| part.purl.starts_with("pkg:cargo/"));
        let page = of(&parts).unwrap();
        for part in &parts {
            let named = page.contains(&format!("  {} {} (", part.name, part.version));
            assert_eq!(named, !part.is_ours, "{}", part.name);
        }
        assert!(page.contains("Permission is hereby granted"));
    }

    #[test]
    fn a_text_of_several_parts_stands_once() {
        let folder = tempfile::tempdir().unwrap();
        let part = |name: &str, files: &[(&str, &str)]| {
            let own = folder.path().join(name);
            fs::create_dir(&own).unwrap();
            for (file, text) in files {
                fs::write(own.join(file), text).unwrap();
            }
            Part {
                name: name.to_owned(),
                version: "1.0".to_owned(),
                purl: name.to_owned(),
                licence: Some("MIT".to_owned()),
                checksum: None,
                folder: own,
                is_ours: false,
            }
        };
        let page = of(&[
            part("one", &[("LICENSE-MIT", "do as you like\n"), ("main.rs", "not a licence")]),
            part("two", &[("license.txt", "do as\r\n you like\r\n\r\n")]),
            part("bare", &[("README.md", "nothing")]),
        ])
        .unwrap();
        assert_eq!(page.matches("do as you like").count(), 1, "{page}");
        assert!(page.contains("  one 1.0 (MIT)\n  two 1.0 (MIT)\n\ndo as you like\n"), "{page}");
        assert!(page.contains("under the licence named:\n  bare 1.0 (MIT)\n"), "{page}");
        assert!(!page.contains("not a licence"));
    }
}
