//! Secrets from the person: without echo from the terminal, or a line at a time from where the caller said. Never
//! from arguments, where every program of the machine can read them.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde_json::json;
use ycd_flows::{messages::Explain as _, prompts::CodeAnswer};
use ycd_portal_api::{ApiError, wire::login::CodeSent};
use zeroize::Zeroizing;

use crate::{
    args::{CodeArgs, PasswordArgs, PinArgs},
    error::{CliError, Result},
    say::Say,
};

/// Where secrets of one kind come from.
pub struct Secrets {
    source: Source,
    /// The option that names another source, for the error that says so.
    flag: &'static str,
}

enum Source {
    Terminal,
    Lines(Box<dyn Read + Send>),
    /// A program is at the other end, and it has given no source.
    Nobody,
}

impl Secrets {
    pub fn pins(args: &PinArgs, say: &Say) -> Result<Self> {
        #[cfg(unix)]
        let fd = args.pin_fd;
        #[cfg(not(unix))]
        let fd = None;
        Self::new(fd, args.pin_stdin, PIN_FLAG, say)
    }

    pub fn codes(args: &CodeArgs, say: &Say) -> Result<Self> {
        #[cfg(unix)]
        let fd = args.code_fd;
        #[cfg(not(unix))]
        let fd = None;
        Self::new(fd, args.code_stdin, CODE_FLAG, say)
    }

    pub fn passwords(args: &PasswordArgs, say: &Say) -> Result<Self> {
        #[cfg(unix)]
        let fd = args.password_fd;
        #[cfg(not(unix))]
        let fd = None;
        Self::new(fd, args.password_stdin, PASSWORD_FLAG, say)
    }

    fn new(fd: Option<u32>, stdin: bool, flag: &'static str, say: &Say) -> Result<Self> {
        let source = match fd {
            _ if stdin => Source::Lines(Box::new(io::stdin())),
            Some(number) => {
                let path = PathBuf::from(format!("/dev/fd/{number}"));
                Source::Lines(Box::new(File::open(&path).map_err(CliError::file(&path))?))
            }
            None if say.can_ask() => Source::Terminal,
            None => Source::Nobody,
        };
        Ok(Self { source, flag })
    }

    /// Whether somebody sits at the other end who can be asked again and again.
    pub fn is_terminal(&self) -> bool {
        matches!(self.source, Source::Terminal)
    }

    pub fn is_given(&self) -> bool {
        matches!(self.source, Source::Lines(_))
    }

    /// The next one; `None` where the source has come to its end, or nothing was typed.
    ///
    /// # Errors
    /// [`CliError::NoInput`] where there is nobody to ask.
    pub fn next(&mut self, prompt: &str) -> Result<Option<Zeroizing<String>>> {
        let secret = match &mut self.source {
            Source::Nobody => {
                let what = prompt.trim_end_matches([':', '：', ' ']).to_owned();
                return Err(CliError::NoInput { what, flag: self.flag });
            }
            Source::Terminal => Zeroizing::new(rpassword::prompt_password(prompt).map_err(unreadable)?),
            Source::Lines(source) => read_line(source).map_err(unreadable)?,
        };
        Ok(Some(secret).filter(|secret| !secret.is_empty()))
    }

    /// As [`next`](Self::next), where nothing can be done without it.
    pub fn need(&mut self, prompt: &str) -> Result<Zeroizing<String>> {
        let flag = self.flag;
        let what = || prompt.trim_end_matches([':', '：', ' ']).to_owned();
        self.next(prompt)?.ok_or_else(|| CliError::NoInput { what: what(), flag })
    }

    /// The code that was sent. Where nobody sits there who could look at the message again, a refusal is the end.
    pub fn ask_code(&mut self, say: &Say, sent: &CodeSent, refused: Option<&ApiError>) -> Result<CodeAnswer> {
        match refused {
            Some(_) if !self.is_terminal() => return Ok(CodeAnswer::Stop),
            Some(refused) => say.aside(&refused.explain(say.language).sentence),
            None => say.event(&json!({ "event": "code_sent", "phone": sent.phone }), || {
                let text = say.t(
                    "验证码已发到 {phone}，{seconds} 秒内有效。",
                    "A code was sent to {phone}; it lives for {seconds} seconds.",
                );
                let seconds = sent.valid_for.to_string();
                Some(text.replace("{phone}", &sent.phone).replace("{seconds}", &seconds))
            }),
        }
        let code = self.next(
            say.t("短信验证码（直接回车重新发送）：", "SMS code (just Enter has another one sent): "),
        )?;
        Ok(match code {
            None if self.is_terminal() => CodeAnswer::SendAgain,
            code => code.map(|code| code.trim().to_owned()).into(),
        })
    }
}

const PIN_FLAG: &str = if cfg!(unix) { "pin-fd" } else { "pin-stdin" };
const CODE_FLAG: &str = if cfg!(unix) { "code-fd" } else { "code-stdin" };
const PASSWORD_FLAG: &str = if cfg!(unix) { "password-fd" } else { "password-stdin" };

/// A byte at a time: a reader that reads ahead would keep secrets in a buffer that nobody wipes.
fn read_line(source: &mut dyn Read) -> io::Result<Zeroizing<String>> {
    const LIMIT: usize = 1024;
    let mut line = Zeroizing::new(Vec::with_capacity(LIMIT));
    let mut byte = Zeroizing::new([0]);
    while line.len() < LIMIT && source.read(byte.as_mut())? == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    let text = std::str::from_utf8(&line).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(Zeroizing::new(text.trim_end_matches('\r').to_owned()))
}

fn unreadable(source: io::Error) -> CliError {
    CliError::file(Path::new("-"))(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_a_line_at_a_time_and_end() {
        let mut secrets = Secrets {
            source: Source::Lines(Box::new(io::Cursor::new(b"123456\r\n654321".to_vec()))),
            flag: "x",
        };
        assert_eq!(*secrets.need("PIN: ").unwrap(), "123456");
        assert_eq!(*secrets.need("PIN: ").unwrap(), "654321");
        assert!(secrets.next("PIN: ").unwrap().is_none());
        assert_eq!(secrets.need("PIN: ").unwrap_err().code(), "cli.no_input");
    }

    #[test]
    fn where_nobody_can_be_asked_the_option_is_named() {
        let mut secrets = Secrets { source: Source::Nobody, flag: "pin-fd" };
        let Err(CliError::NoInput { what, flag }) = secrets.next("PIN: ") else { panic!("asked nobody") };
        assert_eq!((what.as_str(), flag), ("PIN", "pin-fd"));
    }
}
