//! One process of this machine works on a token at a time.
//!
//! An OS lock on a file named after the token: the system lets go of it when its process ends, however it ends, so a
//! crash leaves nothing behind. It keeps two assistants apart; the vendor's own programs know nothing of it, which is
//! why what is on the token is read again before it is changed.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use ycd_token::TokenId;

use super::error::{FlowError, Result};

/// The folder that the locks of this machine lie in.
#[derive(Debug, Clone)]
pub struct TokenLocks {
    folder: PathBuf,
}

impl TokenLocks {
    /// # Errors
    /// [`FlowError::File`] where the folder cannot be made.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|e| FlowError::File(format!("{}: {e}", folder.display())))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// # Errors
    /// [`FlowError::TokenBusy`] where another process has it; never waits.
    pub fn lock(&self, token: &TokenId) -> Result<TokenLock> {
        let name: String =
            token.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let path = self.folder.join(format!("key-{name}.lock"));
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| FlowError::File(format!("{}: {e}", path.display())))?;
        match file.try_lock() {
            Ok(()) => Ok(TokenLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(FlowError::TokenBusy { token: token.clone() }),
            Err(TryLockError::Error(e)) => Err(FlowError::File(format!("{}: {e}", path.display()))),
        }
    }
}

/// Held while a flow works on the token; let go when dropped.
#[derive(Debug)]
pub struct TokenLock {
    _file: File,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_locked_once_and_free_again_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let locks = TokenLocks::in_folder(folder.path()).unwrap();
        let (token, other) = (TokenId::new("softkey", "1"), TokenId::new("softkey", "2"));
        let held = locks.lock(&token).unwrap();
        assert_eq!(locks.lock(&token).unwrap_err().code(), "flow.token_busy");
        locks.lock(&other).unwrap();
        drop(held);
        locks.lock(&token).unwrap();
    }
}
