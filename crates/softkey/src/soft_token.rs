//! One token in its folder: whole operations on the newest state, each one atomic replacement of the file.

use crate::error::{Error, Result};
use crate::object::{Content, KeyHalf, Kind, Object};
use crate::pin::{Pin, Role};
use crate::sm2sig;
use crate::state::{Head, State};
use crate::store::seal::StorageKey;
use crate::store::{Folder, Header, Image, Lock, TokenFile};

mod reader;
mod unblock;

/// What a right PIN opened. Good for one insertion, and until the token is initialized again.
#[derive(Clone)]
pub struct Login {
    pub role: Role,
    key: StorageKey,
    insertions: u64,
    initializations: u64,
}

impl Login {
    pub fn is_good_for(&self, head: &Head) -> bool {
        head.inserted && head.insertions == self.insertions && head.initializations == self.initializations
    }

    pub fn storage_key(&self) -> &StorageKey {
        &self.key
    }
}

/// What becomes of a change: faults are put in here (see [`fault`](crate::fault)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effect {
    #[default]
    Kept,
    /// The token says yes and keeps the old state.
    Eaten,
    /// The token is pulled in the middle.
    Torn(Leaves),
}

/// What a key generation or a certificate's writing leaves that was torn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaves {
    /// Of a pair the private key, of a certificate the first half of its bytes.
    #[default]
    PrivateKey,
    /// Of a pair the public key, of a certificate the first half of its bytes.
    PublicKey,
    Nothing,
}

/// Both keys to be made, with all but what the generation itself gives.
pub struct PairTemplate {
    pub public: Object,
    pub private: Object,
}

/// A token, with the last state that was read of it.
pub struct SoftToken {
    file: TokenFile,
    known: Option<Known>,
}

struct Known {
    header: Header,
    revision: u64,
    /// [`Head::inserted`] is what is so, not what is written: see `stale`.
    head: Head,
    body: Body,
    /// The file says that the token is in a reader, and the process died that was the card there: it is out.
    stale: bool,
}

enum Body {
    Unread(Vec<u8>),
    Read(Vec<Object>),
}

impl SoftToken {
    pub fn new(folder: &Folder, serial_number: &str) -> Self {
        Self { file: folder.token_file(serial_number), known: None }
    }

    pub fn file(&self) -> &TokenFile {
        &self.file
    }

    /// The newest state, inserted or not. [`Error::Removed`] when the file is gone.
    pub fn head(&mut self) -> Result<&Head> {
        self.refresh().map(|known| &known.head)
    }

    /// The newest objects.
    pub fn objects(&mut self) -> Result<&[Object]> {
        let path = self.file.path().to_owned();
        let known = self.refresh()?;
        if let Body::Unread(bytes) = &known.body {
            let read = serde_json::from_slice(bytes).map_err(|e| Error::damaged(&path, e))?;
            known.body = Body::Read(read);
        }
        match &known.body {
            Body::Read(objects) => Ok(objects),
            Body::Unread(_) => Ok(&[]),
        }
    }

    /// Checks a PIN. The try is written down as spent before the PIN is looked at.
    pub fn login(&mut self, role: Role, pin: &Pin) -> Result<Login> {
        self.with_pin(role, pin, Effect::Kept, |state, key| {
            let (insertions, initializations) = (state.head.insertions, state.head.initializations);
            Ok(Login { role, key, insertions, initializations })
        })
    }

    /// PKCS#11 `C_SetPIN`.
    pub fn set_pin(&mut self, role: Role, old: &Pin, new: &Pin, effect: Effect) -> Result<()> {
        self.head()?.check_pin(new)?;
        self.with_pin(role, old, effect, |state, key| state.head.set_pin(role, new, &key))
    }

    /// PKCS#11 `C_InitPIN`: a new user PIN, by the SO. Keys and objects stay, unless the token model that the token
    /// passes for destroys what is private.
    pub fn init_pin(&mut self, so: &Login, new: &Pin, effect: Effect) -> Result<()> {
        if so.role != Role::So {
            return Err(Error::NotLoggedIn);
        }
        self.change(Some(so), effect, |state| {
            if !state.head.emulation.init_pin_keeps_keys {
                state.objects.retain(|object| !object.private);
            }
            state.head.set_pin(Role::User, new, &so.key)
        })
    }

