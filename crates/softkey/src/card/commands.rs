//! What the card answers, from one power-on to the next. The commands stand in `docs/softcard.md`.

use std::time::Duration;

use ycd_pki::PkiError;
use ycd_pki::unlock::{CHALLENGE_LEN, UnblockCommand, UnblockKey};
use zeroize::Zeroizing;

use super::AID;
use super::apdu::{Apdu, Status};
use crate::pin::{Pin, Role};
use crate::soft_token::{Login, SoftToken};
use crate::store::seal::random;

/// What a command gives back before its status word.
type Answer = Result<Vec<u8>, Status>;

/// After the first wrong MAC; doubled by each further one in a row.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Version and K_S.
const UNBLOCK_KEY_LEN: usize = 36;

const ISO: u8 = 0x00;
const OWN: u8 = 0x80;

/// The card during one insertion.
pub struct Card<P> {
    token: SoftToken,
    insertion: u64,
    /// Lets time pass, for as long as the token is in.
    pause: P,
    session: Session,
}

/// What ends with a reset.
#[derive(Default)]
struct Session {
    selected: bool,
    user: Option<Login>,
    so: Option<Login>,
    /// N, good for one UNBLOCK.
    challenge: Option<[u8; CHALLENGE_LEN]>,
    wrong_macs: u32,
}

impl<P: FnMut(Duration)> Card<P> {
    pub fn new(token: SoftToken, insertion: u64, pause: P) -> Self {
        Self { token, insertion, pause, session: Session::default() }
    }

    /// Reset, power off or on: what was verified and asked is gone.
    pub fn reset(&mut self) {
        self.session = Session::default();
    }

