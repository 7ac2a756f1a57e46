//! Rust source as words and punctuation, each with its line.

use crate::rust_text::code_only;

/// A word (identifier, keyword, number) or one punctuation character, outside comments and literals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    pub text: &'a str,
    /// From 1.
    pub line: usize,
}

impl Token<'_> {
    pub fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// Source with its comments and the contents of its literals blanked.
pub struct Code(String);

impl Code {
    pub fn of(source: &str) -> Self {
        Self(code_only(source))
    }

    pub fn tokens(&self) -> Vec<Token<'_>> {
        self.0.lines().enumerate().flat_map(|(index, line)| tokens_of(line, index + 1)).collect()
    }
}

fn tokens_of(line: &str, number: usize) -> impl Iterator<Item = Token<'_>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let len =
            if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (text, behind) = rest.split_at(len);
        rest = behind;
        Some(Token { text, line: number })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_punctuation_come_with_their_lines_and_comments_do_not_come() {
        let code = Code::of("use a::b; // c\nlet x1 = \"d\";\n");
        let found: Vec<_> = code.tokens().iter().map(|token| (token.text, token.line)).collect();
        let first = ["use", "a", ":", ":", "b", ";"].map(|text| (text, 1));
        let second = ["let", "x1", "=", ";"].map(|text| (text, 2));
        assert_eq!(found, [&first[..], &second[..]].concat());
    }
}
