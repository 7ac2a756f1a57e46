//! `docs/errors.md`, rendered from the catalogue of messages that the assistant and the command line show.

use std::{fmt::Write as _, fs, path::Path};

use toml::{Table, Value};

use crate::{
    finding::Finding,
    rust_text::code_only,
    tree::{File, Tree},
};

const CATALOGUE: &str = "crates/flows/src/messages/messages.toml";
const PAGE: &str = "docs/errors.md";

/// Writes the page.
pub fn write(root: &Path) -> crate::Outcome {
    let catalogue =
        fs::read_to_string(root.join(CATALOGUE)).map_err(|error| format!("{CATALOGUE}: {error}"))?;
    let page = render(&catalogue).map_err(|error| format!("{CATALOGUE}: {error}"))?;
    fs::write(root.join(PAGE), page).map_err(|error| format!("{PAGE}: {error}"))?;
    println!("wrote {PAGE}");
    Ok(true)
}

/// Says whether the page is what [`write()`] would write.
pub fn check(root: &Path) -> crate::Outcome {
    let tree = Tree::read(root).map_err(|error| format!("{}: {error}", root.display()))?;
    let findings = page_is_up_to_date(&tree);
    for finding in &findings {
        println!("{finding}");
    }
    Ok(findings.is_empty())
}

/// A rule of tidy.
pub fn page_is_up_to_date(tree: &Tree) -> Vec<Finding> {
    let Some(catalogue) = tree.file(CATALOGUE) else { return vec![Finding::new(CATALOGUE, 0, "is missing")] };
    match render(&catalogue.text) {
        Err(error) => vec![Finding::new(CATALOGUE, 0, error)],
        Ok(page) if tree.file(PAGE).is_some_and(|file| unified(file) == page) => Vec::new(),
        Ok(_) => vec![Finding::new(PAGE, 0, "is stale: cargo xtask errors")],
    }
}

/// A rule of tidy: every code that a crate gives has its message, and every message a code that is given.
pub fn every_code_has_a_message(tree: &Tree) -> Vec<Finding> {
    let areas = tree.file(CATALOGUE).and_then(|file| file.text.parse::<Table>().ok()).unwrap_or_default();
    let has_message = |code: &str| {
        code.split_once('.')
            .is_some_and(|(area, name)| areas.get(area).and_then(|names| names.get(name)).is_some())
    };
    let sources = || tree.with_extension(&["rs"]).filter(|file| file.path.starts_with("crates/"));
    let mut findings = Vec::new();
    for file in sources() {
        for (line, code) in codes_given(file).into_iter().filter(|(_, code)| !has_message(code)) {
            findings.push(Finding::new(&file.path, line, format!("{code} has no message in {CATALOGUE}")));
        }
    }
    for (area, name) in areas.iter().flat_map(|(area, names)| {
        let names = names.as_table().into_iter().flat_map(Table::keys);
        names.map(move |name| (area, name))
    }) {
        let code = format!("\"{area}.{name}\"");
        if !sources().any(|file| file.text.contains(&code)) {
            findings.push(Finding::new(CATALOGUE, 0, format!("no crate gives the code {area}.{name}")));
        }
    }
    findings
}

/// Codes with their lines: the texts in functions called `code`, and the kinds of problems, which are written as a
/// code with an HTTP status behind it.
fn codes_given(file: &File) -> Vec<(usize, String)> {
    let code = code_only(&file.text);
    let mut found = Vec::new();
    let mut depth_in_function: Option<i32> = None;
    for ((number, line), bare) in file.lines().zip(code.lines()) {
        if bare.contains("fn code(") {
            depth_in_function = Some(0);
        }
        let texts: Vec<(&str, &str)> = quoted(line);
        for (text, behind) in texts {
            let is_code =
                text.contains('.') && text.chars().all(|c| c.is_ascii_lowercase() || "._".contains(c));
            let is_kind = behind.strip_prefix(", ").is_some_and(|rest| {
                rest.len() > 3
                    && rest.as_bytes()[..3].iter().all(u8::is_ascii_digit)
                    && rest[3..].starts_with(',')
            });
            if is_code && (depth_in_function.is_some() || is_kind) {
                found.push((number, text.to_owned()));
            }
        }
        if let Some(depth) = &mut depth_in_function {
            for c in bare.chars() {
                *depth += i32::from(c == '{') - i32::from(c == '}');
            }
            if *depth == 0 && bare.contains('}') {
                depth_in_function = None;
            }
        }
    }
    found
}

