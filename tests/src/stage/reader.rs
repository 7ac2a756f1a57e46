//! A card reader of the stage's own, for cards that are no software tokens.

use std::ffi::OsString;

#[cfg(target_os = "linux")]
use crate::{card::Card, pcscd::Pcscd};

#[cfg(target_os = "linux")]
pub struct Reader {
    service: Pcscd,
    card: Option<Card>,
}

#[cfg(target_os = "linux")]
impl Reader {
    pub fn new() -> Result<Self, String> {
        Pcscd::available()?;
        Ok(Self { service: Pcscd::start(1), card: None })
    }

    pub fn insert(&mut self, atr: &[u8]) {
        self.card = Some(Card::bare(self.service.ports()[0], atr));
    }

    pub fn empty(&mut self) {
        self.card = None;
    }

    /// What leads a process to it.
    pub fn environment(&self) -> (OsString, OsString) {
        self.service.environment()
    }
}

#[cfg(not(target_os = "linux"))]
pub enum Reader {}

#[cfg(not(target_os = "linux"))]
impl Reader {
    pub fn new() -> Result<Self, String> {
        Err("virtual readers are for Linux".to_owned())
    }

    pub fn insert(&mut self, _atr: &[u8]) {
        match *self {}
    }

    pub fn empty(&mut self) {
        match *self {}
    }

    pub fn environment(&self) -> (OsString, OsString) {
        match *self {}
    }
}
