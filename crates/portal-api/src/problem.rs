//! Refusals as the portal sends them: problem details (RFC 9457) with a stable code.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The media type of a [`Problem`].
pub const MEDIA_TYPE: &str = "application/problem+json";

/// `application/problem+json`. `code` is what programs decide on; the other texts are for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:ycd:problem:` and the code.
    #[serde(rename = "type", default = "blank")]
    pub kind: String,
    pub title: String,
    /// The HTTP status code.
    pub status: u16,
    /// What happened this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Stable, for example `order.illegal_transition`.
    pub code: String,
    /// Further members, by code: `errors` of a form, `from` and `event` of a transition, `tries_left` of an SMS code.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What stays the same in all problems of one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    pub code: &'static str,
    pub status: u16,
    /// One Chinese sentence.
    pub title: &'static str,
}

impl Kind {
    pub const fn new(code: &'static str, status: u16, title: &'static str) -> Self {
        Self { code, status, title }
    }
}

impl Problem {
    pub fn new(kind: Kind) -> Self {
        Self {
            kind: format!("urn:ycd:problem:{}", kind.code),
            title: kind.title.into(),
            status: kind.status,
            detail: None,
            code: kind.code.into(),
            extra: Map::new(),
        }
    }

    pub fn is(&self, kind: Kind) -> bool {
        self.code == kind.code
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a member. What cannot be shown as JSON is left out.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.extra.insert(name.into(), value);
        }
        self
    }
}

impl From<Kind> for Problem {
    fn from(kind: Kind) -> Self {
        Self::new(kind)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.title)?;
        self.detail.as_ref().map_or(Ok(()), |detail| write!(f, " ({detail})"))
    }
}

fn blank() -> String {
    "about:blank".into()
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $title:literal;)*) => {
        $($(#[$doc])* pub const $name: Kind = Kind::new($code, $status, $title);)*
        /// Every kind of this file, for the catalogue of problem codes.
        pub const ALL: &[Kind] = &[$($name),*];
    };
}

pub mod attempts;
pub mod kinds;
pub mod personalization;
pub mod unlock;

/// Every kind that the portal can refuse with.
pub fn all() -> impl Iterator<Item = &'static Kind> {
    [kinds::ALL, attempts::ALL, unlock::ALL, personalization::ALL].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_own_and_a_status_that_refuses() {
        let mut codes = BTreeSet::new();
        for kind in all() {
            let is_name = |part: &str| {
                part.starts_with(|c: char| c.is_ascii_lowercase())
                    && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            };
            let is_well_formed =
                kind.code.split_once('.').is_some_and(|(area, name)| is_name(area) && is_name(name));
            assert!(is_well_formed, "{}", kind.code);
            assert!(codes.insert(kind.code), "{} is there twice", kind.code);
            assert!((400..600).contains(&kind.status) && !kind.title.is_empty(), "{kind:?}");
        }
    }
}
