//! Unlocking a PIN with the secrets of a release: the rules of `unlock`, on the token behind the module, and on its
//! card.

use std::time::Instant;

use ycd_pki::unlock::{CHALLENGE_LEN, SoPinRetryCounter, UnblockCommand};
use ycd_token::profile::{CardCommands, Tristate};
use ycd_token::{
    Answer, OneTime, Opened, Pin, PortalKey, Result, SoLogin, TokenError, TokenId, UnlockCapabilities,
    Unlocker,
};
use zeroize::Zeroizing;

use super::Module;
use super::fault::{Fault, unsupported};
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

    /// One SO login, with what the token is known to have answered so far.
    fn try_so_pin(&mut self, token: &TokenId, guess: Guess) -> Result<(), Fault> {
        let retry_counter = self.so_pin_retry_counter(token)?;
        let release = self.unlocks.release(token, Instant::now())?;
        release.logged_out();
        if retry_counter == SoPinRetryCounter::None || retry_counter == SoPinRetryCounter::Exactly(0) {
            return Err(TokenError::SoPinLocked.into());
        }
        if release.is_wrong(guess) {
            return Err(TokenError::SoPinIncorrect { retry_counter }.into());
        }
        if retry_counter == SoPinRetryCounter::FinalTry || retry_counter == SoPinRetryCounter::Exactly(1) {
            return Err(TokenError::SoPinRetryCounterLow { retry_counter }.into());
        }
        let pin = release.pin(guess).map(|pin| Zeroizing::new(pin.to_owned()));
        let pin = pin.ok_or_else(|| refused("there is no such SO PIN in it"))?;
        let answer = self.log_in_so(token, &pin)?;
        let release = self.unlocks.release(token, Instant::now());
        match answer {
            SoAnswer::Right(session) => match release {
                Ok(release) => {
                    release.found_right(guess, session);
                    Ok(())
                }
                // Its time was over meanwhile.
                Err(gone) => {
                    self.nobody_in(token);
                    Err(gone.into())
                }
            },
            SoAnswer::Wrong => {
                if let Ok(release) = release {
                    release.found_wrong(guess);
                }
                let retry_counter = self.so_pin_retry_counter(token).unwrap_or(SoPinRetryCounter::Unreadable);
                Err(TokenError::SoPinIncorrect { retry_counter }.into())
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
    fn so_under_release(&mut self, token: &TokenId) -> Result<Guess, Fault> {
        // Gone before anything is asked of the token.
        self.unlocks.release(token, Instant::now())?;
        let session = self.so_session(token)?;
        let release = self.unlocks.release(token, Instant::now())?;
        release.so_in(session).ok_or_else(|| TokenError::NotLoggedIn.into())
    }

    fn capabilities(&self, token: &TokenId) -> Result<UnlockCapabilities, Fault> {
        Ok(UnlockCapabilities {
            so_pin: self.profile.unlock.so_pin,
            keeps_keys: self.profile.quirks.keys_survive_init_pin,
            challenge_response: self.profile.unlock.challenge_response,
            on_reader: false,
            so_pin_retry_counter: self.so_pin_retry_counter(token)?,
        })
    }

    fn certificates_on(&mut self, token: &TokenId) -> Result<Vec<Vec<u8>>> {
        let contents = self.on(token, |module| module.contents(token))?;
        Ok(contents.containers.into_iter().flat_map(|container| container.certificates).collect())
    }

    fn card_commands(&self) -> Result<CardCommands> {
        let unlock = &self.profile.unlock;
        let commands = unlock.card.clone().filter(|_| unlock.challenge_response == Tristate::Yes);
        commands.ok_or_else(|| unsupported("challenge and response"))
    }

    /// The card that is held since its challenge, or the token's card wherever it is.
    fn card(&mut self, token: &TokenId, commands: &CardCommands) -> Result<Card> {
        let found =
            self.held_card(token)?.map_or_else(|| Card::find(commands, &self.profile.family, token), Ok);
        found.map_err(|error| error.into_error("card"))
    }

    /// The card that is held since its challenge: one that was pulled, or reset by another program, no more.
    fn held_card(&mut self, token: &TokenId) -> Result<Option<Card>> {
        Ok(self.unlocks.of(token, Instant::now())?.card.take().filter(Card::is_there))
    }

    /// Ends what time has ended, the SO's login too.
    fn end_what_is_over(&mut self, token: &TokenId) {
        self.wipe_what_is_over();
        self.unlocks.let_go_of_cards();
        if self.unlocks.release(token, Instant::now()).is_err()
            && self.living_session(token).is_some()
            && self.so_session(token).is_ok()
        {
            self.nobody_in(token);
        }
    }
}

impl Unlocker for Module {
    fn unlock_capabilities(&mut self, token: &TokenId) -> Result<UnlockCapabilities> {
        self.end_what_is_over(token);
        let capabilities = self.on(token, |module| module.capabilities(token))?;
        let on_reader = self.card_commands().is_ok_and(|commands| {
            Card::find(&commands, &self.profile.family, token).map(Card::leave).is_ok()
        });
        Ok(UnlockCapabilities { on_reader, ..capabilities })
    }

    fn unlock_begin(&mut self, token: &TokenId, portal: &PortalKey) -> Result<OneTime> {
        self.end_what_is_over(token);
        let so_pin_retry_counter = self.on(token, |module| module.so_pin_retry_counter(token))?;
        let public_key = self.unlocks.begin(token, portal, Instant::now())?;
        self.end_what_is_over(token);
        Ok(OneTime { public_key, so_pin_retry_counter })
    }

    fn unlock_challenge(&mut self, token: &TokenId) -> Result<[u8; CHALLENGE_LEN]> {
        self.end_what_is_over(token);
        let commands = self.card_commands()?;
        let found = match self.held_card(token)? {
            Some(mut card) => card.challenge(&commands).map(|challenge| (card, challenge)),
            None => Card::find_with_challenge(&commands, &self.profile.family, token),
        };
        let (card, challenge) = found.map_err(|error| error.into_error("unlock_challenge"))?;
        let unlock = self.unlocks.of(token, Instant::now())?;
        unlock.challenge = Some(challenge);
        unlock.card = Some(card);
        Ok(challenge)
    }

    fn unlock_open(&mut self, token: &TokenId, answer: &Answer) -> Result<Opened> {
        self.end_what_is_over(token);
        self.unlocks.of(token, Instant::now())?;
        let capabilities = self.on(token, |module| module.capabilities(token))?;
        let certificates = self.certificates_on(token);
        let now = Instant::now();
        let checked =
            unlock::check(self.unlocks.of(token, now)?, token, answer, &capabilities, || certificates)?;
        Ok(self.unlocks.open(token, checked, now)?.opened(now))
    }

    fn unlock_opened(&mut self, token: &TokenId) -> Result<Option<Opened>> {
        self.end_what_is_over(token);
        let now = Instant::now();
        Ok(self.unlocks.release(token, now).ok().map(|release| release.opened(now)))
    }

    fn unlock_nonce(&mut self, token: &TokenId) -> Result<[u8; 32]> {
        self.end_what_is_over(token);
        self.unlocks.release(token, Instant::now())?;
        let session = self.on(token, |module| module.session_number(token))?;
        self.unlocks.new_nonce(token, session, Instant::now())
    }

    fn so_login(&mut self, token: &TokenId, which: &SoLogin, liveness: &[u8]) -> Result<()> {
        self.end_what_is_over(token);
        let release = self.unlocks.release(token, Instant::now())?;
        release.needs_so_pins()?;
        if !release.is_personalization() {
            let session = self.living_session(token);
            self.unlocks.check_liveness(
                token,
                (!liveness.is_empty()).then_some(liveness),
                session,
                Instant::now(),
            )?;
        }
        let guess = self.unlocks.release(token, Instant::now())?.guess(which)?;
        self.on(token, |module| module.try_so_pin(token, guess))
    }

    fn init_pin(&mut self, token: &TokenId, new: &Pin) -> Result<()> {
        self.end_what_is_over(token);
        let is_personalization = self.unlocks.release(token, Instant::now())?.is_personalization();
        if self.profile.quirks.keys_survive_init_pin != Tristate::Yes && !is_personalization {
            return Err(unsupported("a new PIN that leaves the keys"));
        }
        self.on(token, |module| {
            module.so_under_release(token)?;
            let limits = module.user_pin_limits(token)?;
            module.unlocks.release(token, Instant::now())?.check_pin(limits, new)?;
            module.init_user_pin(token, new)
        })
    }

    fn rotate_so_pin(&mut self, token: &TokenId) -> Result<()> {
        self.end_what_is_over(token);
        self.on(token, |module| {
            let from = module.so_under_release(token)?;
            let release = module.unlocks.release(token, Instant::now())?;
            release.may_rotate(from)?;
            let pin = |guess| release.pin(guess).map(|pin| Zeroizing::new(pin.to_owned()));
            let (Some(old), Some(new)) = (pin(from), pin(Guess::Next)) else {
                return Err(refused("there is no such SO PIN in it").into());
            };
            release.logged_out();
            let outcome = module.set_so_pin(token, &old, &new);
            let done_or_not = match &outcome {
                Ok(()) => true,
                Err(Fault::Token(error)) => matches!(error, TokenError::Unknown { .. }),
                Err(Fault::Module(..)) => false,
            };
            if done_or_not && let Ok(release) = module.unlocks.release(token, Instant::now()) {
                release.may_have_rotated();
            }
            outcome
        })
    }

    fn install_unblock_key(&mut self, token: &TokenId) -> Result<()> {
        self.end_what_is_over(token);
        let release = self.unlocks.release(token, Instant::now())?;
        let (version, unblock_key) =
            release.unblock_key().ok_or_else(|| refused("there is no unblock key in it"))?;
        let unblock_key = unblock_key.clone();
        let (guess, so_pin) =
            release.pin_in_force().ok_or_else(|| refused("no login has proven an SO PIN under it"))?;
        let so_pin = Zeroizing::new(so_pin.to_owned());
        let commands = self.card_commands()?;
        let mut card = self.card(token, &commands)?;
        let outcome = card.install_unblock_key(&commands, &so_pin, version, &unblock_key);
        let release = self.unlocks.release(token, Instant::now())?;
        match outcome {
            Ok(()) => {
                release.installed_unblock_key();
                Ok(())
            }
            Err(CardError::Refused(VERIFY, Status::LOCKED)) => Err(TokenError::SoPinLocked),
            Err(CardError::Refused(VERIFY, status)) if status.retry_counter().is_some() => {
                release.found_wrong(guess);
                let retry_counter =
                    status.retry_counter().map_or(SoPinRetryCounter::Unreadable, SoPinRetryCounter::Exactly);
                Err(TokenError::SoPinIncorrect { retry_counter })
            }
            Err(error) => Err(error.into_error("install_unblock_key")),
        }
    }

    fn unblock(&mut self, token: &TokenId, new: &Pin) -> Result<()> {
        self.end_what_is_over(token);
        self.unlocks.release(token, Instant::now())?.session_key()?;
        let commands = self.card_commands()?;
        let header: [u8; 5] = commands
            .unblock
            .0
            .as_slice()
            .try_into()
            .map_err(|_| unsupported("this profile's unblock command"))?;
        let limits = self.on(token, |module| module.user_pin_limits(token))?;
        let release = self.unlocks.release(token, Instant::now())?;
        release.check_pin(limits, new)?;
        let invalid = || TokenError::PinInvalid { min_len: limits.min_len, max_len: limits.max_len };
        let context = release.context().hash();
        let command = UnblockCommand::seal(release.session_key()?, &header, context, new.expose().as_bytes())
            .map_err(|_| invalid())?;
        let mut card = self.card(token, &commands)?;
        let mut sent = false;
        let outcome = card.unblock(&commands, &command, || sent = true);
        if sent && let Ok(release) = self.unlocks.release(token, Instant::now()) {
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

    fn unlock_end(&mut self, token: &TokenId) -> Result<()> {
        self.unlocks.end(token, Instant::now());
        self.nobody_in(token);
        self.end_what_is_over(token);
        Ok(())
    }
}