    /// PKCS#11 `C_InitToken`: erases all but the SO PIN.
    pub fn init_token(&mut self, so_pin: &Pin, label: &str, effect: Effect) -> Result<()> {
        self.with_pin(Role::So, so_pin, effect, |state, _| state.initialize(so_pin, label.to_owned()))
    }

    /// Makes an SM2 key pair, both keys in one act; gives the handles (public, private).
    pub fn generate(&mut self, login: &Login, template: PairTemplate, effect: Effect) -> Result<(u32, u32)> {
        let (public, private) = make_pair(template)?;
        self.change(Some(login), effect, |state| {
            let keep_public = !matches!(effect, Effect::Torn(Leaves::PrivateKey | Leaves::Nothing));
            let keep_private = !matches!(effect, Effect::Torn(Leaves::PublicKey | Leaves::Nothing));
            let public = if keep_public { state.add(public, Some(&login.key))? } else { 0 };
            let private = if keep_private { state.add(private, Some(&login.key))? } else { 0 };
            Ok((public, private))
        })
    }

    /// Writes an object; gives its handle.
    pub fn create(&mut self, login: Option<&Login>, mut object: Object, effect: Effect) -> Result<u32> {
        if let (Effect::Torn(_), Kind::Certificate(certificate)) = (effect, &mut object.kind) {
            certificate.value.truncate(certificate.value.len() / 2);
        }
        self.change(login, effect, |state| {
            if effect == Effect::Torn(Leaves::Nothing) {
                return Ok(0);
            }
            state.add(object, login.map(|l| &l.key))
        })
    }

    /// One change of the state: read newest, change, replace, under the lock. `login`, where given, must still be
    /// good. Nothing changes when `act` fails.
    pub fn change<T>(
        &mut self,
        login: Option<&Login>,
        effect: Effect,
        act: impl FnOnce(&mut State) -> Result<T>,
    ) -> Result<T> {
        let lock = self.file.lock()?;
        let mut state = self.state()?;
        if !state.head.inserted || login.is_some_and(|l| !l.is_good_for(&state.head)) {
            return Err(Error::Removed);
        }
        let made = act(&mut state)?;
        match effect {
            Effect::Kept => self.replace(&lock, state)?,
            Effect::Eaten => {}
            Effect::Torn(_) => {
                state.head.inserted = false;
                self.replace(&lock, state)?;
                return Err(Error::Removed);
            }
        }
        Ok(made)
    }

    /// Puts the token in or pulls it. Putting in an inserted token changes nothing.
    pub fn set_inserted(&mut self, inserted: bool) -> Result<()> {
        let lock = self.file.lock()?;
        let mut state = self.state()?;
        if state.head.inserted != inserted {
            state.head.inserted = inserted;
            state.head.in_reader = false;
            state.head.insertions += u64::from(inserted);
            self.replace(&lock, state)?;
        }
        Ok(())
    }

    /// A change by the vendor of the token, inserted or not.
    pub(crate) fn rewrite(&mut self, act: impl FnOnce(&mut State) -> Result<()>) -> Result<()> {
        let lock = self.file.lock()?;
        let mut state = self.state()?;
        act(&mut state)?;
        self.replace(&lock, state)
    }

    /// Writes the first state of a token.
    pub(crate) fn write_first(&mut self, state: State) -> Result<()> {
        let lock = self.file.lock()?;
        self.replace(&lock, state)
    }

    fn with_pin<T>(
        &mut self,
        role: Role,
        pin: &Pin,
        effect: Effect,
        then: impl FnOnce(&mut State, StorageKey) -> Result<T>,
    ) -> Result<T> {
        let lock = self.file.lock()?;
        let mut state = self.state()?;
        if !state.head.inserted {
            return Err(Error::Removed);
        }
        state.head.spend_try(role)?;
        self.replace(&lock, state.clone())?;
        let key = state.head.open_storage_key(role, pin)?;
        let right = state.clone();
        let made = then(&mut state, key);
        if made.is_err() || effect == Effect::Eaten {
            self.replace(&lock, right)?;
            return made;
        }
        if let Effect::Torn(_) = effect {
            state.head.inserted = false;
        }
        let torn = !state.head.inserted;
        self.replace(&lock, state)?;
        if torn { Err(Error::Removed) } else { made }
    }

