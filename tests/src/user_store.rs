//! A certificate store of the user's that remembers, for systems that have none.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ycd_flows::{
    messages::Language,
    store::{CertificateStore, KeyLink, StoreError, UserStore},
};
use ycd_token::Drivers;

pub struct RecordedStore {
    pub drivers: Drivers,
    pub language: Language,
    entries: Mutex<Vec<Recorded>>,
    refuses: Mutex<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub certificate: Vec<u8>,
    pub name: String,
    /// `None`: it came by another hand than ours.
    pub link: Option<KeyLink>,
}

impl RecordedStore {
    /// For the makes of the embedded profiles.
    pub fn new() -> Self {
        Self::of(Drivers::embedded().expect("the profiles"))
    }

    pub fn of(drivers: Drivers) -> Self {
        Self { drivers, language: Language::Zh, entries: Mutex::default(), refuses: Mutex::default() }
    }

    pub fn as_the_flow_has_it(&self) -> UserStore<'_> {
        UserStore { store: self, drivers: &self.drivers, language: self.language }
    }

    /// A certificate that the vendor's own tool has put in.
    pub fn holds(&self, certificate: &[u8], name: &str) {
        let entry = Recorded { certificate: certificate.to_vec(), name: name.to_owned(), link: None };
        lock(&self.entries).push(entry);
    }

    pub fn refuses(&self, refuses: bool) {
        *lock(&self.refuses) = refuses;
    }

    pub fn entries(&self) -> Vec<Recorded> {
        lock(&self.entries).clone()
    }

    fn ask(&self) -> Result<MutexGuard<'_, Vec<Recorded>>, StoreError> {
        if *lock(&self.refuses) {
            return Err(StoreError::Refused { detail: "not today".to_owned() });
        }
        Ok(lock(&self.entries))
    }
}

impl Default for RecordedStore {
    fn default() -> Self {
        Self::new()
    }
}

impl CertificateStore for RecordedStore {
    fn register(&self, certificate: &[u8], link: &KeyLink, name: &str) -> Result<(), StoreError> {
        let mut entries = self.ask()?;
        entries.retain(|entry| entry.certificate != certificate);
        entries.push(Recorded {
            certificate: certificate.to_vec(),
            name: name.to_owned(),
            link: Some(link.clone()),
        });
        Ok(())
    }

    fn name(&self, certificate: &[u8]) -> Result<Option<String>, StoreError> {
        let entries = self.ask()?;
        Ok(entries.iter().find(|entry| entry.certificate == certificate).map(|entry| entry.name.clone()))
    }

    fn rename(&self, certificate: &[u8], name: &str) -> Result<(), StoreError> {
        let mut entries = self.ask()?;
        let entry = entries.iter_mut().find(|entry| entry.certificate == certificate);
        entry.expect("only what is there is renamed").name = name.to_owned();
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
