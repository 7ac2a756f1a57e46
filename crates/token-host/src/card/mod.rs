//! A token as a smart card (PC/SC): found among the readers by its serial number, and sent the commands of its profile,
//! and no others.

mod apdu;

use std::ffi::{CStr, CString};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use pcsc::{Context, Disposition, Protocols, ReaderState, Scope, ShareMode, Transaction};
use ycd_pki::unlock::{CHALLENGE_LEN, UnblockCommand, UnblockKey};
use ycd_token::profile::CardCommands;
use ycd_token::{TokenError, TokenId};

pub use self::apdu::Status;
use self::apdu::{Response, send};

/// Why a card did not do what it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardError {
    /// On no reader; or there is no reader, or no service.
    Missing,
    /// It was there and is gone, before anything was changed.
    Gone,
    /// The connection broke during a command that changes the card.
    Broken,
    /// It answered something else than 9000.
    Refused(&'static str, Status),
}

impl CardError {
    /// `operation`: as errors name what may have been done or not.
    pub fn into_error(self, operation: &str) -> TokenError {
        match self {
            Self::Missing => TokenError::CardMissing,
            Self::Gone => TokenError::Removed,
            Self::Broken => TokenError::Unknown { operation: operation.into() },
            Self::Refused(command, status) => {
                TokenError::Module { function: command.into(), code: status.0.into() }
            }
        }
    }
}

/// A connection to a card. It ends when this is dropped, with a reset; see [`Card::leave`].
pub struct Card {
    card: pcsc::Card,
}

impl Card {
    /// The token's card.
    ///
    /// # Errors
    /// [`CardError::Missing`].
    pub fn find(commands: &CardCommands, family: &str, token: &TokenId) -> Result<Self, CardError> {
        Wanted { commands, family, token, asks: false }.find().map(|(card, _)| card)
    }

    /// The token's card with a challenge of it, asked for in the transaction that found it.
    ///
    /// # Errors
    /// [`CardError::Missing`]; those of [`Self::challenge`].
    pub fn find_with_challenge(
        commands: &CardCommands,
        family: &str,
        token: &TokenId,
    ) -> Result<(Self, [u8; CHALLENGE_LEN]), CardError> {
        let (card, challenge) = Wanted { commands, family, token, asks: true }.find()?;
        challenge.map(|challenge| (card, challenge)).ok_or(CardError::Missing)
    }

    /// Ends the connection and leaves the card as it is, for one that was only looked at: a reset takes the card a
    /// while and ends the logins of the programs that share it.
    pub fn leave(self) {
        // A card that is gone does not mind.
        let _ = self.card.disconnect(Disposition::LeaveCard);
    }

    /// Shared: the token's own driver works on it too. A reader that is empty, or of which another program wants to be
    /// the only user, is as good as none.
    fn connect(context: &Context, reader: &CStr) -> Option<Self> {
        context.connect(reader, ShareMode::Shared, Protocols::ANY).ok().map(|card| Self { card })
    }

    /// Whether it is in its reader, and was not reset.
    pub fn is_there(&self) -> bool {
        self.card.status2_owned().is_ok()
    }

    /// # Errors
    /// [`CardError::Gone`]; [`CardError::Refused`], also where the answer is no challenge.
    pub fn challenge(&mut self, commands: &CardCommands) -> Result<[u8; CHALLENGE_LEN], CardError> {
        self.selected(commands, |card| ask_for_challenge(card, commands))
    }

    /// Sends the one command. `sent` is called directly before.
    ///
    /// # Errors
    /// [`CardError::Gone`] where nothing was sent, [`CardError::Broken`] where something was.
    pub fn unblock(
        &mut self,
        commands: &CardCommands,
        command: &UnblockCommand,
        sent: impl FnOnce(),
    ) -> Result<(), CardError> {
        let bytes = [&commands.unblock.0[..], &command.to_bytes()].concat();
        self.selected(commands, |card| {
            sent();
            send(card, &bytes).map_err(|_| CardError::Broken)?.ok("UNBLOCK").map(drop)
        })
    }

    /// Whether the SO PIN is the card's: VERIFY, then what needs it.
    ///
    /// # Errors
    /// [`CardError::Refused`] by "VERIFY" or "PUT DATA"; [`CardError::Broken`] where the latter was sent.
    pub fn install_unblock_key(
        &mut self,
        commands: &CardCommands,
        so_pin: &str,
        version: u32,
        key: &UnblockKey,
    ) -> Result<(), CardError> {
        let verify = apdu::with_data(&commands.verify_so.0, true, &[so_pin.as_bytes()]);
        let put =
            apdu::with_data(&commands.put_unblock_key.0, false, &[&version.to_be_bytes(), key.expose()]);
        self.selected(commands, |card| {
            send(card, &verify).map_err(|_| CardError::Gone)?.ok(VERIFY)?;
            send(card, &put).map_err(|_| CardError::Broken)?.ok("PUT DATA").map(drop)
        })
    }

