//! The names that a file writes: identifiers in code, not words in comments, strings and texts.

use crate::{rust_tokens::Code, tree::File};

/// A name as it is written, and its line.
pub type Written = (String, usize);

/// Of the kinds of files that hold names; nothing of any other.
pub fn names(file: &File) -> Option<Vec<Written>> {
    let extension = file.path.rsplit('.').next().unwrap_or_default();
    Some(match extension {
        "rs" => {
            let code = Code::of(&file.text);
            let words = code.tokens().into_iter().filter(|token| token.is_word());
            words.map(|token| (token.text.to_owned(), token.line)).collect()
        }
        "ts" => words_of(&script(&file.text), false),
        "vue" => words_of(&component(&file.text), true),
        "sql" => words_of(&without(&file.text, "--", '\''), false),
        "toml" => words_of(&without(&file.text, "#", '"'), true),
        _ => return None,
    })
}

/// With hyphens, `key-id` is one name.
fn words_of(code: &str, has_hyphens: bool) -> Vec<Written> {
    let mut words = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let parts = line.split(|c: char| !(c.is_alphanumeric() || c == '_' || has_hyphens && c == '-'));
        let names = parts.map(|part| part.trim_matches('-')).filter(|part| part.starts_with(is_name_start));
        words.extend(names.map(|name| (name.to_owned(), index + 1)));
    }
    words
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// TypeScript with comments and literals blanked, but for what stands in `${…}`.
fn script(source: &str) -> String {
    let mut blanked = Blanked::of(source);
    blanked.script(None);
    blanked.text
}

/// A Vue component: its script, and of its template tags, attributes and expressions.
fn component(source: &str) -> String {
    let mut blanked = Blanked::of(source);
    while let Some(c) = blanked.peek(0) {
        if blanked.is_at("<!--") {
            blanked.blank_behind("-->");
        } else if c == '<' {
            let tag = blanked.tag();
            if tag == "script" {
                blanked.script(Some("</script"));
            } else if tag == "style" {
                blanked.blank_behind("</style");
            }
        } else if blanked.is_at("{{") {
            blanked.blank(2);
            blanked.script(Some("}}"));
        } else {
            blanked.blank(1);
        }
    }
    blanked.text
}

/// Text in which a comment ends with its line and a literal stands in quotes.
fn without(source: &str, comment: &str, quote: char) -> String {
    let mut blanked = Blanked::of(source);
    while let Some(c) = blanked.peek(0) {
        if blanked.is_at(comment) {
            blanked.blank_behind("\n");
        } else if c == quote {
            blanked.quoted(quote);
        } else {
            blanked.keep(1);
        }
    }
    blanked.text
}

/// A source on its way from `rest` to `text`, where lines keep their numbers.
struct Blanked<'a> {
    rest: &'a str,
    text: String,
}

impl<'a> Blanked<'a> {
    fn of(source: &'a str) -> Self {
        Self { rest: source, text: String::with_capacity(source.len()) }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest.chars().nth(ahead)
    }

