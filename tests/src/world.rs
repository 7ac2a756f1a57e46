//! A portal, tokens and machines, for one test.

mod forms;
mod machine;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use time::Duration as Span;
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot, task::JoinHandle};
use ycd_flows::{
    FlowError,
    journal::Journal,
    lock::TokenLocks,
    personalization::{Assignment, Personalization, PersonalizedToken},
    trust::PinnedPortal,
};
use ycd_pki::{Certificate, unlock::UnlockMethod};
use ycd_portal::{Config, Portal, clock::Shifted};
use ycd_portal_api::{
    Client, RetryPolicy,
    wire::{
        attempts::AttemptView,
        catalogue::HolderKind,
        certificates::Holder,
        form::SaveForm,
        login::{Login, Purpose, RequestCode, SessionToken},
        operator::{OperatorLogin, RecordTransfer},
        orders::{ConfirmOrder, CreateOrder, OrderKind, PaymentMethod},
    },
};
use ycd_softkey::admin::{self, Kdf, NewToken};
use ycd_token::{Drivers, Pin, Profile, TokenId, TokenSet, Unlocker};

pub use self::{
    forms::{filled_in, uscc},
    machine::{Machine, Task, open_tokens, profile, program, trust_of},
};
pub use crate::phone::Phone;
use crate::{prompter::Scripted, proxy::FaultProxy};

/// The PIN that tokens leave the personalization workstation with.
pub const PIN: &str = "12345678";
/// The SO PIN that tokens come from their maker with.
pub const FACTORY_SO_PIN: &str = "88888888";
pub const PHONE: &str = "13800000000";
pub const OTHER_PHONE: &str = "13900000000";

/// A portal on a loopback socket with a proxy before it, and a folder of software tokens.
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

/// A token that left the personalization workstation a while ago.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// Of the token.
    pub serial_number: String,
    pub token_id: TokenId,
    /// Serial number of its certificate, as the portal writes it.
    pub certificate: String,
    pub phone: String,
}

/// How a token is made and how old its certificate is.
#[derive(Debug, Clone)]
pub struct Maker {
    pub company: &'static str,
    pub phone: &'static str,
    pub containers: Option<u32>,
    pub age_days: i64,
    /// How it is to be unlocked.
    pub method: Option<UnlockMethod>,
}

