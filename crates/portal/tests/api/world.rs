//! A portal for one test.

use std::{cell::RefCell, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use time::{Duration as Span, OffsetDateTime};
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot, task::JoinHandle};
use ycd_portal::{
    Config, Portal,
    certificates::{self, NewCertificate, RecordState},
    clock::{Clock, Shifted},
    sms::{EmbeddedOutbox, SmsProvider},
};
use ycd_portal_api::{
    ApiError, Client, Patience, Problem,
    wire::{
        catalogue::HolderKind,
        certificates::Holder,
        form::{
            Applicant, Company, Delivery, DeliveryKind, Invoice, LegalRepresentative, OrderForm, SaveForm,
        },
        login::{Login, Purpose, RequestCode, SessionToken},
        operator::{OperatorLogin, OutboxQuery, RecordTransfer, SmsMessage},
        orders::{ConfirmOrder, CreateOrder, OrderKind, OrderView, PaymentMethod},
    },
};

pub const PHONE: &str = "13800000000";
pub const OTHER_PHONE: &str = "13900000000";
pub const COMPANY: &str = "泸州市酒城包装有限公司";
pub const USCC: &str = "9144030071526726XG";

pub struct World {
    pub address: SocketAddr,
    pub portal: Portal,
    pub operator_password: String,
    operator_session: RefCell<Option<SessionToken>>,
    config: Config,
    sms: Arc<dyn SmsProvider>,
    clock: Arc<Shifted>,
    running: Option<Running>,
    runtime: Runtime,
    folder: TempDir,
}

struct Running {
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), ycd_portal::Error>>,
}

impl World {
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    pub fn with(config: Config) -> Self {
        Self::with_sms(config, Arc::new(EmbeddedOutbox))
    }

