//! The test's own service does what the others lean on.

use std::time::Duration;

use pcsc::{Context, Error, Protocols, ReaderState, Scope, ShareMode, State};
use ycd_tests::{
    card::Card,
    pcscd::{Pcscd, in_own_process},
};

use crate::ATR;

/// Waits until the card in the first reader is there, or is not.
fn wait(context: &Context, present: bool) -> Vec<u8> {
    let reader = context.list_readers_owned().unwrap().remove(0);
    let mut states = [ReaderState::new(reader, State::UNAWARE)];
    loop {
        context.get_status_change(Duration::from_secs(10), &mut states).unwrap();
        if states[0].event_state().contains(State::PRESENT) == present {
            return states[0].atr().to_vec();
        }
        states[0].sync_current_state();
    }
}

#[test]
fn a_service_of_the_tests_own_has_its_readers_and_takes_cards() {
    in_own_process("service::a_service_of_the_tests_own_has_its_readers_and_takes_cards", || {
        assert_eq!(Context::establish(Scope::User).err(), Some(Error::NoService));
        let mut pcscd = Pcscd::start(4);
        let context = Context::establish(Scope::User).unwrap();
        let readers = context.list_readers_owned().unwrap();
        assert_eq!(readers.len(), 4);
        let card = Card::insert(pcscd.ports()[0], &ATR, |apdu| [apdu, &[0x90, 0x00]].concat());
        assert_eq!(wait(&context, true), ATR);
        let connection = context.connect(&readers[0], ShareMode::Shared, Protocols::ANY).unwrap();
        let mut buffer = [0; 300];
        assert_eq!(connection.transmit(&[0, 0xA4, 0, 0], &mut buffer).unwrap(), [0, 0xA4, 0, 0, 0x90, 0x00]);
        drop(connection);
        card.pull();
        wait(&context, false);
        let _card = Card::bare(pcscd.ports()[0], &ATR);
        wait(&context, true);
        pcscd.restart();
        let context = Context::establish(Scope::User).unwrap();
        assert_eq!(context.list_readers_owned().unwrap().len(), 4);
        wait(&context, false);
        let _card = Card::bare(pcscd.ports()[0], &ATR);
        wait(&context, true);
        pcscd.kill();
        assert!(context.list_readers_owned().is_err());
    });
}