    fn refresh(&mut self) -> Result<&mut Known> {
        let newer = self.file.read_if_changed(self.known.as_ref().map(|k| &k.header))?;
        if let Some((header, image)) = newer {
            let head =
                serde_json::from_slice(&image.head).map_err(|e| Error::damaged(self.file.path(), e))?;
            let revision = image.revision;
            self.known = Some(Known { header, revision, head, body: Body::Unread(image.body), stale: false });
        }
        let known = self.known.as_mut().ok_or(Error::Removed)?;
        if known.head.inserted && known.head.in_reader && !self.file.reader_lives()? {
            known.head.inserted = false;
            known.stale = true;
        }
        Ok(known)
    }

    fn state(&mut self) -> Result<State> {
        let objects = self.objects()?.to_vec();
        Ok(State { head: self.head()?.clone(), objects })
    }

    fn replace(&mut self, lock: &Lock, mut state: State) -> Result<()> {
        let revision = self.known.as_ref().map_or(0, |k| k.revision) + 1;
        state.head.containers_used = state.containers_used();
        let unwritable = |_| Error::Crypto("a state cannot be encoded");
        let head = serde_json::to_vec(&state.head).map_err(unwritable)?;
        let body = serde_json::to_vec(&state.objects).map_err(unwritable)?;
        let header = self.file.replace(lock, &Image { revision, head, body })?;
        let body = Body::Read(state.objects);
        self.known = Some(Known { header, revision, head: state.head, body, stale: false });
        Ok(())
    }
}

/// Fills both keys with a fresh pair.
pub fn make_pair(template: PairTemplate) -> Result<(Object, Object)> {
    let (scalar, made_point) = sm2sig::generate()?;
    let PairTemplate { mut public, mut private } = template;
    let fill = |half: &mut KeyHalf| {
        half.point.clone_from(&made_point);
        half.local = true;
    };
    if let Kind::PublicKey(half) = &mut public.kind {
        fill(half);
    }
    if let Kind::PrivateKey { key, secret } = &mut private.kind {
        fill(key);
        *secret = Content::Clear(scalar);
    }
    Ok((public, private))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{self, NewToken};
    use crate::store::seal::Kdf;

    #[test]
    fn a_try_is_spent_in_the_file_before_the_pin_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let new = NewToken { serial: Some("K1".into()), kdf: Kdf::WEAK, ..NewToken::default() };
        admin::create(dir.path(), &new).unwrap();
        let tries_in_file = || admin::list(dir.path()).unwrap()[0].pin_retry_counter;
        let mut token = SoftToken::new(&Folder::new(dir.path()), "K1");
        token
            .with_pin(Role::User, &new.pin, Effect::Kept, |state, _| {
                assert_eq!(tries_in_file(), 9, "a kill at this point gives no free try");
                assert_eq!(state.head.user.retry_counter, 10);
                Ok(())
            })
            .unwrap();
        assert_eq!(tries_in_file(), 10);
        assert!(token.login(Role::User, &"00000000".into()).is_err());
        assert_eq!(tries_in_file(), 9);
    }

    #[test]
    fn a_login_is_good_for_one_insertion() {
        let dir = tempfile::tempdir().unwrap();
        let new = NewToken { serial: Some("K1".into()), kdf: Kdf::WEAK, ..NewToken::default() };
        admin::create(dir.path(), &new).unwrap();
        let mut token = SoftToken::new(&Folder::new(dir.path()), "K1");
        let login = token.login(Role::User, &new.pin).unwrap();
        token.change(Some(&login), Effect::Kept, |_| Ok(())).unwrap();
        admin::remove(dir.path(), "K1").unwrap();
        assert!(matches!(token.change(Some(&login), Effect::Kept, |_| Ok(())), Err(Error::Removed)));
        admin::insert(dir.path(), "K1").unwrap();
        assert!(matches!(token.change(Some(&login), Effect::Kept, |_| Ok(())), Err(Error::Removed)));
    }
}
