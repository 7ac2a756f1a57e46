//! The module as a client loads it: from its file, through its function table.
//!
//! Each [`Client`] loads a copy of the module's file, so that each has a state of its own, as processes have.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "all of this is test code")]
#![allow(clippy::cast_possible_truncation, reason = "counts of a few objects; CK_ULONG has 32 or 64 bits")]

pub mod reader;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use cryptoki_sys::*;
use tempfile::TempDir;
use ycd_softkey::admin::{self, Created, Kdf, NewToken};

pub const PIN: &str = "12345678";
pub const SO_PIN: &str = "87654321";

pub const CKK_SM2: CK_KEY_TYPE = 0x8000_0004;
pub const KEY_PAIR_GEN: CK_MECHANISM_TYPE = 0x8000_8001;
pub const SM3_RAW: CK_MECHANISM_TYPE = 0x8000_8100;
pub const SM3_DER: CK_MECHANISM_TYPE = 0x8000_8101;
pub const SM3_DEFAULT_RAW: CK_MECHANISM_TYPE = 0x8000_8102;
pub const SM3_DEFAULT_DER: CK_MECHANISM_TYPE = 0x8000_8103;
pub const E_DER: CK_MECHANISM_TYPE = 0x8000_8104;
pub const E_RAW: CK_MECHANISM_TYPE = 0x8000_8105;
pub const SM3: CK_MECHANISM_TYPE = 0x8000_9000;

/// A folder with tokens.
pub struct Bench {
    pub dir: TempDir,
}

impl Bench {
    /// With one inserted token, `K1`, PIN and SO PIN as above.
    pub fn new() -> Self {
        let fixture = Self::empty();
        fixture.add("K1");
        fixture
    }

    pub fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn add(&self, serial: &str) -> Created {
        self.add_as(NewToken { serial: Some(serial.into()), ..Self::token() })
    }

    pub fn add_as(&self, token: NewToken) -> Created {
        admin::create(self.path(), &token).unwrap()
    }

    /// A token that is cheap to check PINs on.
    pub fn token() -> NewToken {
        NewToken {
            label: "投标证书".into(),
            so_pin: Some(SO_PIN.into()),
            kdf: Kdf::WEAK,
            ..NewToken::default()
        }
    }

    pub fn client(&self) -> Client {
        Client::load(self.path())
    }
}

