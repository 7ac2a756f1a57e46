//! From text to a checked [`Profile`], with the place of whatever is wrong.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::recognition::atr_pattern;
use super::{Interface, Os, Profile, ProfileError, Tristate, locations, registry};

pub(super) fn profile(file: &str, text: &str) -> Result<Profile, ProfileError> {
    let source = Source { file, text };
    let profile: Profile = toml::from_str(text).map_err(|e| source.rejected(&e))?;
    let table = DeTable::parse(text).map_err(|e| source.rejected(&e))?;
    if let Some((field, span)) = misplaced_list(table.get_ref(), "") {
        return Err(source.invalid_at(&span, field, "takes no list".into()));
    }
    check(&profile).map_err(|(field, message)| source.invalid_field(&field, message))?;
    Ok(profile)
}

/// One of the program's own, which a test has checked: every start reads all of them.
pub(super) fn own(file: &str, text: &str) -> Result<Profile, ProfileError> {
    toml::from_str(text).map_err(|e| Source { file, text }.rejected(&e))
}

/// The fields that are lists.
const LISTS: [&str; 10] = [
    "recognition.atrs",
    "recognition.readers",
    "recognition.usb",
    "recognition.manufacturers",
    "recognition.token_manufacturers",
    "modules",
    "modules.directories",
    "modules.files",
    "modules.registry",
    "pkcs11.sign",
];

/// A list in the place of a table: serde would take its items for the fields, one after the other.
fn misplaced_list(table: &DeTable<'_>, path: &str) -> Option<(String, Range<usize>)> {
    table.iter().find_map(|(key, value)| {
        let mut path = path.to_owned();
        push_name(&mut path, key.get_ref());
        match value.get_ref() {
            DeValue::Table(table) => misplaced_list(table, &path),
            DeValue::Array(_) if !LISTS.contains(&path.as_str()) => Some((path, value.span())),
            DeValue::Array(items) => items.iter().find_map(|item| match item.get_ref() {
                DeValue::Table(table) => misplaced_list(table, &path),
                DeValue::Array(_) => Some((path.clone(), item.span())),
                _ => None,
            }),
            _ => None,
        }
    })
}

