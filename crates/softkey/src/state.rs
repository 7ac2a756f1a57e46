//! The state of one token: who it is, its PINs, whether it is inserted, what lies on it.

use serde::{Deserialize, Serialize};

use crate::emulation::VendorEmulation;
use crate::error::{Error, Result};
use crate::object::{MAX_OBJECT_LEN, MAX_OBJECTS, Object};
use crate::pin::{INITIAL_PIN, Pin, PinLimits, PinSlot, Role};
use crate::store::seal::{Kdf, StorageKey};
use crate::unblock::UnblockSlot;

/// All but the objects.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Head {
    pub serial_number: String,
    /// Of the PKCS#11 module; never changes.
    pub slot: u32,
    pub label: String,
    pub manufacturer: String,
    pub model: String,
    pub inserted: bool,
    /// How often it was inserted: a login ends with its insertion.
    pub insertions: u64,
    /// How often it was initialized: what was sealed before is gone.
    #[serde(alias = "initialisations")]
    pub initializations: u64,
    /// Room for key pairs.
    pub containers: u32,
    /// Room taken, kept with every write so that it is told without reading the objects.
    #[serde(default)]
    pub containers_used: u32,
    pub pin_limits: PinLimits,
    pub kdf: Kdf,
    pub user: PinSlot,
    pub so: PinSlot,
    pub next_handle: u32,
    /// The insertion is one into a reader: it ends with the process that is the card there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_reader: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unblock: Option<UnblockSlot>,
    /// The token model it passes for.
    #[serde(default, alias = "wardrobe", skip_serializing_if = "VendorEmulation::is_own")]
    pub emulation: VendorEmulation,
}

impl Head {
    pub fn pin(&self, role: Role) -> &PinSlot {
        match role {
            Role::User => &self.user,
            Role::So => &self.so,
        }
    }

    fn pin_mut(&mut self, role: Role) -> &mut PinSlot {
        match role {
            Role::User => &mut self.user,
            Role::So => &mut self.so,
        }
    }

    /// Takes one try, before the PIN is looked at. The caller writes this down before it goes on.
    pub fn spend_try(&mut self, role: Role) -> Result<()> {
        self.pin_mut(role).spend_try()
    }

    /// The storage key, if the PIN is right; all tries are then given back.
    pub fn open_storage_key(&mut self, role: Role, pin: &Pin) -> Result<StorageKey> {
        let (kdf, context) = (self.kdf, self.context(role));
        self.pin_mut(role).open(kdf, pin, &context)
    }

    /// Sets a PIN and gives it all its tries.
    pub fn set_pin(&mut self, role: Role, pin: &Pin, key: &StorageKey) -> Result<()> {
        self.check_pin(pin)?;
        let (kdf, context) = (self.kdf, self.context(role));
        let slot = self.pin_mut(role);
        slot.set(kdf, pin, &context, key)?;
        slot.initial = role == Role::User && pin.expose() == INITIAL_PIN.as_bytes();
        Ok(())
    }

    /// Whether it may become a PIN of this token.
    pub fn check_pin(&self, pin: &Pin) -> Result<()> {
        self.pin_limits.check(pin)?;
        self.emulation.check_pin(pin)
    }

    fn context(&self, role: Role) -> Vec<u8> {
        format!("ycd-softkey-pin-v1 {} {} {}", self.serial_number, self.initializations, role.name())
            .into_bytes()
    }
}

/// One whole state.
#[derive(Clone)]
pub struct State {
    pub head: Head,
    pub objects: Vec<Object>,
}

impl State {
    pub fn object_mut(&mut self, handle: u32) -> Result<&mut Object> {
        self.objects.iter_mut().find(|o| o.handle == handle).ok_or(Error::NoSuchObject)
    }

    /// Adds an object, sealed, if there is room; gives its handle.
    pub fn add(&mut self, mut object: Object, key: Option<&StorageKey>) -> Result<u32> {
        if self.objects.len() >= MAX_OBJECTS
            || object.len() > MAX_OBJECT_LEN
            || !self.has_capacity_for(&object)
        {
            return Err(Error::NoFreeCapacity);
        }
        object.handle = self.head.next_handle;
        if object.private {
            object = object.sealed(&self.head.serial_number, key.ok_or(Error::NotLoggedIn)?)?;
        }
        let handle = object.handle;
        self.head.next_handle = handle.checked_add(1).ok_or(Error::NoFreeCapacity)?;
        self.objects.push(object);
        Ok(handle)
    }

    pub fn remove(&mut self, handle: u32) -> Result<()> {
        let at = self.objects.iter().position(|o| o.handle == handle).ok_or(Error::NoSuchObject)?;
        self.objects.remove(at);
        Ok(())
    }

    /// Erases everything but the SO PIN, the unblock key too; `so_pin` has been found right.
    pub fn initialize(&mut self, so_pin: &Pin, label: String) -> Result<()> {
        self.objects.clear();
        self.head.initializations += 1;
        self.head.label = label;
        self.head.unblock = None;
        self.head.user = PinSlot::unset(self.head.user.retry_limit);
        let key = StorageKey::random()?;
        let (kdf, context) = (self.head.kdf, self.head.context(Role::So));
        self.head.so.set(kdf, so_pin, &context, &key)
    }

    /// Key pairs, complete or orphaned: each takes the free capacity of one.
    pub fn containers_used(&self) -> u32 {
        u32::try_from(self.points().len()).unwrap_or(u32::MAX)
    }

    fn has_capacity_for(&self, object: &Object) -> bool {
        let Some(key) = object.key_half() else { return true };
        let points = self.points();
        points.contains(&key.point.as_slice()) || points.len() < self.head.containers as usize
    }

    fn points(&self) -> Vec<&[u8]> {
        let mut points: Vec<&[u8]> =
            self.objects.iter().filter_map(|o| o.key_half().map(|k| k.point.as_slice())).collect();
        points.sort_unstable();
        points.dedup();
        points
    }
}