/// The module's file, as cargo built it for these tests.
pub fn module_path() -> PathBuf {
    let name = format!("{}ycd_softkey{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let exe = std::env::current_exe().unwrap();
    let deps = exe.parent().unwrap();
    [deps.join(&name), deps.parent().unwrap().join(&name)].into_iter().find(|p| p.exists()).unwrap()
}

/// Initializes a module on a folder: the variable that names it is the process's, so one at a time.
pub fn in_folder<T>(dir: &Path, initialize: impl FnOnce() -> T) -> T {
    static ENVIRONMENT: Mutex<()> = Mutex::new(());
    let _alone = ENVIRONMENT.lock().unwrap_or_else(|e| e.into_inner());
    // SAFETY: whatever else reads the environment in this process goes through Rust's standard library, which locks
    // it.
    unsafe { std::env::set_var("YCD_SOFTKEY_DIR", dir) };
    initialize()
}

pub struct Client {
    pub table: CK_FUNCTION_LIST,
    _library: Pkcs11,
    _copy: TempDir,
}

/// Calls a function of the table: `call!(client, C_Sign(session, …))`.
#[macro_export]
macro_rules! call {
    ($client:expr, $name:ident($($argument:expr),* $(,)?)) => {{
        let function = $client.table.$name.unwrap();
        // SAFETY: the arguments are what PKCS#11 asks for, or wrong in a way the module has to notice.
        unsafe { function($($argument),*) }
    }};
}

pub fn ok(rv: CK_RV) {
    assert_eq!(rv, CKR_OK, "answered {rv:#x}");
}

impl Client {
    /// Loaded and initialized on a folder.
    pub fn load(dir: &Path) -> Self {
        let client = Self::loaded();
        in_folder(dir, || ok(call!(client, C_Initialize(std::ptr::null_mut()))));
        client
    }

    /// Loaded, not initialized.
    pub fn loaded() -> Self {
        let copy = tempfile::tempdir().unwrap();
        let path = copy.path().join(module_path().file_name().unwrap());
        std::fs::copy(module_path(), &path).unwrap();
        // SAFETY: our own module.
        let library = unsafe { Pkcs11::new(&path) }.unwrap();
        let mut table = std::ptr::null_mut();
        // SAFETY: room for one pointer; what it points at is constant and lives as long as the library.
        let table = unsafe {
            ok(library.C_GetFunctionList(&mut table));
            *table
        };
        Self { table, _library: library, _copy: copy }
    }

    pub fn slots(&self, present: bool) -> Vec<CK_SLOT_ID> {
        let mut slots = [0; 16];
        let mut count = 16;
        ok(call!(self, C_GetSlotList(present.into(), slots.as_mut_ptr(), &mut count)));
        slots[..count as usize].to_vec()
    }

    pub fn token(&self, slot: CK_SLOT_ID) -> CK_TOKEN_INFO {
        let mut info = CK_TOKEN_INFO::default();
        ok(call!(self, C_GetTokenInfo(slot, &mut info)));
        info
    }

    pub fn flags(&self) -> CK_FLAGS {
        self.token(1).flags
    }

    pub fn try_open(&self, flags: CK_FLAGS) -> Result<CK_SESSION_HANDLE, CK_RV> {
        let mut session = 0;
        let rv = call!(
            self,
            C_OpenSession(1, flags | CKF_SERIAL_SESSION, std::ptr::null_mut(), None, &mut session)
        );
        if rv == CKR_OK { Ok(session) } else { Err(rv) }
    }

    /// A read-write session on slot 1.
    pub fn open(&self) -> CK_SESSION_HANDLE {
        self.try_open(CKF_RW_SESSION).unwrap()
    }

    /// A read-write session on slot 1, the user logged in.
    pub fn user(&self) -> CK_SESSION_HANDLE {
        let session = self.open();
        ok(self.login(session, CKU_USER, PIN));
        session
    }

    pub fn login(&self, session: CK_SESSION_HANDLE, who: CK_USER_TYPE, pin: &str) -> CK_RV {
        call!(self, C_Login(session, who, pin.as_ptr().cast_mut(), pin.len() as CK_ULONG))
    }

    pub fn set_pin(&self, session: CK_SESSION_HANDLE, old: &str, new: &str) -> CK_RV {
        call!(
            self,
            C_SetPIN(
                session,
                old.as_ptr().cast_mut(),
                old.len() as CK_ULONG,
                new.as_ptr().cast_mut(),
                new.len() as CK_ULONG
            )
        )
    }

    pub fn try_generate(
        &self,
        session: CK_SESSION_HANDLE,
        id: &[u8],
    ) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE), CK_RV> {
        self.try_generate_by(session, KEY_PAIR_GEN, id)
    }

    pub fn try_generate_by(
        &self,
        session: CK_SESSION_HANDLE,
        kind: CK_MECHANISM_TYPE,
        id: &[u8],
    ) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE), CK_RV> {
        let mut public = Template::new().yes(CKA_TOKEN).bytes(CKA_ID, id).bytes(CKA_LABEL, b"pair");
        let mut private = Template::new().yes(CKA_TOKEN).yes(CKA_PRIVATE).yes(CKA_SIGN).bytes(CKA_ID, id);
        let mut mechanism = mechanism(kind);
        let (mut a, mut b) = (0, 0);
        let (public, private) = (public.raw(), private.raw());
        let rv = call!(
            self,
            C_GenerateKeyPair(
                session,
                &mut mechanism,
                public.as_ptr().cast_mut(),
                public.len() as CK_ULONG,
                private.as_ptr().cast_mut(),
                private.len() as CK_ULONG,
                &mut a,
                &mut b
            )
        );
        if rv == CKR_OK { Ok((a, b)) } else { Err(rv) }
    }

    /// A token pair: handles (public, private).
    pub fn generate(&self, session: CK_SESSION_HANDLE, id: &[u8]) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
        self.try_generate(session, id).unwrap()
    }

    pub fn create(
        &self,
        session: CK_SESSION_HANDLE,
        mut template: Template,
    ) -> Result<CK_OBJECT_HANDLE, CK_RV> {
        let mut object = 0;
        let raw = template.raw();
        let rv =
            call!(self, C_CreateObject(session, raw.as_ptr().cast_mut(), raw.len() as CK_ULONG, &mut object));
        if rv == CKR_OK { Ok(object) } else { Err(rv) }
    }

    pub fn write_certificate(
        &self,
        session: CK_SESSION_HANDLE,
        id: &[u8],
        der: &[u8],
    ) -> Result<CK_OBJECT_HANDLE, CK_RV> {
        self.create(session, certificate(id, der))
    }

    pub fn set(&self, session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, mut template: Template) -> CK_RV {
        let raw = template.raw();
        call!(self, C_SetAttributeValue(session, object, raw.as_ptr().cast_mut(), raw.len() as CK_ULONG))
    }

    pub fn find(&self, session: CK_SESSION_HANDLE, mut template: Template) -> Vec<CK_OBJECT_HANDLE> {
        let raw = template.raw();
        ok(call!(self, C_FindObjectsInit(session, raw.as_ptr().cast_mut(), raw.len() as CK_ULONG)));
        let mut found = [0; 64];
        let mut count = 0;
        ok(call!(self, C_FindObjects(session, found.as_mut_ptr(), 64, &mut count)));
        ok(call!(self, C_FindObjectsFinal(session)));
        found[..count as usize].to_vec()
    }

    pub fn get(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        kind: CK_ATTRIBUTE_TYPE,
    ) -> Result<Vec<u8>, CK_RV> {
        let mut value = vec![0; 70_000];
        let mut attribute = CK_ATTRIBUTE {
            type_: kind,
            pValue: value.as_mut_ptr().cast(),
            ulValueLen: value.len() as CK_ULONG,
        };
        let rv = call!(self, C_GetAttributeValue(session, object, &mut attribute, 1));
        if rv == CKR_OK {
            value.truncate(attribute.ulValueLen as usize);
            Ok(value)
        } else {
            Err(rv)
        }
    }

    pub fn point(&self, session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) -> Vec<u8> {
        self.get(session, key, CKA_EC_POINT).unwrap()[2..].to_vec()
    }

    pub fn sign_init(
        &self,
        session: CK_SESSION_HANDLE,
        kind: CK_MECHANISM_TYPE,
        key: CK_OBJECT_HANDLE,
    ) -> CK_RV {
        call!(self, C_SignInit(session, &mut mechanism(kind), key))
    }

    pub fn sign(
        &self,
        session: CK_SESSION_HANDLE,
        kind: CK_MECHANISM_TYPE,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
    ) -> Result<Vec<u8>, CK_RV> {
        let rv = self.sign_init(session, kind, key);
        if rv != CKR_OK {
            return Err(rv);
        }
        let mut out = [0; 128];
        let mut len = 128;
        let rv = call!(
            self,
            C_Sign(session, data.as_ptr().cast_mut(), data.len() as CK_ULONG, out.as_mut_ptr(), &mut len)
        );
        if rv == CKR_OK { Ok(out[..len as usize].to_vec()) } else { Err(rv) }
    }

    pub fn verify(
        &self,
        session: CK_SESSION_HANDLE,
        kind: CK_MECHANISM_TYPE,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        signature: &[u8],
    ) -> CK_RV {
        ok(call!(self, C_VerifyInit(session, &mut mechanism(kind), key)));
        call!(
            self,
            C_Verify(
                session,
                data.as_ptr().cast_mut(),
                data.len() as CK_ULONG,
                signature.as_ptr().cast_mut(),
                signature.len() as CK_ULONG
            )
        )
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        call!(self, C_Finalize(std::ptr::null_mut()));
    }
}

