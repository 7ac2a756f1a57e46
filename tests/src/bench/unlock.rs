//! A whole unlock by each method against the same work made bare: the module loaded into this process and called by
//! `cryptoki` without a host, the commands to the card by `pcsc`, the same HTTP exchanges without a flow, and as many
//! fsyncs without a journal. The token is locked before, unmeasured.

use std::{
    env,
    fs::File,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    object::{Attribute, AttributeType, ObjectClass},
    session::{Session, UserType},
    types::AuthPin,
};
use pcsc::{
    Card, Context as Pcsc, Disposition, Protocols, ReaderState, Scope, ShareMode, State, Transaction,
};
use serde::{Deserialize, Serialize};
use time::Duration as Span;
use ycd_pki::{
    Certificate, KeyPair, PublicKey,
    authorization::Authorization,
    sm3::sm3,
    unlock::{
        Context, Purpose, ReleaseRequest, SessionKey, SoPinRetryCounter, SoPins, UNBLOCK_HEADER,
        UnblockCommand, UnlockMethod, UnlockRequest,
    },
};
use ycd_portal_api::{
    Client, RetryPolicy,
    wire::{
        Bytes,
        attempts::SignedAuthorization,
        operator::{OperatorLogin, OutboxQuery},
        unlock::{AskLiveness, AskRelease, OpenUnlock, TokenInHand, UnlockForm, Unlocked},
    },
};
use ycd_softkey::{admin, card};
use ycd_token::{Drivers, Pin, TokenAccess as _, TokenError, TokenId};

use super::{
    Row, median,
    renewal::{CKM_SM3_SM2_DER, find_private, vendor},
};
use crate::{
    pcscd::{Pcscd, with_own_service},
    prompter::UnlockScript,
    world::{IssuedToken, Maker, PHONE, World, trust_of},
};

/// The argument with which the benchmark starts itself for the challenge-response method, in a process whose PC/SC is a
/// service of its own.
pub const CHALLENGE: &str = "unlock-by-challenge";
/// The argument with which it makes one bare unlock: the module reads the folder of its keys from the environment,
/// which belongs to a process.
pub const BARE: &str = "--bare-unlock";

const MAX_PASSES: usize = 15;
const NEW: &str = "271828";
const WANTED: f64 = 1.3;

/// How long each round took, and what a round consists of.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Measured {
    ours: Vec<Duration>,
    bare: Vec<Duration>,
    our_calls: usize,
    bare_calls: usize,
    requests: usize,
}

/// One bare unlock.
#[derive(Serialize, Deserialize)]
struct Task {
    method: UnlockMethod,
    module: PathBuf,
    portal: String,
    /// Past every proxy: where the codes are read.
    outbox: String,
    /// Name and password of the operator who reads them.
    operator: (String, String),
    token_id: TokenId,
    phone: String,
    folder: PathBuf,
}

/// By SO PIN.
pub fn wrapped() -> Row {
    rounds(UnlockMethod::SoPin).row(UnlockMethod::SoPin)
}

/// By challenge; `Err` says why it cannot be measured here.
pub fn challenge() -> Result<Row, String> {
    Pcscd::available()?;
    let mut child = Command::new(env::current_exe().unwrap());
    child.arg(CHALLENGE);
    let output = with_own_service(child, |child| child.output().unwrap());
    let errors = |_| format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    let measured: Measured = serde_json::from_slice(&output.stdout).map_err(errors)?;
    Ok(measured.row(UnlockMethod::ChallengeResponse))
}

/// The process of the challenge-response method: prints what it measured as JSON.
#[expect(clippy::print_stdout, reason = "its parent reads it")]
pub fn child() {
    println!("{}", serde_json::to_string(&rounds(UnlockMethod::ChallengeResponse)).unwrap());
}

impl Measured {
    fn row(self, method: UnlockMethod) -> Row {
        let Self { ours, bare, our_calls, bare_calls, requests } = self;
        let (name, more) = match method {
            UnlockMethod::SoPin => ("whole unlock by SO PIN", ""),
            UnlockMethod::ChallengeResponse => ("whole unlock by challenge", ", APDUs by pcsc"),
        };
        let fsyncs = records_of(method);
        let beside = format!(
            "bare: {bare_calls} PKCS#11 calls to our {our_calls}{more}, same {requests} HTTP, {fsyncs} fsyncs"
        );
        Row::times(name, median(ours), &beside, median(bare), WANTED)
    }
}

