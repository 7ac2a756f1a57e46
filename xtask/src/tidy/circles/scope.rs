//! What one Rust file declares, imports and names, as far as its text tells.

use crate::rust_tokens::{Code, Token};

/// A module's own text: the file as a whole, or what stands between the braces of a `mod` in it.
#[derive(Debug, Default)]
pub struct Scope {
    /// `mod name;`
    pub files: Vec<ModFile>,
    /// `mod name { … }`
    pub inline: Vec<(String, Scope)>,
    pub uses: Vec<Use>,
    /// Paths in code, as `crate::a::b` or `a::b`.
    pub paths: Vec<Named>,
    /// Names of items, wherever in the scope they are declared.
    pub items: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct ModFile {
    pub name: String,
    /// Of `#[path = "…"]`.
    pub path: Option<String>,
}

/// One leaf of a `use`.
#[derive(Debug, PartialEq, Eq)]
pub struct Use {
    /// What it is called here; `None` for `*`.
    pub name: Option<String>,
    pub path: Vec<String>,
    pub line: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub path: Vec<String>,
    pub line: usize,
}

const ITEMS: &[&str] = &["fn", "struct", "enum", "union", "trait", "type", "const", "static"];

/// What begins an item that may go before it, or the item itself: where one of these stands behind an attribute, a
/// comma does not end what the attribute is about.
const ITEM_BEGINNINGS: &[&str] = &[
    "pub",
    "fn",
    "struct",
    "enum",
    "union",
    "trait",
    "type",
    "const",
    "static",
    "use",
    "mod",
    "impl",
    "extern",
    "async",
    "unsafe",
    "macro_rules",
    "let",
];

/// Reads a file. What is compiled for tests only is left out.
pub fn read(source: &str) -> Scope {
    let code = Code::of(source);
    let tokens = code.tokens();
    let lines: Vec<&str> = source.lines().collect();
    Reader { tokens: &tokens, lines: &lines, at: 0 }.scope()
}

struct Reader<'a> {
    tokens: &'a [Token<'a>],
    lines: &'a [&'a str],
    at: usize,
}

