//! A portal, keys and machines, for one test.

mod forms;
mod machine;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use tempfile::TempDir;
use time::Duration as Span;
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot, task::JoinHandle};
use ycd_flows::{
    FlowError,
    journal::Journal,
    lock::KeyLocks,
    produce::{Assignment, ProducedKey, Production},
    trust::PinnedPortal,
};
use ycd_pki::{Certificate, unlock::Road};
use ycd_portal::{Config, Portal, clock::Shifted};
use ycd_portal_api::{
    Client, Patience,
    wire::{
        attempts::AttemptView,
        catalogue::HolderKind,
        certificates::Holder,
        form::SaveForm,
        login::{Login, Purpose, RequestCode, SessionToken},
        operator::{OperatorLogin, OutboxQuery, RecordTransfer, SmsMessage},
        orders::{ConfirmOrder, CreateOrder, OrderKind, PaymentMethod},
    },
};
use ycd_softkey::admin::{self, Kdf, NewKey};
use ycd_token::{Drivers, KeyId, Keys, Pin, Profile, Unlocker};

pub use self::{
    forms::{filled_in, uscc},
    machine::{Machine, Task, open_keys, profile, program, trust_of},
};
use crate::{person::Scripted, proxy::FaultProxy};

/// The PIN that keys leave the operator's station with.
pub const PIN: &str = "12345678";
/// The SO PIN that keys come from their maker with.
pub const FACTORY_SO_PIN: &str = "88888888";
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
    /// How it is to be unlocked.
    pub road: Option<Road>,
}

impl Default for Maker {
    fn default() -> Self {
        Self {
            company: "泸州某某商贸有限公司",
            phone: PHONE,
            containers: None,
            age_days: 345,
            road: Some(Road::Wrapped),
        }
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

    /// The portal is started again with other settings.
    pub fn configure(&mut self, change: impl FnOnce(&mut Config)) {
        self.stop_portal();
        change(&mut self.config);
        self.start_portal();
    }

    /// The portal's time moves; nobody waits.
    pub fn time_passes(&self, by: Span) {
        self.clock.advance(by);
    }

    /// The portal's time goes on by as much as must lie between two codes.
    pub fn another_code_may_be_sent(&self) {
        self.time_passes(Span::seconds(i64::from(self.config.sms.next_after) + 1));
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

    /// As [`phone`](Self::phone), with all that came before still to be read.
    pub fn unread_phone(&self, number: &str) -> Phone {
        Phone { operator: self.operator(), number: number.to_owned(), read_up_to: 0 }
    }

    /// Somebody who knows the PIN and reads the codes that come to the key's phone.
    pub fn person_with_phone(&self, key: &IssuedKey) -> Scripted {
        let mut phone = self.phone(&key.phone);
        self.another_code_may_be_sent();
        let mut person = Scripted::with_pin(PIN);
        person.on_sms = Box::new(move |_| Some(phone.next_code()));
        person
    }

    /// The code that a request brings to a phone.
    pub fn code_sent_to(&self, number: &str, request: impl FnOnce()) -> String {
        let mut phone = self.phone(number);
        self.another_code_may_be_sent();
        request();
        phone.next_code()
    }

    /// A blank key, inserted.
    pub fn blank_key(&self, label: &str, containers: Option<u32>) -> String {
        let new = NewKey {
            label: label.to_owned(),
            containers,
            kdf: self.kdf,
            so_pin: Some(FACTORY_SO_PIN.into()),
            ..NewKey::default()
        };
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
        let made = self.produce(&mut keys, &key_id, maker);
        self.time_passes(Span::days(maker.age_days));
        self.pull(&serial_number);
        for serial in &inserted {
            self.insert(serial);
        }
        IssuedKey {
            serial_number,
            key_id,
            certificate: made.certificate.serial,
            phone: maker.phone.to_owned(),
        }
    }

    /// A blank key becomes this applicant's, at the operator's station.
    pub fn produce(&self, keys: &mut dyn Unlocker, key: &KeyId, maker: &Maker) -> ProducedKey {
        self.production(keys, key, maker).expect("a finished key")
    }

    pub fn production(
        &self,
        keys: &mut dyn Unlocker,
        key: &KeyId,
        maker: &Maker,
    ) -> Result<ProducedKey, FlowError> {
        self.production_with(keys, key, maker, FACTORY_SO_PIN)
    }

    pub fn production_with(
        &self,
        keys: &mut dyn Unlocker,
        key: &KeyId,
        maker: &Maker,
        factory_so_pin: &str,
    ) -> Result<ProducedKey, FlowError> {
        let station = self.path().join("station");
        std::fs::create_dir_all(&station).expect("a folder");
        let production = Production {
            portal: &self.operator(),
            trust: &self.trust(),
            token: keys,
            journal: &Journal::open(&station.join("journal.sqlite")).expect("a journal"),
            locks: &KeyLocks::in_folder(&station).expect("a folder for locks"),
            key: key.clone(),
            factory_so_pin: Pin::new(factory_so_pin),
            road: maker.road,
            assignment: Assignment {
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
            },
        };
        production.run()
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
        let keys = open_keys(&self.keys_folder());
        Machine::at(self.path().join(name), keys, self.anchors(), self.trust())
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

    /// The portal's name and keys, past the proxy.
    pub fn trust(&self) -> PinnedPortal {
        machine::trust_of(&self.direct())
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

/// Short tries: the network of these tests is one machine.
pub(crate) fn hurried() -> Patience {
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
