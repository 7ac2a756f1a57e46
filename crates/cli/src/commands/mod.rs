//! One module for each family of commands.

mod cert;
mod doctor;
mod driver;
mod key;
mod login;
mod operator;
mod order;
mod pin;
mod portal;
mod register;
mod renew;
mod softkey;
mod unlock;

use ycd_token::{KeyInfo, Token as _};

use crate::{
    args::Command,
    error::{CliError, Result},
    home::Home,
    say::Say,
};

/// Gives the number to end with.
pub fn run(command: Command, home: &Home, say: &Say) -> Result<u8> {
    let done = match command {
        Command::Doctor => return doctor::run(home, say),
        Command::Key(command) => key::run(command, home, say),
        Command::Cert(command) => cert::run(command, home, say),
        Command::Order(command) => order::run(command, home, say),
        Command::Login(command) => login::run(&command, home, say),
        Command::Softkey(command) => softkey::run(command, home, say),
        Command::Portal(command) => portal::run(command, home, say),
        Command::Operator(command) => operator::run(command, home, say),
        Command::Unlock(command) => unlock::run(&command, home, say),
        Command::Driver(command) => driver::run(command, home, say),
    };
    done.map(|()| 0)
}

/// The key that is meant: by the end of its number, or the only one.
fn one_key(keys: &mut ycd_token::Keys, wanted: Option<&str>) -> Result<KeyInfo> {
    let mut inserted = keys.keys()?;
    if let Some(wanted) = wanted {
        let upper = wanted.to_ascii_uppercase();
        inserted.retain(|key| {
            key.key_id.as_str() == wanted
                || key.serial_number == wanted
                || key.key_id.as_str().ends_with(&upper)
        });
        if inserted.is_empty() {
            return Err(CliError::NotFound { what: wanted.to_owned() });
        }
    }
    match inserted.len() {
        0 => Err(ycd_flows::FlowError::NoKey.into()),
        1 => Ok(inserted.remove(0)),
        _ => {
            let keys = inserted.into_iter().map(|key| key.key_id).collect();
            Err(ycd_flows::FlowError::SeveralKeys { keys }.into())
        }
    }
}
