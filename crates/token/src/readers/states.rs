//! From what readers show to what came and went.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};

use super::{Card, CardEvent};

/// What one reader shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    pub card: Option<Card>,
    /// Insertions and removals, as the service counts them.
    pub count: u32,
}

/// The readers as they were last seen, by their whole names: what is shown of a name may fit several.
#[derive(Debug, Default)]
pub struct Readers(BTreeMap<CString, Sight>);

impl Readers {
    /// `seen` is all readers there are; whoever is missing has gone, with its card.
    pub fn compare<'a>(&mut self, seen: impl IntoIterator<Item = (&'a CStr, Sight)>) -> Vec<CardEvent> {
        let seen: BTreeMap<CString, Sight> =
            seen.into_iter().map(|(name, sight)| (name.to_owned(), sight)).collect();
        let mut events = Vec::new();
        for (name, before) in &self.0 {
            let now = seen.get(name);
            // Counted on by two or more with a card there before and after: another card may be there, or the same
            // one, powered off in between.
            let stayed = now.is_some_and(|now| now.card == before.card && now.count == before.count);
            if before.card.is_some() && !stayed {
                events.push(CardEvent::Gone { reader: shown(name) });
            }
        }
        for (name, now) in &seen {
            let before = self.0.get(name);
            let stayed = before.is_some_and(|before| before.card == now.card && before.count == now.count);
            if let Some(card) = now.card.as_ref().filter(|_| !stayed) {
                events.push(CardEvent::Came { reader: shown(name), card: card.clone() });
            }
        }
        self.0 = seen;
        events
    }
}

/// For people, and for the patterns of profiles. Names are bytes of no certain encoding.
pub fn shown(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(atr: &[u8]) -> Option<Card> {
        Some(Card { atr: Some(atr.to_owned()) })
    }

    fn came(reader: &str, atr: &[u8]) -> CardEvent {
        CardEvent::Came { reader: reader.into(), card: Card { atr: Some(atr.to_owned()) } }
    }

    fn gone(reader: &str) -> CardEvent {
        CardEvent::Gone { reader: reader.into() }
    }

    fn look(readers: &mut Readers, seen: &[(&CStr, Option<Card>, u32)]) -> Vec<CardEvent> {
        readers.compare(
            seen.iter().map(|(name, card, count)| (*name, Sight { card: card.clone(), count: *count })),
        )
    }

    #[test]
    fn a_card_is_told_once_when_it_comes_and_once_when_it_goes() {
        let mut readers = Readers::default();
        assert_eq!(look(&mut readers, &[(c"a", None, 0)]), []);
        assert_eq!(look(&mut readers, &[(c"a", card(&[1]), 1)]), [came("a", &[1])]);
        assert_eq!(look(&mut readers, &[(c"a", card(&[1]), 1)]), []);
        assert_eq!(look(&mut readers, &[(c"a", None, 2)]), [gone("a")]);
    }

    #[test]
    fn a_card_exchanged_between_two_looks_goes_and_comes() {
        let mut readers = Readers::default();
        look(&mut readers, &[(c"a", card(&[1]), 1)]);
        assert_eq!(look(&mut readers, &[(c"a", card(&[2]), 3)]), [gone("a"), came("a", &[2])]);
        assert_eq!(look(&mut readers, &[(c"a", card(&[2]), 5)]), [gone("a"), came("a", &[2])]);
    }

    #[test]
    fn a_reader_that_is_unplugged_takes_its_card_along() {
        let mut readers = Readers::default();
        look(&mut readers, &[(c"a", card(&[1]), 1), (c"b", card(&[2]), 1)]);
        assert_eq!(look(&mut readers, &[(c"b", card(&[2]), 1)]), [gone("a")]);
        assert_eq!(look(&mut readers, &[]), [gone("b")]);
    }

    #[test]
    fn a_mute_card_is_there_and_may_find_its_voice() {
        let mut readers = Readers::default();
        let mute = Some(Card { atr: None });
        let told = look(&mut readers, &[(c"a", mute, 1)]);
        assert_eq!(told, [CardEvent::Came { reader: "a".into(), card: Card { atr: None } }]);
        assert_eq!(look(&mut readers, &[(c"a", card(&[1]), 1)]), [gone("a"), came("a", &[1])]);
    }

    #[test]
    fn names_that_look_alike_are_told_apart() {
        let mut readers = Readers::default();
        let told = look(&mut readers, &[(c"\xFFa", card(&[1]), 1), (c"\xFEa", card(&[2]), 1)]);
        assert_eq!(told.len(), 2);
        assert_eq!(look(&mut readers, &[(c"\xFFa", card(&[1]), 1), (c"\xFEa", None, 2)]).len(), 1);
    }

    #[test]
    fn thirty_readers_are_told_each_for_itself() {
        let names: Vec<CString> = (0..30).map(|i| CString::new(format!("reader {i:02}")).unwrap()).collect();
        let mut readers = Readers::default();
        let all = |with: &dyn Fn(usize) -> (Option<Card>, u32)| -> Vec<(&CStr, Option<Card>, u32)> {
            names.iter().enumerate().map(|(i, name)| (name.as_c_str(), with(i).0, with(i).1)).collect()
        };
        assert_eq!(look(&mut readers, &all(&|i| (card(&i.to_be_bytes()), 1))).len(), 30);
        let odd = |i: usize| if i % 2 == 1 { (None, 2) } else { (card(&i.to_be_bytes()), 1) };
        let told = look(&mut readers, &all(&odd));
        assert_eq!(told.len(), 15);
        assert_eq!(told[14], gone("reader 29"));
    }
}
