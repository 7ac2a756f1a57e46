//! The client: one method for each endpoint, blocking.
//!
//! Every call that changes something carries an idempotency key of its own. Passing failures are tried again a few
//! times within the call, with the same key, so that a lost answer does no harm; problems never are.

use std::{error::Error as StdError, io::Read as _, sync::Once, thread, time::Duration};

use reqwest::{
    Method, StatusCode, Url,
    blocking::{RequestBuilder, Response},
    header,
};
use serde::{Serialize, de::DeserializeOwned};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::{
    ApiError, Problem,
    wire::{
        Page,
        attempts::{
            Abandon, AttemptView, Confirm, Confirmed, Issue, Issued, Nonce, NoncePurpose, NonceRequest,
            OpenAttempt, Replace,
        },
        catalogue::{Product, Project},
        certificates::{CertificateQuery, CertificateView},
        drivers::{DriverReport, DriverReportQuery, DriverReportView, ReportReceived},
        form::SaveForm,
        login::{CodeSent, Login, Me, RequestCode, RequestStepUp, Session, SessionToken, StepUp},
        operator::{
            AuditEntry, AuditQuery, CauseEvent, OperatorLogin, OperatorOrder, OutboxQuery, RecordTransfer,
            SmsMessage,
        },
        orders::{ConfirmOrder, CreateOrder, Empty, FixMode, OrderList, OrderQuery, OrderView, Reason},
        tokens::{
            DeclareSoPin, FirstCertificate, FirstCertificateRequest, IssueFirstCertificate,
            OpenPersonalization, Personalization, PersonalizationProof, TokenRecord,
        },
        unlock::{
            AskLiveness, AskRelease, LivenessAnswer, OpenUnlock, PortalKeys, ReleaseAnswer, TokenInHand,
            UnlockGrant, UnlockOffer, UnlockOrder, Unlocked,
        },
    },
};

/// An answer longer than this is none of the portal's.
const ANSWER_LIMIT: u64 = 4 << 20;

/// How long to wait, and how often to try.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    pub connect: Duration,
    /// For one whole exchange.
    pub answer: Duration,
    /// Further tries after a passing failure.
    pub retries: u32,
    /// Before the first further try; doubled for each after it.
    pub pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(20),
            retries: 2,
            pause: Duration::from_millis(300),
        }
    }
}

/// A connection to one portal, for one person or nobody.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::blocking::Client,
    base: Url,
    session: Option<SessionToken>,
    retry_policy: RetryPolicy,
}

impl Client {
    /// `portal` is its address without a path. Plain HTTP is taken for this machine only.
    ///
    /// # Errors
    /// [`ApiError::Address`] for an address that is none, or that is neither HTTPS nor this machine's.
    pub fn new(portal: &str, retry_policy: RetryPolicy) -> Result<Self, ApiError> {
        let unusable = |detail: String| ApiError::Address { detail };
        let base = Url::parse(portal).map_err(|e| unusable(e.to_string()))?;
        let loopback = match base.host_str() {
            Some("localhost" | "[::1]") => true,
            Some(host) => host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()),
            None => return Err(unusable("no host in it".to_owned())),
        };
        if base.scheme() != "https" && !(base.scheme() == "http" && loopback) {
            return Err(unusable("it must begin with https://".to_owned()));
        }
        choose_cryptography();
        let builder = reqwest::blocking::Client::builder()
            .connect_timeout(retry_policy.connect)
            .timeout(retry_policy.answer)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("ycd/", env!("CARGO_PKG_VERSION")));
        let builder = if loopback { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(|e| ApiError::Tls { detail: chain(&e) })?;
        Ok(Self { http, base, session: None, retry_policy })
    }

    /// The same portal, as the person whose session it is.
    #[must_use]
    pub fn with_session(&self, session: SessionToken) -> Self {
        Self { session: Some(session), ..self.clone() }
    }

    /// Scheme, host and port: what may be shown of an address, whatever else was written into it.
    pub fn address(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    pub fn has_session(&self) -> bool {
        self.session.is_some()
    }

    pub fn project(&self) -> Result<Project, ApiError> {
        self.get("project", &())
    }

    /// The portal's clock, to the second (`Date`, RFC 9110 6.6.1); `None` where it does not tell.
    pub fn clock(&self) -> Result<Option<OffsetDateTime>, ApiError> {
        let answer = self.http.get(self.url("project")?).send().map_err(|error| failure(&error))?;
        let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
        Ok(date.and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok()))
    }

    /// Without login: a key that no profile knows.
    pub fn send_driver_report(&self, report: &DriverReport) -> Result<ReportReceived, ApiError> {
        self.post("driver-reports", report)
    }

    pub fn products(&self) -> Result<Vec<Product>, ApiError> {
        self.get("products", &())
    }

    /// PEM: the root, then the issuing CA.
    pub fn trust_anchors(&self) -> Result<String, ApiError> {
        String::from_utf8(self.get_bytes("trust/anchors")?)
            .map_err(|_| ApiError::bad_answer("trust anchors are not text"))
    }

    /// DER of the issuing CA's current revocation list.
    pub fn crl(&self) -> Result<Vec<u8>, ApiError> {
        self.get_bytes("crl/issuing.crl")
    }
}

