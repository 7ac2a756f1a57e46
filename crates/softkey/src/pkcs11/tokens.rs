//! Slots, and the sessions on them.

use std::collections::BTreeMap;

use cryptoki_sys::*;

use super::mechanism::{DigestOperation, SignatureOperation};
use super::{Rv, abi, rv};
use crate::emulation::VendorEmulation;
use crate::error::Error;
use crate::object::Object;
use crate::pin::Role;
use crate::soft_token::{Login, SoftToken};
use crate::state::Head;
use crate::store::Folder;

/// Handles of session objects lie above all those of token objects.
const FIRST_SESSION_OBJECT: u32 = 0x4000_0000;
/// Sessions of one application.
const MAX_SESSIONS: usize = 4096;

pub struct Tokens {
    folder: Folder,
    slots: BTreeMap<CK_SLOT_ID, Slot>,
    sessions: BTreeMap<CK_SESSION_HANDLE, Session>,
    last_session: CK_SESSION_HANDLE,
}

/// A slot is a token, inserted or not.
pub struct Slot {
    pub serial_number: String,
    pub token: SoftToken,
    pub login: Option<Login>,
    pub session_objects: Vec<SessionObject>,
    last_session_object: u32,
    /// Insertion as `C_WaitForSlotEvent` told it last: whether, and for which time.
    told: (bool, u64),
}

pub struct SessionObject {
    pub owner: CK_SESSION_HANDLE,
    pub object: Object,
}

pub struct Session {
    pub slot: CK_SLOT_ID,
    pub read_write: bool,
    insertions: u64,
    initializations: u64,
    /// The token was pulled while it was open.
    dead: bool,
    pub found: Option<std::vec::IntoIter<CK_OBJECT_HANDLE>>,
    pub digest: Option<DigestOperation>,
    pub sign: Option<SignatureOperation>,
    pub verify: Option<SignatureOperation>,
}

impl Tokens {
    pub fn new(folder: Folder) -> Self {
        let mut tokens = Self { folder, slots: BTreeMap::new(), sessions: BTreeMap::new(), last_session: 0 };
        // What is there now is no event; a folder that cannot be read is told by the calls that need it.
        if tokens.scan().is_ok() {
            tokens.slots.values_mut().for_each(|slot| slot.told = slot.insertion());
        }
        tokens
    }

    /// Looks for tokens that are new in the folder, and forgets those whose files are gone. A damaged file is no slot.
    fn scan(&mut self) -> Rv {
        let serials = self.folder.serial_numbers().map_err(rv)?;
        self.slots.retain(|_, slot| serials.contains(&slot.serial_number));
        for serial in serials {
            if self.slots.values().any(|slot| slot.serial_number == serial) {
                continue;
            }
            let mut token = SoftToken::new(&self.folder, &serial);
            let Ok(head) = token.head() else { continue };
            let id = CK_SLOT_ID::from(head.slot);
            self.slots.entry(id).or_insert(Slot {
                serial_number: serial,
                token,
                login: None,
                session_objects: Vec::new(),
                last_session_object: FIRST_SESSION_OBJECT,
                told: (false, 0),
            });
        }
        Ok(())
    }

    /// Ids of all slots, or of those with a token in them.
    pub fn slot_ids(&mut self, inserted_only: bool) -> Rv<Vec<CK_SLOT_ID>> {
        self.scan()?;
        let slots = self.slots.iter_mut();
        Ok(slots.filter_map(|(id, s)| (!inserted_only || s.insertion().0).then_some(*id)).collect())
    }

    /// A slot whose insertion has changed since that was told last.
    pub fn slot_event(&mut self) -> Rv<Option<CK_SLOT_ID>> {
        self.scan()?;
        for (id, slot) in &mut self.slots {
            let now = slot.insertion();
            if now != slot.told {
                slot.told = now;
                return Ok(Some(*id));
            }
        }
        Ok(None)
    }

