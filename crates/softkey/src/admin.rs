//! Making tokens, putting them in, pulling them, and telling them to fail: what a vendor, a hand and bad luck do to a
//! real token. Works on the folder; loaded modules see it at their next call.

use std::path::Path;

use serde::Serialize;

pub use crate::emulation::{Format, Input, Point, Signing, VendorEmulation};
use crate::error::{Error, Result};
use crate::fault::ControlFile;
pub use crate::fault::{Action, Control, Fault, Length, On, Rule, When};
use crate::functions;
use crate::object::Kind;
pub use crate::pin::{INITIAL_PIN, Pin, PinLimits};
use crate::pin::{PinSlot, Role};
pub use crate::soft_token::Leaves;
use crate::soft_token::SoftToken;
use crate::state::{Head, State};
use crate::store::Folder;
pub use crate::store::seal::Kdf;
use crate::store::seal::{StorageKey, random};

/// Key pairs that fit where nothing else is said.
pub const DEFAULT_CONTAINERS: u32 = 8;
pub const DEFAULT_RETRY_LIMIT: u32 = 10;
pub const DEFAULT_MANUFACTURER: &str = "YCD softkey";
pub const DEFAULT_MODEL: &str = "softkey";

/// A token to make. `NewToken { label: "…".into(), ..NewToken::default() }`.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// 1 to 32 bytes of UTF-8.
    pub label: String,
    /// 1 to 16 ASCII letters, digits and dashes. Random where `None`.
    pub serial: Option<String>,
    /// User PIN; [`INITIAL_PIN`] by default.
    pub pin: Pin,
    /// Random where `None`; [`Created`] tells it.
    pub so_pin: Option<Pin>,
    /// Key pairs that fit.
    pub containers: Option<u32>,
    pub user_retry_limit: u32,
    pub so_pin_retry_limit: u32,
    pub pin_limits: PinLimits,
    pub kdf: Kdf,
    /// At most 32 bytes.
    pub manufacturer: String,
    /// At most 16 bytes.
    pub model: String,
    pub inserted: bool,
}