/// Login and sessions.
impl Client {
    pub fn request_code(&self, request: &RequestCode) -> Result<CodeSent, ApiError> {
        self.post("sms/codes", request)
    }

    pub fn login(&self, login: &Login) -> Result<Session, ApiError> {
        self.post("login", login)
    }

    pub fn step_up(&self, request: &RequestStepUp) -> Result<StepUp, ApiError> {
        self.post("sms/step-ups", request)
    }

    pub fn logout(&self) -> Result<(), ApiError> {
        self.change_nothing_back(Method::POST, "logout", &Empty {})
    }

    pub fn me(&self) -> Result<Me, ApiError> {
        self.get("me", &())
    }
}

/// Certificates and orders.
impl Client {
    pub fn certificates(&self, query: &CertificateQuery) -> Result<Page<CertificateView>, ApiError> {
        self.get("certificates", query)
    }

    pub fn certificate(&self, serial: &str) -> Result<CertificateView, ApiError> {
        self.get(&format!("certificates/{}", segment(serial)), &())
    }

    pub fn orders(&self, query: &OrderQuery) -> Result<OrderList, ApiError> {
        self.get("orders", query)
    }

    pub fn order(&self, order: &str) -> Result<OrderView, ApiError> {
        self.get(&of_order(order, ""), &())
    }

    pub fn create_order(&self, order: &CreateOrder) -> Result<OrderView, ApiError> {
        self.post("orders", order)
    }

    pub fn save_form(&self, order: &str, form: &SaveForm) -> Result<OrderView, ApiError> {
        self.change(Method::PUT, &of_order(order, "/form"), form)
    }

    pub fn fix_mode(&self, order: &str, mode: &FixMode) -> Result<OrderView, ApiError> {
        self.post(&of_order(order, "/mode"), mode)
    }

    pub fn confirm_order(&self, order: &str, confirmation: &ConfirmOrder) -> Result<OrderView, ApiError> {
        self.post(&of_order(order, "/confirm"), confirmation)
    }

    /// Takes it back out of payment or review, to be changed.
    pub fn edit_order(&self, order: &str) -> Result<OrderView, ApiError> {
        self.post(&of_order(order, "/edit"), &Empty {})
    }

    pub fn cancel_order(&self, order: &str) -> Result<OrderView, ApiError> {
        self.post(&of_order(order, "/cancel"), &Empty {})
    }

    pub fn delete_order(&self, order: &str) -> Result<(), ApiError> {
        self.change_nothing_back(Method::DELETE, &of_order(order, ""), &Empty {})
    }

    pub fn request_refund(&self, order: &str, reason: &Reason) -> Result<OrderView, ApiError> {
        self.post(&of_order(order, "/refund"), reason)
    }
}

/// The work on the key, step by step.
impl Client {
    pub fn open_attempt(&self, order: &str, attempt: &OpenAttempt) -> Result<AttemptView, ApiError> {
        self.post(&of_order(order, "/attempts"), attempt)
    }

    /// The order's newest attempt.
    pub fn attempt(&self, order: &str) -> Result<AttemptView, ApiError> {
        self.get(&of_order(order, "/attempts"), &())
    }

    pub fn nonce(&self, order: &str, attempt: u32, purpose: NoncePurpose) -> Result<Nonce, ApiError> {
        self.post(&of_attempt(order, attempt, "nonces"), &NonceRequest { purpose })
    }

