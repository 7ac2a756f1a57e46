//! A whole renewal against the same work made bare: the module loaded into this process and called by `cryptoki`
//! without a host, the same HTTP exchanges without a flow, and as many fsyncs without a journal.

use std::{
    ffi::c_ulong,
    fs::File,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    mechanism::{Mechanism, MechanismType, vendor_defined::VendorDefinedMechanism},
    object::{Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    types::AuthPin,
};
use ycd_pki::{
    Certificate, PublicKey, SignError, Signature, Signer, authorization::Authorization, csr,
    curve::CURVE_DER, sm3::sm3,
};
use ycd_portal_api::{
    Client,
    wire::{
        Bytes,
        attempts::{AttemptView, Confirm, Issue, Mode, NoncePurpose, OpenAttempt, SignedAuthorization},
    },
};
use ycd_softkey::admin;
use ycd_token::Drivers;

use super::{Row, median};
use crate::{
    prompter::Scripted,
    world::{IssuedToken, PIN, World},
};

const MAX_PASSES: usize = 15;
/// Vendor numbers of the software token's family (drivers-config/softkey.toml).
const CKK_SM2: c_ulong = 0x8000_0004;
const CKM_SM2_KEY_PAIR_GEN: c_ulong = 0x8000_8001;
pub(super) const CKM_SM3_SM2_DER: c_ulong = 0x8000_8103;
/// Records of the journal in one renewal.
const RECORDS: usize = 6;

pub fn measure() -> Row {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..MAX_PASSES {
        ours.push(in_a_new_world(&World::with_real_kdf(), our_renewal));
        bare.push(in_a_new_world(&World::with_real_kdf(), bare_renewal));
    }
    let (our_calls, bare_calls) = (calls_of(our_renewal), calls_of(bare_renewal));
    let name = format!("bare: {bare_calls} PKCS#11 calls to our {our_calls}, same HTTP, {RECORDS} fsyncs");
    Row::times("whole renewal on the software token", median(ours), &name, median(bare), 1.3)
}

/// Renews the order of a token, and says how long that took.
type RenewalOf = fn(&World, &IssuedToken, &str) -> Duration;

/// A world takes one renewal: a second one would find the order completed.
fn in_a_new_world(world: &World, renewal: RenewalOf) -> Duration {
    let (token, order) = world.token_with_order();
    renewal(world, &token, &order)
}

/// Counts the module's calls in a run of its own, so that counting costs the measured ones nothing.
fn calls_of(renewal: RenewalOf) -> usize {
    let world = World::new();
    let (token, order) = world.token_with_order();
    admin::set_trace(world.softkey_dir(), true).expect("the trace is on");
    renewal(&world, &token, &order);
    admin::trace(world.softkey_dir()).expect("the trace").len()
}

fn our_renewal(world: &World, token: &IssuedToken, order: &str) -> Duration {
    let portal = world.direct().with_session(world.session(&token.phone));
    let mut machine = world.machine("a");
    let mut prompter = Scripted::with_pin(PIN);
    let start = Instant::now();
    machine.renew(&portal, &mut prompter, order).expect("renewed");
    start.elapsed()
}

fn bare_renewal(world: &World, token: &IssuedToken, order: &str) -> Duration {
    let drivers = Drivers::load(None).expect("the profiles").find_modules();
    let driver = drivers.into_iter().find(|d| d.profile.name == "softkey").expect("the module");
    let session = world.session(&token.phone);
    let mut child = Command::new(std::env::current_exe().expect("this program's own path"))
        .arg(BARE)
        .arg(&driver.module_path)
        .args([&world.direct_url(), order, token.token_id.as_str()])
        .arg(world.path())
        .env("YCD_SOFTKEY_DIR", world.softkey_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the bare renewal starts");
    writeln!(child.stdin.take().expect("a pipe"), "{}", session.reveal())
        .expect("the session is handed over");
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    let micros = text.trim().parse().unwrap_or_else(|_| panic!("the bare renewal said: {text}"));
    Duration::from_micros(micros)
}

/// The argument with which the bench program makes one bare renewal: the module reads the folder of its keys from the
/// environment, which belongs to a process.
pub const BARE: &str = "--bare-renewal";

/// In that process. Prints what it took, in microseconds.
#[expect(clippy::print_stdout, reason = "the answer to the process that started this one")]
pub fn bare(arguments: &[String]) {
    let [module, url, order, token_id, folder] = arguments else {
        panic!("five arguments, not {arguments:?}")
    };
    let mut session = String::new();
    std::io::stdin().read_line(&mut session).expect("the session");
    let session = ycd_portal_api::wire::login::SessionToken::new(session.trim().to_owned());
    let portal = Client::new(url, ycd_portal_api::RetryPolicy::default()).expect("a loopback address");
    let portal = portal.with_session(session);
    // As ours, whose client was made before its clock started.
    portal.me().expect("logged in");
    let start = Instant::now();
    straight_through(Path::new(module), &portal, order, token_id, Path::new(folder));
    println!("{}", start.elapsed().as_micros());
}

fn straight_through(module: &Path, portal: &Client, order: &str, token_id: &str, folder: &Path) {
    let mut records = File::create(folder.join("records")).expect("a file");
    let mut fsync = || {
        records.write_all(&[0; 256]).and_then(|()| records.sync_all()).expect("on disk");
    };
    let context = Pkcs11::new(module).expect("the module loads");
    context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).expect("initialised");
    let slot = context.get_slots_with_token().expect("slots")[0];
    context.get_slot_info(slot).expect("slot info");
    context.get_token_info(slot).expect("token info");
    portal.order(order).expect("the order");
    let session = context.open_rw_session(slot).expect("a session");
    let public_keys = read_all(&session);
    let request = OpenAttempt { token_id: token_id.to_owned(), public_keys, mode: Mode::SideBySide };
    let view = portal.open_attempt(order, &request).expect("an attempt");
    fsync();
    session.login(UserType::User, Some(&AuthPin::from(PIN.to_owned().into_boxed_str()))).expect("logged in");
    read_all(&session);

    let (public, private) = generate(&session, &view);
    let public_key = public_key_of(&session, public);
    let new = InModule { session: &session, private, public_key };
    fsync();

    let old_certificate = Certificate::from_der(&view.old_certificate.0).expect("a certificate");
    let old_key = old_certificate.public_key().expect("an SM2 key");
    let old_private = find_private(&session, &old_key);
    let old = InModule { session: &session, private: old_private, public_key: old_key };
    let nonce = nonce(portal, &view, NoncePurpose::Renew);
    let authorization = Authorization::Renew {
        portal: view.portal.clone(),
        order: order.to_owned(),
        attempt: view.attempt,
        token_id: token_id.to_owned(),
        old_certificate: sm3(&view.old_certificate.0),
        new_public_key: sm3(&public_key.to_spki_der()),
        nonce,
    };
    let authorization = signed(&old, &authorization, nonce);
    let csr = csr::build(&new, &view.subject.0).expect("a request");
    let issue = Issue { request: Bytes(csr), authorization: Some(authorization), step_up: None };
    let issued = portal.issue(order, view.attempt, &issue).expect("issued");
    let view = portal.attempt(order).expect("the attempt");
    fsync();

    let certificate = Certificate::from_der(&issued.certificate.0).expect("a certificate");
    read_all(&session);
    write(&session, &view, &certificate);
    read_all(&session);
    fsync();

    let nonce = self::nonce(portal, &view, NoncePurpose::Confirm);
    let authorization = Authorization::Confirm {
        portal: view.portal.clone(),
        order: order.to_owned(),
        attempt: view.attempt,
        serial: certificate.serial().to_vec(),
        nonce,
    };
    let authorization = signed(&new, &authorization, nonce);
    portal.confirm(order, view.attempt, &Confirm { authorization }).expect("confirmed");
    fsync();
    portal.attempt(order).expect("the attempt");
    read_all(&session);
    fsync();
}

/// A private key in the module, as a signer.
struct InModule<'a> {
    session: &'a Session,
    private: ObjectHandle,
    public_key: PublicKey,
}

