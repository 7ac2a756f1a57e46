//! The folder of tokens and the file of one token: its format, its lock, its replacement in one act.
//!
//! ```text
//! DIR/<serial>.key       the state        8 bytes  "YCDKEY" 00 01 (format 1)
//! DIR/<serial>.key.tmp   being written    8        revision, rises by one with each state
//! DIR/<serial>.lock      locked by who    4, 4     lengths of head and body
//!                        changes the token 32        SM3 over the 24 bytes above, head and body
//! DIR/folder.lock        locked by who   ...       head: JSON, what C_GetTokenInfo needs
//!                        adds a token      ...       body: JSON, the objects
//! DIR/control.json       see `fault`               (integers big-endian)
//! DIR/<serial>.device    32 random bytes, see `unblock`
//! DIR/<serial>.runner    locked by the process that is the token's smart card, and
//! DIR/<serial>.reader    too: by whom the token is in a reader
//! ```
//!
//! A state is written to the `.tmp` file, synced, renamed over the old one, and the folder is synced: a power cut
//! leaves the old state or the new one, and a `.tmp` is never read. On Windows `std::fs::rename` replaces the target
//! (`MoveFileEx` with `MOVEFILE_REPLACE_EXISTING`), and a folder cannot be synced; NTFS journals the rename.
//! Readers take no lock: an open file stays the state it was.

pub mod seal;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use sm3::{Digest, Sm3};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

const MAGIC: [u8; 8] = *b"YCDKEY\x00\x01";
const PREFIX_LEN: usize = 24;
/// Magic, revision, lengths and digest: tells one state from another.
pub const HEADER_LEN: usize = PREFIX_LEN + 32;
/// No state comes near; keeps a damaged length from being believed.
const MAX_PART: usize = 64 << 20;

/// The folder that `YCD_SOFTKEY_DIR` names. It may not exist: then it holds no tokens.
#[derive(Debug, Clone)]
pub struct Folder {
    dir: PathBuf,
}

impl Folder {
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Serial numbers of all tokens, sorted.
    pub fn serial_numbers(&self) -> Result<Vec<String>> {
        let entries = match std::fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(Error::io(&self.dir)(e)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry.map_err(Error::io(&self.dir))?.file_name();
            if let Some(serial) = name.to_str().and_then(|n| n.strip_suffix(".key")) {
                found.push(serial.to_owned());
            }
        }
        found.sort();
        Ok(found)
    }

    /// The file of one token, whether it exists or not. `serial_number` is made of ASCII letters, digits and dashes.
    pub fn token_file(&self, serial_number: &str) -> TokenFile {
        let file = |extension: &str| self.dir.join(format!("{serial_number}.{extension}"));
        TokenFile {
            path: file("key"),
            temporary: file("key.tmp"),
            lock: file("lock"),
            device: file("device"),
            device_temporary: file("device.tmp"),
            runner: file("runner"),
            reader: file("reader"),
            dir: self.dir.clone(),
        }
    }

    /// Waits for, and takes, the lock under which tokens are added.
    pub fn lock(&self) -> Result<Lock> {
        create_private_dir(&self.dir).map_err(Error::io(&self.dir))?;
        Lock::take(&self.dir.join("folder.lock"))
    }
}

/// An operating system lock on a file, let go when dropped or when the process ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// Closing is not enough: a child that was forked meanwhile has the file open too, and would keep the lock.
impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl Lock {
    pub fn take(path: &Path) -> Result<Self> {
        let file = Self::open(path)?;
        file.lock().map_err(Error::io(path))?;
        Ok(Self { file })
    }

    /// `None` when another has it.
    fn try_take(path: &Path) -> Result<Option<Self>> {
        let file = Self::open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(Error::io(path)(e)),
        }
    }

    fn open(path: &Path) -> Result<File> {
        let file = private_file().read(true).write(true).create(true).truncate(false).open(path);
        file.map_err(Error::io(path))
    }
}

/// The first [`HEADER_LEN`] bytes of a token's file.
pub type Header = [u8; HEADER_LEN];

/// One whole state of a token, as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub revision: u64,
    pub head: Vec<u8>,
    pub body: Vec<u8>,
}

