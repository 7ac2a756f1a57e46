//! Two machines, one token, messages lost, late and doubled, processes that die anywhere: what the protocol's model
//! proves of the portal holds here too. The token and the hosts are simulated, the portal is real.

use std::collections::BTreeMap;

use time::Duration;
use ycd_pki::{
    KeyPair,
    unlock::{SoPin, SoPinRetryCounter},
};
use ycd_portal::{orders, tokens};
use ycd_portal_api::wire::{
    orders::PublicStatus,
    unlock::{UnlockMethod, Unlocked},
};

use crate::{
    common::Dice,
    world::{Applicant, Claim, Release, TOKEN_ID, Token, World},
};

const TRIES: u8 = 5;

/// The token as it is in the hand.
struct InHand {
    token: Token,
    so_pin: SoPin,
    retry_counter: u8,
    /// The order under which the user PIN was set; none: locked.
    user: Option<String>,
    /// Which of the two machines it is in.
    at: usize,
}

/// A process on a machine: what dies with it.
struct Process {
    release: Release,
    order: String,
    phase: Phase,
    /// Versions found wrong in this release.
    wrong: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It has the envelope.
    Envelope,
    /// SO login with this version.
    So(u32),
    /// The user PIN is set.
    Pin(u32),
    /// C_SetPIN has been called.
    Set,
}

/// What survives the process.
#[derive(Default)]
struct Journal {
    /// J(rotate).
    rotation: Option<u32>,
    /// J(pin).
    pin: Option<String>,
}

struct Walk<'a> {
    world: &'a World,
    dice: Dice,
    in_hand: InHand,
    readable: bool,
    machines: [(Option<Process>, Journal); 2],
    applicant: Applicant<'a>,
    locked_at_start: bool,
    /// Authorizations signed, delivered or not.
    signed: Vec<(String, Unlocked)>,
    /// Every SO PIN ever seen, by version.
    seen: BTreeMap<u32, SoPin>,
    completed: u32,
}

#[test]
fn whatever_is_lost_late_or_doubled_the_portal_knows_the_so_pin_and_completes_nothing_falsely() {
    let mut ended = (0, 0);
    for (seed, readable) in [(11, true), (23, false), (37, true), (41, false), (53, true), (67, false)] {
        let world = World::new();
        let mut walk = Walk::begin(&world, seed, readable);
        for _ in 0..60 {
            walk.step();
            walk.holds();
        }
        ended.0 += walk.completed;
        ended.1 += u32::from(walk.finish());
    }
    assert!(ended.0 >= 2 && ended.1 >= 1, "the walks come to nothing: {ended:?}");
}

impl<'a> Walk<'a> {
    fn begin(world: &'a World, seed: u64, readable: bool) -> Self {
        let token = world.personalized(TOKEN_ID, UnlockMethod::SoPin);
        let applicant = world.open(&token);
        let so_pin = token.so_pin.clone();
        let seen = BTreeMap::from([(1, so_pin.clone())]);
        let in_hand = InHand { token, so_pin, retry_counter: TRIES, user: None, at: 0 };
        Self {
            world,
            dice: Dice(seed),
            in_hand,
            readable,
            machines: Default::default(),
            applicant,
            locked_at_start: true,
            signed: Vec::new(),
            seen,
            completed: 0,
        }
    }

    fn step(&mut self) {
        match self.dice.throw(20) {
            0 => self.machines[0].0 = None,
            1 => self.machines[1].0 = None,
            2 => {
                self.pull();
                self.in_hand.at = 1 - self.in_hand.at;
            }
            3 => self.ten_minutes(),
            4 if self.dice.throw(3) == 0 => self.next_order(),
            5 if !self.signed.is_empty() => {
                let count = u8::try_from(self.signed.len()).unwrap();
                let which = usize::from(self.dice.throw(count));
                self.deliver(which);
            }
            6 => self.works_already(),
            _ => self.proceed(),
        }
        if self.public_status() == PublicStatus::Completed && self.dice.throw(2) == 0 {
            self.next_order();
        }
    }

    fn public_status(&self) -> PublicStatus {
        self.world.run(async {
            let mut db = self.world.portal.db().read().await.unwrap();
            orders::load(&mut db, &self.applicant.no).await.unwrap().state
        })
    }

    /// Out of the port: logins are gone, the envelope is not.
    fn pull(&mut self) {
        if let Some(process) = &mut self.machines[self.in_hand.at].0 {
            process.phase = Phase::Envelope;
        }
    }

    fn ten_minutes(&mut self) {
        self.world.advance(Duration::minutes(10));
        for (process, _) in &mut self.machines {
            if process.as_ref().is_some_and(|process| process.phase == Phase::Envelope) {
                *process = None;
            }
        }
        self.applicant = self.world.open(&self.in_hand.token);
    }

