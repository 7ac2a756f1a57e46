//! A release that was checked and opened, and what has been done under it.

use std::time::{Duration, Instant};

use ycd_pki::unlock::{Context, PinRules, Purpose, SessionKey, UnblockKey, UnlockMethod};
use ycd_token::{Opened, Pin, PinPolicy, Result, SoLogin, TokenError};

use super::answer::{Checked, Secrets};
use super::claims::Claims;
use super::refused;

/// Which of the two SO PINs that a token may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    /// The one expected on the token; the maker's, in a personalization.
    Current,
    Next,
}

/// What is known of one SO PIN under this release.
#[derive(Debug, Default, Clone, Copy)]
struct Tried {
    /// Not the token's, since the last thing that could have made it so.
    is_wrong: bool,
    /// How often it was found wrong.
    times: u8,
}

/// Of two definite wrong answers for the next PIN, the other came after it had been set: a module that says it has
/// rotated and has not is asked once more, and no third time.
const MOST_WRONG: u8 = 2;

pub struct Release {
    context: Context,
    secrets: Secrets,
    until: Instant,
    /// The maker's SO PIN, as typed.
    factory: Option<Pin>,
    current: Tried,
    next: Tried,
    /// Who a login has succeeded with, and the number of the session it was in.
    so: Option<(Guess, u64)>,
    /// What the last login has proven, unless another one was sent to the token since.
    in_force: Option<Guess>,
    claims: Claims,
}

impl Release {
    pub fn new(checked: Checked, now: Instant) -> Self {
        let Checked { context, secrets } = checked;
        Self {
            until: now + Duration::from_secs(context.valid_seconds.into()),
            factory: None,
            current: Tried::default(),
            next: Tried::default(),
            so: None,
            in_force: None,
            claims: Claims::of(&context),
            context,
            secrets,
        }
    }

    /// Whether both are one release of one order, for one purpose.
    pub fn is_of(&self, other: &Self) -> bool {
        let name = |release: &Self| {
            let context = &release.context;
            (context.purpose, context.portal.clone(), context.order.clone(), context.release, context.method)
        };
        name(self) == name(other)
    }

    pub fn go_on_from(&mut self, before: Self) {
        self.until = self.until.min(before.until);
        self.factory = before.factory;
        (self.current, self.next) = (before.current, before.next);
        (self.so, self.in_force) = (before.so, before.in_force);
        self.claims = before.claims;
    }

    pub fn context(&self) -> &Context {
        &self.context
    }

    pub fn until(&self) -> Instant {
        self.until
    }

    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    pub fn into_claims(self) -> Claims {
        self.claims
    }

    pub fn is_personalization(&self) -> bool {
        self.context.purpose == Purpose::Personalize
    }

    pub fn opened(&self, now: Instant) -> Opened {
        let left = self.until.saturating_duration_since(now);
        Opened {
            order: self.context.order.clone(),
            release: self.context.release,
            method: self.context.method,
            one_time_key: self.context.one_time_key,
            current_version: self.context.current_version,
            next_version: self.context.next_version,
            unblock_key_version: self.context.unblock_key_version,
            pin: self.context.pin,
            seconds_left: u32::try_from(left.as_secs()).unwrap_or(u32::MAX),
            proven_version: self.claims.proven_version(),
        }
    }

    /// What its rules and the token's limits leave of PINs.
    ///
    /// # Errors
    /// [`TokenError::PinInvalid`].
    pub fn check_pin(&self, key: PinPolicy, new: &Pin) -> Result<()> {
        let PinRules { min_len, max_len, digits_only } = self.context.pin;
        let both = key.and(PinPolicy { min_len, max_len, digits_only });
        if both.is_some_and(|both| both.check(new).is_ok()) {
            return Ok(());
        }
        Err(TokenError::PinInvalid { min_len: key.min_len.max(min_len), max_len: key.max_len.min(max_len) })
    }

    /// # Errors
    /// [`TokenError::ReleaseRefused`] where there is no SO PIN in the envelope.
    pub fn needs_so_pins(&self) -> Result<()> {
        match self.secrets {
            Secrets::Pins(_) | Secrets::First(_) => Ok(()),
            Secrets::Session(_) => Err(refused("there is no SO PIN in it")),
        }
    }