impl Default for Maker {
    fn default() -> Self {
        Self {
            company: "泸州某某商贸有限公司",
            phone: PHONE,
            containers: None,
            age_days: 345,
            method: Some(UnlockMethod::SoPin),
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

    /// One whose tokens guard their PINs as in use, not cheaply as in tests that check thousands.
    pub fn with_real_kdf() -> Self {
        let mut world = Self::new();
        world.kdf = Kdf::default();
        world
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the software tokens lie.
    pub fn softkey_dir(&self) -> PathBuf {
        self.folder.path().join("tokens")
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
        direct.with_session(session.session_token)
    }

    pub fn operator_credentials(&self) -> (String, String) {
        self.operator.clone()
    }

    /// An applicant's session, got with a code from the outbox.
    pub fn session(&self, phone: &str) -> SessionToken {
        let direct = self.direct();
        let request = RequestCode { purpose: Purpose::Login, phone: Some(phone.to_owned()), order: None };
        let code = self.code_sent_to(phone, || drop(direct.request_code(&request).expect("a code is sent")));
        direct.login(&Login { phone: phone.to_owned(), code }).expect("a login").session_token
    }

    /// An applicant, through the proxy.
    pub fn applicant(&self, phone: &str) -> Client {
        self.visitor().with_session(self.session(phone))
    }

    /// The phone of a person, from now on.
    pub fn phone(&self, number: &str) -> Phone {
        let mut phone = Phone::of(self.operator(), number);
        phone.skip();
        phone
    }

    /// As [`phone`](Self::phone), with all that came before still to be read.
    pub fn unread_phone(&self, number: &str) -> Phone {
        Phone::of(self.operator(), number)
    }

    /// Somebody who knows the PIN and reads the codes that come to the token's phone.
    pub fn prompter_with_phone(&self, token: &IssuedToken) -> Scripted {
        let mut phone = self.phone(&token.phone);
        self.another_code_may_be_sent();
        let mut prompter = Scripted::with_pin(PIN);
        prompter.on_sms = Box::new(move |_| Some(phone.next_code()));
        prompter
    }

    /// The code that a request brings to a phone.
    pub fn code_sent_to(&self, number: &str, request: impl FnOnce()) -> String {
        let mut phone = self.phone(number);
        self.another_code_may_be_sent();
        request();
        phone.next_code()
    }

    /// A blank token, inserted.
    pub fn blank_token(&self, label: &str, containers: Option<u32>) -> String {
        let new = NewToken {
            label: label.to_owned(),
            containers,
            kdf: self.kdf,
            so_pin: Some(FACTORY_SO_PIN.into()),
            ..NewToken::default()
        };
        admin::create(self.softkey_dir(), &new).expect("a software key").serial_number
    }

    /// A token that was personalized some time ago; not inserted.
    pub fn issued_token(&self, maker: &Maker) -> IssuedToken {
        let inserted: Vec<String> = self.inserted();
        for serial in &inserted {
            self.pull(serial);
        }
        let serial_number = self.blank_token("USBKEY", maker.containers);
        let token_id = TokenId::new("softkey", &serial_number);
        self.time_passes(-Span::days(maker.age_days));
        let mut tokens = open_tokens(&self.softkey_dir());
        let made = self.personalize(&mut tokens, &token_id, maker);
        self.time_passes(Span::days(maker.age_days));
        self.pull(&serial_number);
        for serial in &inserted {
            self.insert(serial);
        }
        IssuedToken {
            serial_number,
            token_id,
            certificate: made.certificate.serial,
            phone: maker.phone.to_owned(),
        }
    }

    /// A blank token becomes this applicant's, at the personalization workstation.
    pub fn personalize(
        &self,
        tokens: &mut dyn Unlocker,
        token: &TokenId,
        maker: &Maker,
    ) -> PersonalizedToken {
        self.personalization(tokens, token, maker).expect("a finished key")
    }

    pub fn personalization(
        &self,
        tokens: &mut dyn Unlocker,
        token: &TokenId,
        maker: &Maker,
    ) -> Result<PersonalizedToken, FlowError> {
        self.personalization_with(tokens, token, maker, FACTORY_SO_PIN)
    }

    pub fn personalization_with(
        &self,
        tokens: &mut dyn Unlocker,
        token: &TokenId,
        maker: &Maker,
        factory_so_pin: &str,
    ) -> Result<PersonalizedToken, FlowError> {
        let workstation = self.path().join("station");
        std::fs::create_dir_all(&workstation).expect("a folder");
        let personalization = Personalization {
            portal: &self.operator(),
            trust: &self.trust(),
            tokens,
            journal: &Journal::open(&workstation.join("journal.sqlite")).expect("a journal"),
            locks: &TokenLocks::in_folder(&workstation).expect("a folder for locks"),
            token: token.clone(),
            factory_so_pin: Pin::new(factory_so_pin),
            method: maker.method,
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
                validity_years: 1,
            },
        };
        personalization.run()
    }

    /// The usual token, inserted, with its paid and approved renewal.
    pub fn token_with_order(&self) -> (IssuedToken, String) {
        self.token_with_order_of(&Maker::default())
    }

    pub fn token_with_order_of(&self, maker: &Maker) -> (IssuedToken, String) {
        let token = self.issued_token(maker);
        self.insert(&token.serial_number);
        let order = self.approved_order(&token);
        (token, order)
    }

    /// A renewal made, handed in, paid and approved, by the calls that pages make.
    pub fn approved_order(&self, token: &IssuedToken) -> String {
        let order = self.submitted_order(token);
        let operator = self.operator();
        operator.approve(&order).expect("approved");
        order
    }

    /// A renewal made, handed in and paid; it waits for review.
    pub fn submitted_order(&self, token: &IssuedToken) -> String {
        let applicant = self.direct().with_session(self.session(&token.phone));
        let created = applicant
            .create_order(&CreateOrder {
                kind: OrderKind::Renewal,
                certificate: token.certificate.clone(),
                validity_years: 1,
                product: None,
            })
            .expect("an order");
        let order = created.summary.no;
        let form = filled_in(created.form.form, &token.phone);
        applicant.save_form(&order, &SaveForm { form, complete: true }).expect("a complete form");
        let request = RequestCode { purpose: Purpose::OrderConfirm, phone: None, order: Some(order.clone()) };
        let code = self
            .code_sent_to(&token.phone, || drop(applicant.request_code(&request).expect("a code is sent")));
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
        admin::insert(self.softkey_dir(), serial_number).expect("inserted");
    }

    pub fn pull(&self, serial_number: &str) {
        admin::remove(self.softkey_dir(), serial_number).expect("pulled");
    }

    fn inserted(&self) -> Vec<String> {
        let tokens = if self.softkey_dir().exists() {
            admin::list(self.softkey_dir()).expect("the keys")
        } else {
            Vec::new()
        };
        tokens.into_iter().filter(|token| token.inserted).map(|token| token.serial_number).collect()
    }

    /// A machine of its own: own journal, own locks, own driver host.
    pub fn machine(&self, name: &str) -> Machine {
        let tokens = open_tokens(&self.softkey_dir());
        Machine::at(self.path().join(name), tokens, self.anchors(), self.trust())
    }

    /// A machine whose driver profile says that the token keeps no CKA_ID.
    pub fn machine_without_cka_ids(&self, name: &str) -> Machine {
        let mut profile = profile("softkey");
        profile.quirks.keeps_ids = false;
        self.machine_with(name, &profile)
    }

    /// A machine that drives the software tokens through the numbers, limits and quirks of another token model's
    /// profile. The module, what it is recognised by, and the family that tokens are named after stay the software
    /// token's.
    pub fn machine_with(&self, name: &str, model: &Profile) -> Machine {
        let own = profile("softkey");
        let model = Profile {
            family: own.family,
            modules: own.modules,
            recognition: own.recognition,
            ..model.clone()
        };
        let drivers = Drivers::of(vec![model]).with_env("YCD_SOFTKEY_DIR", self.softkey_dir());
        Machine { tokens: TokenSet::open(&drivers, Some(&program("ycd-host"))), ..self.machine(name) }
    }

    /// The portal's name and tokens, past the proxy.
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
pub(crate) fn hurried() -> RetryPolicy {
    RetryPolicy {
        connect: Duration::from_secs(2),
        answer: Duration::from_secs(5),
        retries: 1,
        pause: Duration::from_millis(20),
    }
}

fn listen(runtime: &Runtime) -> TcpListener {
    runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free loopback port")
}