impl Signer for InModule<'_> {
    fn public_key(&self) -> PublicKey {
        self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let signature =
            self.session.sign(&vendor(CKM_SM3_SM2_DER), self.private, message).map_err(SignError::new)?;
        Signature::from_der(&signature).map_err(SignError::new)
    }
}

fn signed(signer: &InModule<'_>, authorization: &Authorization, nonce: [u8; 32]) -> SignedAuthorization {
    let signature = signer.sign(&authorization.to_bytes()).expect("a signature").to_der();
    SignedAuthorization { nonce: Bytes(nonce.to_vec()), signature: Bytes(signature) }
}

fn nonce(portal: &Client, view: &AttemptView, purpose: NoncePurpose) -> [u8; 32] {
    let nonce = portal.nonce(&view.order, view.attempt, purpose).expect("a nonce");
    nonce.nonce.0.try_into().expect("32 bytes")
}

pub(super) fn vendor(number: c_ulong) -> Mechanism<'static> {
    let mechanism = MechanismType::new_vendor_defined(number).expect("a vendor number");
    Mechanism::VendorDefined(VendorDefinedMechanism::new::<()>(mechanism, None))
}

/// All objects with what identifies them; gives the public keys.
fn read_all(session: &Session) -> Vec<Bytes> {
    let mut public_keys = Vec::new();
    for class in [ObjectClass::PUBLIC_KEY, ObjectClass::PRIVATE_KEY, ObjectClass::CERTIFICATE] {
        for object in session.find_objects(&[Attribute::Class(class)]).expect("objects") {
            let wanted = match class {
                ObjectClass::CERTIFICATE => {
                    vec![AttributeType::Id, AttributeType::Label, AttributeType::Value]
                }
                _ => vec![AttributeType::Id, AttributeType::Label, AttributeType::EcPoint],
            };
            let attributes = session.get_attributes(object, &wanted).expect("attributes");
            if class == ObjectClass::PUBLIC_KEY {
                let point = attributes
                    .iter()
                    .find_map(|a| if let Attribute::EcPoint(p) = a { Some(p) } else { None });
                let point = PublicKey::from_point(point.expect("a point")).expect("on the curve");
                public_keys.push(Bytes(point.to_spki_der()));
            }
        }
    }
    public_keys
}

