//! Two machines, one key, messages lost, late and doubled, processes that die anywhere: what the protocol's model proves
//! of the portal holds here too. The key and the hosts are simulated, the portal is real.

use std::collections::BTreeMap;

use time::Duration;
use ycd_pki::{
    KeyPair,
    unlock::{SoPin, SoTries},
};
use ycd_portal::{keys, orders};
use ycd_portal_api::wire::{
    orders::OrderState,
    unlock::{Road, Unlocked},
};

use crate::{
    common::Dice,
    world::{Claim, KEY_ID, Key, Release, Work, World},
};

const TRIES: u8 = 5;

/// The key as it is in the hand.
struct Token {
    key: Key,
    so_pin: SoPin,
    tries: u8,
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
    /// It has the box.
    Box,
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
    token: Token,
    readable: bool,
    machines: [(Option<Process>, Journal); 2],
    work: Work<'a>,
    locked_at_start: bool,
    /// Statements signed, delivered or not.
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
        let key = world.produced(KEY_ID, Road::Wrapped);
        let work = world.open(&key);
        let so_pin = key.so_pin.clone();
        let seen = BTreeMap::from([(1, so_pin.clone())]);
        let token = Token { key, so_pin, tries: TRIES, user: None, at: 0 };
        Self {
            world,
            dice: Dice(seed),
            token,
            readable,
            machines: Default::default(),
            work,
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
                self.token.at = 1 - self.token.at;
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
        if self.order_state() == OrderState::Completed && self.dice.throw(2) == 0 {
            self.next_order();
        }
    }

    fn order_state(&self) -> OrderState {
        self.world.run(async {
            let mut db = self.world.portal.db().read().await.unwrap();
            orders::load(&mut db, &self.work.no).await.unwrap().state
        })
    }

    /// Out of the port: logins are gone, the box is not.
    fn pull(&mut self) {
        if let Some(process) = &mut self.machines[self.token.at].0 {
            process.phase = Phase::Box;
        }
    }

    fn ten_minutes(&mut self) {
        self.world.advance(Duration::minutes(10));
        for (process, _) in &mut self.machines {
            if process.as_ref().is_some_and(|process| process.phase == Phase::Box) {
                *process = None;
            }
        }
        self.work = self.world.open(&self.token.key);
    }

    /// The order is called off where it is open; later the key is locked again, or its PIN forgotten.
    fn next_order(&mut self) {
        for (process, _) in &mut self.machines {
            *process = None;
        }
        let mut opening = self.world.opening(&self.token.key);
        if self.order_state() != OrderState::Completed {
            let current = self.world.open(&self.token.key);
            current.client.cancel_unlock(&current.no).unwrap();
            opening = self.world.opening(&self.token.key);
        }
        if self.token.user.is_none() || self.dice.throw(2) == 0 {
            self.token.user = None;
        }
        opening.locked = self.token.user.is_none();
        self.locked_at_start = opening.locked;
        self.work = Work::new(self.world, self.world.client().open_unlock(&opening).unwrap());
    }

