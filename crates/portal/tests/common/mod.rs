//! A portal for one test: in a folder of its own, over HTTP on a socket, with a clock that is moved.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use tempfile::TempDir;
use time::{Duration as Span, OffsetDateTime};
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot, task::JoinHandle};
use ycd_portal::{
    Config, Portal,
    clock::{Clock, Shifted},
    sms::{EmbeddedOutbox, SmsProvider},
};
use ycd_portal_api::{
    ApiError, Client, Problem, RetryPolicy,
    wire::{
        form::{Applicant, Company, Delivery, DeliveryKind, Invoice, LegalRepresentative, OrderForm},
        login::{Login, Purpose, RequestCode, Session, SessionToken},
        operator::{OperatorLogin, OutboxQuery, SmsMessage},
    },
};

pub const PHONE: &str = "13800000000";
pub const OTHER_PHONE: &str = "13900000000";
pub const COMPANY: &str = "泸州市酒城包装有限公司";
pub const USCC: &str = "9144030071526726XG";

pub struct World {
    pub portal: Portal,
    pub runtime: Runtime,
    pub address: SocketAddr,
    pub operator_password: String,
    operator: Mutex<Option<Session>>,
    clock: Arc<Shifted>,
    config: Config,
    sms: Arc<dyn SmsProvider>,
    running: Option<Running>,
    /// One for all: making one takes its time.
    client: Client,
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
        let (portal, address, running) = start(&runtime, folder.path(), &config, &clock, &sms);
        Self {
            portal,
            address,
            operator_password: made.password.to_string(),
            operator: Mutex::default(),
            clock,
            config,
            sms,
            running: Some(running),
            client: connected(address),
            runtime,
            folder,
        }
    }

    /// Ends the server as at a shutdown; the folder stays.
    pub fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            let _ = running.stop.send(());
            self.runtime.block_on(running.served).unwrap().unwrap();
        }
    }

    /// Opens the folder again after [`Self::stop`], at another address.
    pub fn start(&mut self) {
        let (portal, address, running) =
            start(&self.runtime, self.folder.path(), &self.config, &self.clock, &self.sms);
        (self.portal, self.address, self.running) = (portal, address, Some(running));
        self.client = connected(address);
    }

    /// The portal's process ends and another one begins on the same data. Sessions go on.
    pub fn restart(&mut self) {
        self.stop();
        self.start();
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

    pub fn run<T>(&self, applicant: impl Future<Output = T>) -> T {
        self.runtime.block_on(applicant)
    }

    pub fn client(&self) -> Client {
        self.client.clone()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Logged in: once for as long as a session lasts, since a password takes its time.
    pub fn operator(&self) -> Client {
        let mut session = self.operator.lock().unwrap();
        let lasting = session.as_ref().filter(|session| session.expires_at.0 > self.now() + Span::HOUR);
        let session_token = match lasting {
            Some(session) => session.session_token.clone(),
            None => {
                let password = self.operator_password.clone();
                let login = OperatorLogin { name: "admin".into(), password };
                session.insert(self.client().operator_login(&login).unwrap()).session_token.clone()
            }
        };
        self.client().with_session(session_token)
    }

    pub fn session(&self, phone: &str) -> SessionToken {
        let client = self.client();
        client.request_code(&login_code(phone)).unwrap();
        client.login(&Login { phone: phone.into(), code: self.newest_code(phone) }).unwrap().session_token
    }

    pub fn messages(&self, phone: &str) -> Vec<SmsMessage> {
        let query = OutboxQuery { phone: Some(phone.into()), ..OutboxQuery::default() };
        self.operator().sms_outbox(&query).unwrap().items
    }

    pub fn newest_code(&self, phone: &str) -> String {
        self.messages(phone).into_iter().find_map(|message| message.code).unwrap()
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
) -> (Portal, SocketAddr, Running) {
    let opening =
        Portal::open_with(folder, config.clone(), Arc::clone(clock) as Arc<dyn Clock>, Arc::clone(sms));
    let portal = runtime.block_on(opening).unwrap();
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let serving = ycd_portal::serve(portal.clone(), listener, async {
        let _ = stopped.await;
    });
    (portal, address, Running { stop, served: runtime.spawn(serving) })
}

fn connected(address: SocketAddr) -> Client {
    let retry_policy = RetryPolicy { retries: 0, answer: Duration::from_secs(60), ..RetryPolicy::default() };
    Client::new(&format!("http://{address}"), retry_policy).unwrap()
}

pub fn login_code(phone: &str) -> RequestCode {
    RequestCode { purpose: Purpose::Login, phone: Some(phone.into()), order: None }
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

/// The same throws for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn throw(&mut self, sides: u8) -> u8 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u8::try_from(self.0 % u64::from(sides)).unwrap()
    }
}