    pub fn replace(&self, order: &str, replace: &Replace) -> Result<AttemptView, ApiError> {
        self.post(&of_order(order, "/replace"), replace)
    }

    pub fn issue(&self, order: &str, attempt: u32, issue: &Issue) -> Result<Issued, ApiError> {
        self.post(&of_attempt(order, attempt, "issue"), issue)
    }

    pub fn confirm(&self, order: &str, attempt: u32, confirm: &Confirm) -> Result<Confirmed, ApiError> {
        self.post(&of_attempt(order, attempt, "confirm"), confirm)
    }

    pub fn abandon(&self, order: &str, attempt: u32, abandon: &Abandon) -> Result<AttemptView, ApiError> {
        self.post(&of_attempt(order, attempt, "abandon"), abandon)
    }
}

/// Unlocking. All but the first four with the token of the [`UnlockGrant`] as session.
impl Client {
    pub fn portal_keys(&self) -> Result<PortalKeys, ApiError> {
        self.get("unlock/portal", &())
    }

    pub fn unlock_check(&self, token: &TokenInHand) -> Result<UnlockOffer, ApiError> {
        self.post("unlock/check", token)
    }

    pub fn unlock_code(&self, token: &TokenInHand) -> Result<CodeSent, ApiError> {
        self.post("unlock/codes", token)
    }

    pub fn open_unlock(&self, unlock: &OpenUnlock) -> Result<UnlockGrant, ApiError> {
        self.post("unlock/orders", unlock)
    }

    pub fn unlock_order(&self, order: &str) -> Result<UnlockOrder, ApiError> {
        self.get(&of_unlock(order, ""), &())
    }

    pub fn release(&self, order: &str, request: &AskRelease) -> Result<ReleaseAnswer, ApiError> {
        self.post(&of_unlock(order, "/releases"), request)
    }

    pub fn liveness(&self, order: &str, question: &AskLiveness) -> Result<LivenessAnswer, ApiError> {
        self.post(&of_unlock(order, "/liveness"), question)
    }

    pub fn unlock_nonce(&self, order: &str) -> Result<Nonce, ApiError> {
        self.post(&of_unlock(order, "/nonces"), &Empty {})
    }

    pub fn unlocked(&self, order: &str, proof: &Unlocked) -> Result<UnlockOrder, ApiError> {
        self.post(&of_unlock(order, "/unlocked"), proof)
    }

    pub fn cancel_unlock(&self, order: &str) -> Result<UnlockOrder, ApiError> {
        self.post(&of_unlock(order, "/cancel"), &Empty {})
    }
}

/// For operators.
impl Client {
    pub fn operator_login(&self, login: &OperatorLogin) -> Result<Session, ApiError> {
        self.post("operator/login", login)
    }

    /// All orders, newest first; those that wait for an operator with `state` set to the one asked for.
    pub fn operator_orders(&self, query: &OrderQuery) -> Result<OrderList, ApiError> {
        self.get("operator/orders", query)
    }

    pub fn operator_order(&self, order: &str) -> Result<OperatorOrder, ApiError> {
        self.get(&of_operator_order(order, ""), &())
    }

    pub fn approve(&self, order: &str) -> Result<OperatorOrder, ApiError> {
        self.post(&of_operator_order(order, "/approve"), &Empty {})
    }

    pub fn reject(&self, order: &str, reason: &Reason) -> Result<OperatorOrder, ApiError> {
        self.post(&of_operator_order(order, "/reject"), reason)
    }

    /// What has no call of its own.
    pub fn cause(&self, order: &str, event: &CauseEvent) -> Result<OperatorOrder, ApiError> {
        self.post(&of_operator_order(order, "/events"), event)
    }

    pub fn record_transfer(&self, order: &str, transfer: &RecordTransfer) -> Result<OperatorOrder, ApiError> {
        self.post(&of_operator_order(order, "/transfers"), transfer)
    }

    /// The key is gone: closes the attempt, revokes its serial number, takes the order over.
    pub fn close_attempt(&self, order: &str, attempt: u32, reason: &Reason) -> Result<AttemptView, ApiError> {
        self.post(&of_operator_order(order, &format!("/attempts/{attempt}/close")), reason)
    }