    fn is_at(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    fn take(&mut self, count: usize, is_kept: bool) {
        let mut chars = self.rest.chars();
        for c in chars.by_ref().take(count) {
            self.text.push(if is_kept || c == '\n' { c } else { ' ' });
        }
        self.rest = chars.as_str();
    }

    fn keep(&mut self, count: usize) {
        self.take(count, true);
    }

    fn blank(&mut self, count: usize) {
        self.take(count, false);
    }

    fn blank_behind(&mut self, end: &str) {
        let until = self.rest.find(end).map_or(self.rest.len(), |at| at + end.len());
        self.blank(self.rest[..until].chars().count());
    }

    /// A literal; one in `'` or `"` ends with its line at the latest.
    fn quoted(&mut self, quote: char) {
        self.blank(1);
        while let Some(c) = self.peek(0) {
            match c {
                '\\' => self.blank(2),
                '\n' if quote != '`' => break,
                '$' if quote == '`' && self.peek(1) == Some('{') => {
                    self.blank(2);
                    self.script(Some("}"));
                }
                _ => {
                    self.blank(1);
                    if c == quote {
                        break;
                    }
                }
            }
        }
    }

    /// Code, behind its end where one is named; braces within it are its own.
    fn script(&mut self, end: Option<&str>) {
        let mut depth = 0usize;
        while let Some(c) = self.peek(0) {
            if let Some(end) = end.filter(|end| depth == 0 && self.is_at(end)) {
                self.blank(end.len());
                break;
            }
            match c {
                '/' if self.peek(1) == Some('/') => self.blank_behind("\n"),
                '/' if self.peek(1) == Some('*') => self.blank_behind("*/"),
                '/' if self.is_before_an_operand() => self.pattern(),
                '\'' | '"' | '`' => self.quoted(c),
                _ => {
                    depth = depth + usize::from(c == '{') - usize::from(c == '}' && depth > 0);
                    self.keep(1);
                }
            }
        }
    }

    /// Whether a `/` here begins a regular expression and does not divide.
    fn is_before_an_operand(&self) -> bool {
        let before = self.text.trim_end();
        before.is_empty() || before.ends_with(|c| "(,=:[!&|?{};+".contains(c)) || before.ends_with("return")
    }

    fn pattern(&mut self) {
        self.blank(1);
        let mut is_in_class = false;
        while let Some(c) = self.peek(0) {
            match c {
                '\\' => self.blank(1),
                '[' => is_in_class = true,
                ']' => is_in_class = false,
                '\n' => break,
                '/' if !is_in_class => {
                    self.blank(1);
                    break;
                }
                _ => {}
            }
            self.blank(1);
        }
    }

    /// From `<` behind `>`; the tag's name.
    fn tag(&mut self) -> String {
        self.blank(1);
        let is_in_name = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_');
        let name: String = self.rest.chars().take_while(is_in_name).collect();
        self.keep(name.chars().count());
        let mut attribute = String::new();
        while let Some(c) = self.peek(0) {
            match c {
                '>' => {
                    self.blank(1);
                    break;
                }
                '"' | '\'' => {
                    let is_code = attribute.starts_with([':', '@', '#']) || attribute.starts_with("v-");
                    self.blank(1);
                    let end = c.to_string();
                    if is_code {
                        // What ends it cannot stand in it, not even in a literal.
                        let len = self.rest.find(c).unwrap_or(self.rest.len());
                        let inside = script(&self.rest[..len]);
                        self.text.push_str(&inside);
                        self.rest = &self.rest[len..];
                    }
                    self.blank_behind(&end);
                    attribute.clear();
                }
                _ => {
                    if c.is_whitespace() {
                        attribute.clear();
                    } else {
                        attribute.push(c);
                    }
                    self.keep(1);
                }
            }
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, text: &str) -> Vec<String> {
        let file = File { path: path.into(), text: text.into() };
        names(&file).unwrap().into_iter().map(|(name, line)| format!("{line}:{name}")).collect()
    }

    #[test]
    fn names_of_rust_are_read_and_words_are_not() {
        let text = "/// a key\nfn key_id() { \"a road\"; 'b' }\n";
        assert_eq!(read("a.rs", text), ["2:fn", "2:key_id"]);
    }

    #[test]
    fn names_of_typescript_are_read_and_words_are_not() {
        let text = "const a = `road ${keyId + `${b}`} road` // road\n/* road\n */ c = 'it\\'s' + \"x\"\nd = /['\"/]+/.test(e) / f\n";
        assert_eq!(
            read("a.ts", text),
            ["1:const", "1:a", "1:keyId", "1:b", "3:c", "4:d", "4:test", "4:e", "4:f"]
        );
    }

    #[test]
    fn of_a_component_tags_attributes_and_expressions_are_read() {
        let text = "<script setup lang=\"ts\">\nconst a = 'road'\n</script>\n<template>\n  <!-- road -->\n  \
                    <KeyCard :key-id=\"b ? 'road' : c\" class=\"road\" @click=\"d({ e })\">a road {{ f('road') }}</KeyCard>\n\
                    </template>\n<style>\n.road {}\n</style>\n";
        let found = read("a.vue", text);
        let expected =
            ["1:script", "1:setup", "1:lang", "2:const", "2:a", "4:template", "6:KeyCard", "6:key-id"];
        assert_eq!(found[..8], expected);
        assert_eq!(found[8..].iter().filter(|name| name.ends_with("road")).count(), 0, "{found:?}");
        for name in ["6:b", "6:c", "6:class", "6:click", "6:d", "6:e", "6:f"] {
            assert!(found.iter().any(|found| found == name), "{name} in {found:?}");
        }
    }

    #[test]
    fn names_of_tables_and_settings_are_read() {
        assert_eq!(read("a.sql", "CREATE key_id -- road\n  x 'road'\n"), ["1:CREATE", "1:key_id", "2:x"]);
        assert_eq!(read("a.toml", "[key-a.b] # road\nc_d = \"road\"\n"), ["1:key-a", "1:b", "2:c_d"]);
    }
}
