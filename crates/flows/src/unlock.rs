//! Unlock: a new PIN for a key whose PIN is locked or forgotten, in a way that survives a pulled key, a crash and a lost
//! connection, and never locks the key for good.
//!
//! One way in, [`Unlock::run`], whether the work begins or goes on, on this machine or another. `one_round` is read from
//! top to bottom: find the key, ask the portal for the order, have the new PIN typed, have the secrets released, set the
//! PIN, prove it. Whenever something is not as expected it starts again at step 1. To the person the two roads, SO PIN
//! and challenge, are the same.
//!
//! The rules are those of `docs/unlock.md`, checked by the model named there; the numbers in comments are its steps.

mod conversation;
mod error;
mod step;

use ycd_pki::{
    cert::{Certificate, CertificateInfo},
    sm3::sm3,
    statement::Statement,
    unlock::{Opening, Purpose, Request, Road},
};
use ycd_portal_api::{
    ApiError, Client,
    wire::{
        Bytes,
        attempts::SignedStatement,
        login::{CodeSent, SessionToken},
        orders::OrderState,
        unlock::{
            self as wire, AskAlive, AskRelease, KeyInHand, OpenUnlock, UnlockOffer, UnlockOrder,
            Unlocked as Proof,
        },
    },
};
use ycd_token::{
    Answer, KeyId, KeyInfo, OneTime, Opened, Pin, PinPolicy, SoLogin, Spki, TokenError, Unlocker,
};
use zeroize::Zeroizing;

pub use self::{
    conversation::{UnlockEvent, UnlockPerson},
    error::UnlockError,
    step::UnlockStep,
};
use self::{error::Result, step::UnlockStep as Step};
use crate::{
    clock::Clock,
    conversation::{CodeAnswer, CodeWanted, Go},
    error::FlowError,
    journal::Journal,
    key_in_work::KeyInWork,
    lock::{KeyLock, KeyLocks},
    new_pin::{NewPinRefusal, ask},
    renewal::array,
    trust::PinnedPortal,
};

/// What an unlock works with.
pub struct Unlock<'a> {
    /// Nobody's session is needed.
    pub portal: &'a Client,
    pub trust: &'a PinnedPortal,
    pub token: &'a mut dyn Unlocker,
    pub person: &'a mut dyn UnlockPerson,
    pub journal: &'a Journal,
    pub locks: &'a KeyLocks,
    pub clock: &'a dyn Clock,
    pub options: Options,
}

#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The key that is meant; without it exactly one may be inserted.
    pub key: Option<KeyId>,
    /// The order that is meant.
    pub order: Option<String>,
}

/// How it ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The new PIN works.
    Unlocked { order: String, key: KeyId },
    /// An operator has to approve first; the key was not touched.
    AwaitsApproval { order: String, key: KeyId },
}

/// How often the work may start again at step 1 without the person having done anything in between.
const ROUNDS: u32 = 12;
/// How often a driver may crash or hang before the person is told to do something about it.
const DEATHS: u32 = 2;
/// A release with fewer seconds left is not begun with.
const ENOUGH_SECONDS: u32 = 20;

