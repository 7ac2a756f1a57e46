//! One stream out of the listings of all modules.

use std::sync::mpsc::Sender;

use super::KeyEvent;
use crate::KeyInfo;

/// What each module lists. Two may list the same key: two profiles of a family, or a driver that is installed twice.
pub struct Merge {
    lists: Vec<Vec<KeyInfo>>,
    events: Sender<KeyEvent>,
}

impl Merge {
    pub fn new(events: Sender<KeyEvent>) -> Self {
        Self { lists: Vec::new(), events }
    }

    /// A place for another module.
    pub fn add(&mut self) -> usize {
        self.lists.push(Vec::new());
        self.lists.len() - 1
    }

    /// Tells how the keys of all differ now that one lists these. Whether they differ from what it listed before.
    ///
    /// A key in another slot was pulled and put back.
    pub fn tell(&mut self, module: usize, listing: Vec<KeyInfo>) -> bool {
        let mut now: Vec<KeyInfo> = Vec::new();
        for key in listing {
            // A module may show one key in two slots.
            if !now.iter().any(|other| other.key_id == key.key_id) {
                now.push(key);
            }
        }
        let same = |a: &KeyInfo, b: &KeyInfo| a.key_id == b.key_id && a.slot == b.slot;
        let before = std::mem::take(&mut self.lists[module]);
        let mut differs = false;
        for gone in before.iter().filter(|key| !now.iter().any(|other| same(key, other))) {
            differs = true;
            if !self.is_listed(gone) {
                let _ = self.events.send(KeyEvent::Gone(gone.key_id.clone()));
            }
        }
        for arrived in now.iter().filter(|key| !before.iter().any(|other| same(key, other))) {
            differs = true;
            if !self.is_listed(arrived) {
                let _ = self.events.send(KeyEvent::Arrived(arrived.clone()));
            }
        }
        self.lists[module] = now;
        differs
    }

    fn is_listed(&self, key: &KeyInfo) -> bool {
        self.lists.iter().flatten().any(|other| other.key_id == key.key_id)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::{KeyId, PinState, TriesLeft};

    fn key(serial: &str, slot: u64) -> KeyInfo {
        KeyInfo {
            key_id: KeyId::new("f", serial),
            profile: "f".into(),
            label: String::new(),
            serial_number: serial.into(),
            manufacturer: String::new(),
            model: String::new(),
            slot,
            pin: PinState {
                tries: TriesLeft::NotLow,
                is_set: true,
                is_initial: false,
                min_len: 6,
                max_len: 16,
            },
        }
    }

    #[test]
    fn a_key_behind_two_modules_is_told_once_and_goes_with_the_last() {
        let (sender, events) = mpsc::channel();
        let mut merge = Merge::new(sender);
        let (a, b) = (merge.add(), merge.add());
        assert!(merge.tell(a, vec![key("1", 0)]));
        assert!(merge.tell(b, vec![key("1", 7), key("2", 8)]));
        assert!(merge.tell(a, Vec::new()));
        assert!(merge.tell(b, vec![key("2", 8)]));
        assert!(!merge.tell(b, vec![key("2", 8)]));
        let told: Vec<KeyEvent> = events.try_iter().collect();
        let expected = [
            KeyEvent::Arrived(key("1", 0)),
            KeyEvent::Arrived(key("2", 8)),
            KeyEvent::Gone(KeyId::new("f", "1")),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_key_that_is_put_back_into_another_slot_goes_and_comes_and_one_in_two_slots_is_one() {
        let (sender, events) = mpsc::channel();
        let mut merge = Merge::new(sender);
        let a = merge.add();
        merge.tell(a, vec![key("1", 0), key("1", 1)]);
        merge.tell(a, vec![key("1", 2)]);
        let told: Vec<KeyEvent> = events.try_iter().collect();
        let expected = [
            KeyEvent::Arrived(key("1", 0)),
            KeyEvent::Gone(KeyId::new("f", "1")),
            KeyEvent::Arrived(key("1", 2)),
        ];
        assert_eq!(told, expected);
    }
}
