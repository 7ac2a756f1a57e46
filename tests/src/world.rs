//! A portal, keys and machines, for one test.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use time::Duration as Span;
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot, task::JoinHandle};
use ycd_flows::{
    FlowError,
    clock::SystemClock,
    journal::Journal,
    lock::KeyLocks,
    personalise::{Assignment, personalise},
    renewal::{Options, Renewal, Renewed},
};
use ycd_pki::Certificate;
use ycd_portal::{Config, Portal, clock::Shifted};
use ycd_portal_api::{
    Client, Patience,
    wire::{
        attempts::AttemptView,
        catalogue::HolderKind,
        certificates::Holder,
        form::{Applicant, Company, DeliveryKind, LegalRepresentative, OrderForm, SaveForm},
        login::{Login, Purpose, RequestCode, SessionToken},
        operator::{OperatorLogin, OutboxQuery, RecordTransfer, SmsMessage},
        orders::{ConfirmOrder, CreateOrder, OrderKind, PaymentMethod},
    },
};
use ycd_softkey::admin::{self, Kdf, NewKey};
use ycd_token::{Drivers, KeyId, Keys, Pin, Profile, Token};

use crate::{person::Scripted, proxy::FaultProxy};

/// The PIN that keys leave the operator's station with.
pub const PIN: &str = "12345678";
pub const PHONE: &str = "13800000000";
pub const OTHER_PHONE: &str = "13900000000";

/// A portal on a loopback socket with a proxy before it, and a folder of software keys.
pub struct World {
    folder: TempDir,
    runtime: Runtime,
    clock: Arc<Shifted>,
    config: Config,
    operator: (String, String),
    running: Option<Running>,
    kdf: Kdf,
    pub proxy: FaultProxy,
}

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

/// A key that left the operator's station a while ago.
#[derive(Debug, Clone)]
pub struct IssuedKey {
    /// Of the key.
    pub serial_number: String,
    pub key_id: KeyId,
    /// Serial number of its certificate, as the portal writes it.
    pub certificate: String,
    pub phone: String,
}

/// How a key is made and how old its certificate is.
#[derive(Debug, Clone)]
pub struct Maker {
    pub company: &'static str,
    pub phone: &'static str,
    pub containers: Option<u32>,
    pub age_days: i64,
}

impl Default for Maker {
    fn default() -> Self {
        Self { company: "泸州某某商贸有限公司", phone: PHONE, containers: None, age_days: 345 }
    }
}

impl World {
    pub fn new() -> Self {
        let runtime = Runtime::new().expect("threads for the portal");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(Shifted::new(Span::ZERO));
        let listener = listen(&runtime);
        let address = listener.local_addr().expect("a bound socket has an address");
        let mut config = Config { public_url: format!("http://{address}"), ..Config::default() };
        config.sms.per_phone_and_hour = 10_000;
        config.sms.per_phone_and_day = 10_000;
        config.sms.per_address_and_hour = 10_000;
        let portal = folder.path().join("portal");
        let long_ago = time::OffsetDateTime::now_utc() - Span::days(1200);
        let made = runtime.block_on(ycd_portal::init(&portal, &config, long_ago)).expect("a new portal");
        let operator = (made.operator.clone(), made.password.to_string());
        let proxy = FaultProxy::before(address);
        let kdf = Kdf::WEAK;
        let mut world = Self { folder, runtime, clock, config, operator, running: None, kdf, proxy };
        world.start_on(listener);
        world
    }