impl Unlock<'_> {
    /// Unlocks, or goes on with, what is inserted. After an error the same call goes on where the work stands.
    pub fn run(mut self) -> Result<Outcome> {
        let mut kept = Kept::default();
        let (mut rounds, mut deaths) = (0, 0);
        loop {
            let because = match self.one_round(&mut kept) {
                Ok(Round::Ended(outcome)) => return Ok(outcome),
                Ok(Round::StartAgain { because }) => {
                    rounds += 1;
                    if rounds == ROUNDS {
                        return Err(UnlockError::NoProgress { rounds, last: because });
                    }
                    because
                }
                Err(UnlockError::Token { step, source: TokenError::Removed }) => {
                    if self.person.key_again(&kept.work.pulled(step.name())) == Go::Stop {
                        return Err(UnlockError::Token { step, source: TokenError::Removed });
                    }
                    "the key was pulled".to_owned()
                }
                Err(UnlockError::Token { step, source }) if deaths < DEATHS && driver_died(&source) => {
                    deaths += 1;
                    kept.work.broken_off(step.name());
                    source.to_string()
                }
                Err(error) => return Err(error),
            };
            self.tell(Step::FindKey, &UnlockEvent::StartsAgain { because })?;
        }
    }

    fn one_round(&mut self, kept: &mut Kept) -> Result<Round> {
        // 1. One key, its certificate, its ways, and what the portal says to them: all that could forbid the work is
        // known before a code is spent. One process of this machine works on the key.
        self.begins(Step::FindKey, None)?;
        let (key, _lock) = self.exactly_one_key(kept)?;
        let (certificate, offer) = self.offer(&key)?;
        kept.work.is_back();
        let road = road_of(offer.road);
        let ways = self.on_key(Step::FindKey, |token| token.unlock_ways(&key.key_id))?;
        if !ways.allow(road) {
            return Err(UnlockError::NotPossible);
        }
        if road == Road::Challenge && !ways.on_reader {
            return Err(UnlockError::Token { step: Step::FindKey, source: TokenError::CardMissing });
        }
        let policy = both(&key, offer.pin)?;
        let holder = CertificateInfo::of(&certificate, self.clock.now()).holder;
        let approval = offer.approval;
        self.tell(
            Step::FindKey,
            &UnlockEvent::Found { key: Box::new(key.clone()), holder, policy, approval },
        )?;
        let locked = key.pin.tries.is_locked();
        if !(locked || offer.open_order.is_some() || kept.has_forgotten) {
            kept.has_forgotten = self.person.has_forgotten_pin(&key);
            if !kept.has_forgotten {
                return Err(UnlockError::NotLocked);
            }
        }

        // 2. The phone that is bound to the certificate confirms; the order stands from here on.
        let (order, portal) = match self.order(kept, &key, &certificate, &offer)? {
            Some(opened) => opened,
            None => return start_again("the confirmation by SMS is over"),
        };
        match order.state {
            OrderState::AwaitingUnlock => {}
            OrderState::AwaitingReview => {
                return Ok(Round::Ended(Outcome::AwaitsApproval { order: order.no, key: key.key_id }));
            }
            OrderState::Completed => return self.finish(&key, &order.no),
            OrderState::Rejected => {
                self.journal.unlock_done(&self.trust.name, &key.key_id, self.clock.now())?;
                return Err(UnlockError::Rejected { reason: order.reject_reason.unwrap_or_default() });
            }
            state => {
                // What cannot come back is no unfinished work.
                self.journal.unlock_done(&self.trust.name, &key.key_id, self.clock.now())?;
                return Err(UnlockError::Over { state });
            }
        }

        // 3. A PIN that was set under this order before it was broken off needs no other secret: only its proof.
        if let Some(pin) = self.pin_in_force(kept, &key, &order)? {
            self.begins(Step::Prove, Some(road))?;
            let release = self.on_key(Step::Prove, |token| token.unlock_opened(&key.key_id))?;
            let release = release.filter(|release| release.order == order.no);
            if self.prove(&portal, &key, &certificate, &order, release.as_ref(), &pin)? {
                return self.finish(&key, &order.no);
            }
            kept.in_force = false;
            kept.knows_no_earlier_pin = true;
        }

        // 4. The new PIN, typed twice, within the rules of key and project. It goes to the key alone.
        let new = match &kept.new_pin {
            Some(pin) => pin.clone(),
            None => {
                self.begins(Step::NewPin, Some(road))?;
                self.new_pin(policy, kept.refused.take())?
            }
        };
        kept.new_pin = Some(new.clone());

        // 5. The release: for this host's one-time key alone, signed by the portal, checked by the host.
        let release = match self.release(kept, &portal, &key, &certificate, &order, road)? {
            Some(release) => release,
            None => return start_again("the release is no longer good"),
        };

        // 6. The key takes the new PIN.
        self.begins(Step::SetPin, Some(road))?;
        let set = match road {
            Road::Wrapped => self.set_by_so_pin(kept, &portal, &key, &release, &new)?,
            Road::Challenge => self.set_by_challenge(kept, &key, &new)?,
        };
        if let Some(because) = set {
            return start_again(because);
        }
        kept.in_force = true;
        self.journal.pin_was_set(&self.trust.name, &order.no, &key.key_id, self.clock.now())?;
        self.tell(Step::SetPin, &UnlockEvent::PinSet { order: order.no.clone() })?;

        // 7. The SO PIN that this machine has used is put out of force.
        if road == Road::Wrapped && !self.rotate(&portal, &key, &release)? {
            return start_again("the release is no longer the newest");
        }

        // 8. The certificate's key proves that the new PIN works; only this completes the order.
        self.begins(Step::Prove, Some(road))?;
        let release = self.on_key(Step::Prove, |token| token.unlock_opened(&key.key_id))?;
        if self.prove(&portal, &key, &certificate, &order, release.as_ref(), &new)? {
            return self.finish(&key, &order.no);
        }
        // The key said yes to a PIN that it does not take.
        Err(UnlockError::Token {
            step: Step::Prove,
            source: TokenError::Unknown { operation: "init_pin".to_owned() },
        })
    }

    /// Step 1. None, several, or the wrong one: says so, and looks again as long as the person wants.
    fn exactly_one_key(&mut self, kept: &mut Kept) -> Result<(KeyInfo, KeyLock)> {
        let wanted = self.options.key.clone().or_else(|| kept.work.key.clone());
        loop {
            let mut keys = self.on_key(Step::FindKey, |token| token.keys())?;
            if let Some(wanted) = &wanted
                && keys.iter().any(|key| key.key_id == *wanted)
            {
                keys.retain(|key| key.key_id == *wanted);
            }
            let Some(problem) = kept.work.problem(&keys, wanted.as_ref()) else {
                return self.locked(kept, keys.remove(0));
            };
            if self.person.key_again(&problem) == Go::Stop {
                return Err(FlowError::from(problem).into());
            }
        }
    }

    fn locked(&mut self, kept: &mut Kept, key: KeyInfo) -> Result<(KeyInfo, KeyLock)> {
        let lock = self.locks.lock(&key.key_id)?;
        // Whoever had the lock until now may have set a PIN.
        let keys = self.on_key(Step::FindKey, |token| token.keys())?;
        let now = keys.into_iter().find(|found| found.key_id == key.key_id);
        let key = now.ok_or(UnlockError::Token { step: Step::FindKey, source: TokenError::Removed })?;
        kept.work.key = Some(key.key_id.clone());
        Ok((key, lock))
    }

    /// Step 1. The certificate on the key that is in force, newest first, and what the portal offers for it.
    fn offer(&mut self, key: &KeyInfo) -> Result<(Certificate, UnlockOffer)> {
        let contents = self.on_key(Step::FindKey, |token| token.read(&key.key_id))?;
        let mut certificates: Vec<Certificate> = contents
            .containers
            .iter()
            .flat_map(|container| &container.certificates)
            .filter_map(|der| Certificate::from_der(der).ok())
            .collect();
        certificates.sort_by_key(|certificate| std::cmp::Reverse(certificate.not_before()));
        let mut refusal = None;
        for certificate in certificates {
            let in_hand = in_hand(key, &certificate);
            match self.at_portal(Step::FindKey, |portal| portal.unlock_check(&in_hand), None) {
                Ok(offer) if offer.portal == self.trust.name => return Ok((certificate, offer)),
                Ok(offer) => return Err(FlowError::OtherPortal { found: offer.portal }.into()),
                // An older certificate, or one of somebody else, that lies beside the one in force.
                Err(UnlockError::Portal { source: ApiError::Refused(problem), step })
                    if is_about_the_certificate(&problem.code) =>
                {
                    let source = ApiError::Refused(problem);
                    refusal.get_or_insert(UnlockError::Portal { step, source });
                }
                Err(error) => return Err(error),
            }
        }
        Err(refusal.unwrap_or(UnlockError::NoCertificate))
    }

    /// Step 2. The order with a session for it: the one at hand, or, after an SMS, the key's open one or a new one. `None` where
    /// the session at hand is over.
    fn order(
        &mut self,
        kept: &mut Kept,
        key: &KeyInfo,
        certificate: &Certificate,
        offer: &UnlockOffer,
    ) -> Result<Option<(UnlockOrder, Client)>> {
        self.begins(Step::Confirm, Some(road_of(offer.road)))?;
        if let Some(Grant { order, token, .. }) = &kept.grant {
            let (order, portal) = (order.clone(), self.portal.with_session(token.clone()));
            return match self.at_portal(Step::Confirm, |portal| portal.unlock_order(&order), Some(&portal)) {
                Ok(order) => Ok(Some((order, portal))),
                Err(error) if session_is_over(&error) => {
                    kept.grant = None;
                    Ok(None)
                }
                Err(error) => Err(error),
            };
        }
        let in_hand = in_hand(key, certificate);
        let approval = offer.approval && offer.open_order.is_none();
        let Some(form) = self.person.before_code(key, &offer.phone, approval) else {
            return Err(UnlockError::Stopped { step: Step::Confirm });
        };
        let portal_error = |source| UnlockError::Portal { step: Step::Confirm, source };
        let mut wanted = CodeWanted::first(self.send_code(&in_hand)?, &offer.phone).map_err(portal_error)?;
        let (grant, step_up) = loop {
            let code = match self.person.sms_code(&wanted.sent, wanted.refused.as_ref()) {
                CodeAnswer::Code(code) => code,
                CodeAnswer::SendAgain => {
                    let sent = self.send_code(&in_hand)?;
                    wanted.again(sent).map_err(portal_error)?;
                    continue;
                }
                CodeAnswer::Stop => {
                    let stopped = UnlockError::Stopped { step: Step::Confirm };
                    return Err(wanted.refused.map_or(stopped, portal_error));
                }
            };
            // Neither the code nor what it gives stands in the clear, not even inside TLS.
            let opening = Opening::new(key.key_id.as_str(), &code).map_err(FlowError::from)?;
            let open = OpenUnlock {
                key_id: key.key_id.to_string(),
                certificate: Bytes(certificate.der().to_vec()),
                sealed: Bytes(opening.seal(&self.trust.sealing_key).map_err(FlowError::from)?),
                locked: key.pin.tries.is_locked(),
                order: self.options.order.clone(),
                form: form.clone(),
            };
            match self.at_portal(Step::Confirm, |portal| portal.open_unlock(&open), None) {
                Ok(grant) => break (grant, opening.step_up),
                Err(UnlockError::Portal { source, .. }) => wanted.refuse(source).map_err(portal_error)?,
                Err(error) => return Err(error),
            }
        };
        let portal = self.portal.with_session(grant.token.clone());
        kept.grant = Some(Grant { order: grant.order.no.clone(), token: grant.token.clone(), step_up });
        self.journal.unlock_opened(&self.trust.name, &grant.order.no, &key.key_id, self.clock.now())?;
        let opened = UnlockEvent::Opened {
            order: grant.order.no.clone(),
            taken_up: offer.open_order.is_some(),
            state: grant.order.state,
        };
        self.tell(Step::Confirm, &opened)?;
        Ok(Some((grant.order, portal)))
    }

    /// A refusal by the portal is for the caller to weigh.
    fn send_code(&mut self, in_hand: &KeyInHand) -> Result<Result<CodeSent, ApiError>> {
        match self.at_portal(Step::Confirm, |portal| portal.unlock_code(in_hand), None) {
            Ok(sent) => Ok(Ok(sent)),
            Err(UnlockError::Portal { source, .. }) => Ok(Err(source)),
            Err(error) => Err(error),
        }
    }

    /// Step 3. The PIN that is on the key already, because it was set under this order: it was locked when the order began and
    /// is no longer, or the journal says so. A person who does not know it sets another one.
    fn pin_in_force(&mut self, kept: &mut Kept, key: &KeyInfo, order: &UnlockOrder) -> Result<Option<Pin>> {
        if key.pin.tries.is_locked() || order.newest_release == 0 {
            return Ok(None);
        }
        if kept.in_force {
            return Ok(kept.new_pin.clone());
        }
        let set_here = self.journal.has_pin_of(&self.trust.name, &order.no, &key.key_id)?;
        if kept.knows_no_earlier_pin || !(order.was_locked || set_here) {
            return Ok(None);
        }
        let pin = self.person.pin_set_before(key);
        kept.knows_no_earlier_pin = pin.is_none();
        Ok(pin)
    }

    /// Step 4.
    fn new_pin(&mut self, policy: PinPolicy, refused: Option<NewPinRefusal>) -> Result<Pin> {
        ask(self.person, policy, None, refused).map_err(|refused| {
            refused.map_or(UnlockError::Stopped { step: Step::NewPin }, UnlockError::Refused)
        })
    }

    /// Step 5. The release that the host has open, or the one for a new one-time key. The private key and the secrets stay in
    /// the host. `None` where it has to be asked for anew.
    fn release(
        &mut self,
        kept: &mut Kept,
        portal: &Client,
        key: &KeyInfo,
        certificate: &Certificate,
        order: &UnlockOrder,
        road: Road,
    ) -> Result<Option<Opened>> {
        self.begins(Step::Release, Some(road))?;
        let open = self.on_key(Step::Release, |token| token.unlock_opened(&key.key_id))?;
        if let Some(open) = open
            && road == Road::Wrapped
            && open.order == order.no
            && open.seconds_left >= ENOUGH_SECONDS
        {
            return Ok(Some(open));
        }
        // A retyped PIN, or a command that was cut off, takes a new challenge and the same release.
        let one_time = match kept.one_time.take() {
            Some(one_time) if road == Road::Challenge => one_time,
            _ => {
                let trust = self.trust.for_host();
                self.on_key(Step::Release, |token| token.unlock_begin(&key.key_id, &trust))?
            }
        };
        let challenge = match road {
            Road::Wrapped => Vec::new(),
            Road::Challenge => match self.token.unlock_challenge(&key.key_id) {
                Ok(challenge) => challenge.to_vec(),
                Err(TokenError::ReleaseGone) => return Ok(None),
                Err(TokenError::CardMissing) => {
                    // A card that went with its key: the key is asked for.
                    let keys = self.on_key(Step::Release, |token| token.keys())?;
                    let is_in = keys.iter().any(|found| found.key_id == key.key_id);
                    let source = if is_in { TokenError::CardMissing } else { TokenError::Removed };
                    return Err(UnlockError::Token { step: Step::Release, source });
                }
                Err(source) => return Err(UnlockError::Token { step: Step::Release, source }),
            },
        };
        let Some(grant) = &kept.grant else { return Ok(None) };
        let request = Request {
            order: order.no.clone(),
            step_up: grant.step_up.clone(),
            one_time_key: public_key(&one_time.public_key)?,
            key_id: key.key_id.to_string(),
            road,
            certificate: sm3(certificate.der()),
            challenge,
            so_tries: one_time.so_tries,
        };
        let sealed = Bytes(request.seal(&self.trust.sealing_key).map_err(FlowError::from)?);
        let ask = AskRelease { sealed };
        let answer = match self.at_portal(Step::Release, |p| p.release(&order.no, &ask), Some(portal)) {
            Ok(answer) => answer,
            Err(error) if session_is_over(&error) => {
                kept.grant = None;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if road == Road::Challenge {
            kept.one_time = Some(one_time);
        }
        let answer = Answer {
            purpose: Purpose::Unlock,
            context: answer.context.0,
            sealed_box: answer.sealed_box.0,
            signature: answer.signature.0,
        };
        match self.token.unlock_open(&key.key_id, &answer) {
            Ok(opened) if opened.order == order.no && opened.road == road => Ok(Some(opened)),
            Ok(_) => Err(UnlockError::Token {
                step: Step::Release,
                source: TokenError::ReleaseRefused { reason: "it is for another order".to_owned() },
            }),
            Err(TokenError::ReleaseGone) => Ok(None),
            Err(source) => Err(UnlockError::Token { step: Step::Release, source }),
        }
    }

    /// Step 6, wrapped. SO login, the likelier PIN first, after one definite wrong answer the other one; then the user's PIN.
    /// Gives why to start again, where it has to.
    fn set_by_so_pin(
        &mut self,
        kept: &mut Kept,
        portal: &Client,
        key: &KeyInfo,
        release: &Opened,
        new: &Pin,
    ) -> Result<Option<&'static str>> {
        let rotated = self.journal.rotation(&self.trust.name, &key.key_id)?;
        let mut guesses = [SoLogin::Current, SoLogin::Next];
        if rotated == Some(release.next_version) {
            guesses.reverse();
        }
        match self.so_login(Step::SetPin, portal, key, release, &guesses)? {
            Login::Right => {}
            Login::Wrong => return Err(UnlockError::SoPinUnknown),
            Login::Stale => return Ok(Some("the release is no longer the newest")),
        }
        match self.token.init_pin(&key.key_id, new) {
            Ok(()) => Ok(None),
            Err(TokenError::PinInvalid { .. }) => Ok(Some(kept.type_another())),
            Err(source) => Err(UnlockError::Token { step: Step::SetPin, source }),
        }
    }

    /// Step 6, challenge. One command to the key, made for its challenge.
    fn set_by_challenge(
        &mut self,
        kept: &mut Kept,
        key: &KeyInfo,
        new: &Pin,
    ) -> Result<Option<&'static str>> {
        match self.token.unblock(&key.key_id, new) {
            Ok(()) => Ok(None),
            Err(TokenError::ChallengeRefused) => Ok(Some("the key wants another answer")),
            Err(TokenError::ReleaseGone) => Ok(Some("the answer to the challenge is used up")),
            Err(TokenError::PinInvalid { .. }) => Ok(Some(kept.type_another())),
            Err(source) => Err(UnlockError::Token { step: Step::SetPin, source }),
        }
    }

    /// Step 7. J(rotate), the next SO PIN in the place of the one that was used, and a login that proves it: what the module
    /// says to the change itself proves nothing. A key that keeps the old one is left with it.
    fn rotate(&mut self, portal: &Client, key: &KeyInfo, release: &Opened) -> Result<bool> {
        self.begins(Step::Rotate, Some(Road::Wrapped))?;
        let now = self.on_key(Step::Rotate, |token| token.unlock_opened(&key.key_id))?;
        if now.is_some_and(|now| now.proven_version == Some(release.next_version)) {
            return Ok(true);
        }
        self.journal.rotates_to(&self.trust.name, &key.key_id, release.next_version)?;
        match self.token.rotate_so_pin(&key.key_id) {
            Err(source @ TokenError::Removed) => {
                return Err(UnlockError::Token { step: Step::Rotate, source });
            }
            Err(TokenError::ReleaseGone) => return Ok(false),
            Ok(()) | Err(_) => {}
        }
        match self.so_login(Step::Rotate, portal, key, release, &[SoLogin::Next, SoLogin::Current])? {
            Login::Right => Ok(true),
            Login::Wrong => Err(UnlockError::SoPinUnknown),
            Login::Stale => Ok(false),
        }
    }

    /// One login with each, until one is right. Directly before each the portal says that the release is the newest of an
    /// open order; no answer, no login.
    fn so_login(
        &mut self,
        step: Step,
        portal: &Client,
        key: &KeyInfo,
        release: &Opened,
        guesses: &[SoLogin],
    ) -> Result<Login> {
        let mut guesses = guesses.iter();
        let mut guess = guesses.next();
        while let Some(which) = guess {
            let nonce = match self.token.unlock_nonce(&key.key_id) {
                Ok(nonce) => nonce,
                Err(TokenError::ReleaseGone) => return Ok(Login::Stale),
                Err(source) => return Err(UnlockError::Token { step, source }),
            };
            let question = AskAlive { release: release.release, nonce: Bytes(nonce.to_vec()) };
            let alive = match portal.alive(&release.order, &question) {
                Ok(alive) => alive,
                Err(error) if error.code() == "unlock.release_stale" => {
                    self.on_key(step, |token| token.unlock_end(&key.key_id))?;
                    return Ok(Login::Stale);
                }
                // Asked again with a new nonce.
                Err(error) if error.is_passing() && self.person.portal_again(step, &error) == Go::On => {
                    continue;
                }
                Err(source) => return Err(UnlockError::Portal { step, source }),
            };
            match self.token.so_login(&key.key_id, which, Some(&alive.signature.0)) {
                Ok(()) => return Ok(Login::Right),
                Err(TokenError::SoPinIncorrect { .. }) => guess = guesses.next(),
                Err(TokenError::ReleaseGone) => return Ok(Login::Stale),
                Err(source) => return Err(UnlockError::Token { step, source }),
            }
        }
        Ok(Login::Wrong)
    }

    /// Step 8. Login with the PIN, and the statement signed by the certificate's key. `false` where the key does not take the
    /// PIN.
    fn prove(
        &mut self,
        portal: &Client,
        key: &KeyInfo,
        certificate: &Certificate,
        order: &UnlockOrder,
        release: Option<&Opened>,
        pin: &Pin,
    ) -> Result<bool> {
        self.on_key(Step::Prove, |token| token.logout(&key.key_id))?;
        match self.token.login(&key.key_id, pin) {
            Ok(()) => {}
            Err(TokenError::PinIncorrect { .. } | TokenError::PinLocked | TokenError::PinInvalid { .. }) => {
                return Ok(false);
            }
            Err(source) => return Err(UnlockError::Token { step: Step::Prove, source }),
        }
        let nonce = self.at_portal(Step::Prove, |p| p.unlock_nonce(&order.no), Some(portal))?.nonce;
        let number = release.map_or(order.newest_release, |release| release.release);
        let one_time_key = release.map_or([0; 32], |release| release.one_time_key);
        let so_pin_version = release.and_then(|release| release.proven_version).unwrap_or(0);
        let statement = Statement::Unlocked {
            portal: self.trust.name.clone(),
            order: order.no.clone(),
            release: number,
            key_id: key.key_id.to_string(),
            one_time_key,
            so_pin_version,
            nonce: array(&nonce)?,
        };
        let signer = Spki(certificate.public_key().map_err(FlowError::from)?.to_spki_der());
        let signature =
            self.on_key(Step::Prove, |token| token.sign_statement(&key.key_id, &signer, &statement))?;
        let proof = Proof {
            release: number,
            one_time_key: Bytes(one_time_key.to_vec()),
            so_pin_version,
            statement: SignedStatement { nonce, signature: Bytes(signature) },
        };
        self.at_portal(Step::Prove, |p| p.unlocked(&order.no, &proof), Some(portal))?;
        Ok(true)
    }

    fn finish(&mut self, key: &KeyInfo, order: &str) -> Result<Round> {
        self.journal.unlock_done(&self.trust.name, &key.key_id, self.clock.now())?;
        // The key may be out already: what is left in the host ends with its time.
        let _ = self.token.unlock_end(&key.key_id);
        let _ = self.token.logout(&key.key_id);
        let finished = UnlockEvent::Finished { order: order.to_owned(), key: key.key_id.clone() };
        self.person.tell(&finished);
        Ok(Round::Ended(Outcome::Unlocked { order: order.to_owned(), key: key.key_id.clone() }))
    }

    /// A call that may be repeated as often as the person wants while the portal cannot be reached.
    fn at_portal<T>(
        &mut self,
        step: Step,
        call: impl Fn(&Client) -> Result<T, ApiError>,
        portal: Option<&Client>,
    ) -> Result<T> {
        loop {
            match call(portal.unwrap_or(self.portal)) {
                Err(error) if error.is_passing() && self.person.portal_again(step, &error) == Go::On => {}
                outcome => return outcome.map_err(|source| UnlockError::Portal { step, source }),
            }
        }
    }

    fn on_key<T>(
        &mut self,
        step: Step,
        act: impl FnOnce(&mut dyn Unlocker) -> Result<T, TokenError>,
    ) -> Result<T> {
        act(self.token).map_err(|source| UnlockError::Token { step, source })
    }

    /// `road`: once it is known.
    fn begins(&mut self, step: Step, road: Option<Road>) -> Result<()> {
        let (usual, longest) = step.duration();
        let number = step.number(road.unwrap_or(Road::Wrapped));
        let of = road.map(Step::count);
        self.tell(step, &UnlockEvent::Begins { step, number, of, usual, longest })
    }

    fn tell(&mut self, step: Step, event: &UnlockEvent) -> Result<()> {
        match self.person.tell(event) {
            Go::On => Ok(()),
            Go::Stop => Err(UnlockError::Stopped { step }),
        }
    }
}