impl Reader<'_> {
    /// Up to the brace that closes the scope, or the end of the file.
    fn scope(&mut self) -> Scope {
        let mut scope = Scope::default();
        let mut depth = 0usize;
        let mut path_attribute = None;
        while let Some(token) = self.tokens.get(self.at) {
            match token.text {
                "}" if depth == 0 => break,
                "}" => depth -= 1,
                "{" => depth += 1,
                "#" => {
                    let attribute = self.attribute();
                    if attribute.is_for_tests && !attribute.is_inner {
                        self.skip_item();
                    }
                    path_attribute = attribute.path.or(path_attribute);
                    continue;
                }
                "mod" => {
                    self.module(path_attribute.take(), &mut scope);
                    continue;
                }
                "use" => {
                    self.at += 1;
                    self.use_tree(&[], &mut scope.uses);
                    continue;
                }
                "macro_rules" => scope.items.extend(self.word(2)),
                text if ITEMS.contains(&text) => scope.items.extend(self.word(1)),
                _ if token.is_word() && self.is_path_separator(1) => {
                    scope.paths.extend(self.path());
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        scope
    }

    fn text(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| token.text)
    }

    fn word(&self, ahead: usize) -> Option<String> {
        self.tokens.get(self.at + ahead).filter(|token| token.is_word()).map(|token| token.text.to_owned())
    }

    fn is_path_separator(&self, ahead: usize) -> bool {
        self.text(ahead) == ":" && self.text(ahead + 1) == ":"
    }

    /// `mod name;` or `mod name { … }`; the word alone stands in a visibility or a macro.
    fn module(&mut self, path: Option<String>, scope: &mut Scope) {
        let name = self.word(1);
        let opening = self.text(2).to_owned();
        match (name, opening.as_str()) {
            (Some(name), ";") => {
                scope.files.push(ModFile { name, path });
                self.at += 3;
            }
            (Some(name), "{") => {
                self.at += 3;
                let inner = self.scope();
                self.at += 1;
                scope.inline.push((name, inner));
            }
            _ => self.at += 1,
        }
    }

    /// `a::b::c`; nothing where a `::` stands before it, since that is a path from another crate's root.
    fn path(&mut self) -> Option<Named> {
        let begin = self.at;
        let line = self.tokens[begin].line;
        let is_behind_path = begin >= 2 && (begin - 2..begin).all(|at| self.tokens[at].text == ":");
        let mut path: Vec<String> = self.word(0).into_iter().collect();
        self.at += 1;
        while self.is_path_separator(0) {
            let Some(word) = self.word(2) else { break };
            path.push(word);
            self.at += 3;
        }
        (!is_behind_path).then_some(Named { path, line })
    }

    /// What stands behind `use`, or within its braces: leaves it behind the `;`, before the `,` or the `}`.
    fn use_tree(&mut self, before: &[String], uses: &mut Vec<Use>) {
        let mut path = before.to_vec();
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        if self.is_path_separator(0) {
            // Another crate's root: no module is called so.
            path.push(String::new());
            self.at += 2;
        }
        loop {
            match self.text(0) {
                "{" => {
                    self.at += 1;
                    while !matches!(self.text(0), "}" | "") {
                        self.use_tree(&path, uses);
                        if self.text(0) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    break;
                }
                "*" => {
                    uses.push(Use { name: None, path, line });
                    self.at += 1;
                    break;
                }
                _ => {}
            }
            let Some(word) = self.word(0) else { break };
            self.at += 1;
            if word != "self" || path.is_empty() {
                path.push(word);
            }
            if self.is_path_separator(0) {
                self.at += 2;
                continue;
            }
            let mut name = path.last().cloned();
            if self.text(0) == "as" {
                name = self.word(1);
                self.at += 2;
            }
            uses.push(Use { name, path, line });
            break;
        }
        if before.is_empty() && self.text(0) == ";" {
            self.at += 1;
        }
    }

    fn attribute(&mut self) -> Attribute {
        self.at += 1;
        let is_inner = self.text(0) == "!";
        if is_inner {
            self.at += 1;
        }
        if self.text(0) != "[" {
            return Attribute::default();
        }
        let begin = self.at;
        self.skip_brackets();
        let tokens = &self.tokens[begin..self.at];
        let words: Vec<&str> =
            tokens.iter().filter(|token| token.is_word()).map(|token| token.text).collect();
        let is_for_tests = words.first() == Some(&"cfg")
            && words.contains(&"test")
            && !words.contains(&"not")
            && !words.contains(&"any");
        let path = (words.first() == Some(&"path")).then(|| {
            let line = self.lines.get(tokens[0].line - 1).copied().unwrap_or_default();
            line.split('"').nth(1).unwrap_or_default().to_owned()
        });
        Attribute { is_inner, is_for_tests, path }
    }

    /// From an opening bracket behind its closing one.
    fn skip_brackets(&mut self) {
        let mut depth = 0usize;
        while let Some(token) = self.tokens.get(self.at) {
            match token.text {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
    }

    /// What an attribute is about: an item, a statement, a field, an arm.
    fn skip_item(&mut self) {
        while self.text(0) == "#" {
            self.attribute();
        }
        let is_item = ITEM_BEGINNINGS.contains(&self.text(0));
        let before_braces =
            self.tokens[self.at..].iter().map(|token| token.text).take_while(|text| *text != "{");
        let is_use = before_braces.take(5).any(|text| text == "use");
        while let Some(token) = self.tokens.get(self.at) {
            match token.text {
                "{" => {
                    self.skip_brackets();
                    if !is_use {
                        break;
                    }
                }
                "(" | "[" => self.skip_brackets(),
                "}" => break,
                ";" => {
                    self.at += 1;
                    break;
                }
                "," if !is_item => {
                    self.at += 1;
                    break;
                }
                _ => self.at += 1,
            }
        }
    }
}

#[derive(Default)]
struct Attribute {
    is_inner: bool,
    is_for_tests: bool,
    path: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(source: &str) -> Vec<(String, String)> {
        let leaf = |leaf: &Use| (leaf.path.join("::"), leaf.name.clone().unwrap_or_else(|| "*".into()));
        read(source).uses.iter().map(leaf).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(path, name)| ((*path).to_owned(), (*name).to_owned())).collect()
    }

    #[test]
    fn a_use_is_read_leaf_by_leaf() {
        let source = "pub(crate) use crate::{a::{self, B as C}, d::*};\nuse super::e;\nuse ::f::g;\n";
        let expected =
            [("crate::a", "a"), ("crate::a::B", "C"), ("crate::d", "*"), ("super::e", "e"), ("::f::g", "g")];
        assert_eq!(uses(source), pairs(&expected));
    }

    #[test]
    fn paths_in_code_are_read_and_those_of_other_crates_are_not() {
        let scope =
            read("fn f(x: crate::a::B) -> Vec<C> { d::e(::g::h(), \"crate::no\"); x.len() }\n// crate::no\n");
        let paths: Vec<_> = scope.paths.iter().map(|named| named.path.join("::")).collect();
        assert_eq!(paths, ["crate::a::B", "d::e"]);
    }

    #[test]
    fn modules_are_read_with_their_path_or_what_they_hold() {
        let scope =
            read("mod a;\n#[path = \"x/b.rs\"]\npub mod b;\nmod c { use crate::d; mod e; }\nuse crate::f;\n");
        assert_eq!(
            scope.files,
            [
                ModFile { name: "a".into(), path: None },
                ModFile { name: "b".into(), path: Some("x/b.rs".into()) }
            ]
        );
        assert_eq!(scope.inline[0].0, "c");
        assert_eq!(
            (scope.inline[0].1.uses.len(), scope.inline[0].1.files.len(), scope.uses.len()),
            (1, 1, 1)
        );
    }

    #[test]
    fn what_is_compiled_for_tests_only_is_left_out() {
        let source = "#[cfg(test)]\nmod tests { use crate::a; }\n#[cfg(test)]\n#[path = \"t.rs\"]\nmod more;\n\
                      #[cfg(all(test, unix))]\nuse crate::{b, c};\n#[cfg(test)]\nfn f<A, B>() { crate::d() }\n\
                      struct S { #[cfg(test)] g: crate::g::G, h: crate::h::H }\n#[cfg(not(test))]\nuse crate::i;\n";
        let scope = read(source);
        let paths: Vec<_> = scope.paths.iter().map(|named| named.path.join("::")).collect();
        assert_eq!(paths, ["crate::h::H"]);
        assert!(scope.files.is_empty() && scope.inline.is_empty());
        assert_eq!(uses(source), pairs(&[("crate::i", "i")]));
    }
}