    /// The order is called off where it is open; later the token is locked again, or its PIN forgotten.
    fn next_order(&mut self) {
        for (process, _) in &mut self.machines {
            *process = None;
        }
        let mut unlock_request = self.world.unlock_request(&self.in_hand.token);
        if self.public_status() != PublicStatus::Completed {
            let current = self.world.open(&self.in_hand.token);
            current.client.cancel_unlock(&current.no).unwrap();
            unlock_request = self.world.unlock_request(&self.in_hand.token);
        }
        if self.in_hand.user.is_none() || self.dice.throw(2) == 0 {
            self.in_hand.user = None;
        }
        unlock_request.locked = self.in_hand.user.is_none();
        self.locked_at_start = unlock_request.locked;
        self.applicant =
            Applicant::new(self.world, self.world.client().open_unlock(&unlock_request).unwrap());
    }

    /// What the process on the machine that holds the token does next.
    fn proceed(&mut self) {
        let at = self.in_hand.at;
        let phase = self.machines[at].0.as_ref().map(|process| process.phase);
        match phase {
            None => self.ask(),
            Some(Phase::Envelope) => {
                let (process, journal) = &self.machines[at];
                let context = &process.as_ref().unwrap().release.context;
                let (current, next) = (context.current_version, context.next_version);
                let guess = if journal.rotation == Some(next) { next } else { current };
                let wrong = &process.as_ref().unwrap().wrong;
                let guess = if wrong.contains(&guess) { current + next - guess } else { guess };
                self.so_login(guess);
            }
            Some(Phase::So(version)) => {
                let (process, journal) = &mut self.machines[at];
                let process = process.as_mut().unwrap();
                self.in_hand.user = Some(process.order.clone());
                process.phase = Phase::Pin(version);
                // Now and then it dies between the call and the record.
                if self.dice.throw(6) == 0 {
                    self.machines[at].0 = None;
                } else {
                    journal.pin = Some(process.order.clone());
                }
            }
            Some(Phase::Pin(version)) => {
                let (process, journal) = &mut self.machines[at];
                let process = process.as_mut().unwrap();
                let next = process.release.context.next_version;
                if version == next {
                    return self.sign(version);
                }
                journal.rotation = Some(next);
                // Acts or does not, says so or does not, lies.
                if self.dice.throw(3) > 0 {
                    self.in_hand.so_pin = process.release.so_pins().next.clone();
                }
                process.phase = if self.dice.throw(4) > 0 { Phase::Set } else { Phase::Envelope };
            }
            Some(Phase::Set) => {
                let next = self.machines[at].0.as_ref().unwrap().release.context.next_version;
                self.so_login(next);
                if let Some(process) = &mut self.machines[at].0
                    && process.phase == Phase::So(next)
                {
                    process.phase = Phase::Pin(next);
                }
            }
        }
    }

    fn ask(&mut self) {
        let host = KeyPair::generate().unwrap();
        let mut request = self.applicant.request(&self.in_hand.token, &host);
        request.so_pin_retry_counter = if self.readable {
            SoPinRetryCounter::Exactly(self.in_hand.retry_counter)
        } else {
            SoPinRetryCounter::Unreadable
        };
        let answer = match self.applicant.send(&request) {
            Ok(answer) => answer,
            Err(error) => {
                let code = error.code();
                let expected =
                    ["unlock.releases_used_up", "unlock.so_pin_retry_counter_low", "unlock.not_ready"];
                assert!(expected.contains(&code), "{code}");
                return;
            }
        };
        let context = self.world.verified(ycd_pki::unlock::Purpose::Unlock, &answer);
        let release = Release { context, answer, host };
        // Every sealed envelope brings the same PINs under the same versions.
        let pins = release.so_pins();
        for (version, pin) in
            [(release.context.current_version, pins.current), (release.context.next_version, pins.next)]
        {
            assert_eq!(*self.seen.entry(version).or_insert_with(|| pin.clone()), pin, "version {version}");
        }
        // The answer is lost, sometimes.
        if self.dice.throw(4) > 0 {
            let order = self.applicant.no.clone();
            let process = Process { release, order, phase: Phase::Envelope, wrong: Vec::new() };
            self.machines[self.in_hand.at].0 = Some(process);
        }
    }

    /// One SO login by the host's rules: tries, and the portal's word.
    fn so_login(&mut self, version: u32) {
        let at = self.in_hand.at;
        let process = self.machines[at].0.as_ref().unwrap();
        let needed = 3 - u8::try_from(process.wrong.len()).unwrap();
        let alive = process.order == self.applicant.no && self.alive(process.release.context.release);
        if (self.readable && self.in_hand.retry_counter < needed) || !alive {
            self.machines[at].0 = None;
            return;
        }
        let process = self.machines[at].0.as_mut().unwrap();
        if self.seen[&version] == self.in_hand.so_pin {
            self.in_hand.retry_counter = TRIES;
            process.wrong.clear();
            process.phase = Phase::So(version);
            return;
        }
        self.in_hand.retry_counter -= 1;
        process.wrong.push(version);
        assert!(process.wrong.len() < 2, "two wrong SO PINs in a row in one release");
        process.phase = Phase::Envelope;
    }