/// Records of the journal in one unlock: opened, PIN set, rotating where there is an SO PIN, done.
fn records_of(method: UnlockMethod) -> usize {
    match method {
        UnlockMethod::SoPin => 4,
        UnlockMethod::ChallengeResponse => 3,
    }
}

fn rounds(method: UnlockMethod) -> Measured {
    let world = World::with_real_kdf();
    let serial_number = world.blank_token("USBKEY", None);
    let token_id = TokenId::new("softkey", &serial_number);
    let service = (method == UnlockMethod::ChallengeResponse).then(|| Pcscd::start(2));
    let _runner = service.as_ref().map(|service| {
        let reader = format!("127.0.0.1:{}", service.ports()[0]);
        let runner = card::start(world.softkey_dir(), &serial_number, &reader, |_| ()).unwrap();
        wait_for_card();
        runner
    });
    let maker = Maker { method: Some(method), ..Maker::default() };
    let made = world.personalize(&mut world.machine("station").tokens, &token_id, &maker);
    let certificate = made.certificate.serial;
    let token = IssuedToken { serial_number, token_id, certificate, phone: PHONE.to_owned() };

    let mut measured = Measured::default();
    for round in 0..=MAX_PASSES {
        lock(&world, &token);
        let ours = our_unlock(&world, &token, &world.direct());
        lock(&world, &token);
        let bare = bare_unlock(&world, &token, method, world.direct_url());
        // The first round fills caches.
        if round > 0 {
            measured.ours.push(ours);
            measured.bare.push(bare);
        }
    }
    // Counted in runs of their own, so that counting costs the measured ones nothing.
    let (our_calls, our_requests) = counted(&world, &token, || our_unlock(&world, &token, &world.visitor()));
    let (bare_calls, requests) =
        counted(&world, &token, || bare_unlock(&world, &token, method, world.proxy.url()));
    assert_eq!(requests, our_requests, "the bare unlock asks the portal for the same");
    Measured { our_calls, bare_calls, requests: requests.len(), ..measured }
}

/// Wrong PINs until the token is locked.
fn lock(world: &World, token: &IssuedToken) {
    let mut tokens = world.machine("whoever-locked-it").tokens;
    loop {
        match tokens.login(&token.token_id, &Pin::new("99999999")) {
            Err(TokenError::PinIncorrect { .. }) => {}
            Err(TokenError::PinLocked) => break,
            other => panic!("{other:?}"),
        }
    }
    // A minute must lie between two codes.
    world.time_passes(Span::seconds(61));
}

/// Calls into the module, and requests to the portal: the last word of each path, as orders have numbers.
fn counted(world: &World, token: &IssuedToken, unlock: impl FnOnce() -> Duration) -> (usize, Vec<String>) {
    lock(world, token);
    admin::set_trace(world.softkey_dir(), true).expect("the trace is on");
    world.proxy.pass_all();
    unlock();
    let calls = admin::trace(world.softkey_dir()).expect("the trace").len();
    admin::set_trace(world.softkey_dir(), false).expect("the trace is off");
    let requests = world.proxy.calls().into_iter();
    let last = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
    (calls, requests.map(|call| last(call.path)).collect())
}

fn our_unlock(world: &World, token: &IssuedToken, portal: &Client) -> Duration {
    let mut machine = world.machine("a");
    let mut prompter = UnlockScript::new(world.phone(&token.phone), NEW);
    let start = Instant::now();
    machine.unlock(portal, &mut prompter).expect("unlocked");
    start.elapsed()
}

