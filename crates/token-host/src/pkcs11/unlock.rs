//! Unlocking a PIN with the secrets of a release: the rules of `unlock`, on the key behind the module, and on its
//! card.

use std::time::Instant;

use ycd_pki::unlock::{CHALLENGE_LEN, SoTries, UnblockCommand};
use ycd_token::profile::{CardCommands, Tristate};
use ycd_token::{
    Answer, KeyId, OneTime, Opened, Pin, PortalKey, Result, SoLogin, TokenError, UnlockWays, Unlocker,
};
use zeroize::Zeroizing;

use super::Module;
use super::fault::Fault;
use super::keys::unsupported;
use super::so::SoAnswer;
use crate::card::{Card, CardError, Status, VERIFY};
use crate::unlock::{self, Guess, refused};

impl Module {
    /// Whether there are secrets of an unlock whose time is not over.
    pub fn holds_secrets(&self) -> bool {
        self.unlocks.are_live(Instant::now())
    }

    /// Wipes what is over. Calls nothing of the module or of PC/SC, which might hang.
    pub fn wipe_what_is_over(&mut self) {
        self.unlocks.expire(Instant::now());
    }

    /// One SO login, with what the key is known to have answered so far.
    fn try_so_pin(&mut self, key: &KeyId, guess: Guess) -> Result<(), Fault> {
        let tries = self.so_tries(key)?;
        let release = self.unlocks.release(key, Instant::now())?;
        release.logged_out();
        if tries == SoTries::None || tries == SoTries::Exactly(0) {
            return Err(TokenError::SoPinLocked.into());
        }
        if release.is_wrong(guess) {
            return Err(TokenError::SoPinIncorrect { tries }.into());
        }
        if tries == SoTries::Last || tries == SoTries::Exactly(1) {
            return Err(TokenError::SoTriesLow { tries }.into());
        }
        let pin = release.pin(guess).map(|pin| Zeroizing::new(pin.to_owned()));
        let pin = pin.ok_or_else(|| refused("there is no such SO PIN in it"))?;
        let answer = self.log_in_so(key, &pin)?;
        let release = self.unlocks.release(key, Instant::now());
        match answer {
            SoAnswer::Right(session) => match release {
                Ok(release) => {
                    release.found_right(guess, session);
                    Ok(())
                }
                // Its time was over meanwhile.
                Err(gone) => {
                    self.nobody_in(key);
                    Err(gone.into())
                }
            },
            SoAnswer::Wrong => {
                if let Ok(release) = release {
                    release.found_wrong(guess);
                }
                let tries = self.so_tries(key).unwrap_or(SoTries::Unreadable);
                Err(TokenError::SoPinIncorrect { tries }.into())
            }
            SoAnswer::Locked => {
                if let Ok(release) = release {
                    release.found_wrong(guess);
                }
                Err(TokenError::SoPinLocked.into())
            }
        }
    }

    /// Who is logged in under the open release.
    fn so_under_release(&mut self, key: &KeyId) -> Result<Guess, Fault> {
        // Gone before anything is asked of the key.
        self.unlocks.release(key, Instant::now())?;
        let session = self.so_session(key)?;
        let release = self.unlocks.release(key, Instant::now())?;
        release.so_in(session).ok_or_else(|| TokenError::NotLoggedIn.into())
    }

    fn ways(&self, key: &KeyId) -> Result<UnlockWays, Fault> {
        Ok(UnlockWays {
            so_pin: self.profile.unlock.so_pin,
            keeps_keys: self.profile.quirks.keys_survive_init_pin,
            challenge_response: self.profile.unlock.challenge_response,
            on_reader: false,
            so_tries: self.so_tries(key)?,
        })
    }

    fn certificates_on(&mut self, key: &KeyId) -> Result<Vec<Vec<u8>>> {
        let contents = self.on(key, |module| module.contents(key))?;
        Ok(contents.containers.into_iter().flat_map(|container| container.certificates).collect())
    }

    fn card_commands(&self) -> Result<CardCommands> {
        let unlock = &self.profile.unlock;
        let commands = unlock.card.clone().filter(|_| unlock.challenge_response == Tristate::Yes);
        commands.ok_or_else(|| unsupported("challenge and response"))
    }