    pub fn with_sms(config: Config, sms: Arc<dyn SmsProvider>) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(Shifted::default());
        let made = runtime.block_on(ycd_portal::init(folder.path(), &config, clock.now())).unwrap();
        let (address, portal, running) = start(&runtime, folder.path(), &config, &clock, &sms);
        let operator_password = made.password.to_string();
        let operator_session = RefCell::default();
        Self {
            address,
            portal,
            operator_password,
            operator_session,
            config,
            sms,
            clock,
            running: Some(running),
            runtime,
            folder,
        }
    }

    /// Opens the folder again after [`Self::stop`], at another address.
    pub fn start(&mut self) {
        let (address, portal, running) =
            start(&self.runtime, self.folder.path(), &self.config, &self.clock, &self.sms);
        (self.address, self.portal, self.running) = (address, portal, Some(running));
    }

    /// Ends the server as at a shutdown; the folder stays.
    pub fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            let _ = running.stop.send(());
            self.runtime.block_on(running.served).unwrap().unwrap();
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn advance(&self, by: Span) {
        self.clock.advance(by);
    }

    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub fn client(&self) -> Client {
        let patience = Patience { retries: 0, answer: Duration::from_secs(20), ..Patience::default() };
        Client::new(&format!("http://{}", self.address), patience).unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Logged in, again where the clock has been moved too far: a password takes its time to check.
    pub fn operator(&self) -> Client {
        let known = self.operator_session.borrow().clone();
        if let Some(client) = known.map(|session| self.client().with_session(session))
            && client.sms_outbox(&OutboxQuery::default()).is_ok()
        {
            return client;
        }
        let session = self.log_operator_in();
        *self.operator_session.borrow_mut() = Some(session.clone());
        self.client().with_session(session)
    }

    fn log_operator_in(&self) -> SessionToken {
        let login = OperatorLogin { name: "admin".into(), password: self.operator_password.clone() };
        self.client().operator_login(&login).unwrap().token
    }

    pub fn session(&self, phone: &str) -> SessionToken {
        let client = self.client();
        client.request_code(&login_code(phone)).unwrap();
        let code = self.newest_code(phone);
        client.login(&Login { phone: phone.into(), code }).unwrap().token
    }

    pub fn login(&self, phone: &str) -> Client {
        self.client().with_session(self.session(phone))
    }

    pub fn messages(&self, phone: &str) -> Vec<SmsMessage> {
        let query = OutboxQuery { phone: Some(phone.into()), ..OutboxQuery::default() };
        self.operator().sms_outbox(&query).unwrap().items
    }

    pub fn newest_code(&self, phone: &str) -> String {
        self.messages(phone).into_iter().find_map(|message| message.code).unwrap()
    }

    /// A company's certificate that ends in so many days.
    pub fn certificate(&self, serial: &str, phone: &str, days_left: i64) {
        let now = self.now();
        let certificate = NewCertificate {
            serial: serial.into(),
            der: format!("certificate {serial}").into_bytes(),
            spki: format!("key {serial}").into_bytes(),
            subject: b"subject".to_vec(),
            key_id: key_id(serial),
            holder: Holder {
                kind: HolderKind::Enterprise,
                name: COMPANY.into(),
                uscc: Some(USCC.into()),
                id_number: None,
                person: Some("王五".into()),
            },
            phone: phone.into(),
            product: "sm2-enterprise".into(),
            state: RecordState::Active,
            not_before: now - Span::days(365 - days_left),
            not_after: now + Span::days(days_left),
        };
        self.run(async {
            let mut tx = self.portal.db().write().await.unwrap();
            certificates::insert(&mut tx, &certificate, now).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    /// A draft with its form filled in.
    pub fn draft(&self, client: &Client, serial: &str) -> OrderView {
        let order = client.create_order(&renewal(serial)).unwrap();
        client.save_form(&order.summary.no, &SaveForm { form: form(), complete: true }).unwrap()
    }

    /// Handed in by SMS code.
    pub fn confirm(&self, client: &Client, no: &str) -> Result<OrderView, ApiError> {
        client.request_code(&order_code(no, Purpose::OrderConfirm)).unwrap();
        let code = self.newest_code(PHONE);
        client.confirm_order(no, &confirmation(&code))
    }

    /// A new order for a new certificate, handed in.
    pub fn awaiting_payment(&self, client: &Client, serial: &str) -> String {
        self.certificate(serial, PHONE, 20);
        let no = self.draft(client, serial).summary.no;
        self.confirm(client, &no).unwrap();
        no
    }

    pub fn awaiting_review(&self, client: &Client, serial: &str) -> String {
        let no = self.awaiting_payment(client, serial);
        self.operator().record_transfer(&no, &transfer(&format!("REF-{serial}"))).unwrap();
        no
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

fn start(
    runtime: &Runtime,
    folder: &Path,
    config: &Config,
    clock: &Arc<Shifted>,
    sms: &Arc<dyn SmsProvider>,
) -> (SocketAddr, Portal, Running) {
    let opening =
        Portal::open_with(folder, config.clone(), Arc::clone(clock) as Arc<dyn Clock>, Arc::clone(sms));
    let portal = runtime.block_on(opening).unwrap();
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let serving = ycd_portal::serve(portal.clone(), listener, async {
        let _ = stopped.await;
    });
    (address, portal, Running { stop, served: runtime.spawn(serving) })
}

pub fn key_id(serial: &str) -> String {
    format!("softkey:{serial}")
}

pub fn login_code(phone: &str) -> RequestCode {
    RequestCode { purpose: Purpose::Login, phone: Some(phone.into()), order: None }
}

pub fn order_code(no: &str, purpose: Purpose) -> RequestCode {
    RequestCode { purpose, phone: None, order: Some(no.into()) }
}

pub fn renewal(serial: &str) -> CreateOrder {
    CreateOrder { kind: OrderKind::Renewal, certificate: serial.into(), term_years: 1, product: None }
}

pub fn confirmation(code: &str) -> ConfirmOrder {
    ConfirmOrder { agreement: true, code: code.into(), payment_method: PaymentMethod::BankTransfer }
}

pub fn transfer(reference: &str) -> RecordTransfer {
    RecordTransfer { reference: reference.into(), amount: 40_000 }
}

pub fn form() -> OrderForm {
    OrderForm {
        applicant: Applicant {
            name: "李四".into(),
            phone: PHONE.into(),
            email: "lisi@example.cn".into(),
            id_number: "11010519491231002X".into(),
            ..Applicant::default()
        },
        legal_representative: Some(LegalRepresentative {
            name: "王五".into(),
            id_number: "440524188001010014".into(),
            ..LegalRepresentative::default()
        }),
        company: Some(Company {
            name: COMPANY.into(),
            kind: "有限责任公司".into(),
            code: USCC.into(),
            industry: "包装".into(),
            ..Company::default()
        }),
        invoice: Invoice { title: COMPANY.into(), ..Invoice::default() },
        delivery: Delivery { kind: DeliveryKind::None, ..Delivery::default() },
    }
}

/// The portal's refusal.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(result: Result<T, ApiError>) -> Problem {
    match result {
        Err(ApiError::Refused(problem)) => *problem,
        other => panic!("not refused: {other:?}"),
    }
}

/// Asserts the code of the portal's refusal.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: Result<T, ApiError>, code: &str) -> Problem {
    let problem = refusal(result);
    assert_eq!(problem.code, code, "{problem:?}");
    problem
}

/// A request by hand, and its answer: status, content type, JSON.
pub struct Raw(reqwest::blocking::Client);

impl Raw {
    pub fn new() -> Self {
        // The client of the API chooses the cryptography of the process.
        let _ = Client::new("http://127.0.0.1:1", Patience::default());
        Self(reqwest::blocking::Client::builder().no_proxy().build().unwrap())
    }

    pub fn post(&self, url: &str, session: Option<&SessionToken>, key: &str, body: Value) -> (u16, Value) {
        let mut request = self.0.post(url).header("Idempotency-Key", key).json(&body);
        if let Some(session) = session {
            request = request.bearer_auth(session.reveal());
        }
        let response = request.send().unwrap();
        (response.status().as_u16(), response.json().unwrap())
    }

    pub fn http(&self) -> &reqwest::blocking::Client {
        &self.0
    }
}

/// The body of a request for a renewal.
pub fn renewal_json(serial: &str) -> Value {
    json!({ "kind": "renewal", "certificate": serial, "term_years": 1 })
}