    /// Which PIN a login is to be tried with. The maker's is remembered as it was typed.
    ///
    /// # Errors
    /// [`TokenError::ReleaseRefused`] where the envelope has no such PIN, or the maker's was typed wrong once.
    pub fn guess(&mut self, which: &SoLogin) -> Result<Guess> {
        match (which, &self.secrets) {
            (SoLogin::Next, Secrets::Pins(_) | Secrets::First(_)) => Ok(Guess::Next),
            (SoLogin::Current, Secrets::Pins(_)) => Ok(Guess::Current),
            (SoLogin::Factory(pin), Secrets::First(_)) => {
                if self.current.is_wrong && self.factory.as_ref() != Some(pin) {
                    return Err(refused(
                        "the maker's SO PIN was wrong under it; another one needs another release",
                    ));
                }
                self.factory = Some(pin.clone());
                Ok(Guess::Current)
            }
            _ => Err(refused("there is no such SO PIN in it")),
        }
    }

    pub fn pin(&self, guess: Guess) -> Option<&str> {
        match (&self.secrets, guess) {
            (Secrets::Pins(pins), Guess::Current) => Some(pins.current.expose()),
            (Secrets::Pins(pins), Guess::Next) => Some(pins.next.expose()),
            (Secrets::First(first), Guess::Next) => Some(first.so_pin.expose()),
            (Secrets::First(_), Guess::Current) => self.factory.as_ref().map(Pin::expose),
            (Secrets::Session(_), _) => None,
        }
    }

    /// Whether the token has answered for certain that it has another one.
    pub fn is_wrong(&self, guess: Guess) -> bool {
        let same = self.pin(Guess::Current) == self.pin(Guess::Next);
        match guess {
            Guess::Current => self.current.is_wrong || same && self.next.is_wrong,
            Guess::Next => self.next.is_wrong || same && self.current.is_wrong,
        }
    }

    /// A definite wrong answer.
    pub fn found_wrong(&mut self, guess: Guess) {
        let tried = self.tried(guess);
        tried.is_wrong = true;
        tried.times = tried.times.saturating_add(1);
        self.so = None;
        if self.in_force == Some(guess) {
            self.in_force = None;
        }
    }

    /// A login has succeeded, in this session.
    pub fn found_right(&mut self, guess: Guess, session: u64) {
        self.tried(guess).is_wrong = false;
        self.so = Some((guess, session));
        self.in_force = Some(guess);
        match guess {
            Guess::Next => self.claims.prove(self.context.next_version),
            // The maker's has no version.
            Guess::Current if self.is_personalization() => {}
            Guess::Current => self.claims.prove(self.context.current_version),
        }
    }

    pub fn logged_out(&mut self) {
        self.so = None;
    }

    /// Who is logged in, if it was in this session.
    pub fn so_in(&self, session: u64) -> Option<Guess> {
        self.so.filter(|(_, of)| *of == session).map(|(guess, _)| guess)
    }

    /// # Errors
    /// [`TokenError::ReleaseRefused`].
    pub fn may_rotate(&self, from: Guess) -> Result<()> {
        if from == Guess::Next {
            return Err(refused("its next SO PIN is in force already"));
        }
        if self.next.times >= MOST_WRONG {
            return Err(refused("its next SO PIN was set and does not open the token; take another release"));
        }
        Ok(())
    }

    /// The next PIN has been sent to be put in the place of the current one: either may be in force now.
    pub fn may_have_rotated(&mut self) {
        self.next.is_wrong = false;
        self.in_force = None;
    }

    /// The SO PIN that is in force for certain.
    pub fn pin_in_force(&self) -> Option<(Guess, &str)> {
        let guess = self.in_force?;
        self.pin(guess).map(|pin| (guess, pin))
    }

    /// What a personalization has for the token, with its version.
    pub fn unblock_key(&self) -> Option<(u32, &UnblockKey)> {
        match &self.secrets {
            Secrets::First(first) => {
                first.unblock_key.as_ref().map(|key| (self.context.unblock_key_version, key))
            }
            _ => None,
        }
    }

    pub fn installed_unblock_key(&mut self) {
        self.claims.install(self.context.unblock_key_version);
    }

    /// # Errors
    /// [`TokenError::ReleaseRefused`] on the other method; [`TokenError::ChallengeRefused`] where its command has been
    /// sent.
    pub fn session_key(&self) -> Result<&SessionKey> {
        match &self.secrets {
            Secrets::Session(Some(key)) => Ok(key),
            Secrets::Session(None) => Err(TokenError::ChallengeRefused),
            _ if self.context.method == UnlockMethod::ChallengeResponse => {
                Err(refused("it is for a personalization"))
            }
            _ => Err(refused("it answers no challenge")),
        }
    }

    pub fn wipe_session_key(&mut self) {
        if let Secrets::Session(key) = &mut self.secrets {
            *key = None;
        }
    }

    fn tried(&mut self, guess: Guess) -> &mut Tried {
        match guess {
            Guess::Current => &mut self.current,
            Guess::Next => &mut self.next,
        }
    }
}
