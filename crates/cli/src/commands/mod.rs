//! One module for each family of commands.

mod cert;
mod doctor;
mod driver;
mod login;
mod operator;
mod order;
mod pin;
mod portal;
mod register;
mod renew;
mod softkey;
mod token;
mod unlock;

use ycd_token::{TokenAccess as _, TokenInfo};

use crate::{
    args::Command,
    data_dir::DataDir,
    error::{CliError, Result},
    say::Say,
};

/// Gives the number to end with.
pub fn run(command: Command, data_dir: &DataDir, say: &Say) -> Result<u8> {
    let done = match command {
        Command::Doctor => return doctor::run(data_dir, say),
        Command::Token(command) => token::run(command, data_dir, say),
        Command::Cert(command) => cert::run(command, data_dir, say),
        Command::Order(command) => order::run(command, data_dir, say),
        Command::Login(command) => login::run(&command, data_dir, say),
        Command::Softkey(command) => softkey::run(command, data_dir, say),
        Command::Portal(command) => portal::run(command, data_dir, say),
        Command::Operator(command) => operator::run(command, data_dir, say),
        Command::Unlock(command) => unlock::run(&command, data_dir, say),
        Command::Driver(command) => driver::run(command, data_dir, say),
    };
    done.map(|()| 0)
}

/// The token that is meant: by the end of its number, or the only one.
fn one_token(tokens: &mut ycd_token::TokenSet, wanted: Option<&str>) -> Result<TokenInfo> {
    let mut inserted = tokens.list()?;
    if let Some(wanted) = wanted {
        let upper = wanted.to_ascii_uppercase();
        inserted.retain(|token| {
            token.token_id.as_str() == wanted
                || token.serial_number == wanted
                || token.token_id.as_str().ends_with(&upper)
        });
        if inserted.is_empty() {
            return Err(CliError::NotFound { what: wanted.to_owned() });
        }
    }
    match inserted.len() {
        0 => Err(ycd_flows::FlowError::NoToken.into()),
        1 => Ok(inserted.remove(0)),
        _ => {
            let tokens = inserted.into_iter().map(|token| token.token_id).collect();
            Err(ycd_flows::FlowError::SeveralTokens { tokens }.into())
        }
    }
}