    pub fn slot(&mut self, id: CK_SLOT_ID) -> Rv<&mut Slot> {
        if !self.slots.contains_key(&id) {
            self.scan()?;
        }
        self.slots.get_mut(&id).ok_or(CKR_SLOT_ID_INVALID)
    }

    /// A slot with its token in it.
    pub fn token(&mut self, id: CK_SLOT_ID) -> Rv<(&mut Slot, Head)> {
        let slot = self.slot(id)?;
        match slot.token.head() {
            Ok(head) if head.inserted => {
                let head = head.clone();
                Ok((slot, head))
            }
            Ok(_) | Err(Error::Removed) => Err(CKR_TOKEN_NOT_PRESENT),
            Err(e) => Err(rv(e)),
        }
    }

    /// The serial number a call is about, for the rules of the control file.
    pub fn serial_of_slot(&self, id: CK_SLOT_ID) -> Option<String> {
        self.slots.get(&id).map(|slot| slot.serial_number.clone())
    }

    pub fn serial_of_session(&self, handle: CK_SESSION_HANDLE) -> Option<String> {
        self.serial_of_slot(self.sessions.get(&handle)?.slot)
    }

    pub fn serial_numbers(&self) -> Vec<String> {
        self.slots.values().map(|slot| slot.serial_number.clone()).collect()
    }

    pub fn open_session(&mut self, id: CK_SLOT_ID, read_write: bool) -> Rv<CK_SESSION_HANDLE> {
        self.token(id)?;
        self.bury(id)?;
        let (slot, head) = self.token(id)?;
        if !read_write && slot.login.as_ref().is_some_and(|l| l.role == Role::So) {
            return Err(CKR_SESSION_READ_WRITE_SO_EXISTS);
        }
        if self.sessions.len() >= MAX_SESSIONS {
            self.sessions.retain(|_, session| !session.dead);
        }
        if self.sessions.len() >= MAX_SESSIONS {
            return Err(CKR_SESSION_COUNT);
        }
        self.last_session += 1;
        self.sessions.insert(
            self.last_session,
            Session {
                slot: id,
                read_write,
                insertions: head.insertions,
                initializations: head.initializations,
                dead: false,
                found: None,
                digest: None,
                sign: None,
                verify: None,
            },
        );
        Ok(self.last_session)
    }

    /// An open session and its slot, if the token has not been pulled since it was opened. The call that notices is
    /// answered CKR_DEVICE_REMOVED, as are all while the token is out; afterwards the handle is no session.
    pub fn session(&mut self, handle: CK_SESSION_HANDLE) -> Rv<(&mut Slot, &mut Session)> {
        let session = self.sessions.get(&handle).ok_or(CKR_SESSION_HANDLE_INVALID)?;
        let (id, was_dead) = (session.slot, session.dead);
        let inserted = self.bury(id)?;
        if inserted && was_dead {
            self.sessions.remove(&handle);
        }
        let session = self.sessions.get_mut(&handle).ok_or(CKR_SESSION_HANDLE_INVALID)?;
        if session.dead {
            return Err(CKR_DEVICE_REMOVED);
        }
        Ok((self.slots.get_mut(&id).ok_or(CKR_DEVICE_REMOVED)?, session))
    }

    /// Ends all sessions and the login of a slot whose token was pulled or initialized since; tells whether a token is
    /// in it.
    fn bury(&mut self, id: CK_SLOT_ID) -> Rv<bool> {
        let Some(slot) = self.slots.get_mut(&id) else {
            self.sessions.values_mut().filter(|s| s.slot == id).for_each(|s| s.dead = true);
            return Ok(false);
        };
        let now = match slot.token.head() {
            Ok(head) => Some((head.inserted, head.insertions, head.initializations)),
            Err(Error::Removed) => None,
            Err(e) => return Err(rv(e)),
        };
        let inserted = now.is_some_and(|(inserted, ..)| inserted);
        if slot.login.as_ref().is_some_and(|l| !slot.token.head().is_ok_and(|head| l.is_good_for(head))) {
            slot.login = None;
        }
        for (handle, session) in self.sessions.iter_mut().filter(|(_, s)| s.slot == id) {
            if now != Some((true, session.insertions, session.initializations)) {
                session.dead = true;
                slot.session_objects.retain(|o| o.owner != *handle);
            }
        }
        Ok(inserted)
    }

