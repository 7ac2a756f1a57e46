//! The token in a smart card reader: an insertion that ends with the process that is the card there.

use super::SoftToken;
use crate::error::{Error, Result};
use crate::store::InReader;

impl SoftToken {
    /// Which insertion it is in; `None` while it is out, or its file is gone.
    pub fn insertion(&mut self) -> Result<Option<u64>> {
        match self.head() {
            Ok(head) => Ok(head.inserted.then_some(head.insertions)),
            Err(Error::Removed) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Makes this process the token's smart card, as which it lives until the answer is dropped. Where an earlier one
    /// was killed while the token was in its reader, the pull is written down first: nobody sees the token come back by
    /// this.
    ///
    /// # Errors
    /// [`Error::InReader`] where another process is the card.
    pub fn become_card(&mut self) -> Result<InReader> {
        let file = self.file().clone();
        file.enter_reader(|| {
            if self.refresh()?.stale {
                self.rewrite(|state| {
                    state.head.in_reader = false;
                    Ok(())
                })?;
            }
            Ok(())
        })
    }

    /// Marks this insertion as one into the reader of this process. [`Error::Removed`] when it is over.
    pub fn enter_reader(&mut self, insertion: u64) -> Result<()> {
        self.in_insertion(insertion, |head| head.in_reader = true)
    }

    /// Pulls the token, if it is still in this insertion.
    pub fn end_insertion(&mut self, insertion: u64) -> Result<()> {
        let pulled = self.in_insertion(insertion, |head| {
            head.inserted = false;
            head.in_reader = false;
        });
        match pulled {
            Err(Error::Removed) => Ok(()),
            other => other,
        }
    }

    fn in_insertion(&mut self, insertion: u64, act: impl FnOnce(&mut crate::state::Head)) -> Result<()> {
        let lock = self.file.lock()?;
        let mut state = self.state()?;
        if !state.head.inserted || state.head.insertions != insertion {
            return Err(Error::Removed);
        }
        act(&mut state.head);
        self.replace(&lock, state)
    }
}
