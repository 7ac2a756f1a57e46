//! By what a token model is known. Hints only: none of this proves anything.

use serde::{Deserialize, Serialize};

/// Patterns of names take `*` for any characters and `?` for one, and ignore case. An empty list matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recognition {
    /// Hexadecimal bytes; `..` stands for any one byte.
    #[serde(default)]
    pub atrs: Vec<String>,
    /// Patterns of PC/SC reader names.
    #[serde(default)]
    pub readers: Vec<String>,
    /// `vid:pid`, each four hexadecimal digits.
    #[serde(default)]
    pub usb: Vec<UsbId>,
    /// Patterns of CK_INFO.manufacturerID. A module of another manufacturer is not used.
    #[serde(default)]
    pub manufacturers: Vec<String>,
    /// Patterns of CK_TOKEN_INFO.manufacturerID. Other tokens of the module are passed over.
    #[serde(default)]
    pub token_manufacturers: Vec<String>,
    /// For a token model known by ATR or reader name: its keys come in other forms too (HID, mass storage), so that its
    /// module is waited on as that of a token model without PC/SC.
    #[serde(default)]
    pub beyond_pcsc: bool,
}

impl Recognition {
    pub fn knows_atr(&self, atr: &[u8]) -> bool {
        self.atr_pattern_of(atr).is_some()
    }

    /// The first pattern that fits an ATR.
    pub fn atr_pattern_of(&self, atr: &[u8]) -> Option<&str> {
        let fits = |pattern: &Vec<Option<u8>>| {
            pattern.len() == atr.len() && pattern.iter().zip(atr).all(|(p, b)| p.is_none_or(|p| p == *b))
        };
        let pattern = self.atrs.iter().find(|text| atr_pattern(text).is_some_and(|pattern| fits(&pattern)));
        pattern.map(String::as_str)
    }

    pub fn knows_reader(&self, name: &str) -> bool {
        self.reader_pattern_of(name).is_some()
    }

    /// The first pattern that fits a reader's name.
    pub fn reader_pattern_of(&self, name: &str) -> Option<&str> {
        self.readers.iter().find(|pattern| matches(pattern, name)).map(String::as_str)
    }

    /// Whether tokens of the token model all come as cards in readers, and are known by it.
    pub fn only_pcsc(&self) -> bool {
        !(self.beyond_pcsc || self.atrs.is_empty() && self.readers.is_empty())
    }

    pub fn knows_usb(&self, vendor: u16, product: u16) -> bool {
        self.usb.iter().any(|id| id.numbers() == Some((vendor, product)))
    }

    pub fn takes_module_of(&self, manufacturer: &str) -> bool {
        self.manufacturers.is_empty() || self.manufacturers.iter().any(|p| matches(p, manufacturer))
    }

    pub fn takes_token_of(&self, manufacturer: &str) -> bool {
        self.token_manufacturers.is_empty()
            || self.token_manufacturers.iter().any(|p| matches(p, manufacturer))
    }
}

/// `055C:F603`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsbId(pub String);

impl UsbId {
    pub fn numbers(&self) -> Option<(u16, u16)> {
        let (vendor, product) = self.0.split_once(':')?;
        let number = |text: &str| (text.len() == 4).then(|| u16::from_str_radix(text, 16).ok()).flatten();
        Some((number(vendor)?, number(product)?))
    }
}

/// `None` where the text is no pattern; inside, `None` for a byte that may be anything.
pub(super) fn atr_pattern(text: &str) -> Option<Vec<Option<u8>>> {
    let bytes: Option<Vec<_>> = text
        .split_whitespace()
        .map(|byte| match byte {
            ".." => Some(None),
            _ if byte.len() == 2 => u8::from_str_radix(byte, 16).ok().map(Some),
            _ => None,
        })
        .collect();
    bytes.filter(|bytes| !bytes.is_empty())
}

fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.trim().to_lowercase().chars().collect();
    // Where the last `*` stood, and how much of the name it has swallowed so far.
    let mut star: Option<(usize, usize)> = None;
    let (mut p, mut n) = (0, 0);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, swallowed)) => {
                    star = Some((at, swallowed + 1));
                    p = at + 1;
                    n = swallowed + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names_whatever_their_case() {
        assert!(matches("*mtoken*", "Longmai mToken GM3000 0"));
        assert!(matches("ycd ?oft*", "YCD softkey"));
        assert!(matches("*", ""));
        assert!(!matches("mtoken", "Longmai mToken"));
        assert!(!matches("a*b", "ac"));
    }

    #[test]
    fn an_atr_pattern_leaves_single_bytes_open_but_not_the_length() {
        let known = Recognition { atrs: vec!["3B 9F .. 81".into()], ..Recognition::default() };
        assert!(known.knows_atr(&[0x3B, 0x9F, 0x11, 0x81]));
        assert!(known.knows_atr(&[0x3B, 0x9F, 0x95, 0x81]));
        assert!(!known.knows_atr(&[0x3B, 0x9F, 0x95, 0x81, 0]));
        assert!(!known.knows_atr(&[0x3B, 0x9E, 0x95, 0x81]));
    }

    #[test]
    fn usb_ids_are_read_as_hexadecimal() {
        let known = Recognition { usb: vec![UsbId("055C:F603".into())], ..Recognition::default() };
        assert!(known.knows_usb(0x055C, 0xF603));
        assert!(!known.knows_usb(0xF603, 0x055C));
    }
}