    pub fn close_session(&mut self, handle: CK_SESSION_HANDLE) -> Rv {
        let outcome = self.session(handle).map(|_| ());
        if let Some(session) = self.sessions.remove(&handle) {
            let last = !self.has_sessions(session.slot);
            if let Some(slot) = self.slots.get_mut(&session.slot) {
                slot.session_objects.retain(|o| o.owner != handle);
                if last {
                    slot.login = None;
                }
            }
        }
        outcome
    }

    pub fn close_sessions(&mut self, id: CK_SLOT_ID) -> Rv {
        self.slot(id)?;
        self.sessions.retain(|_, session| session.slot != id);
        let slot = self.slot(id)?;
        slot.session_objects.clear();
        slot.login = None;
        Ok(())
    }

    /// Sessions that are alive.
    pub fn has_sessions(&self, id: CK_SLOT_ID) -> bool {
        self.sessions.values().any(|s| s.slot == id && !s.dead)
    }

    pub fn count_sessions(&self, id: CK_SLOT_ID, read_write_only: bool) -> usize {
        let alive = self.sessions.values().filter(|s| s.slot == id && !s.dead);
        alive.filter(|s| s.read_write || !read_write_only).count()
    }

    pub fn has_read_only_sessions(&self, id: CK_SLOT_ID) -> bool {
        self.sessions.values().any(|s| s.slot == id && !s.dead && !s.read_write)
    }

    /// Ends what private keys and private objects were taken into, in all sessions of a slot.
    pub fn end_private_work(&mut self, id: CK_SLOT_ID) {
        for session in self.sessions.values_mut().filter(|s| s.slot == id) {
            session.sign = None;
            session.found = None;
        }
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.session_objects.retain(|o| !o.object.private);
            slot.login = None;
        }
    }
}

impl Slot {
    /// Whether the token is in, and for which time.
    fn insertion(&mut self) -> (bool, u64) {
        match self.token.head() {
            Ok(head) if head.inserted => (true, head.insertions),
            // How often it was in before does not matter while it is out.
            _ => (false, 0),
        }
    }

    /// The token model that the token passes for now.
    pub fn emulation(&mut self) -> Rv<VendorEmulation> {
        Ok(self.token.head().map_err(rv)?.emulation.clone())
    }

    pub fn user_is_in(&self) -> bool {
        self.login.as_ref().is_some_and(|l| l.role == Role::User)
    }

    /// An object that may be seen now, and whether it is a token object.
    pub fn object(&mut self, handle: CK_OBJECT_HANDLE) -> Rv<(Object, bool)> {
        let user = self.user_is_in();
        let handle = u32::try_from(handle).map_err(|_| CKR_OBJECT_HANDLE_INVALID)?;
        let (found, token) = if handle > FIRST_SESSION_OBJECT {
            (self.session_objects.iter().map(|o| &o.object).find(|o| o.handle == handle), false)
        } else {
            (self.token.objects().map_err(rv)?.iter().find(|o| o.handle == handle), true)
        };
        let object = found.filter(|o| user || !o.private).ok_or(CKR_OBJECT_HANDLE_INVALID)?;
        Ok((object.clone(), token))
    }

    /// All objects that may be seen now, token objects first.
    pub fn visible(&mut self) -> Rv<Vec<(Object, bool)>> {
        let user = self.user_is_in();
        let mut all: Vec<_> = self.token.objects().map_err(rv)?.iter().map(|o| (o.clone(), true)).collect();
        all.extend(self.session_objects.iter().map(|o| (o.object.clone(), false)));
        all.retain(|(object, _)| user || !object.private);
        Ok(all)
    }