impl Default for NewToken {
    fn default() -> Self {
        Self {
            label: "USBKEY".to_owned(),
            serial: None,
            pin: INITIAL_PIN.into(),
            so_pin: None,
            containers: None,
            user_retry_limit: DEFAULT_RETRY_LIMIT,
            so_pin_retry_limit: DEFAULT_RETRY_LIMIT,
            pin_limits: PinLimits::default(),
            kdf: Kdf::default(),
            manufacturer: DEFAULT_MANUFACTURER.to_owned(),
            model: DEFAULT_MODEL.to_owned(),
            inserted: true,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Created {
    pub serial_number: String,
    /// PKCS#11 slot id; stays the same for this token.
    pub slot: u32,
    pub so_pin: Pin,
}

/// A token as its vendor sees it.
#[derive(Debug, Clone, Serialize)]
pub struct TokenState {
    pub serial_number: String,
    pub slot: u32,
    pub label: String,
    pub manufacturer: String,
    pub model: String,
    pub inserted: bool,
    pub pin_retry_counter: u32,
    pub pin_retry_limit: u32,
    pub pin_is_set: bool,
    pub pin_is_initial: bool,
    pub so_pin_retry_counter: u32,
    pub so_pin_retry_limit: u32,
    pub containers: u32,
    pub containers_used: u32,
    pub certificates: u32,
    /// Version of the unblock key, where one is installed.
    pub unblock_key: Option<u32>,
    /// In a smart card reader, see [`card`](crate::card).
    pub in_reader: bool,
}

/// Makes a token and gives it the next slot. The folder is made where there is none.
pub fn create(dir: impl AsRef<Path>, new: &NewToken) -> Result<Created> {
    let folder = Folder::new(dir.as_ref());
    let serial_number = match &new.serial {
        Some(serial) => serial.clone(),
        None => hex::encode_upper(random::<8>()?),
    };
    check_serial(&serial_number)?;
    check_field("label", &new.label, 32)?;
    check_field("manufacturer", &new.manufacturer, 32)?;
    check_field("model", &new.model, 16)?;
    if new.user_retry_limit == 0 || new.so_pin_retry_limit == 0 {
        return Err(Error::BadField { field: "tries", rule: "at least 1" });
    }
    let so_pin = match &new.so_pin {
        Some(pin) => pin.clone(),
        None => random_pin(new.pin_limits)?,
    };
    let _lock = folder.lock()?;
    if folder.token_file(&serial_number).exists() {
        return Err(Error::TokenExists { serial_number });
    }
    let mut slot = 1;
    for other in folder.serial_numbers()? {
        slot = slot.max(SoftToken::new(&folder, &other).head()?.slot + 1);
    }
    let mut head = Head {
        serial_number: serial_number.clone(),
        slot,
        label: new.label.clone(),
        manufacturer: new.manufacturer.clone(),
        model: new.model.clone(),
        inserted: new.inserted,
        insertions: 1,
        initializations: 1,
        containers: new.containers.unwrap_or(DEFAULT_CONTAINERS),
        containers_used: 0,
        pin_limits: new.pin_limits,
        kdf: new.kdf,
        user: PinSlot::unset(new.user_retry_limit),
        so: PinSlot::unset(new.so_pin_retry_limit),
        next_handle: 1,
        in_reader: false,
        unblock: None,
        emulation: VendorEmulation::default(),
    };
    let storage_key = StorageKey::random()?;
    head.set_pin(Role::User, &new.pin, &storage_key)?;
    head.set_pin(Role::So, &so_pin, &storage_key)?;
    SoftToken::new(&folder, &serial_number).write_first(State { head, objects: Vec::new() })?;
    Ok(Created { serial_number, slot, so_pin })
}

/// All tokens of the folder, by slot.
pub fn list(dir: impl AsRef<Path>) -> Result<Vec<TokenState>> {
    let folder = Folder::new(dir.as_ref());
    let mut tokens = Vec::new();
    for serial in folder.serial_numbers()? {
        let mut token = SoftToken::new(&folder, &serial);
        let objects = token.objects()?.to_vec();
        let state = State { head: token.head()?.clone(), objects };
        let certificates = state.objects.iter().filter(|o| matches!(o.kind, Kind::Certificate(_))).count();
        tokens.push(TokenState {
            containers_used: state.containers_used(),
            certificates: u32::try_from(certificates).unwrap_or(u32::MAX),
            serial_number: state.head.serial_number,
            slot: state.head.slot,
            label: state.head.label,
            manufacturer: state.head.manufacturer,
            model: state.head.model,
            inserted: state.head.inserted,
            pin_retry_counter: state.head.user.retry_counter,
            pin_retry_limit: state.head.user.retry_limit,
            pin_is_set: state.head.user.is_set(),
            pin_is_initial: state.head.user.initial,
            so_pin_retry_counter: state.head.so.retry_counter,
            so_pin_retry_limit: state.head.so.retry_limit,
            containers: state.head.containers,
            unblock_key: state.head.unblock.as_ref().map(|slot| slot.version),
            in_reader: state.head.inserted && state.head.in_reader,
        });
    }
    tokens.sort_by_key(|k| k.slot);
    Ok(tokens)
}

/// Puts a token in. Changes nothing when it is in.
pub fn insert(dir: impl AsRef<Path>, serial_number: &str) -> Result<()> {
    existing(dir.as_ref(), serial_number)?.set_inserted(true)
}

/// Pulls a token. Changes nothing when it is out.
pub fn remove(dir: impl AsRef<Path>, serial_number: &str) -> Result<()> {
    existing(dir.as_ref(), serial_number)?.set_inserted(false)
}

/// Presents an SO PIN, as a login does: a wrong one costs a try, a right one gives all of them back.
pub fn try_so_pin(dir: impl AsRef<Path>, serial_number: &str, pin: &Pin) -> Result<()> {
    existing(dir.as_ref(), serial_number)?.login(Role::So, pin).map(drop)
}

/// What a token shows of itself; `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct Appearance {
    pub label: Option<String>,
    pub manufacturer: Option<String>,
    pub model: Option<String>,
    /// Numbers and habits of the PKCS#11 module.
    pub emulation: Option<VendorEmulation>,
}

/// Makes a token pass for one of another model.
pub fn set_appearance(dir: impl AsRef<Path>, serial_number: &str, appearance: &Appearance) -> Result<()> {
    let fields = [
        (&appearance.label, "label", 32),
        (&appearance.manufacturer, "manufacturer", 32),
        (&appearance.model, "model", 16),
    ];
    for (text, field, max) in fields {
        if let Some(text) = text {
            check_field(field, text, max)?;
        }
    }
    if let Some(emulation) = &appearance.emulation {
        emulation.check()?;
    }
    existing(dir.as_ref(), serial_number)?.rewrite(|state| {
        let head = &mut state.head;
        if let Some(emulation) = &appearance.emulation {
            head.emulation.clone_from(emulation);
        }
        for (new, old) in [
            (&appearance.label, &mut head.label),
            (&appearance.manufacturer, &mut head.manufacturer),
            (&appearance.model, &mut head.model),
        ] {
            if let Some(new) = new {
                old.clone_from(new);
            }
        }
        Ok(())
    })
}

/// Adds a rule to the control file; its count starts at 0. `serial_number` `None`: for calls on any token, and on none.
pub fn set_fault(dir: impl AsRef<Path>, serial_number: Option<&str>, fault: &Fault) -> Result<()> {
    if let On::Function { function, .. } = &fault.on
        && !functions::FUNCTIONS.contains(&function.as_str())
    {
        return Err(Error::BadField { field: "function", rule: "the name of a PKCS#11 function, as C_Sign" });
    }
    if let Some(serial) = serial_number {
        existing(dir.as_ref(), serial)?;
    }
    let rule = Rule { token: serial_number.map(str::to_owned), fault: fault.clone(), seen: 0, struck: false };
    control(dir.as_ref()).change(|control| {
        control.rules.push(rule);
        Ok(())
    })
}

/// Removes the control file: no faults, no trace.
pub fn clear_fault(dir: impl AsRef<Path>) -> Result<()> {
    control(dir.as_ref()).clear()
}

/// Turns the trace of calls on or off; on starts an empty one.
pub fn set_trace(dir: impl AsRef<Path>, on: bool) -> Result<()> {
    let file = control(dir.as_ref());
    if on {
        file.clear_trace()?;
    }
    file.change(|control| {
        control.trace = on;
        Ok(())
    })
}

/// The calls traced so far: function, and serial number where the call named a token.
pub fn trace(dir: impl AsRef<Path>) -> Result<Vec<(String, Option<String>)>> {
    control(dir.as_ref()).traced()
}

/// The rules and what they have counted.
pub fn faults(dir: impl AsRef<Path>) -> Result<Control> {
    control(dir.as_ref()).read()
}

fn control(dir: &Path) -> ControlFile {
    ControlFile::new(&Folder::new(dir))
}

pub(crate) fn existing(dir: &Path, serial_number: &str) -> Result<SoftToken> {
    check_serial(serial_number)?;
    let token = SoftToken::new(&Folder::new(dir), serial_number);
    if token.file().exists() {
        Ok(token)
    } else {
        Err(Error::NoSuchToken { serial_number: serial_number.to_owned() })
    }
}

fn check_serial(serial_number: &str) -> Result<()> {
    let fits = (1..=16).contains(&serial_number.len())
        && serial_number.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits {
        Ok(())
    } else {
        Err(Error::BadField { field: "serial number", rule: "1 to 16 ASCII letters, digits and dashes" })
    }
}

fn check_field(field: &'static str, text: &str, max: usize) -> Result<()> {
    if !text.is_empty() && text.len() <= max && !text.contains('\0') {
        Ok(())
    } else if max == 16 {
        Err(Error::BadField { field, rule: "1 to 16 bytes" })
    } else {
        Err(Error::BadField { field, rule: "1 to 32 bytes" })
    }
}

/// Digits, as long as the limits allow, at most 16.
fn random_pin(limits: PinLimits) -> Result<Pin> {
    let len = limits.max.min(16) as usize;
    let mut digits = String::with_capacity(len);
    while digits.len() < len {
        // 250 is the largest multiple of ten in a byte: what lies above is drawn again.
        let byte = random::<1>()?[0];
        if byte < 250 {
            digits.push(char::from(b'0' + byte % 10));
        }
    }
    Ok(Pin::from(digits))
}