/// What types cannot say. Gives the path of the field and what is wrong with it.
fn check(profile: &Profile) -> Result<(), (String, String)> {
    let wrong = |field: String, message: &str| Err((field, message.to_owned()));
    for (field, text) in [("name", &profile.name), ("family", &profile.family)] {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.is_empty() || !text.chars().all(fits) {
            return wrong(field.into(), "takes lower-case letters, digits and `-`");
        }
    }
    for (i, atr) in profile.recognition.atrs.iter().enumerate() {
        if atr_pattern(atr).is_none() {
            return wrong(
                format!("recognition.atrs[{i}]"),
                "takes hexadecimal bytes with blanks between, `..` for any",
            );
        }
    }
    for (i, id) in profile.recognition.usb.iter().enumerate() {
        if id.numbers().is_none() {
            return wrong(
                format!("recognition.usb[{i}]"),
                "takes four hexadecimal digits, `:`, and four more",
            );
        }
    }
    if profile.modules.is_empty() {
        return wrong("modules".into(), "names no place for a module");
    }
    for (i, module) in profile.modules.iter().enumerate() {
        let field = |rest: String| format!("modules[{i}].{rest}");
        if !matches!(module.bits, 32 | 64) {
            return wrong(field("bits".into()), "takes 32 or 64");
        }
        for (j, directory) in module.directories.iter().enumerate() {
            if let Err(message) = locations::check_directory(module.os, directory) {
                return wrong(field(format!("directories[{j}]")), &message);
            }
        }
        if !module.registry.is_empty() && module.os != Os::Windows {
            return wrong(field("registry".into()), "is for os = \"windows\" only");
        }
        for (j, entry) in module.registry.iter().enumerate() {
            if let Err(message) = registry::check(entry) {
                return wrong(field(format!("registry[{j}]")), &message);
            }
        }
        for (j, name) in module.files.iter().enumerate() {
            if name.is_empty() || name.contains(['/', '\\', ':']) || name == ".." || name == "." {
                return wrong(field(format!("files[{j}]")), "takes a file name, without a folder");
            }
        }
        source_known(profile, &module.source).map_err(|m| (field("source".into()), m))?;
    }
    match (&profile.interface, &profile.pkcs11) {
        (Interface::Pkcs11, None) => return wrong("pkcs11".into(), "is needed where interface = \"pkcs11\""),
        (_, Some(pkcs11)) => {
            if pkcs11.sign.is_empty() {
                return wrong("pkcs11.sign".into(), "names no mechanism");
            }
            let numbers = [
                ("key_type", pkcs11.key_type.as_ref()),
                ("key_pair_gen", Some(&pkcs11.key_pair_gen)),
                ("point_x", pkcs11.point_x.as_ref()),
                ("point_y", pkcs11.point_y.as_ref()),
            ];
            match (&pkcs11.point_x, &pkcs11.point_y) {
                (Some(_), None) => return wrong("pkcs11.point_x".into(), "is of no use without point_y"),
                (None, Some(_)) => return wrong("pkcs11.point_y".into(), "is of no use without point_x"),
                _ => {}
            }
            for (name, number) in numbers {
                if let Some(number) = number {
                    source_known(profile, &number.source)
                        .map_err(|m| (format!("pkcs11.{name}.source"), m))?;
                }
            }
            for (i, sign) in pkcs11.sign.iter().enumerate() {
                source_known(profile, &sign.source).map_err(|m| (format!("pkcs11.sign[{i}].source"), m))?;
            }
        }
        _ => {}
    }
    let limits = &profile.limits;
    for (name, number) in [
        ("pin_min_len", &limits.pin_min_len),
        ("pin_max_len", &limits.pin_max_len),
        ("pin_retry_limit", &limits.pin_retry_limit),
    ] {
        if let Some(number) = number {
            source_known(profile, &number.source).map_err(|m| (format!("limits.{name}.source"), m))?;
        }
    }
    for (name, number) in [("containers", &limits.containers), ("container_bytes", &limits.container_bytes)] {
        if let Some(number) = number {
            source_known(profile, &number.source).map_err(|m| (format!("limits.{name}.source"), m))?;
        }
    }
    if limits.container_bytes.as_ref().is_some_and(|bytes| bytes.value == 0) {
        return wrong("limits.container_bytes.value".into(), "takes 1 or more");
    }
    if let (Some(min), Some(max)) = (&limits.pin_min_len, &limits.pin_max_len)
        && min.value > max.value
    {
        return wrong("limits.pin_min_len.value".into(), "is more than pin_max_len");
    }
    match &profile.unlock.card {
        Some(card) => {
            source_known(profile, &card.source).map_err(|m| ("unlock.card.source".to_owned(), m))?;
            for (name, header, len) in [
                ("unblock", &card.unblock, 5),
                ("verify_so", &card.verify_so, 4),
                ("put_unblock_key", &card.put_unblock_key, 5),
            ] {
                if header.0.len() != len {
                    return wrong(format!("unlock.card.{name}"), "takes the header of a command");
                }
            }
            for (name, command) in [
                ("select", &card.select),
                ("serial_number", &card.serial_number),
                ("challenge", &card.challenge),
            ] {
                if command.0.len() < 4 {
                    return wrong(format!("unlock.card.{name}"), "takes a whole command");
                }
            }
        }
        None if profile.unlock.challenge_response == Tristate::Yes => {
            return wrong("unlock.challenge_response".into(), "needs the commands of unlock.card");
        }
        None => {}
    }
    if let Some(store) = &profile.windows_store {
        let sources = [
            ("provider", &store.provider.source),
            ("container", &store.container.source),
            ("provider_type", store.provider_type.as_ref().map_or(&store.provider.source, |t| &t.source)),
        ];
        for (name, source) in sources {
            source_known(profile, source).map_err(|m| (format!("windows_store.{name}.source"), m))?;
        }
        if store.provider.value.is_empty() {
            return wrong("windows_store.provider.value".into(), "takes a provider's name");
        }
        let container = store.container.value.replace("{id}", "-").replace("{serial}", "-");
        if container.is_empty() || container.contains(['{', '}']) {
            return wrong(
                "windows_store.container.value".into(),
                "takes a container's name, with {id} and {serial}",
            );
        }
    }
    let deadlines = &profile.deadlines;
    for (name, ms) in [
        ("generate_ms", deadlines.generate_ms),
        ("write_ms", deadlines.write_ms),
        ("other_ms", deadlines.other_ms),
    ] {
        if !(100..=600_000).contains(&ms) {
            return wrong(format!("deadlines.{name}"), "takes 100 to 600000 milliseconds");
        }
    }
    if profile.quirks.poll_ms.is_some_and(|ms| ms < 500) {
        return wrong("quirks.poll_ms".into(), "takes 500 milliseconds or more");
    }
    Ok(())
}

