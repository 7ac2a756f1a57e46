//! Cards in PC/SC readers: the one blocking watcher, and a look at what is there now.
//!
//! Says nothing of tokens: a card is an ATR in a reader, a hint as to whose module is worth asking.

mod pace;
mod states;
mod watch;

use std::time::Duration;

use pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, Scope, State};
use serde::{Deserialize, Serialize};

use self::states::{Sight, shown};
pub use self::watch::ReaderWatch;

/// A card that is in a reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Answer to reset (ISO/IEC 7816-3), 2 to 33 bytes; `None` for a card that does not answer.
    pub atr: Option<Vec<u8>>,
}

/// Something happened to a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardEvent {
    Came {
        reader: String,
        card: Card,
    },
    Gone {
        reader: String,
    },
    /// The service is not there, or is there no more; cards that were told have been told as gone before this.
    NoService,
}

/// A reader with the card in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reader {
    pub name: String,
    pub card: Option<Card>,
}

/// Why there is nothing to be seen of any reader.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadersError {
    /// Not installed, stopped, or, on Windows, not started because no reader is plugged in.
    #[error("the PC/SC service is not running")]
    NoService,
    #[error("the PC/SC service answered: {0}")]
    Service(String),
}

impl ReadersError {
    /// Stable: maps to one sentence and one remedy per language.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoService => "readers.no_service",
            Self::Service(_) => "readers.service_error",
        }
    }
}

impl From<Error> for ReadersError {
    fn from(error: Error) -> Self {
        match error {
            Error::NoService | Error::ServiceStopped | Error::CommError => Self::NoService,
            error => Self::Service(error.to_string()),
        }
    }
}

/// All readers and their cards, as they are now.
pub fn now() -> Result<Vec<Reader>, ReadersError> {
    let context = Context::establish(Scope::User)?;
    let mut states = Vec::new();
    bring_up_to_date(&context, &mut states)?;
    if states.is_empty() {
        return Ok(Vec::new());
    }
    match context.get_status_change(Duration::ZERO, &mut states) {
        // A reader unplugged meanwhile.
        Ok(()) | Err(Error::Timeout | Error::UnknownReader) => {}
        Err(error) => return Err(error.into()),
    }
    let readers = states.iter().filter(|state| is_there(state));
    Ok(readers.map(|state| Reader { name: shown(state.name()), card: sight(state).card }).collect())
}

/// Drops the states of readers that are gone, adds those of new ones as not yet looked at. Whether there was any.
fn bring_up_to_date(context: &Context, states: &mut Vec<ReaderState>) -> Result<bool, Error> {
    let names = match context.list_readers_owned() {
        Ok(names) => names,
        Err(Error::NoReadersAvailable) => Vec::new(),
        Err(error) => return Err(error),
    };
    let before = states.len();
    states.retain(|state| {
        state.name() == PNP_NOTIFICATION() || (is_there(state) && names.iter().any(|n| **n == *state.name()))
    });
    let mut changed = states.len() != before;
    for name in names {
        if !states.iter().any(|state| *state.name() == *name) {
            states.push(ReaderState::new(name, State::UNAWARE));
            changed = true;
        }
    }
    Ok(changed)
}

fn is_there(state: &ReaderState) -> bool {
    !state.event_state().intersects(State::UNKNOWN | State::IGNORE)
}

fn sight(state: &ReaderState) -> Sight {
    let flags = state.event_state();
    let card = flags.contains(State::PRESENT).then(|| {
        let answers = !flags.contains(State::MUTE) && !state.atr().is_empty();
        Card { atr: answers.then(|| state.atr().to_vec()) }
    });
    Sight { card, count: state.event_count() }
}
