//! A key that somebody has locked, and what must be true of it afterwards.

use std::panic::{AssertUnwindSafe, catch_unwind};

use time::Duration as Span;
use ycd_flows::{
    UnlockError,
    unlock::{Options, Outcome},
};
use ycd_portal_api::wire::{
    keys::KeyRecord,
    operator::OperatorOrder,
    orders::{OrderKind, OrderQuery, OrderState},
};
use ycd_softkey::admin;
use ycd_tests::{
    cut::{Between, Crash},
    person::UnlockScript,
    world::{IssuedKey, Machine, Maker, World},
};
use ycd_token::{Pin, Token as _, TokenError, Unlocker};

pub const NEW: &str = "271828";

pub struct Scene {
    pub world: World,
    pub key: IssuedKey,
    pub machine: Machine,
}

/// A key whose PIN is locked by wrong tries, inserted, and a machine.
pub fn locked() -> Scene {
    let scene = unlocked();
    scene.lock();
    scene
}

/// A key in working order, inserted, and a machine.
pub fn unlocked() -> Scene {
    of(&Maker::default())
}

pub fn of(maker: &Maker) -> Scene {
    let world = World::new();
    let key = world.issued_key(maker);
    world.insert(&key.serial_number);
    let machine = world.machine("a");
    Scene { world, key, machine }
}

impl Scene {
    /// Wrong PINs until the key is locked.
    pub fn lock(&self) {
        let mut keys = self.world.machine("whoever-locked-it").keys;
        let wrong = Pin::new("99999999");
        for _ in 0..20 {
            match keys.login(&self.key.key_id, &wrong) {
                Err(TokenError::PinIncorrect { .. }) => {}
                Err(TokenError::PinLocked) => return,
                other => panic!("{other:?}"),
            }
        }
        panic!("the key does not lock");
    }

    /// The applicant, with the phone that the key is bound to, who wants [`NEW`].
    pub fn person(&self) -> UnlockScript {
        // A minute must lie between two codes.
        self.world.time_passes(Span::seconds(61));
        UnlockScript::new(self.world.phone(&self.key.phone), NEW)
    }

    pub fn unlock(&mut self) -> Result<Outcome, UnlockError> {
        let mut person = self.person();
        self.unlock_by(&mut person)
    }

    pub fn unlock_by(&mut self, person: &mut UnlockScript) -> Result<Outcome, UnlockError> {
        let portal = self.world.visitor();
        self.machine.unlock(&portal, person)
    }

    pub fn unlock_with(
        &mut self,
        person: &mut UnlockScript,
        options: Options,
    ) -> Result<Outcome, UnlockError> {
        let portal = self.world.visitor();
        self.machine.unlock_with(&portal, person, options)
    }

    /// Runs until the process ends at this cut; tells whether it did. What the flow's process held is gone afterwards,
    /// driver hosts and all.
    pub fn crash(
        &mut self,
        person: &mut UnlockScript,
        between: impl FnOnce(&mut ycd_token::Keys) -> Between<'_>,
    ) -> bool {
        let portal = self.world.visitor();
        let machine = &mut self.machine;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            machine.unlock_through(&portal, person, |keys| {
                let boxed: Box<dyn Unlocker + '_> = Box::new(between(keys));
                boxed
            })
        }));
        let crashed = match outcome {
            Ok(_) => false,
            Err(cause) if cause.is::<Crash>() => true,
            Err(cause) => std::panic::resume_unwind(cause),
        };
        self.machine = self.world.machine("a");
        crashed
    }

    pub fn record(&self) -> KeyRecord {
        self.world.operator().key_record(self.key.key_id.as_str()).unwrap()
    }

    /// All unlock orders of the key, newest first.
    pub fn orders(&self) -> Vec<OperatorOrder> {
        let operator = self.world.operator();
        let found = operator.operator_orders(&OrderQuery::default()).unwrap().page.items;
        let ours = |kind, key: &str| kind == OrderKind::Unlock && key == self.key.key_id.as_str();
        found
            .iter()
            .filter(|order| ours(order.kind, &order.key_id))
            .map(|order| operator.operator_order(&order.no).unwrap())
            .collect()
    }

    pub fn so_tries(&self) -> (u32, u32) {
        let keys = admin::list(self.world.keys_folder()).unwrap();
        let key = keys.iter().find(|key| key.serial_number == self.key.serial_number).unwrap();
        (key.so_pin_tries_left, key.so_pin_tries_max)
    }

    /// The PIN works, the certificate's key signs with it, no try of the SO PIN is lost, the newest order is completed.
    pub fn is_well(&mut self, pin: &str) {
        let key = &self.key.key_id;
        self.machine.keys.login(key, &Pin::new(pin)).expect("the new PIN works");
        let contents = self.machine.keys.read(key).unwrap();
        assert_eq!(contents.containers.len(), 1, "the key pair is there: {contents:?}");
        let container = &contents.containers[0];
        assert_eq!((container.pair, container.certificates.len()), (ycd_token::Pair::Whole, 1));
        let signer = container.spki.clone().unwrap();
        let subject = ycd_pki::name::Name::china().to_der().unwrap();
        self.machine.keys.sign_request(key, &signer, &subject).expect("it signs");
        self.machine.keys.logout(key).unwrap();
        let (left, max) = self.so_tries();
        assert_eq!(left, max, "tries of the SO PIN");
        assert_eq!(self.orders()[0].order.summary.state, OrderState::Completed);
    }
}

pub fn unlocked_order(outcome: Result<Outcome, UnlockError>) -> String {
    match outcome {
        Ok(Outcome::Unlocked { order, .. }) => order,
        other => panic!("{other:?}"),
    }
}

pub fn code(outcome: Result<Outcome, UnlockError>) -> String {
    match outcome {
        Err(error) => error.code().to_owned(),
        Ok(outcome) => panic!("{outcome:?}"),
    }
}