fn generate(session: &Session, view: &AttemptView) -> (ObjectHandle, ObjectHandle) {
    let key_type = KeyType::new_vendor_defined(CKK_SM2).expect("a vendor number");
    let id = Attribute::Id(view.cka_id.0.clone());
    let public = [
        Attribute::Token(true),
        Attribute::KeyType(key_type),
        Attribute::EcParams(CURVE_DER.to_vec()),
        Attribute::Verify(true),
        id.clone(),
    ];
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        id,
    ];
    session.generate_key_pair(&vendor(CKM_SM2_KEY_PAIR_GEN), &public, &private).expect("a key pair")
}

fn public_key_of(session: &Session, public: ObjectHandle) -> PublicKey {
    let attributes = session.get_attributes(public, &[AttributeType::EcPoint]).expect("attributes");
    let [Attribute::EcPoint(point)] = attributes.as_slice() else { panic!("no point") };
    PublicKey::from_point(point).expect("on the curve")
}

pub(super) fn find_private(session: &Session, wanted: &PublicKey) -> ObjectHandle {
    let found = session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)]).expect("objects");
    let is_it = |object: &ObjectHandle| public_key_of(session, *object).to_point() == wanted.to_point();
    found.into_iter().find(is_it).expect("the old private key")
}

fn write(session: &Session, view: &AttemptView, certificate: &Certificate) {
    let written = session
        .create_object(&[
            Attribute::Class(ObjectClass::CERTIFICATE),
            Attribute::Token(true),
            Attribute::CertificateType(CertificateType::X_509),
            Attribute::Id(view.cka_id.0.clone()),
            Attribute::Subject(certificate.subject_der().to_vec()),
            Attribute::Issuer(certificate.issuer_der().to_vec()),
            Attribute::Value(certificate.der().to_vec()),
        ])
        .expect("written");
    let read = session.get_attributes(written, &[AttributeType::Value]).expect("read back");
    assert_eq!(read, [Attribute::Value(certificate.der().to_vec())]);
}
