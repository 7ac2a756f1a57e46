//! Rust source with everything blanked that is not code, so that a rule can look for a word without being misled by
//! comments and strings.

/// The source with comments and the contents of string and character literals replaced by blanks. Lines keep their
/// numbers.
pub fn code_only(source: &str) -> String {
    blanked(source, |_| true)
}

/// The source with comments replaced by blanks. Lines keep their numbers.
pub fn without_comments(source: &str) -> String {
    blanked(source, |first| first == '/')
}

/// `blanks` is asked with the first character of each comment or literal.
fn blanked(source: &str, blanks: impl Fn(char) -> bool) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_or_comment_end(&chars, at);
        if end > at {
            let blank = blanks(chars[at]);
            code.extend(chars[at..end].iter().map(|&c| if blank && c != '\n' { ' ' } else { c }));
            at = end;
        } else {
            code.push(chars[at]);
            at += 1;
        }
    }
    code
}

/// What stands before the unit tests at a file's end; nothing where the whole file is tests.
pub fn before_tests<'a>(path: &str, source: &'a str) -> &'a str {
    let is_tests = path.ends_with("/tests.rs") || path.ends_with("_tests.rs") || path.contains("/tests/");
    if is_tests {
        return "";
    }
    source.find("\nmod tests {").map_or(source, |at| &source[..at])
}

/// Where the comment or literal that begins at `at` ends; `at` itself where none begins.
fn literal_or_comment_end(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    let starts_word = at == 0 || !is_word(chars[at - 1]);
    match rest {
        ['/', '/', ..] => at + rest.iter().position(|&c| c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => at + block_comment_len(rest),
        ['r', '"' | '#', ..] if starts_word => at + raw_string_len(&rest[1..]).map_or(0, |len| len + 1),
        ['b' | 'c', 'r', '"' | '#', ..] if starts_word => {
            at + raw_string_len(&rest[2..]).map_or(0, |len| len + 2)
        }
        ['"', ..] => at + quoted_len(rest, '"'),
        ['\'', '\\', ..] => at + quoted_len(rest, '\''),
        // Else a lifetime.
        ['\'', _, '\'', ..] => at + 3,
        _ => at,
    }
}

fn block_comment_len(rest: &[char]) -> usize {
    let mut depth = 0usize;
    let mut i = 0;
    while i < rest.len() {
        match &rest[i..] {
            ['/', '*', ..] => {
                depth += 1;
                i += 2;
            }
            ['*', '/', ..] => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    rest.len()
}

/// `rest` begins after the `r`. `None` for a raw identifier.
fn raw_string_len(rest: &[char]) -> Option<usize> {
    let hashes = rest.iter().take_while(|&&c| c == '#').count();
    if rest.get(hashes) != Some(&'"') {
        return None;
    }
    let closes = |i: usize| {
        rest[i] == '"' && rest[i + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes
    };
    (hashes + 1..rest.len()).find(|&i| closes(i)).map(|i| i + 1 + hashes).or(Some(rest.len()))
}

fn quoted_len(rest: &[char], quote: char) -> usize {
    let mut i = 1;
    while i < rest.len() {
        match rest[i] {
            '\\' => i += 2,
            c if c == quote => return i + 1,
            _ => i += 1,
        }
    }
    rest.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `word` stands in `line` as a whole word.
pub fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, found)| {
        let before = line[..start].chars().next_back();
        let after = line[start + found.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked_and_lines_keep_their_numbers() {
        let source = "let a = \"unsafe\"; // unsafe\n/* unsafe /* unsafe */\nunsafe */ code();\nlet b = 'u';";
        let code = code_only(source);
        assert_eq!(code.lines().count(), 4);
        assert!(!code.contains("unsafe"));
        assert!(code.contains("code();") && code.contains("let b ="));
    }

    #[test]
    fn without_comments_strings_stay() {
        let code = without_comments("f(\"// a\"); // b\n/* c */ g('d');");
        assert_eq!(code, "f(\"// a\");     \n        g('d');");
    }

    #[test]
    fn unit_tests_are_left_out() {
        let source = "f();\n#[cfg(test)]\nmod tests {}\n";
        assert_eq!(before_tests("crates/a/src/b.rs", source), "f();\n#[cfg(test)]");
        assert_eq!(before_tests("crates/a/src/b/tests.rs", source), "");
    }

    #[test]
    fn raw_strings_end_where_their_hashes_say() {
        let code = code_only("let a = r#\"one \" unsafe\"#; let b = br\"unsafe\"; let r#type = after;");
        assert!(!code.contains("unsafe"));
        assert!(code.contains("r#type = after;"));
    }

    #[test]
    fn lifetimes_and_escaped_quotes_do_not_hide_the_code_behind_them() {
        let code = code_only("fn f<'a>(x: &'a str) { g('\\'', \"\\\"\"); unsafe { h() } }");
        assert!(has_word(&code, "unsafe"));
        assert!(code.contains("&'a str"));
    }

    #[test]
    fn a_word_inside_another_is_not_found() {
        assert!(has_word("unsafe {", "unsafe"));
        assert!(!has_word("forbid(unsafe_code)", "unsafe"));
    }
}