    pub fn revoke_certificate(&self, serial: &str, reason: &Reason) -> Result<CertificateView, ApiError> {
        self.post(&format!("operator/certificates/{}/revoke", segment(serial)), reason)
    }

    pub fn issue_first_certificate(
        &self,
        token: &IssueFirstCertificate,
    ) -> Result<FirstCertificate, ApiError> {
        self.post("operator/tokens", token)
    }

    pub fn open_personalization(
        &self,
        personalization: &OpenPersonalization,
    ) -> Result<Personalization, ApiError> {
        self.post("operator/personalizations", personalization)
    }

    pub fn first_certificate(
        &self,
        token_id: &str,
        request: &FirstCertificateRequest,
    ) -> Result<FirstCertificate, ApiError> {
        self.post(&of_personalization(token_id, "certificate"), request)
    }

    pub fn personalization_nonce(&self, token_id: &str) -> Result<Nonce, ApiError> {
        self.post(&of_personalization(token_id, "nonces"), &Empty {})
    }

    pub fn personalized(
        &self,
        token_id: &str,
        proof: &PersonalizationProof,
    ) -> Result<TokenRecord, ApiError> {
        self.post(&of_personalization(token_id, "proven"), proof)
    }

    pub fn token_record(&self, token_id: &str) -> Result<TokenRecord, ApiError> {
        self.get(&format!("operator/tokens/{}", segment(token_id)), &())
    }

    pub fn declare_so_pin(&self, token_id: &str, scheme: &DeclareSoPin) -> Result<TokenRecord, ApiError> {
        self.post(&format!("operator/tokens/{}/so-pin", segment(token_id)), scheme)
    }

    /// Three more releases for an unlock order that has used its own up.
    pub fn grant_releases(&self, order: &str) -> Result<UnlockOrder, ApiError> {
        self.post(&of_operator_order(order, "/unlock-releases"), &Empty {})
    }

    pub fn sms_outbox(&self, query: &OutboxQuery) -> Result<Page<SmsMessage>, ApiError> {
        self.get("operator/sms-outbox", query)
    }

    pub fn audit(&self, query: &AuditQuery) -> Result<Page<AuditEntry>, ApiError> {
        self.get("operator/audit", query)
    }

    pub fn driver_reports(&self, query: &DriverReportQuery) -> Result<Page<DriverReportView>, ApiError> {
        self.get("operator/driver-reports", query)
    }
}

impl Client {
    fn get<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Result<T, ApiError> {
        let url = self.url(path)?;
        read_json(&self.exchange(|| self.http.get(url.clone()).query(query))?)
    }

    fn get_bytes(&self, path: &str) -> Result<Vec<u8>, ApiError> {
        let url = self.url(path)?;
        Ok(self.exchange(|| self.http.get(url.clone()))?.body)
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ApiError> {
        self.change(Method::POST, path, body)
    }

    fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        read_json(&self.change_once(method, path, body)?)
    }

    fn change_nothing_back(&self, method: Method, path: &str, body: &impl Serialize) -> Result<(), ApiError> {
        read_json::<Empty>(&self.change_once(method, path, body)?).map(drop)
    }

    fn change_once(&self, method: Method, path: &str, body: &impl Serialize) -> Result<Answer, ApiError> {
        let url = self.url(path)?;
        let key = new_idempotency_key()?;
        self.exchange(|| {
            self.http.request(method.clone(), url.clone()).header("idempotency-key", &key).json(body)
        })
    }

    fn url(&self, path: &str) -> Result<Url, ApiError> {
        self.base.join(&format!("/api/v1/{path}")).map_err(|e| ApiError::Address { detail: e.to_string() })
    }

    fn exchange(&self, request: impl Fn() -> RequestBuilder) -> Result<Answer, ApiError> {
        let mut pause = self.retry_policy.pause;
        let mut retries = self.retry_policy.retries;
        loop {
            let mut request = request();
            if let Some(session) = &self.session {
                let mut value = header::HeaderValue::try_from(format!("Bearer {}", session.reveal()))
                    .map_err(|_| ApiError::Address { detail: "the session cannot be sent".to_owned() })?;
                value.set_sensitive(true);
                request = request.header(header::AUTHORIZATION, value);
            }
            match request.send().map_err(|e| failure(&e)).and_then(read) {
                Err(error) if error.is_passing() && retries > 0 => {
                    tracing::debug!(code = error.code(), "portal call is tried again");
                    retries -= 1;
                    thread::sleep(pause);
                    pause *= 2;
                }
                outcome => return outcome,
            }
        }
    }
}