    pub fn add_session_object(&mut self, owner: CK_SESSION_HANDLE, mut object: Object) -> CK_OBJECT_HANDLE {
        self.last_session_object += 1;
        object.handle = self.last_session_object;
        self.session_objects.push(SessionObject { owner, object });
        CK_OBJECT_HANDLE::from(self.last_session_object)
    }
}

impl Session {
    pub fn state(&self, role: Option<Role>) -> CK_STATE {
        match (self.read_write, role) {
            (_, Some(Role::So)) => CKS_RW_SO_FUNCTIONS,
            (true, Some(Role::User)) => CKS_RW_USER_FUNCTIONS,
            (false, Some(Role::User)) => CKS_RO_USER_FUNCTIONS,
            (true, None) => CKS_RW_PUBLIC_SESSION,
            (false, None) => CKS_RO_PUBLIC_SESSION,
        }
    }
}

/// `CK_SLOT_INFO` of a slot.
pub fn slot_info(slot: &mut Slot) -> CK_SLOT_INFO {
    let (inserted, _) = slot.insertion();
    CK_SLOT_INFO {
        slotDescription: abi::padded(&format!("YCD softkey {}", slot.serial_number)),
        manufacturerID: abi::padded("YCD"),
        flags: CKF_REMOVABLE_DEVICE | CKF_HW_SLOT | if inserted { CKF_TOKEN_PRESENT } else { 0 },
        hardwareVersion: CK_VERSION { major: 1, minor: 0 },
        firmwareVersion: CK_VERSION { major: 1, minor: 0 },
    }
}

/// `CK_TOKEN_INFO` of a token, with the application's sessions on it: all, and read-write.
pub fn token_info(head: &Head, sessions: usize, read_write: usize) -> CK_TOKEN_INFO {
    let mut flags = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_TOKEN_INITIALIZED;
    let user = &head.user;
    let so = &head.so;
    let tells_so = head.emulation.tells_so_pin_retry_counter;
    for (set, flag) in [
        (user.is_set(), CKF_USER_PIN_INITIALIZED),
        (user.is_set() && user.is_low(), CKF_USER_PIN_COUNT_LOW),
        (user.is_set() && user.is_last(), CKF_USER_PIN_FINAL_TRY),
        (user.is_locked(), CKF_USER_PIN_LOCKED),
        (user.is_set() && user.initial, CKF_USER_PIN_TO_BE_CHANGED),
        (tells_so && so.is_low(), CKF_SO_PIN_COUNT_LOW),
        (tells_so && so.is_last(), CKF_SO_PIN_FINAL_TRY),
        (tells_so && so.is_locked(), CKF_SO_PIN_LOCKED),
    ] {
        if set {
            flags |= flag;
        }
    }
    CK_TOKEN_INFO {
        label: abi::padded(&head.label),
        manufacturerID: abi::padded(&head.manufacturer),
        model: abi::padded(&head.model),
        serialNumber: abi::padded(&head.serial_number),
        flags,
        ulMaxSessionCount: CK_EFFECTIVELY_INFINITE,
        ulSessionCount: abi::ulong(sessions),
        ulMaxRwSessionCount: CK_EFFECTIVELY_INFINITE,
        ulRwSessionCount: abi::ulong(read_write),
        ulMaxPinLen: CK_ULONG::from(head.pin_limits.max),
        ulMinPinLen: CK_ULONG::from(head.pin_limits.min),
        ulTotalPublicMemory: abi::UNAVAILABLE,
        ulFreePublicMemory: abi::UNAVAILABLE,
        ulTotalPrivateMemory: pair_memory(head.containers),
        ulFreePrivateMemory: pair_memory(head.containers.saturating_sub(head.containers_used)),
        hardwareVersion: CK_VERSION { major: 1, minor: 0 },
        firmwareVersion: CK_VERSION { major: 1, minor: 0 },
        utcTime: *b"                ",
    }
}

/// A key pair, whole or half, counts for 1 KiB, so that a caller can tell how many fit.
fn pair_memory(pairs: u32) -> CK_ULONG {
    CK_ULONG::from(pairs).saturating_mul(1024)
}