/// The quoted texts of a line, each with what stands behind it.
fn quoted(line: &str) -> Vec<(&str, &str)> {
    let mut texts = Vec::new();
    let mut rest = line;
    while let Some((text, behind)) = rest.split_once('"').and_then(|(_, from)| from.split_once('"')) {
        texts.push((text, behind));
        rest = behind;
    }
    texts
}

/// With the line ends that [`render`] writes, whatever version control made of them.
fn unified(page: &File) -> String {
    page.text.replace("\r\n", "\n")
}

/// Tables one or two levels deep: `[token.pin_locked]` is the code `token.pin_locked`.
fn render(catalogue: &str) -> Result<String, String> {
    let areas: Table = catalogue.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let mut page = String::from(
        "# Codes\n\n\
         Every failure has a stable code, one sentence and one remedy. Rendered by `cargo xtask errors` from\n\
         `crates/flows/src/messages/messages.toml`; change it there. Words in braces stand for what the failure\n\
         itself tells.\n",
    );
    for (area, codes) in &areas {
        let codes = codes.as_table().ok_or_else(|| format!("{area} is no table of codes"))?;
        let _ = write!(page, "\n## {area}\n\n| code | 中文 | English |\n| --- | --- | --- |\n");
        for (code, message) in codes {
            let text = |key: &str| {
                message
                    .get(key)
                    .and_then(Value::as_str)
                    .filter(|text| !text.is_empty())
                    .map(|text| text.replace('|', "\\|"))
                    .ok_or_else(|| format!("{area}.{code} has no {key}"))
            };
            let (zh, en) = (text("zh")?, text("en")?);
            let (zh_remedy, en_remedy) = (text("zh_remedy")?, text("en_remedy")?);
            let _ = writeln!(page, "| `{area}.{code}` | {zh} {zh_remedy} | {en} {en_remedy} |");
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "[token.pin_locked]\nzh = \"已锁定。\"\nzh_remedy = \"解锁。\"\nen = \"Locked.\"\n\
                       en_remedy = \"Unlock it.\"\n";

    fn tree(files: &[(&str, &str)]) -> Tree {
        let file = |(path, text): &(&str, &str)| File { path: (*path).into(), text: (*text).into() };
        Tree { files: files.iter().map(file).collect() }
    }

    #[test]
    fn a_code_is_a_row_with_both_languages() {
        let page = render(ONE).unwrap();
        assert!(page.contains("| `token.pin_locked` | 已锁定。 解锁。 | Locked. Unlock it. |"));
    }

    #[test]
    fn a_code_without_a_remedy_is_refused() {
        let without = ONE.replace("zh_remedy = \"解锁。\"\n", "");
        assert_eq!(render(&without).unwrap_err(), "token.pin_locked has no zh_remedy");
    }

    #[test]
    fn a_code_without_a_message_is_found_with_its_line() {
        let source = "impl E {\n    fn code(&self) -> &str {\n        match self {\n            A => \"token.pin_locked\",\n\
                      B => \"token.other\",\n        }\n    }\n}\nconst K: Kind = Kind::new(\"sms.late\", 422, \"x\");\n\
                      const AUDIT: &str = \"order.approve\";\n";
        let found = every_code_has_a_message(&tree(&[(CATALOGUE, ONE), ("crates/a/src/lib.rs", source)]));
        let found: Vec<String> =
            found.iter().map(|finding| format!("{}:{}", finding.path, finding.line)).collect();
        assert_eq!(found, ["crates/a/src/lib.rs:5", "crates/a/src/lib.rs:9"]);
    }

    #[test]
    fn a_message_that_no_crate_gives_is_found() {
        let found = every_code_has_a_message(&tree(&[(CATALOGUE, ONE)]));
        assert_eq!(found[0].text, "no crate gives the code token.pin_locked");
    }

    #[test]
    fn a_stale_page_is_found_and_a_fresh_one_is_not() {
        let page = render(ONE).unwrap();
        assert!(
            page_is_up_to_date(&tree(&[(CATALOGUE, ONE), (PAGE, &page.replace('\n', "\r\n"))])).is_empty()
        );
        let changed = ONE.replace("Locked", "Blocked");
        assert_eq!(page_is_up_to_date(&tree(&[(CATALOGUE, &changed), (PAGE, &page)])).len(), 1);
        assert_eq!(page_is_up_to_date(&tree(&[(CATALOGUE, ONE)])).len(), 1);
    }
}