fn bare_unlock(world: &World, token: &IssuedToken, method: UnlockMethod, portal: String) -> Duration {
    let drivers = Drivers::load(None).expect("the profiles").find_modules();
    let driver = drivers.into_iter().find(|d| d.profile.name == "softkey").expect("the module");
    let task = Task {
        method,
        module: driver.module_path.clone(),
        portal,
        outbox: world.direct_url(),
        operator: world.operator_credentials(),
        token_id: token.token_id.clone(),
        phone: token.phone.clone(),
        folder: world.path().to_owned(),
    };
    let mut child = Command::new(env::current_exe().expect("this program's own path"))
        .arg(BARE)
        .env("YCD_SOFTKEY_DIR", world.softkey_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the bare unlock starts");
    let input = child.stdin.take().expect("a pipe");
    serde_json::to_writer(input, &task).expect("the task is handed over");
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    let micros = text.trim().parse().unwrap_or_else(|_| panic!("the bare unlock said: {text}"));
    Duration::from_micros(micros)
}

/// In that process. Prints what it took, in microseconds.
#[expect(clippy::print_stdout, reason = "the answer to the process that started this one")]
pub fn bare() {
    let task: Task = serde_json::from_reader(std::io::stdin()).expect("the task");
    let direct = Client::new(&task.outbox, RetryPolicy::default()).expect("a loopback address");
    let portal = Client::new(&task.portal, RetryPolicy::default()).expect("a loopback address");
    let (name, password) = task.operator.clone();
    let session = direct.operator_login(&OperatorLogin { name, password }).expect("the operator logs in");
    let phone = Phone { operator: direct.with_session(session.session_token), number: task.phone.clone() };
    // As ours, whose client was made before its clock started.
    let tokens = trust_of(&direct);
    let read = phone.newest().0;
    let start = Instant::now();
    straight_through(&task, &portal, &tokens.sealing_key, &phone, read);
    println!("{}", start.elapsed().as_micros());
}

fn straight_through(task: &Task, portal: &Client, sealing_key: &PublicKey, phone: &Phone, read: i64) {
    let mut records = File::create(task.folder.join("records")).expect("a file");
    let mut fsyncs = 0;
    let mut fsync = || {
        records.write_all(&[0; 256]).and_then(|()| records.sync_all()).expect("on disk");
        fsyncs += 1;
    };
    let context = Pkcs11::new(&task.module).expect("the module loads");
    context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).expect("initialised");
    let slot = context.get_slots_with_token().expect("slots")[0];
    context.get_token_info(slot).expect("token info");
    let session = context.open_rw_session(slot).expect("a session");
    let certificate = certificate_on(&session);
    let in_hand =
        TokenInHand { token_id: task.token_id.to_string(), certificate: Bytes(certificate.der().to_vec()) };
    let offer = portal.unlock_check(&in_hand).expect("it can be unlocked");
    portal.unlock_code(&in_hand).expect("a code is sent");
    let unlock_request =
        UnlockRequest::new(&in_hand.token_id, &phone.code_after(read)).expect("random bytes");
    let open = OpenUnlock {
        token_id: in_hand.token_id,
        certificate: in_hand.certificate,
        sealed: Bytes(unlock_request.seal(sealing_key).expect("sealed")),
        locked: true,
        order: None,
        form: UnlockForm::default(),
    };
    let grant = portal.open_unlock(&open).expect("an order");
    fsync();

    let order = grant.order.no;
    let mut card = (task.method == UnlockMethod::ChallengeResponse).then(card_in_reader);
    let one_time = KeyPair::generate().expect("a one-time key");
    let request = ReleaseRequest {
        order: order.clone(),
        step_up: unlock_request.step_up.clone(),
        one_time_key: one_time.public_key(),
        token_id: task.token_id.to_string(),
        method: task.method,
        certificate: sm3(certificate.der()),
        challenge: card.as_mut().map(challenge_of).unwrap_or_default(),
        so_pin_retry_counter: SoPinRetryCounter::Full,
    };
    let sealed = Bytes(request.seal(sealing_key).expect("sealed"));
    let portal = portal.with_session(grant.ticket);
    let answer = portal.release(&order, &AskRelease { sealed }).expect("a release");
    let release = Context::from_bytes(Purpose::Unlock, &answer.context.0).expect("its context");
    match &mut card {
        Some(card) => {
            let key = SessionKey::unseal(&one_time, &answer.sealed_envelope.0).expect("the answer");
            unblock(card, &key, release.hash());
            fsync();
        }
        None => {
            let pins = SoPins::unseal(&one_time, &answer.sealed_envelope.0).expect("the SO PINs");
            let (current, next) = (auth(pins.current.expose()), auth(pins.next.expose()));
            let question = AskLiveness { release: release.release, nonce: Bytes(vec![7; 32]) };
            portal.liveness(&order, &question).expect("alive");
            session.login(UserType::So, Some(&current)).expect("the SO PIN");
            session.init_pin(&auth(NEW)).expect("the new PIN");
            fsync();
            fsync();
            session.set_pin(&current, &next).expect("the next SO PIN");
            session.logout().expect("logged out");
            portal.liveness(&order, &question).expect("alive");
            session.login(UserType::So, Some(&next)).expect("the next SO PIN");
            session.logout().expect("logged out");
        }
    }

    session.login(UserType::User, Some(&auth(NEW))).expect("the new PIN works");
    let nonce = portal.unlock_nonce(&order).expect("a nonce").nonce;
    let one_time_key = sm3(&one_time.public_key().to_spki_der());
    let authorization = Authorization::Unlocked {
        portal: offer.portal,
        order: order.clone(),
        release: release.release,
        token_id: task.token_id.to_string(),
        one_time_key,
        so_pin_version: release.next_version,
        nonce: nonce.0.clone().try_into().expect("32 bytes"),
    };
    let private = find_private(&session, &certificate.public_key().expect("an SM2 key"));
    let signature =
        session.sign(&vendor(CKM_SM3_SM2_DER), private, &authorization.to_bytes()).expect("a signature");
    let proof = Unlocked {
        release: release.release,
        one_time_key: Bytes(one_time_key.to_vec()),
        so_pin_version: release.next_version,
        authorization: SignedAuthorization { nonce, signature: Bytes(signature) },
    };
    portal.unlocked(&order, &proof).expect("the proof");
    fsync();
    session.logout().expect("logged out");
    assert_eq!(fsyncs, records_of(task.method));
}