    /// One whose keys guard their PINs as in use, not cheaply as in tests that check thousands.
    pub fn with_real_kdf() -> Self {
        let mut world = Self::new();
        world.kdf = Kdf::default();
        world
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the software keys lie.
    pub fn keys_folder(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    /// Ends the portal: requests under way are answered, new ones find nobody.
    pub fn stop_portal(&mut self) {
        if let Some(running) = self.running.take() {
            // Whoever is to be stopped may have ended already.
            let _ = running.stop.send(());
            self.runtime.block_on(async { drop(running.ended.await) });
        }
    }

    /// Starts the portal again on its data.
    pub fn start_portal(&mut self) {
        let listener = listen(&self.runtime);
        self.start_on(listener);
    }

    fn start_on(&mut self, listener: TcpListener) {
        let address = listener.local_addr().expect("a bound socket has an address");
        let (folder, config, clock) =
            (self.path().join("portal"), self.config.clone(), Arc::clone(&self.clock));
        let portal = self.runtime.block_on(Portal::open(&folder, config, clock)).expect("the portal opens");
        let (stop, stopped) = oneshot::channel();
        let ended = self.runtime.spawn(async move {
            let stopped = async { drop(stopped.await) };
            ycd_portal::serve(portal, listener, stopped).await.expect("the portal serves");
        });
        self.proxy.redirect(address);
        self.running = Some(Running { address, stop, ended });
    }

    /// The portal's time moves; nobody waits.
    pub fn time_passes(&self, by: Span) {
        self.clock.advance(by);
    }

    /// Nobody, through the proxy.
    pub fn visitor(&self) -> Client {
        Client::new(&self.proxy.url(), hurried()).expect("a loopback address")
    }

    /// Nobody, past the proxy.
    pub fn direct(&self) -> Client {
        Client::new(&self.direct_url(), hurried()).expect("a loopback address")
    }

    pub fn direct_url(&self) -> String {
        format!("http://{}", self.running.as_ref().expect("the portal runs").address)
    }

    /// An operator, past the proxy.
    pub fn operator(&self) -> Client {
        let (name, password) = self.operator.clone();
        let direct = self.direct();
        let session = direct.operator_login(&OperatorLogin { name, password }).expect("the operator logs in");
        direct.with_session(session.token)
    }

    pub fn operator_credentials(&self) -> (String, String) {
        self.operator.clone()
    }

    /// An applicant's session, got with a code from the outbox.
    pub fn session(&self, phone: &str) -> SessionToken {
        let direct = self.direct();
        let request = RequestCode { purpose: Purpose::Login, phone: Some(phone.to_owned()), order: None };
        let code = self.code_sent_to(phone, || drop(direct.request_code(&request).expect("a code is sent")));
        direct.login(&Login { phone: phone.to_owned(), code }).expect("a login").token
    }

    /// An applicant, through the proxy.
    pub fn applicant(&self, phone: &str) -> Client {
        self.visitor().with_session(self.session(phone))
    }

    /// The phone of a person, from now on.
    pub fn phone(&self, number: &str) -> Phone {
        let mut phone = Phone { operator: self.operator(), number: number.to_owned(), read_up_to: 0 };
        phone.read_up_to = phone.messages().first().map_or(0, |message| message.id);
        phone
    }

    /// Somebody who knows the PIN and reads the codes that come to the key's phone.
    pub fn person_with_phone(&self, key: &IssuedKey) -> Scripted {
        let mut phone = self.phone(&key.phone);
        // A minute must lie between two codes.
        self.time_passes(Span::seconds(61));
        let mut person = Scripted::with_pin(PIN);
        person.on_sms = Box::new(move |_| Some(phone.next_code()));
        person
    }

    /// The code that a request brings to a phone.
    pub fn code_sent_to(&self, number: &str, request: impl FnOnce()) -> String {
        let mut phone = self.phone(number);
        // A minute must lie between two codes.
        self.time_passes(Span::seconds(61));
        request();
        phone.next_code()
    }

    /// A blank key, inserted.
    pub fn blank_key(&self, label: &str, containers: Option<u32>) -> String {
        let new = NewKey { label: label.to_owned(), containers, kdf: self.kdf, ..NewKey::default() };
        admin::create(self.keys_folder(), &new).expect("a software key").serial_number
    }

    /// A key that was personalised some time ago; not inserted.
    pub fn issued_key(&self, maker: &Maker) -> IssuedKey {
        let inserted: Vec<String> = self.inserted();
        for serial in &inserted {
            self.pull(serial);
        }
        let serial_number = self.blank_key("USBKEY", maker.containers);
        let key_id = KeyId::new("softkey", &serial_number);
        self.time_passes(-Span::days(maker.age_days));
        let mut keys = open_keys(&self.keys_folder());
        let assignment = Assignment {
            holder: Holder {
                kind: HolderKind::Enterprise,
                name: maker.company.to_owned(),
                uscc: Some(uscc(maker.company)),
                id_number: None,
                person: None,
            },
            phone: maker.phone.to_owned(),
            product: "sm2-enterprise".to_owned(),
            term_years: 1,
        };
        let locks = KeyLocks::in_folder(&self.path().join("station")).expect("a folder for locks");
        let made = personalise(&self.operator(), &mut keys, &locks, &key_id, &Pin::new(PIN), &assignment)
            .expect("a personalised key");
        self.time_passes(Span::days(maker.age_days));
        self.pull(&serial_number);
        for serial in &inserted {
            self.insert(serial);
        }
        IssuedKey { serial_number, key_id, certificate: made.serial, phone: maker.phone.to_owned() }
    }

    /// The usual key, inserted, with its paid and approved renewal.
    pub fn key_with_order(&self) -> (IssuedKey, String) {
        self.key_with_order_of(&Maker::default())
    }

    pub fn key_with_order_of(&self, maker: &Maker) -> (IssuedKey, String) {
        let key = self.issued_key(maker);
        self.insert(&key.serial_number);
        let order = self.approved_order(&key);
        (key, order)
    }

    /// A renewal made, handed in, paid and approved, by the calls that pages make.
    pub fn approved_order(&self, key: &IssuedKey) -> String {
        let order = self.submitted_order(key);
        let operator = self.operator();
        operator.approve(&order).expect("approved");
        order
    }

    /// A renewal made, handed in and paid; it waits for review.
    pub fn submitted_order(&self, key: &IssuedKey) -> String {
        let applicant = self.direct().with_session(self.session(&key.phone));
        let created = applicant
            .create_order(&CreateOrder {
                kind: OrderKind::Renewal,
                certificate: key.certificate.clone(),
                term_years: 1,
                product: None,
            })
            .expect("an order");
        let order = created.summary.no;
        let form = filled_in(created.form.form, &key.phone);
        applicant.save_form(&order, &SaveForm { form, complete: true }).expect("a complete form");
        let request = RequestCode { purpose: Purpose::OrderConfirm, phone: None, order: Some(order.clone()) };
        let code =
            self.code_sent_to(&key.phone, || drop(applicant.request_code(&request).expect("a code is sent")));
        let confirmation =
            ConfirmOrder { agreement: true, code, payment_method: PaymentMethod::BankTransfer };
        let confirmed = applicant.confirm_order(&order, &confirmation).expect("confirmed");
        let transfer = RecordTransfer {
            reference: format!("T{}", &order[order.len() - 12..]),
            amount: confirmed.summary.amount,
        };
        self.operator().record_transfer(&order, &transfer).expect("paid");
        order
    }

    pub fn insert(&self, serial_number: &str) {
        admin::insert(self.keys_folder(), serial_number).expect("inserted");
    }

    pub fn pull(&self, serial_number: &str) {
        admin::remove(self.keys_folder(), serial_number).expect("pulled");
    }

    fn inserted(&self) -> Vec<String> {
        let keys = if self.keys_folder().exists() {
            admin::list(self.keys_folder()).expect("the keys")
        } else {
            Vec::new()
        };
        keys.into_iter().filter(|key| key.inserted).map(|key| key.serial_number).collect()
    }

    /// A machine of its own: own journal, own locks, own driver host.
    pub fn machine(&self, name: &str) -> Machine {
        Machine::at(self.path().join(name), open_keys(&self.keys_folder()), self.anchors())
    }

    /// A machine whose driver profile says that the key keeps no CKA_ID.
    pub fn machine_without_tags(&self, name: &str) -> Machine {
        let mut profile = profile("softkey");
        profile.quirks.keeps_ids = false;
        self.machine_with(name, &profile)
    }

    /// A machine that drives the software keys through the numbers, limits and quirks of another make's profile. The
    /// module, what it is recognised by, and the family that keys are named after stay the software key's.
    pub fn machine_with(&self, name: &str, make: &Profile) -> Machine {
        let own = profile("softkey");
        let make = Profile {
            family: own.family,
            modules: own.modules,
            recognition: own.recognition,
            ..make.clone()
        };
        let drivers = Drivers::of(vec![make]).with_env("YCD_SOFTKEY_DIR", self.keys_folder());
        Machine { keys: Keys::open(&drivers, Some(&program("ycd-host"))), ..self.machine(name) }
    }

    /// What the portal's own root is, as an administrator would have installed it.
    pub fn anchors(&self) -> Vec<Certificate> {
        let pem = self.direct().trust_anchors().expect("the anchors");
        Certificate::all_from_pem(&pem).expect("certificates").into_iter().take(1).collect()
    }

    /// The order's newest attempt, past the proxy.
    pub fn attempt(&self, phone: &str, order: &str) -> AttemptView {
        self.direct().with_session(self.session(phone)).attempt(order).expect("an attempt")
    }
}

/// What a person reads on their phone: the portal's outbox, which stands in for the SMS gateway.
#[derive(Debug)]
pub struct Phone {
    operator: Client,
    number: String,
    read_up_to: i64,
}

impl Phone {
    /// Waits for the next code.
    pub fn next_code(&mut self) -> String {
        for _ in 0..500 {
            let fresh = self.messages().into_iter().filter(|message| message.id > self.read_up_to);
            if let Some((id, code)) = fresh.filter_map(|m| m.code.map(|code| (m.id, code))).next() {
                self.read_up_to = id;
                return code;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("no code came to {}", self.number);
    }

    fn messages(&self) -> Vec<SmsMessage> {
        let query = OutboxQuery { phone: Some(self.number.clone()), ..OutboxQuery::default() };
        self.operator.sms_outbox(&query).expect("the outbox").items
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop_portal();
    }
}

/// A renewal for a process of its own (`ycd-renew-once`).
#[derive(Serialize, Deserialize)]
pub struct Task {
    portal: String,
    session: SessionToken,
    pub order: String,
    pub pin: String,
    home: PathBuf,
    keys_folder: PathBuf,
    /// PEM.
    anchors: String,
    /// The process ends itself right after this many journal records.
    pub abort_after: u32,
}

impl Task {
    pub fn new(world: &World, home: &str, key: &IssuedKey, order: &str, abort_after: u32) -> Self {
        Self {
            portal: world.proxy.url(),
            session: world.session(&key.phone),
            order: order.to_owned(),
            pin: PIN.to_owned(),
            home: world.path().join(home),
            keys_folder: world.keys_folder(),
            anchors: world.direct().trust_anchors().expect("the anchors"),
            abort_after,
        }
    }

    /// Runs it to its end, one way or the other.
    pub fn run(&self) -> ExitStatus {
        let mut child = Command::new(program("ycd-renew-once"))
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the process starts");
        let input = child.stdin.take().expect("its standard input is a pipe");
        serde_json::to_writer(input, self).expect("the task is handed over");
        child.wait().expect("the process ends")
    }

    pub fn portal(&self) -> Client {
        let portal = Client::new(&self.portal, hurried()).expect("a loopback address");
        portal.with_session(self.session.clone())
    }
}

/// An applicant's machine.
pub struct Machine {
    pub journal: Journal,
    pub locks: KeyLocks,
    pub keys: Keys,
    pub anchors: Vec<Certificate>,
    pub home: PathBuf,
}

impl Machine {
    fn at(home: PathBuf, keys: Keys, anchors: Vec<Certificate>) -> Self {
        std::fs::create_dir_all(&home).expect("a folder");
        Self {
            journal: Journal::open(&home.join("journal.sqlite")).expect("a journal"),
            locks: KeyLocks::in_folder(&home.join("locks")).expect("a folder for locks"),
            keys,
            anchors,
            home,
        }
    }

    pub fn of_task(task: &Task) -> Self {
        let anchors = Certificate::all_from_pem(&task.anchors).expect("certificates");
        Self::at(task.home.clone(), open_keys(&task.keys_folder), anchors.into_iter().take(1).collect())
    }

    /// Renews, or goes on, with this person in front of the machine.
    pub fn renew(
        &mut self,
        portal: &Client,
        person: &mut Scripted,
        order: &str,
    ) -> Result<Renewed, FlowError> {
        self.renew_with(portal, person, order, Options::default())
    }

    pub fn renew_with(
        &mut self,
        portal: &Client,
        person: &mut Scripted,
        order: &str,
        options: Options,
    ) -> Result<Renewed, FlowError> {
        self.renewal(portal, person, options).run(order)
    }

    pub fn abandon(
        &mut self,
        portal: &Client,
        person: &mut Scripted,
        order: &str,
    ) -> Result<AttemptView, FlowError> {
        self.renewal(portal, person, Options::default()).abandon(order)
    }

    fn renewal<'a>(
        &'a mut self,
        portal: &'a Client,
        person: &'a mut Scripted,
        options: Options,
    ) -> Renewal<'a> {
        Renewal {
            portal,
            token: &mut self.keys,
            person,
            journal: &self.journal,
            locks: &self.locks,
            anchors: &self.anchors,
            clock: &SystemClock,
            options,
        }
    }

    /// What lies on a key now, seen by a user who is logged in.
    pub fn contents(&mut self, key: &KeyId) -> ycd_token::Contents {
        self.keys.login(key, &Pin::new(PIN)).expect("the PIN is right");
        let contents = self.keys.read(key).expect("the key is read");
        self.keys.logout(key).expect("logged out");
        contents
    }
}

/// An embedded driver profile.
pub fn profile(name: &str) -> Profile {
    Drivers::load(None).expect("the profiles").profile(name).expect("an embedded profile").clone()
}

/// All software keys of a folder, through module and host.
pub fn open_keys(folder: &Path) -> Keys {
    let drivers = Drivers::load(Some(&folder.join("no-admin-folder-here")))
        .or_else(|_| Drivers::load(None))
        .expect("the profiles")
        .with_env("YCD_SOFTKEY_DIR", folder);
    Keys::open(&drivers, Some(&program("ycd-host")))
}

/// A program of this workspace, where cargo puts it.
///
/// # Panics
/// Where it has not been built.
pub fn program(name: &str) -> PathBuf {
    let exe = std::env::current_exe().expect("this program's own path");
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    exe.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file())
        .unwrap_or_else(|| {
            panic!("{name} is not built: cargo build -p ycd-cli -p ycd-token-host -p ycd-softkey")
        })
}

/// Short tries: the network of these tests is one machine.
fn hurried() -> Patience {
    Patience {
        connect: Duration::from_secs(2),
        answer: Duration::from_secs(5),
        retries: 1,
        pause: Duration::from_millis(20),
    }
}

fn listen(runtime: &Runtime) -> TcpListener {
    runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free loopback port")
}

/// Everything that the form asks for and that the certificate did not bring.
pub fn filled_in(mut form: OrderForm, phone: &str) -> OrderForm {
    form.applicant = Applicant {
        name: "经办某".to_owned(),
        phone: phone.to_owned(),
        email: "bidder@example.com".to_owned(),
        id_number: "11010519491231002X".to_owned(),
        ..form.applicant
    };
    form.legal_representative = Some(LegalRepresentative {
        name: "法人某".to_owned(),
        id_number: "11010519491231002X".to_owned(),
        ..LegalRepresentative::default()
    });
    let company = form.company.unwrap_or_default();
    form.invoice.title.clone_from(&company.name);
    form.company =
        Some(Company {
            kind: "有限责任公司".to_owned(), industry: "批发和零售业".to_owned(), ..company
        });
    form.delivery.kind = DeliveryKind::None;
    form
}

/// A 统一社会信用代码 with a right check character (GB 32100-2015), made from a company's name.
pub fn uscc(company: &str) -> String {
    const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let digest = ycd_pki::sm3::sm3(company.as_bytes());
    let mut code = "91510500".to_owned();
    code.extend(digest[..9].iter().map(|byte| char::from(ALPHABET[usize::from(byte % 10)])));
    let sum: usize = code
        .bytes()
        .scan(1, |weight, byte| {
            let value = ALPHABET.iter().position(|known| *known == byte).unwrap_or_default() * *weight;
            *weight = *weight * 3 % 31;
            Some(value)
        })
        .sum();
    code.push(char::from(ALPHABET[(31 - sum % 31) % 31]));
    code
}