fn of_order(order: &str, rest: &str) -> String {
    format!("orders/{}{rest}", segment(order))
}

fn of_attempt(order: &str, attempt: u32, rest: &str) -> String {
    of_order(order, &format!("/attempts/{attempt}/{rest}"))
}

fn of_unlock(order: &str, rest: &str) -> String {
    format!("unlock/orders/{}{rest}", segment(order))
}

fn of_personalization(token_id: &str, rest: &str) -> String {
    format!("operator/personalizations/{}/{rest}", segment(token_id))
}

fn of_operator_order(order: &str, rest: &str) -> String {
    format!("operator/orders/{}{rest}", segment(order))
}

/// A path segment that cannot become two, whatever was typed.
fn segment(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':');
    text.chars().map(|c| if plain(c) { c } else { '_' }).collect()
}

/// A successful answer, whole.
struct Answer {
    media_type: String,
    body: Vec<u8>,
}

fn read(response: Response) -> Result<Answer, ApiError> {
    let status = response.status();
    let media_type = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let too_long = || ApiError::bad_answer("longer than any of the portal's");
    if response.content_length().is_some_and(|length| length > ANSWER_LIMIT) {
        return Err(too_long());
    }
    let mut body = Vec::new();
    response.take(ANSWER_LIMIT + 1).read_to_end(&mut body).map_err(|e| {
        if causes(&e).any(is_timeout) { ApiError::Timeout } else { ApiError::Cut { detail: chain(&e) } }
    })?;
    if body.len() as u64 > ANSWER_LIMIT {
        return Err(too_long());
    }
    if status.is_success() {
        return Ok(Answer { media_type, body });
    }
    if media_type == crate::problem::MEDIA_TYPE
        && let Ok(problem) = serde_json::from_slice::<Problem>(&body)
    {
        // The status that counts is the answer's own.
        return Err(ApiError::Refused(Box::new(Problem { status: status.as_u16(), ..problem })));
    }
    match status {
        // A gateway's own words, while the portal behind it is away.
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Err(ApiError::Unreachable { detail: format!("a gateway answered {status}") })
        }
        _ => Err(ApiError::bad_answer(format!("status {status} without a problem document"))),
    }
}

fn read_json<T: DeserializeOwned>(answer: &Answer) -> Result<T, ApiError> {
    if answer.media_type != "application/json" {
        return Err(ApiError::bad_answer(format!("{:?} where JSON was expected", answer.media_type)));
    }
    serde_json::from_slice(&answer.body).map_err(|e| {
        // Not the error's own words: they may quote a token.
        ApiError::bad_answer(format!("not the JSON expected, at line {} column {}", e.line(), e.column()))
    })
}

fn failure(error: &reqwest::Error) -> ApiError {
    let detail = chain(error);
    if error.is_timeout() && !error.is_connect() {
        ApiError::Timeout
    } else if causes(error).any(is_tls) {
        ApiError::Tls { detail }
    } else if error.is_connect() {
        ApiError::Unreachable { detail }
    } else if error.is_builder() {
        ApiError::Address { detail }
    } else {
        ApiError::Cut { detail }
    }
}

fn is_tls(cause: &(dyn StdError + 'static)) -> bool {
    innermost(cause).is::<rustls::Error>()
}

fn is_timeout(cause: &(dyn StdError + 'static)) -> bool {
    innermost(cause).downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout)
}

/// What I/O errors are wrapped around: they do not name it as their source, and may lie within each other.
fn innermost<'a>(mut cause: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    while let Some(inside) = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        cause = inside;
    }
    cause
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// The error with its causes, without the address, whose query may hold what a user searched for.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let texts: Vec<_> = causes(error).skip(1).map(ToString::to_string).collect();
    if texts.is_empty() { "connection failed".to_owned() } else { texts.join(": ") }
}

fn new_idempotency_key() -> Result<String, ApiError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| ApiError::Address { detail: e.to_string() })?;
    Ok(hex::encode(bytes))
}

/// TLS by *ring*: it builds without a C toolchain for Windows and gives the smaller program.
fn choose_cryptography() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Another choice made earlier in this process stands; either will do.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
}
