//! One stream out of the listings of all modules.

use std::sync::mpsc::Sender;

use super::TokenEvent;
use crate::TokenInfo;

/// What each module lists. Two may list the same token: two profiles of a family, or a driver that is installed twice.
pub struct Merge {
    lists: Vec<Vec<TokenInfo>>,
    events: Sender<TokenEvent>,
}

impl Merge {
    pub fn new(events: Sender<TokenEvent>) -> Self {
        Self { lists: Vec::new(), events }
    }

    /// A place for another module.
    pub fn add(&mut self) -> usize {
        self.lists.push(Vec::new());
        self.lists.len() - 1
    }

    /// Tells how the tokens of all differ now that one lists these. Whether they differ from what it listed before.
    ///
    /// A token in another slot was pulled and put back.
    pub fn tell(&mut self, module: usize, listing: Vec<TokenInfo>) -> bool {
        let mut now: Vec<TokenInfo> = Vec::new();
        for token in listing {
            // A module may show one token in two slots.
            if !now.iter().any(|other| other.token_id == token.token_id) {
                now.push(token);
            }
        }
        let same = |a: &TokenInfo, b: &TokenInfo| a.token_id == b.token_id && a.slot == b.slot;
        let before = std::mem::take(&mut self.lists[module]);
        let mut differs = false;
        for gone in before.iter().filter(|token| !now.iter().any(|other| same(token, other))) {
            differs = true;
            if !self.is_listed(gone) {
                let _ = self.events.send(TokenEvent::Gone(gone.token_id.clone()));
            }
        }
        for arrived in now.iter().filter(|token| !before.iter().any(|other| same(token, other))) {
            differs = true;
            if !self.is_listed(arrived) {
                let _ = self.events.send(TokenEvent::Arrived(arrived.clone()));
            }
        }
        self.lists[module] = now;
        differs
    }

    fn is_listed(&self, token: &TokenInfo) -> bool {
        self.lists.iter().flatten().any(|other| other.token_id == token.token_id)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::{PinRetryCounter, PinState, TokenId};

    fn token(serial: &str, slot: u64) -> TokenInfo {
        TokenInfo {
            token_id: TokenId::new("f", serial),
            profile: "f".into(),
            label: String::new(),
            serial_number: serial.into(),
            manufacturer: String::new(),
            model: String::new(),
            slot,
            pin: PinState {
                retry_counter: PinRetryCounter::NotLow,
                is_set: true,
                is_initial: false,
                min_len: 6,
                max_len: 16,
            },
        }
    }

    #[test]
    fn a_token_behind_two_modules_is_told_once_and_goes_with_the_last() {
        let (sender, events) = mpsc::channel();
        let mut merge = Merge::new(sender);
        let (a, b) = (merge.add(), merge.add());
        assert!(merge.tell(a, vec![token("1", 0)]));
        assert!(merge.tell(b, vec![token("1", 7), token("2", 8)]));
        assert!(merge.tell(a, Vec::new()));
        assert!(merge.tell(b, vec![token("2", 8)]));
        assert!(!merge.tell(b, vec![token("2", 8)]));
        let told: Vec<TokenEvent> = events.try_iter().collect();
        let expected = [
            TokenEvent::Arrived(token("1", 0)),
            TokenEvent::Arrived(token("2", 8)),
            TokenEvent::Gone(TokenId::new("f", "1")),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_token_that_is_put_back_into_another_slot_goes_and_comes_and_one_in_two_slots_is_one() {
        let (sender, events) = mpsc::channel();
        let mut merge = Merge::new(sender);
        let a = merge.add();
        merge.tell(a, vec![token("1", 0), token("1", 1)]);
        merge.tell(a, vec![token("1", 2)]);
        let told: Vec<TokenEvent> = events.try_iter().collect();
        let expected = [
            TokenEvent::Arrived(token("1", 0)),
            TokenEvent::Gone(TokenId::new("f", "1")),
            TokenEvent::Arrived(token("1", 2)),
        ];
        assert_eq!(told, expected);
    }
}