    fn alive(&self, release: u32) -> bool {
        match self.applicant.liveness(release) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.code(), "unlock.release_stale");
                false
            }
        }
    }

    fn works_already(&mut self) {
        let knows = self.locked_at_start
            || self.machines[self.in_hand.at].1.pin.as_deref() == Some(self.applicant.no.as_str());
        let order = self.public_status();
        let newest = self.applicant.order().newest_release;
        if self.in_hand.user.is_some() && knows && newest > 0 && order == PublicStatus::AwaitingUnlock {
            let proof = self.in_hand.token.proof(self.world, &self.applicant, &Claim::works_already(newest));
            self.signed.push((self.applicant.no.clone(), proof));
        }
    }

    fn sign(&mut self, version: u32) {
        let process = self.machines[self.in_hand.at].0.take().unwrap();
        if process.order == self.applicant.no && self.public_status() == PublicStatus::AwaitingUnlock {
            let claim = process.release.claim(version);
            let proof = self.in_hand.token.proof(self.world, &self.applicant, &claim);
            self.signed.push((process.order, proof));
            if self.dice.throw(2) == 0 {
                self.deliver(self.signed.len() - 1);
            }
        }
    }

    fn deliver(&mut self, which: usize) {
        let (order, proof) = &self.signed[which];
        let open = *order == self.applicant.no && self.public_status() == PublicStatus::AwaitingUnlock;
        match self.applicant.client.unlocked(order, proof) {
            Ok(view) if open => {
                assert_eq!(view.state, PublicStatus::Completed);
                // U3
                assert_eq!(self.in_hand.user.as_deref(), Some(order.as_str()), "completed under another PIN");
                self.completed += 1;
            }
            Ok(view) => assert_eq!(view.state, PublicStatus::Completed),
            Err(error) => {
                let expected = ["unlock.order_other", "attempt.nonce_invalid", "auth.session_expired"];
                assert!(expected.contains(&error.code()), "{}", error.code());
            }
        }
    }

    fn holds(&self) {
        let token = self.world.run(async {
            let mut db = self.world.portal.db().read().await.unwrap();
            tokens::load(&mut db, TOKEN_ID).await.unwrap()
        });
        let next_version = token.next.as_ref().map(|next| next.version);
        let kept = [Some(token.current_version()), next_version];
        // U1
        assert!(
            kept.into_iter().flatten().any(|version| self.seen.get(&version) == Some(&self.in_hand.so_pin)),
            "the SO PIN on the token is none of those kept: {kept:?}"
        );
        assert!(next_version.is_none_or(|next| next == token.current_version() + 1));
        // U2
        assert!(self.in_hand.retry_counter > 0, "the token is dead");
        // What the portal counts is never less than what was lost.
        assert!(u32::from(TRIES - self.in_hand.retry_counter) <= token.unproven_releases);
    }

    /// U4: without further faults the order is completed, or what is spent is spent. Whether it was completed.
    fn finish(&mut self) -> bool {
        for (process, _) in &mut self.machines {
            *process = None;
        }
        if self.public_status() == PublicStatus::Completed {
            self.next_order();
        } else {
            self.applicant = self.world.open(&self.in_hand.token);
        }
        if self.applicant.order().releases_left == 0 {
            self.world.operator().grant_releases(&self.applicant.no).unwrap();
        }
        let mut request = self.applicant.request(&self.in_hand.token, &KeyPair::generate().unwrap());
        request.so_pin_retry_counter = SoPinRetryCounter::Exactly(self.in_hand.retry_counter);
        if self.in_hand.retry_counter < 3 {
            // The operator has a try for each version kept.
            assert!(self.in_hand.retry_counter >= 2);
            assert_eq!(self.applicant.send(&request).unwrap_err().code(), "unlock.so_pin_retry_counter_low");
            return false;
        }
        let release = self.applicant.release(&self.in_hand.token);
        let pins = release.so_pins();
        assert!(self.in_hand.so_pin == pins.current || self.in_hand.so_pin == pins.next);
        self.in_hand.so_pin = pins.next;
        let claim = release.claim(release.context.next_version);
        let order = self.applicant.unlocked(&self.in_hand.token, &claim).unwrap();
        assert_eq!(order.state, PublicStatus::Completed);
        let record = self.world.operator().token_record(TOKEN_ID).unwrap();
        assert_eq!((record.current_version, record.next_version), (release.context.next_version, None));
        true
    }
}