pub fn mechanism(kind: CK_MECHANISM_TYPE) -> CK_MECHANISM {
    CK_MECHANISM { mechanism: kind, pParameter: std::ptr::null_mut(), ulParameterLen: 0 }
}

/// Attributes with the values they point at.
#[derive(Default, Clone)]
pub struct Template(Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>);

impl Template {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn bytes(mut self, kind: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Self {
        self.0.push((kind, value.to_vec()));
        self
    }

    pub fn yes(self, kind: CK_ATTRIBUTE_TYPE) -> Self {
        self.bytes(kind, &[CK_TRUE])
    }

    pub fn no(self, kind: CK_ATTRIBUTE_TYPE) -> Self {
        self.bytes(kind, &[CK_FALSE])
    }

    pub fn number(self, kind: CK_ATTRIBUTE_TYPE, value: CK_ULONG) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    pub fn class(class: CK_OBJECT_CLASS) -> Self {
        Self::new().number(CKA_CLASS, class)
    }

    pub fn raw(&mut self) -> Vec<CK_ATTRIBUTE> {
        let attribute = |(kind, value): &mut (CK_ATTRIBUTE_TYPE, Vec<u8>)| CK_ATTRIBUTE {
            type_: *kind,
            pValue: value.as_mut_ptr().cast(),
            ulValueLen: value.len() as CK_ULONG,
        };
        self.0.iter_mut().map(attribute).collect()
    }
}

pub fn certificate(id: &[u8], der: &[u8]) -> Template {
    Template::class(CKO_CERTIFICATE)
        .yes(CKA_TOKEN)
        .number(CKA_CERTIFICATE_TYPE, CKC_X_509)
        .bytes(CKA_SUBJECT, b"\x30\x00")
        .bytes(CKA_ID, id)
        .bytes(CKA_VALUE, der)
}

pub fn data(label: &[u8], value: &[u8]) -> Template {
    Template::class(CKO_DATA).yes(CKA_TOKEN).bytes(CKA_LABEL, label).bytes(CKA_VALUE, value)
}