    /// The response to a command: data, then SW1 SW2.
    pub fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let (mut response, status) = match Apdu::parse(command).and_then(|apdu| self.act(&apdu)) {
            Ok(data) => (data, Status::OK),
            Err(status) => (Vec::new(), status),
        };
        response.extend_from_slice(&status.0.to_be_bytes());
        response
    }

    fn act(&mut self, apdu: &Apdu<'_>) -> Answer {
        let command = match (apdu.class, apdu.instruction) {
            (ISO, 0xA4) => return self.select(apdu),
            (ISO, 0x20) => Self::verify,
            (OWN, 0xCA) => Self::get_data,
            (OWN, 0x84) => Self::get_challenge,
            (OWN, 0xDA) => Self::put_data,
            (OWN, 0x2C) => Self::unblock,
            (ISO | OWN, _) => return Err(Status::NO_SUCH_INSTRUCTION),
            _ => return Err(Status::NO_SUCH_CLASS),
        };
        if !self.session.selected {
            return Err(Status::CONDITIONS);
        }
        command(self, apdu)
    }

    /// The challenge outlives it: a program that shares the reader selects again before it goes on.
    fn select(&mut self, apdu: &Apdu<'_>) -> Answer {
        if (apdu.p1, apdu.p2) != (0x04, 0x00) {
            return Err(Status::WRONG_PARAMETERS);
        }
        if apdu.data != AID {
            return Err(Status::NO_SUCH_APPLICATION);
        }
        let mut name = tlv(0x84, &AID);
        name = tlv(0x6F, &name);
        let answer = match apdu.expected {
            None => Vec::new(),
            Some(_) => within(name, apdu.expected)?,
        };
        self.session.selected = true;
        self.session.user = None;
        self.session.so = None;
        Ok(answer)
    }

    fn get_data(&mut self, apdu: &Apdu<'_>) -> Answer {
        let wanted = u16::from_be_bytes([apdu.p1, apdu.p2]);
        if !matches!(wanted, 0x0101 | 0x0200) {
            return Err(Status::WRONG_PARAMETERS);
        }
        no_data(apdu)?;
        let head = self.token.head()?;
        let data = match wanted {
            0x0101 => head.serial_number.clone().into_bytes(),
            _ => head.unblock.as_ref().ok_or(Status::NOT_FOUND)?.version.to_be_bytes().to_vec(),
        };
        within(data, apdu.expected)
    }

    fn verify(&mut self, apdu: &Apdu<'_>) -> Answer {
        let role = match (apdu.p1, apdu.p2) {
            (0x00, 0x01) => Role::User,
            (0x00, 0x02) => Role::So,
            _ => return Err(Status::WRONG_PARAMETERS),
        };
        if apdu.data.is_empty() {
            if self.verified(role)?.is_some() {
                return Ok(Vec::new());
            }
            let pin = self.token.head()?.pin(role);
            return Err(match pin.retry_counter {
                _ if !pin.is_set() => Status::NOT_FOUND,
                0 => Status::LOCKED,
                left => Status::retry_counter(left),
            });
        }
        if apdu.expected.is_some() {
            return Err(Status::WRONG_LENGTH);
        }
        *self.login(role) = None;
        *self.login(role) = Some(self.token.login(role, &Pin::new(apdu.data))?);
        Ok(Vec::new())
    }

    fn get_challenge(&mut self, apdu: &Apdu<'_>) -> Answer {
        if (apdu.p1, apdu.p2) != (0x00, 0x00) {
            return Err(Status::WRONG_PARAMETERS);
        }
        no_data(apdu)?;
        match apdu.expected {
            Some(CHALLENGE_LEN) => {}
            Some(_) => return Err(Status::expect(CHALLENGE_LEN)),
            None => return Err(Status::WRONG_LENGTH),
        }
        let challenge = random()?;
        self.session.challenge = Some(challenge);
        Ok(challenge.to_vec())
    }

    fn put_data(&mut self, apdu: &Apdu<'_>) -> Answer {
        if (apdu.p1, apdu.p2) != (0x02, 0x00) {
            return Err(Status::WRONG_PARAMETERS);
        }
        let data: &[u8; UNBLOCK_KEY_LEN] = whole(apdu)?;
        let (version, secret) = data.split_at(4);
        let mut number = [0; 4];
        number.copy_from_slice(version);
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(secret);
        let key = UnblockKey::from_bytes(*bytes);
        let so = self.verified(Role::So)?.ok_or(Status::NOT_VERIFIED)?;
        self.token.install_unblock_key(&so, u32::from_be_bytes(number), &key)?;
        Ok(Vec::new())
    }

    fn unblock(&mut self, apdu: &Apdu<'_>) -> Answer {
        if (apdu.p1, apdu.p2) != (0x00, 0x01) {
            return Err(Status::WRONG_PARAMETERS);
        }
        let command = UnblockCommand::from_bytes(whole(apdu)?);
        let key = self.token.unblock_key()?.ok_or(Status::NOT_FOUND)?;
        let challenge = self.session.challenge.take().ok_or(Status::CONDITIONS)?;
        let session_key = key.session_key(&challenge, &command.context_hash);
        let pin = match command.open(&session_key, &apdu.header()) {
            Ok(pin) => pin,
            Err(PkiError::BadSignature { .. }) => {
                self.wrong_mac();
                return Err(Status::WRONG_MAC);
            }
            Err(_) => return Err(Status::WRONG_DATA),
        };
        self.session.wrong_macs = 0;
        self.session.user = None;
        self.token.unblock(self.insertion, &key, &Pin::new(&pin))?;
        Ok(Vec::new())
    }

    /// Wrong MACs cost time, and only that: a permanent counter would let any program kill the token.
    fn wrong_mac(&mut self) {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.session.wrong_macs.min(16));
        self.session.wrong_macs = self.session.wrong_macs.saturating_add(1);
        (self.pause)(pause.min(LONGEST_PAUSE));
    }

    fn login(&mut self, role: Role) -> &mut Option<Login> {
        match role {
            Role::User => &mut self.session.user,
            Role::So => &mut self.session.so,
        }
    }

    /// What was verified in this session, if the token has not been initialized since.
    fn verified(&mut self, role: Role) -> Result<Option<Login>, Status> {
        let head = self.token.head()?.clone();
        let login = self.login(role);
        if login.as_ref().is_some_and(|login| !login.is_good_for(&head)) {
            *login = None;
        }
        Ok(login.clone())
    }
}

fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    // All that the card tells is short.
    let len = u8::try_from(value.len()).unwrap_or_default();
    [&[tag, len], value].concat()
}

fn no_data(apdu: &Apdu<'_>) -> Result<(), Status> {
    if apdu.data.is_empty() { Ok(()) } else { Err(Status::WRONG_LENGTH) }
}

/// The command's data, of one length, where no answer is asked for.
fn whole<'a, const N: usize>(apdu: &Apdu<'a>) -> Result<&'a [u8; N], Status> {
    if apdu.expected.is_some() {
        return Err(Status::WRONG_LENGTH);
    }
    apdu.data.try_into().map_err(|_| Status::WRONG_LENGTH)
}

/// The data, if as much may be answered.
fn within(data: Vec<u8>, expected: Option<usize>) -> Answer {
    match expected {
        None => Err(Status::WRONG_LENGTH),
        Some(len) if len < data.len() => Err(Status::expect(data.len())),
        Some(_) => Ok(data),
    }
}

#[cfg(test)]
mod tests;