impl Image {
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let too_long = |_| Error::NoFreeCapacity;
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.revision.to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(self.head.len()).map_err(too_long)?.to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(self.body.len()).map_err(too_long)?.to_be_bytes());
        let digest = digest(&bytes, &self.head, &self.body);
        bytes.extend_from_slice(&digest);
        bytes.extend_from_slice(&self.head);
        bytes.extend_from_slice(&self.body);
        Ok(bytes)
    }

    /// Takes nothing but a whole state, to the byte.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Header, Self), &'static str> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or("shorter than its header")?;
        let (prefix, sum) = header.split_at(PREFIX_LEN);
        if prefix[..8] != MAGIC {
            return Err("not a token's file, or of another format");
        }
        let mut revision = [0; 8];
        revision.copy_from_slice(&prefix[8..16]);
        let head_len = part_len(&prefix[16..20])?;
        let body_len = part_len(&prefix[20..24])?;
        if rest.len() != head_len + body_len {
            return Err("of another length than it says");
        }
        let (head, body) = rest.split_at(head_len);
        if digest(prefix, head, body) != *sum {
            return Err("its digest differs");
        }
        let revision = u64::from_be_bytes(revision);
        Ok((*header, Self { revision, head: head.to_vec(), body: body.to_vec() }))
    }
}

fn part_len(bytes: &[u8]) -> Result<usize, &'static str> {
    let len = bytes.iter().fold(0_usize, |n, b| n << 8 | usize::from(*b));
    if len > MAX_PART { Err("of an impossible length") } else { Ok(len) }
}

fn digest(prefix: &[u8], head: &[u8], body: &[u8]) -> [u8; 32] {
    Sm3::new().chain_update(prefix).chain_update(head).chain_update(body).finalize().into()
}

#[derive(Debug, Clone)]
pub struct TokenFile {
    path: PathBuf,
    temporary: PathBuf,
    lock: PathBuf,
    device: PathBuf,
    device_temporary: PathBuf,
    runner: PathBuf,
    reader: PathBuf,
    dir: PathBuf,
}

/// What makes a process the token's smart card; let go when dropped or when the process ends, however it ends.
#[derive(Debug)]
pub struct InReader {
    _reader: Lock,
    _runner: Lock,
}

impl TokenFile {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// The newest state, unless it is the one with the header `known`.
    pub fn read_if_changed(&self, known: Option<&Header>) -> Result<Option<(Header, Image)>> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Err(Error::Removed),
            Err(e) => return Err(Error::io(&self.path)(e)),
        };
        let mut bytes = vec![0; HEADER_LEN];
        match file.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => {
                return Err(Error::damaged(&self.path, "shorter than its header"));
            }
            Err(e) => return Err(Error::io(&self.path)(e)),
        }
        if known.is_some_and(|known| known[..] == bytes[..]) {
            return Ok(None);
        }
        file.read_to_end(&mut bytes).map_err(Error::io(&self.path))?;
        Image::from_bytes(&bytes).map(Some).map_err(|detail| Error::damaged(&self.path, detail))
    }

    /// Waits for, and takes, the lock under which the token is changed.
    pub fn lock(&self) -> Result<Lock> {
        Lock::take(&self.lock)
    }

    /// Replaces the state; `_lock` is the proof that nobody else does.
    pub fn replace(&self, _lock: &Lock, image: &Image) -> Result<Header> {
        let bytes = image.to_bytes()?;
        self.replace_synced(&self.temporary, &self.path, &bytes)?;
        let (header, _) = Image::from_bytes(&bytes).map_err(|e| Error::damaged(&self.path, e))?;
        Ok(header)
    }

    /// The secret of the device, where one has been made.
    pub fn device_secret(&self) -> Result<Option<Zeroizing<[u8; 32]>>> {
        let bytes = match std::fs::read(&self.device) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io(&self.device)(e)),
        };
        let secret = bytes.as_slice().try_into();
        secret.map(Zeroizing::new).map(Some).map_err(|_| Error::damaged(&self.device, "not 32 bytes"))
    }

    /// The secret of the device; made now where there is none.
    pub fn make_device_secret(&self, _lock: &Lock) -> Result<Zeroizing<[u8; 32]>> {
        if let Some(secret) = self.device_secret()? {
            return Ok(secret);
        }
        let secret = Zeroizing::new(seal::random()?);
        self.replace_synced(&self.device_temporary, &self.device, &*secret)?;
        Ok(secret)
    }

    /// Whether the process lives in which the token is in a reader.
    pub fn reader_lives(&self) -> Result<bool> {
        let file = match File::open(&self.reader) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(Error::io(&self.reader)(e)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(e)) => Err(Error::io(&self.reader)(e)),
        }
    }

    /// Makes this process the token's smart card. `settle` comes when no other is, and before the token counts as being
    /// in a reader that lives.
    ///
    /// Two locks: the first keeps a second runner out and is touched by nobody else, the second is looked at
    /// by everybody (which takes it for a moment, shared), so it has to be waited for.
    pub fn enter_reader(&self, settle: impl FnOnce() -> Result<()>) -> Result<InReader> {
        let runner = Lock::try_take(&self.runner)?.ok_or(Error::InReader)?;
        settle()?;
        Ok(InReader { _reader: Lock::take(&self.reader)?, _runner: runner })
    }

    fn replace_synced(&self, temporary: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
        let open = private_file().write(true).create(true).truncate(true).open(temporary);
        let mut file = open.map_err(Error::io(temporary))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(Error::io(temporary))?;
        drop(file);
        std::fs::rename(temporary, path).map_err(Error::io(path))?;
        sync_dir(&self.dir)
    }
}