fn auth(pin: &str) -> AuthPin {
    AuthPin::from(pin.to_owned().into_boxed_str())
}

fn certificate_on(session: &Session) -> Certificate {
    let found = session.find_objects(&[Attribute::Class(ObjectClass::CERTIFICATE)]).expect("objects");
    let attributes = session.get_attributes(found[0], &[AttributeType::Value]).expect("attributes");
    let [Attribute::Value(der)] = attributes.as_slice() else { panic!("no certificate") };
    Certificate::from_der(der).expect("a certificate")
}

/// The first reader's card, the only one.
fn card_in_reader() -> Card {
    let context = Pcsc::establish(Scope::User).expect("the service");
    let mut readers = context.list_readers_owned().expect("readers");
    readers.sort();
    context.connect(&readers[0], ShareMode::Shared, Protocols::ANY).expect("a card")
}

fn challenge_of(card: &mut Card) -> Vec<u8> {
    selected(card, |card| {
        send(card, &[0x80, 0xCA, 0x01, 0x01, 0x00]);
        send(card, &[0x80, 0x84, 0x00, 0x00, 0x10])
    })
}

fn unblock(card: &mut Card, key: &SessionKey, context_hash: [u8; 32]) {
    let command =
        UnblockCommand::seal(key, &UNBLOCK_HEADER, context_hash, NEW.as_bytes()).expect("a command");
    selected(card, |card| send(card, &[&UNBLOCK_HEADER[..], &command.to_bytes()].concat()));
}

fn selected<T>(card: &mut Card, act: impl FnOnce(&Transaction<'_>) -> T) -> T {
    let transaction = card.transaction().expect("the card");
    send(&transaction, &[&[0x00, 0xA4, 0x04, 0x00, 0x0B], &card::AID[..], &[0x00]].concat());
    let done = act(&transaction);
    transaction.end(Disposition::LeaveCard).map_err(|(_, error)| error).expect("the card is left as it is");
    done
}

/// What it answers before 9000.
fn send(card: &Transaction<'_>, command: &[u8]) -> Vec<u8> {
    let mut buffer = [0; pcsc::MAX_BUFFER_SIZE];
    let answer = card.transmit(command, &mut buffer).expect("an answer");
    let Some((data, [0x90, 0x00])) = answer.split_last_chunk::<2>() else { panic!("{answer:02X?}") };
    data.to_vec()
}

fn wait_for_card() {
    let context = Pcsc::establish(Scope::User).unwrap();
    let mut readers = context.list_readers_owned().unwrap();
    readers.sort();
    let mut states = [ReaderState::new(readers.remove(0), State::UNAWARE)];
    while !states[0].event_state().contains(State::PRESENT) {
        states[0].sync_current_state();
        context.get_status_change(Duration::from_secs(20), &mut states).unwrap();
    }
}

/// Reads codes as [`UnlockScript`]'s does.
struct Phone {
    operator: Client,
    number: String,
}

impl Phone {
    /// Number and code of the newest message.
    fn newest(&self) -> (i64, Option<String>) {
        let query = OutboxQuery { phone: Some(self.number.clone()), ..OutboxQuery::default() };
        let newest = self.operator.sms_outbox(&query).expect("the outbox").items.into_iter().next();
        newest.map_or((0, None), |message| (message.id, message.code))
    }

    fn code_after(&self, read: i64) -> String {
        let (id, code) = self.newest();
        assert!(id > read, "the code is there when the portal has answered");
        code.expect("a code")
    }
}