/// What one run remembers from round to round. None of it decides what is true of key and order.
#[derive(Default)]
struct Kept {
    work: KeyInWork,
    grant: Option<Grant>,
    /// As typed.
    new_pin: Option<Pin>,
    /// Why it has to be typed anew.
    refused: Option<NewPinRefusal>,
    /// The key has said yes to it in this run.
    in_force: bool,
    has_forgotten: bool,
    knows_no_earlier_pin: bool,
    one_time: Option<OneTime>,
}

impl Kept {
    /// The key has a rule of its own that it does not tell. Gives why to start again.
    fn type_another(&mut self) -> &'static str {
        self.new_pin = None;
        self.refused = Some(NewPinRefusal::ByTheKey);
        "the key does not take this PIN"
    }
}

struct Grant {
    order: String,
    token: SessionToken,
    /// Made here, and known to nobody else but the portal.
    step_up: Zeroizing<String>,
}

enum Round {
    Ended(Outcome),
    StartAgain { because: String },
}

enum Login {
    Right,
    Wrong,
    /// The release counts no more.
    Stale,
}

fn start_again(because: &str) -> Result<Round> {
    Ok(Round::StartAgain { because: because.to_owned() })
}

fn driver_died(source: &TokenError) -> bool {
    matches!(
        source,
        TokenError::Unknown { .. }
            | TokenError::HostDied { .. }
            | TokenError::HostTimeout { .. }
            | TokenError::ReleaseGone
            | TokenError::NotLoggedIn,
    )
}