    /// With the application selected, and no other program between the commands.
    fn selected<T>(
        &mut self,
        commands: &CardCommands,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, CardError>,
    ) -> Result<T, CardError> {
        let transaction = self.card.transaction().map_err(|_| CardError::Gone)?;
        let response: Response = send(&transaction, &commands.select.0).map_err(|_| CardError::Gone)?;
        let done = response.ok("SELECT").and_then(|_| act(&transaction));
        // What was verified stays until the next SELECT; a card that is gone does not mind.
        let _ = transaction.end(Disposition::LeaveCard);
        done
    }
}

/// A card that is looked for.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    commands: &'a CardCommands,
    family: &'a str,
    token: &'a TokenId,
    /// For a challenge, once it is found.
    asks: bool,
}

/// With its challenge, where it was asked for one.
type Found = Result<(Card, Option<[u8; CHALLENGE_LEN]>), CardError>;

impl Wanted<'_> {
    fn find(self) -> Found {
        let context = Context::establish(Scope::User).map_err(|_| CardError::Missing)?;
        match with_cards(&context).map_err(|_| CardError::Missing)?.as_slice() {
            [] => Err(CardError::Missing),
            [reader] => self.look(&context, reader).unwrap_or(Err(CardError::Missing)),
            several => self.find_among(several),
        }
    }

    /// All at once: another token's card that has stopped answering keeps only whoever asked it. Where the wanted one
    /// is found nobody waits for the others; where it is not, the call's deadline ends the wait.
    fn find_among(self, readers: &[CString]) -> Found {
        let (tell, told) = mpsc::channel();
        for reader in readers {
            let (tell, reader) = (tell.clone(), reader.clone());
            let (commands, family, token) =
                (self.commands.clone(), self.family.to_owned(), self.token.clone());
            let asks = self.asks;
            let look = move || {
                let wanted = Wanted { commands: &commands, family: &family, token: &token, asks };
                // A context serves one call at a time.
                let looked = Context::establish(Scope::User).ok().and_then(|own| wanted.look(&own, &reader));
                if let Err(mpsc::SendError(Some(Ok((late, _))))) = tell.send(looked) {
                    late.leave();
                }
            };
            // Where the system has no thread left this reader is as good as none.
            let _ = thread::Builder::new().name("ycd-card".to_owned()).spawn(look);
        }
        drop(tell);
        told.iter().flatten().next().unwrap_or(Err(CardError::Missing))
    }

    /// `None` where the card in this reader is another token's, or none of this token model.
    fn look(self, context: &Context, reader: &CStr) -> Option<Found> {
        let Self { commands, family, token, asks } = self;
        let mut card = Card::connect(context, reader)?;
        let found = card.selected(commands, |card| {
            let is_it = tells(card, commands, family, token)?;
            Ok(is_it.then(|| asks.then(|| ask_for_challenge(card, commands)).transpose()))
        });
        match found {
            Ok(Some(made)) => Some(made.map(|challenge| (card, challenge))),
            Ok(None) | Err(_) => {
                card.leave();
                None
            }
        }
    }
}

/// Asks the service and no card.
fn with_cards(context: &Context) -> Result<Vec<CString>, pcsc::Error> {
    let names = context.list_readers_owned()?;
    let mut states: Vec<_> =
        names.into_iter().map(|name| ReaderState::new(name, pcsc::State::UNAWARE)).collect();
    if states.is_empty() {
        return Ok(Vec::new());
    }
    context.get_status_change(Duration::ZERO, &mut states)?;
    let present = states.iter().filter(|state| state.event_state().contains(pcsc::State::PRESENT));
    Ok(present.map(|state| state.name().to_owned()).collect())
}

/// Whether the card tells the token's serial number.
fn tells(
    card: &Transaction<'_>,
    commands: &CardCommands,
    family: &str,
    token: &TokenId,
) -> Result<bool, CardError> {
    let response = send(card, &commands.serial_number.0).map_err(|_| CardError::Gone)?;
    let serial_number = response.ok("GET DATA")?;
    let Ok(serial_number) = std::str::from_utf8(&serial_number) else { return Ok(false) };
    let tells = serial_number.bytes().any(|b| b.is_ascii_alphanumeric());
    Ok(tells && TokenId::new(family, serial_number) == *token)
}

fn ask_for_challenge(
    card: &Transaction<'_>,
    commands: &CardCommands,
) -> Result<[u8; CHALLENGE_LEN], CardError> {
    const NAME: &str = "GET CHALLENGE";
    let response = send(card, &commands.challenge.0).map_err(|_| CardError::Gone)?;
    let status = response.status;
    response.ok(NAME)?.try_into().map_err(|_| CardError::Refused(NAME, status))
}

/// As [`CardError::Refused`] names it.
pub const VERIFY: &str = "VERIFY";
