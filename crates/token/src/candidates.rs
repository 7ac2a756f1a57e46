//! From a card or a USB device to the makes it may be of. Hints: the module's own answer decides.

use serde::Serialize;

use crate::profile::Profile;
use crate::readers::Card;
use crate::usb::UsbDevice;

/// What of a profile fits a card in a reader. The pattern is given as the profile has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "by", content = "pattern")]
pub enum Claim {
    Atr(String),
    /// The reader's name.
    Reader(String),
    /// A USB device that is plugged in.
    Usb(String),
}

/// What `profile` says to this card, the strongest first: ATR, reader name, USB device. `None`: nothing.
pub fn claim(profile: &Profile, card: &Card, reader: &str, usb: &[UsbDevice]) -> Option<Claim> {
    let known = &profile.recognition;
    let by_atr = || known.atr_pattern_of(card.atr.as_deref()?).map(|pattern| Claim::Atr(pattern.to_owned()));
    let by_reader = || known.reader_pattern_of(reader).map(|pattern| Claim::Reader(pattern.to_owned()));
    let by_usb = || {
        let device = usb.iter().find(|device| known.knows_usb(device.vendor, device.product))?;
        Some(Claim::Usb(device.id()))
    };
    by_atr().or_else(by_reader).or_else(by_usb)
}

/// Places in `profiles` of those whose modules are to be asked about a card: all that claim it in the strongest way
/// that any does; where nobody claims it, all.
pub fn candidates<'a>(
    profiles: impl IntoIterator<Item = &'a Profile>,
    card: &Card,
    reader: &str,
    usb: &[UsbDevice],
) -> Vec<usize> {
    let rank = |claim: Option<Claim>| match claim {
        Some(Claim::Atr(_)) => 0,
        Some(Claim::Reader(_)) => 1,
        Some(Claim::Usb(_)) => 2,
        None => 3,
    };
    let ranks: Vec<u8> =
        profiles.into_iter().map(|profile| rank(claim(profile, card, reader, usb))).collect();
    let strongest = ranks.iter().min().copied();
    (0..ranks.len()).filter(|at| Some(ranks[*at]) == strongest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Drivers;

    fn named(card: &Card, reader: &str, usb: &[UsbDevice]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let drivers = Drivers::load(Some(folder.path())).unwrap();
        let profiles: Vec<&Profile> = drivers.profiles().collect();
        let found = candidates(profiles.iter().copied(), card, reader, usb);
        found.into_iter().map(|at| profiles[at].name.clone()).collect()
    }

    fn card(atr: &str) -> Card {
        Card { atr: Some(hex::decode(atr.replace(' ', "")).unwrap()) }
    }

    fn device(vendor: u16, product: u16) -> UsbDevice {
        UsbDevice { vendor, product, manufacturer: String::new(), name: String::new() }
    }

    const MTOKEN: &str = "3B 9F 11 81 31 FE 9F 00 6A 6D 54 6F 6B 65 6E 2D 46 00 00 81 90 00 79";

    #[test]
    fn the_atr_goes_before_the_readers_name_and_that_before_usb() {
        assert_eq!(named(&card(MTOKEN), "some reader", &[device(0x096E, 0x0309)]), ["itrus"]);
        assert_eq!(named(&card("3B 00"), "Longmai mToken GM3000 0", &[device(0x096E, 0x0309)]), ["itrus"]);
        assert_eq!(named(&card("3B 00"), "some reader", &[device(0x096E, 0x0309)]), ["feitian"]);
    }

    #[test]
    fn a_card_that_nobody_claims_is_asked_of_all() {
        assert!(named(&card("3B 00"), "some reader", &[]).len() > 10);
        assert!(named(&Card { atr: None }, "some reader", &[]).len() > 10);
    }
}