    /// The card that is held since its challenge, or the key's card wherever it is.
    fn card(&mut self, key: &KeyId, commands: &CardCommands) -> Result<Card> {
        let found = self.held_card(key)?.map_or_else(|| Card::find(commands, &self.profile.family, key), Ok);
        found.map_err(|error| error.into_error("card"))
    }

    /// The card that is held since its challenge: one that was pulled, or reset by another program, no more.
    fn held_card(&mut self, key: &KeyId) -> Result<Option<Card>> {
        Ok(self.unlocks.of(key, Instant::now())?.card.take().filter(Card::is_there))
    }

    /// Ends what time has ended, the SO's login too.
    fn end_what_is_over(&mut self, key: &KeyId) {
        self.wipe_what_is_over();
        self.unlocks.let_go_of_cards();
        if self.unlocks.release(key, Instant::now()).is_err()
            && self.living_session(key).is_some()
            && self.so_session(key).is_ok()
        {
            self.nobody_in(key);
        }
    }
}

impl Unlocker for Module {
    fn unlock_ways(&mut self, key: &KeyId) -> Result<UnlockWays> {
        self.end_what_is_over(key);
        let ways = self.on(key, |module| module.ways(key))?;
        let on_reader = self
            .card_commands()
            .is_ok_and(|commands| Card::find(&commands, &self.profile.family, key).map(Card::leave).is_ok());
        Ok(UnlockWays { on_reader, ..ways })
    }

    fn unlock_begin(&mut self, key: &KeyId, portal: &PortalKey) -> Result<OneTime> {
        self.end_what_is_over(key);
        let so_tries = self.on(key, |module| module.so_tries(key))?;
        let public_key = self.unlocks.begin(key, portal, Instant::now())?;
        self.end_what_is_over(key);
        Ok(OneTime { public_key, so_tries })
    }

    fn unlock_challenge(&mut self, key: &KeyId) -> Result<[u8; CHALLENGE_LEN]> {
        self.end_what_is_over(key);
        let commands = self.card_commands()?;
        let found = match self.held_card(key)? {
            Some(mut card) => card.challenge(&commands).map(|challenge| (card, challenge)),
            None => Card::find_with_challenge(&commands, &self.profile.family, key),
        };
        let (card, challenge) = found.map_err(|error| error.into_error("unlock_challenge"))?;
        let unlock = self.unlocks.of(key, Instant::now())?;
        unlock.challenge = Some(challenge);
        unlock.card = Some(card);
        Ok(challenge)
    }

    fn unlock_open(&mut self, key: &KeyId, answer: &Answer) -> Result<Opened> {
        self.end_what_is_over(key);
        self.unlocks.of(key, Instant::now())?;
        let ways = self.on(key, |module| module.ways(key))?;
        let certificates = self.certificates_on(key);
        let now = Instant::now();
        let checked = unlock::check(self.unlocks.of(key, now)?, key, answer, &ways, || certificates)?;
        Ok(self.unlocks.open(key, checked, now)?.opened(now))
    }

    fn unlock_opened(&mut self, key: &KeyId) -> Result<Option<Opened>> {
        self.end_what_is_over(key);
        let now = Instant::now();
        Ok(self.unlocks.release(key, now).ok().map(|release| release.opened(now)))
    }

    fn unlock_nonce(&mut self, key: &KeyId) -> Result<[u8; 32]> {
        self.end_what_is_over(key);
        self.unlocks.release(key, Instant::now())?;
        let session = self.on(key, |module| module.session_number(key))?;
        self.unlocks.new_nonce(key, session, Instant::now())
    }

    fn so_login(&mut self, key: &KeyId, which: &SoLogin, alive: Option<&[u8]>) -> Result<()> {
        self.end_what_is_over(key);
        let release = self.unlocks.release(key, Instant::now())?;
        release.needs_so_pins()?;
        if !release.is_production() {
            let session = self.living_session(key);
            self.unlocks.check_alive(key, alive, session, Instant::now())?;
        }
        let guess = self.unlocks.release(key, Instant::now())?.guess(which)?;
        self.on(key, |module| module.try_so_pin(key, guess))
    }

    fn init_pin(&mut self, key: &KeyId, new: &Pin) -> Result<()> {
        self.end_what_is_over(key);
        let is_production = self.unlocks.release(key, Instant::now())?.is_production();
        if self.profile.quirks.keys_survive_init_pin != Tristate::Yes && !is_production {
            return Err(unsupported("a new PIN that leaves the keys"));
        }
        self.on(key, |module| {
            module.so_under_release(key)?;
            let limits = module.user_pin_limits(key)?;
            module.unlocks.release(key, Instant::now())?.check_pin(limits, new)?;
            module.init_user_pin(key, new)
        })
    }

