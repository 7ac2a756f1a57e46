//! Sentences with places in them: `{name}` stands for a value, and a part in `[brackets]` is left out unless every
//! value in it is there.

/// Names and values of what a failure tells.
pub type Values = [(&'static str, String)];

pub(super) fn fill(template: &str, values: &Values) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, part, after)) = cut(rest, '[', ']') {
        text += &fill_places(before, values).unwrap_or_default();
        text += &fill_places(part, values).unwrap_or_default();
        rest = after;
    }
    text + &fill_places(rest, values).unwrap_or_default()
}

/// `None` where a value is missing.
fn fill_places(part: &str, values: &Values) -> Option<String> {
    let mut text = String::new();
    let mut rest = part;
    while let Some((before, name, after)) = cut(rest, '{', '}') {
        let (_, value) = values.iter().find(|(known, value)| *known == name && !value.is_empty())?;
        text += before;
        text += value;
        rest = after;
    }
    Some(text + rest)
}

/// What stands before, between and after the first pair of marks.
fn cut(text: &str, open: char, close: char) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once(open)?;
    let (between, after) = rest.split_once(close)?;
    Some((before, between, after))
}

/// The names of the places that stand outside brackets.
#[cfg(test)]
pub(super) fn places_outside_brackets(template: &str) -> usize {
    let mut bare = template.to_owned();
    while let Some((before, _, after)) = cut(&bare, '[', ']') {
        bare = format!("{before}{after}");
    }
    bare.matches(['{', '}', '[', ']']).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_left_out_unless_all_of_its_values_are_there() {
        let template = "wrong[, {tries}][ ({a} of {b})].";
        assert_eq!(fill(template, &[]), "wrong.");
        assert_eq!(fill(template, &[("tries", "two left".into()), ("a", "1".into())]), "wrong, two left.");
        assert_eq!(fill(template, &[("b", "2".into()), ("a", "1".into())]), "wrong (1 of 2).");
    }

    #[test]
    fn an_empty_value_is_a_missing_one() {
        assert_eq!(fill("x[: {what}]", &[("what", String::new())]), "x");
    }

    #[test]
    fn what_a_value_holds_is_not_read_as_a_template() {
        assert_eq!(fill("x[: {what}]", &[("what", "{tries} [y]".into())]), "x: {tries} [y]");
    }
}