/// Replaces a small file that need not survive a power cut, but must never be seen half written.
pub fn replace_unsynced(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = path.with_extension("tmp");
    let write = || {
        private_file().write(true).create(true).truncate(true).open(&temporary)?.write_all(bytes)?;
        std::fs::rename(&temporary, path)
    };
    write().map_err(Error::io(path))
}

/// Options of a file that nobody but its owner reads.
pub fn private_file() -> OpenOptions {
    #[cfg_attr(not(unix), allow(unused_mut, reason = "only Unix has a mode to set"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

fn create_private_dir(dir: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.recursive(true).create(dir)
}

#[cfg(unix)]
fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(Error::io(dir))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the other systems can fail here")]
fn sync_dir(_dir: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(revision: u64) -> Image {
        Image {
            revision,
            head: format!("head {revision}").into_bytes(),
            body: revision.to_be_bytes().repeat(40),
        }
    }

    #[test]
    fn a_file_cut_at_any_byte_or_with_any_byte_changed_is_not_taken_for_a_state() {
        let whole = image(7).to_bytes().unwrap();
        assert_eq!(Image::from_bytes(&whole).unwrap().1, image(7));
        for len in 0..whole.len() {
            assert!(Image::from_bytes(&whole[..len]).is_err(), "cut at {len}");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x40;
            assert!(Image::from_bytes(&bytes).is_err(), "byte {at} changed");
        }
        assert!(Image::from_bytes(&[whole.as_slice(), b"x"].concat()).is_err());
    }

    #[test]
    fn a_power_cut_at_any_byte_of_a_write_leaves_the_old_state() {
        let dir = tempfile::tempdir().unwrap();
        let file = Folder::new(dir.path()).token_file("A1");
        let lock = file.lock().unwrap();
        file.replace(&lock, &image(1)).unwrap();
        let new = image(2).to_bytes().unwrap();
        for len in 0..=new.len() {
            std::fs::write(&file.temporary, &new[..len]).unwrap();
            assert_eq!(file.read_if_changed(None).unwrap().unwrap().1, image(1), "cut at {len}");
        }
        file.replace(&lock, &image(2)).unwrap();
        assert_eq!(file.read_if_changed(None).unwrap().unwrap().1, image(2));
    }

    #[test]
    fn an_unchanged_file_is_not_read_again_and_a_changed_one_is() {
        let dir = tempfile::tempdir().unwrap();
        let file = Folder::new(dir.path()).token_file("A1");
        let lock = file.lock().unwrap();
        let first = file.replace(&lock, &image(1)).unwrap();
        assert!(file.read_if_changed(Some(&first)).unwrap().is_none());
        file.replace(&lock, &image(2)).unwrap();
        assert!(file.read_if_changed(Some(&first)).unwrap().is_some());
    }
}