    fn rotate_so_pin(&mut self, key: &KeyId) -> Result<()> {
        self.end_what_is_over(key);
        self.on(key, |module| {
            let from = module.so_under_release(key)?;
            let release = module.unlocks.release(key, Instant::now())?;
            release.may_rotate(from)?;
            let pin = |guess| release.pin(guess).map(|pin| Zeroizing::new(pin.to_owned()));
            let (Some(old), Some(new)) = (pin(from), pin(Guess::Next)) else {
                return Err(refused("there is no such SO PIN in it").into());
            };
            release.logged_out();
            let outcome = module.set_so_pin(key, &old, &new);
            let done_or_not = match &outcome {
                Ok(()) => true,
                Err(Fault::Token(error)) => matches!(error, TokenError::Unknown { .. }),
                Err(Fault::Module(..)) => false,
            };
            if done_or_not && let Ok(release) = module.unlocks.release(key, Instant::now()) {
                release.may_have_rotated();
            }
            outcome
        })
    }

    fn install_unblock_key(&mut self, key: &KeyId) -> Result<()> {
        self.end_what_is_over(key);
        let release = self.unlocks.release(key, Instant::now())?;
        let (version, unblock_key) =
            release.unblock_key().ok_or_else(|| refused("there is no unblock key in it"))?;
        let unblock_key = unblock_key.clone();
        let (guess, so_pin) =
            release.pin_in_force().ok_or_else(|| refused("no login has proven an SO PIN under it"))?;
        let so_pin = Zeroizing::new(so_pin.to_owned());
        let commands = self.card_commands()?;
        let mut card = self.card(key, &commands)?;
        let outcome = card.install_unblock_key(&commands, &so_pin, version, &unblock_key);
        let release = self.unlocks.release(key, Instant::now())?;
        match outcome {
            Ok(()) => {
                release.installed_unblock_key();
                Ok(())
            }
            Err(CardError::Refused(VERIFY, Status::LOCKED)) => Err(TokenError::SoPinLocked),
            Err(CardError::Refused(VERIFY, status)) if status.tries_left().is_some() => {
                release.found_wrong(guess);
                let tries = status.tries_left().map_or(SoTries::Unreadable, SoTries::Exactly);
                Err(TokenError::SoPinIncorrect { tries })
            }
            Err(error) => Err(error.into_error("install_unblock_key")),
        }
    }

    fn unblock(&mut self, key: &KeyId, new: &Pin) -> Result<()> {
        self.end_what_is_over(key);
        self.unlocks.release(key, Instant::now())?.session_key()?;
        let commands = self.card_commands()?;
        let header: [u8; 5] = commands
            .unblock
            .0
            .as_slice()
            .try_into()
            .map_err(|_| unsupported("this profile's unblock command"))?;
        let limits = self.on(key, |module| module.user_pin_limits(key))?;
        let release = self.unlocks.release(key, Instant::now())?;
        release.check_pin(limits, new)?;
        let invalid = || TokenError::PinInvalid { min_len: limits.min_len, max_len: limits.max_len };
        let context = release.context().hash();
        let command = UnblockCommand::seal(release.session_key()?, &header, context, new.expose().as_bytes())
            .map_err(|_| invalid())?;
        let mut card = self.card(key, &commands)?;
        let mut sent = false;
        let outcome = card.unblock(&commands, &command, || sent = true);
        if sent && let Ok(release) = self.unlocks.release(key, Instant::now()) {
            release.wipe_session_key();
        }
        match outcome {
            Ok(()) => Ok(()),
            Err(CardError::Refused("UNBLOCK", Status::WRONG_DATA)) => Err(invalid()),
            Err(CardError::Refused(
                "UNBLOCK",
                Status::WRONG_MAC | Status::NOT_VERIFIED | Status::CONDITIONS,
            )) => Err(TokenError::ChallengeRefused),
            Err(error) => Err(error.into_error("unblock")),
        }
    }

    fn unlock_end(&mut self, key: &KeyId) -> Result<()> {
        self.unlocks.end(key, Instant::now());
        self.nobody_in(key);
        self.end_what_is_over(key);
        Ok(())
    }
}