fn source_known(profile: &Profile, source: &str) -> Result<(), String> {
    if profile.sources.contains_key(source) {
        return Ok(());
    }
    let known = profile.sources.keys().map(String::as_str);
    Err(format!("`{source}` is not in [sources]{}", suggestion(source, known)))
}

struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn rejected(&self, error: &toml::de::Error) -> ProfileError {
        let span = error.span().unwrap_or(0..0);
        let mut field = self.path_at(&span);
        let mut message = error.message().to_owned();
        let mut quoted = message.split('`').skip(1).step_by(2);
        if let Some(missing) = message.strip_prefix("missing field `") {
            let name = missing.trim_end_matches('`');
            field = if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") };
        } else if message.starts_with("unknown ") {
            let unknown = quoted.next().unwrap_or_default();
            let hint = suggestion(unknown, quoted);
            message.push_str(&hint);
        }
        self.invalid_at(&span, field, message)
    }

    fn invalid_field(&self, field: &str, message: String) -> ProfileError {
        let table = DeTable::parse(self.text).ok();
        let span = table.and_then(|table| span_of(table.get_ref(), field)).unwrap_or(0..0);
        self.invalid_at(&span, field.to_owned(), message)
    }

    fn invalid_at(&self, span: &Range<usize>, field: String, message: String) -> ProfileError {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let field = if field.is_empty() { "profile".to_owned() } else { field };
        ProfileError::Invalid { file: self.file.to_owned(), line, column, field, message }
    }

    /// Path of the innermost field whose name or value holds the span; empty where the text is no TOML.
    fn path_at(&self, span: &Range<usize>) -> String {
        let Ok(table) = DeTable::parse(self.text) else { return String::new() };
        let mut path = String::new();
        in_table(table.get_ref(), span, &mut path);
        path
    }
}

fn in_table(table: &DeTable<'_>, span: &Range<usize>, path: &mut String) {
    for (key, value) in table {
        if holds(&key.span(), span) {
            push_name(path, key.get_ref());
            return;
        }
        let mut inner = path.clone();
        push_name(&mut inner, key.get_ref());
        if in_value(value, span, &mut inner) {
            *path = inner;
            return;
        }
    }
}

/// Whether the span lies in this value; then `path` goes on to where.
fn in_value(value: &Spanned<DeValue<'_>>, span: &Range<usize>, path: &mut String) -> bool {
    match value.get_ref() {
        DeValue::Table(table) => {
            let before = path.len();
            in_table(table, span, path);
            path.len() > before || holds(&value.span(), span)
        }
        DeValue::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                let mut inner = format!("{path}[{i}]");
                if in_value(item, span, &mut inner) {
                    *path = inner;
                    return true;
                }
            }
            holds(&value.span(), span)
        }
        _ => holds(&value.span(), span),
    }
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end && !outer.is_empty()
}

fn push_name(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}

/// Where `a.b[1].c` stands in the text; where it does not, the nearest table around it.
fn span_of(table: &DeTable<'_>, field: &str) -> Option<Range<usize>> {
    let (first, rest) = field.split_once('.').unwrap_or((field, ""));
    let (name, index) = match first.split_once('[') {
        Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
        None => (first, None),
    };
    let mut value = table.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value)?;
    if let (Some(index), DeValue::Array(items)) = (index, value.get_ref()) {
        value = items.get(index)?;
    }
    match value.get_ref() {
        DeValue::Table(inner) if !rest.is_empty() => span_of(inner, rest).or_else(|| Some(value.span())),
        _ => Some(value.span()),
    }
}

/// `, did you mean …?` for the nearest of the known words, if one is near.
fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(2).min(candidate.len() / 2))
        .min()
        .map(|(_, candidate)| format!(", did you mean `{candidate}`?"))
        .unwrap_or_default()
}

/// Levenshtein's.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