    /// What the process on the machine that holds the key does next.
    fn proceed(&mut self) {
        let at = self.token.at;
        let phase = self.machines[at].0.as_ref().map(|process| process.phase);
        match phase {
            None => self.ask(),
            Some(Phase::Box) => {
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
                self.token.user = Some(process.order.clone());
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
                    self.token.so_pin = process.release.so_pins().next.clone();
                }
                process.phase = if self.dice.throw(4) > 0 { Phase::Set } else { Phase::Box };
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
        let mut request = self.work.request(&self.token.key, &host);
        request.so_tries =
            if self.readable { SoTries::Exactly(self.token.tries) } else { SoTries::Unreadable };
        let answer = match self.work.send(&request) {
            Ok(answer) => answer,
            Err(error) => {
                let code = error.code();
                let expected = ["unlock.releases_used_up", "unlock.so_tries_low", "unlock.not_ready"];
                assert!(expected.contains(&code), "{code}");
                return;
            }
        };
        let context = self.world.verified(ycd_pki::unlock::Purpose::Unlock, &answer);
        let release = Release { context, answer, host };
        // Every box brings the same PINs under the same versions.
        let pins = release.so_pins();
        for (version, pin) in
            [(release.context.current_version, pins.current), (release.context.next_version, pins.next)]
        {
            assert_eq!(*self.seen.entry(version).or_insert_with(|| pin.clone()), pin, "version {version}");
        }
        // The answer is lost, sometimes.
        if self.dice.throw(4) > 0 {
            let order = self.work.no.clone();
            let process = Process { release, order, phase: Phase::Box, wrong: Vec::new() };
            self.machines[self.token.at].0 = Some(process);
        }
    }

    /// One SO login by the host's rules: tries, and the portal's word.
    fn so_login(&mut self, version: u32) {
        let at = self.token.at;
        let process = self.machines[at].0.as_ref().unwrap();
        let needed = 3 - u8::try_from(process.wrong.len()).unwrap();
        let alive = process.order == self.work.no && self.alive(process.release.context.release);
        if (self.readable && self.token.tries < needed) || !alive {
            self.machines[at].0 = None;
            return;
        }
        let process = self.machines[at].0.as_mut().unwrap();
        if self.seen[&version] == self.token.so_pin {
            self.token.tries = TRIES;
            process.wrong.clear();
            process.phase = Phase::So(version);
            return;
        }
        self.token.tries -= 1;
        process.wrong.push(version);
        assert!(process.wrong.len() < 2, "two wrong SO PINs in a row in one release");
        process.phase = Phase::Box;
    }

    fn alive(&self, release: u32) -> bool {
        match self.work.alive(release) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.code(), "unlock.release_stale");
                false
            }
        }
    }

    fn works_already(&mut self) {
        let knows = self.locked_at_start
            || self.machines[self.token.at].1.pin.as_deref() == Some(self.work.no.as_str());
        let order = self.order_state();
        let newest = self.work.order().newest_release;
        if self.token.user.is_some() && knows && newest > 0 && order == OrderState::AwaitingUnlock {
            let proof = self.token.key.proof(self.world, &self.work, &Claim::works_already(newest));
            self.signed.push((self.work.no.clone(), proof));
        }
    }

    fn sign(&mut self, version: u32) {
        let process = self.machines[self.token.at].0.take().unwrap();
        if process.order == self.work.no && self.order_state() == OrderState::AwaitingUnlock {
            let claim = process.release.claim(version);
            let proof = self.token.key.proof(self.world, &self.work, &claim);
            self.signed.push((process.order, proof));
            if self.dice.throw(2) == 0 {
                self.deliver(self.signed.len() - 1);
            }
        }
    }

    fn deliver(&mut self, which: usize) {
        let (order, proof) = &self.signed[which];
        let open = *order == self.work.no && self.order_state() == OrderState::AwaitingUnlock;
        match self.work.client.unlocked(order, proof) {
            Ok(view) if open => {
                assert_eq!(view.state, OrderState::Completed);
                // U3
                assert_eq!(self.token.user.as_deref(), Some(order.as_str()), "completed under another PIN");
                self.completed += 1;
            }
            Ok(view) => assert_eq!(view.state, OrderState::Completed),
            Err(error) => {
                let expected = ["unlock.order_other", "attempt.nonce_invalid", "auth.session_expired"];
                assert!(expected.contains(&error.code()), "{}", error.code());
            }
        }
    }

    fn holds(&self) {
        let key = self.world.run(async {
            let mut db = self.world.portal.db().read().await.unwrap();
            keys::load(&mut db, KEY_ID).await.unwrap()
        });
        let next_version = key.next.as_ref().map(|next| next.version);
        let kept = [Some(key.current_version()), next_version];
        // U1
        assert!(
            kept.into_iter().flatten().any(|version| self.seen.get(&version) == Some(&self.token.so_pin)),
            "the SO PIN on the key is none of those kept: {kept:?}"
        );
        assert!(next_version.is_none_or(|next| next == key.current_version() + 1));
        // U2
        assert!(self.token.tries > 0, "the key is dead");
        // What the portal counts is never less than what was lost.
        assert!(u32::from(TRIES - self.token.tries) <= key.unproven_releases);
    }

    /// U4: without further faults the order is completed, or what is spent is spent. Whether it was completed.
    fn finish(&mut self) -> bool {
        for (process, _) in &mut self.machines {
            *process = None;
        }
        if self.order_state() == OrderState::Completed {
            self.next_order();
        } else {
            self.work = self.world.open(&self.token.key);
        }
        if self.work.order().releases_left == 0 {
            self.world.operator().grant_releases(&self.work.no).unwrap();
        }
        let mut request = self.work.request(&self.token.key, &KeyPair::generate().unwrap());
        request.so_tries = SoTries::Exactly(self.token.tries);
        if self.token.tries < 3 {
            // The operator has a try for each version kept.
            assert!(self.token.tries >= 2);
            assert_eq!(self.work.send(&request).unwrap_err().code(), "unlock.so_tries_low");
            return false;
        }
        let release = self.work.release(&self.token.key);
        let pins = release.so_pins();
        assert!(self.token.so_pin == pins.current || self.token.so_pin == pins.next);
        self.token.so_pin = pins.next;
        let claim = release.claim(release.context.next_version);
        let order = self.work.unlocked(&self.token.key, &claim).unwrap();
        assert_eq!(order.state, OrderState::Completed);
        let record = self.world.operator().key_record(KEY_ID).unwrap();
        assert_eq!((record.current_version, record.next_version), (release.context.next_version, None));
        true
    }
}