fn session_is_over(error: &UnlockError) -> bool {
    let UnlockError::Portal { source, .. } = error else { return false };
    matches!(source.code(), "auth.step_up_invalid" | "auth.required" | "auth.session_expired")
}

fn is_about_the_certificate(code: &str) -> bool {
    matches!(
        code,
        "unlock.key_unknown" | "certificate.superseded" | "certificate.not_found" | "certificate.revoked"
    )
}

fn in_hand(key: &KeyInfo, certificate: &Certificate) -> KeyInHand {
    KeyInHand { key_id: key.key_id.to_string(), certificate: Bytes(certificate.der().to_vec()) }
}

fn road_of(road: wire::Road) -> Road {
    match road {
        wire::Road::Wrapped => Road::Wrapped,
        wire::Road::Challenge => Road::Challenge,
    }
}

/// What satisfies key and project; an answer before anybody is asked for anything.
fn both(key: &KeyInfo, rules: wire::PinRules) -> Result<PinPolicy> {
    let product =
        PinPolicy { min_len: rules.min_len, max_len: rules.max_len, digits_only: rules.digits_only };
    let key = PinPolicy::of_key(&key.pin);
    key.and(product).ok_or(UnlockError::NoneFits { key, product })
}

fn public_key(spki: &Spki) -> Result<ycd_pki::PublicKey> {
    Ok(ycd_pki::PublicKey::from_spki_der(&spki.0).map_err(FlowError::from)?)
}
