//! What the tests of the work on the token need beyond a portal: a personalized token whose certificate is near its
//! end, an authority whose line can be cut.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use time::Duration as Span;
use tokio::sync::Semaphore;
use ycd_pki::{
    Certificate, KeyPair, Signer as _,
    authorization::Authorization,
    crl::{Crl, CrlParams, Revoked},
    csr,
    name::Name,
    sm3::sm3,
};
use ycd_portal::authority::{AuthorityError, CertificateAuthority, Embedded, Issuer, Pending};
use ycd_portal_api::{
    ApiError, Client,
    wire::{
        Bytes,
        attempts::{
            Abandon, AttemptView, Confirm, Confirmed, Issue, Issued, Mode, NoncePurpose, OpenAttempt,
            Replace, SignedAuthorization,
        },
        catalogue::HolderKind,
        certificates::Holder,
        form::SaveForm,
        login::{Purpose, RequestCode, RequestStepUp},
        operator::RecordTransfer,
        orders::{ConfirmOrder, CreateOrder, OrderKind, PaymentMethod, Reason},
        tokens::IssueFirstCertificate,
    },
};

pub use crate::common::{COMPANY, PHONE, USCC, World, form, refused};

pub const TOKEN_ID: &str = "softkey:0001";

impl World {
    pub fn login(&self, phone: &str) -> Client {
        // A code of the same purpose is to be had once a minute.
        self.advance(Span::seconds(61));
        self.client().with_session(self.session(phone))
    }

    pub fn step_up(&self, client: &Client, order: &str, purpose: Purpose) -> String {
        self.advance(Span::seconds(61));
        client.request_code(&RequestCode { purpose, phone: None, order: Some(order.into()) }).unwrap();
        let code = self.newest_code(PHONE);
        client.step_up(&RequestStepUp { purpose, order: order.into(), code }).unwrap().step_up
    }

    /// The list as it is published, verified.
    pub fn list(&self) -> Crl {
        let list = Crl::from_der(&self.client().crl().unwrap()).unwrap();
        let anchors = Certificate::all_from_pem(&self.client().trust_anchors().unwrap()).unwrap();
        list.verify(&anchors[1].public_key().unwrap()).unwrap();
        list
    }

    pub fn connect(&self, authority: &Arc<Remote>) {
        self.portal.authority().connect(Arc::clone(authority) as Arc<dyn CertificateAuthority>);
    }

    pub fn remote(&self) -> Arc<Remote> {
        let passphrase = self.portal.secrets().derive("authority");
        let inner = self.runtime.block_on(Embedded::open(self.portal.folder(), passphrase)).unwrap();
        let remote = Arc::new(Remote {
            inner,
            cut: AtomicBool::new(false),
            asked: AtomicUsize::new(0),
            may_answer: Semaphore::new(Semaphore::MAX_PERMITS),
            told: Mutex::default(),
        });
        self.connect(&remote);
        remote
    }
}

/// The embedded authority at the other end of a line that can be cut or held.
pub struct Remote {
    inner: Embedded,
    pub cut: AtomicBool,
    asked: AtomicUsize,
    may_answer: Semaphore,
    pub told: Mutex<Vec<Revoked>>,
}

impl Remote {
    /// From now on answers wait for [`Self::answer`].
    pub fn hold(&self) {
        self.may_answer.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub fn answer(&self) {
        self.may_answer.add_permits(1000);
    }

    /// Requests for a signature so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub fn wait_until_asked(&self, times: usize) {
        while self.asked() < times {
            std::thread::yield_now();
        }
    }
}

impl CertificateAuthority for Remote {
    fn chain(&self) -> &[Certificate] {
        self.inner.chain()
    }

    fn sign<'a>(&'a self, tbs: &'a [u8]) -> Pending<'a, Vec<u8>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.cut.load(Ordering::SeqCst) {
                return Err(AuthorityError::Unavailable("the line is cut".into()));
            }
            let _permit = self.may_answer.acquire().await.unwrap();
            self.inner.sign(tbs).await
        })
    }

    fn revoke<'a>(&'a self, revoked: &'a Revoked) -> Pending<'a, ()> {
        self.told.lock().unwrap().push(revoked.clone());
        self.inner.revoke(revoked)
    }

    fn list<'a>(&'a self, issuer: Issuer, params: &'a CrlParams) -> Pending<'a, Vec<u8>> {
        self.inner.list(issuer, params)
    }
}

/// A key in a token, as far as the portal can tell.
pub struct Token {
    pub id: String,
    pub pair: KeyPair,
    pub certificate: Certificate,
}

impl Token {
    /// Personalized now, for a year.
    pub fn first_certificate(world: &World, id: &str, phone: &str) -> Self {
        let pair = KeyPair::generate().unwrap();
        let made = world.operator().issue_first_certificate(&first_certificate(id, phone, &pair)).unwrap();
        Self { id: id.into(), pair, certificate: Certificate::from_der(&made.certificate.0).unwrap() }
    }

    pub fn spki(&self) -> Vec<u8> {
        self.pair.public_key().to_spki_der()
    }

    pub fn serial(&self) -> String {
        self.certificate.serial_hex()
    }
}

pub fn first_certificate(id: &str, phone: &str, pair: &KeyPair) -> IssueFirstCertificate {
    let subject = Name::enterprise("任意", None, None).to_der().unwrap();
    IssueFirstCertificate {
        token_id: id.into(),
        holder: Holder {
            kind: HolderKind::Enterprise,
            name: COMPANY.into(),
            uscc: Some(USCC.into()),
            id_number: None,
            person: Some("王五".into()),
        },
        phone: phone.into(),
        product: "sm2-enterprise".into(),
        validity_years: 1,
        request: Bytes(csr::build(pair, &subject).unwrap()),
    }
}

/// An approved order for a token, and the machine that does the work.
pub struct Applicant<'a> {
    pub world: &'a World,
    pub client: Client,
    pub order: String,
    pub token: Token,
}

impl<'a> Applicant<'a> {
    /// A token personalized a year ago but for twenty days, and a renewal of it, paid and approved.
    pub fn approved(world: &'a World) -> Self {
        let token = Token::first_certificate(world, TOKEN_ID, PHONE);
        world.advance(Span::days(345));
        Self::for_token(world, token)
    }

    pub fn for_token(world: &'a World, token: Token) -> Self {
        let client = world.login(PHONE);
        let create = CreateOrder {
            kind: OrderKind::Renewal,
            certificate: token.serial(),
            validity_years: 1,
            product: None,
        };
        let order = client.create_order(&create).unwrap().summary.no;
        client.save_form(&order, &SaveForm { form: form(), complete: true }).unwrap();
        world.advance(Span::seconds(61));
        let code = RequestCode { purpose: Purpose::OrderConfirm, phone: None, order: Some(order.clone()) };
        client.request_code(&code).unwrap();
        let confirmation = ConfirmOrder {
            agreement: true,
            code: world.newest_code(PHONE),
            payment_method: PaymentMethod::BankTransfer,
        };
        client.confirm_order(&order, &confirmation).unwrap();
        let transfer = RecordTransfer { reference: format!("REF{order}"), amount: 40_000 };
        world.operator().record_transfer(&order, &transfer).unwrap();
        world.operator().approve(&order).unwrap();
        Self { world, client, order, token }
    }

    pub fn open(&self) -> Result<AttemptView, ApiError> {
        self.open_as(Mode::SideBySide)
    }

    pub fn open_as(&self, mode: Mode) -> Result<AttemptView, ApiError> {
        self.open_with(mode, &[self.token.spki()])
    }

    pub fn open_with(&self, mode: Mode, keys: &[Vec<u8>]) -> Result<AttemptView, ApiError> {
        let public_keys = keys.iter().cloned().map(Bytes).collect();
        self.client
            .open_attempt(&self.order, &OpenAttempt { token_id: self.token.id.clone(), public_keys, mode })
    }

    pub fn view(&self) -> AttemptView {
        self.client.attempt(&self.order).unwrap()
    }

    pub fn nonce(&self, attempt: u32, purpose: NoncePurpose) -> [u8; 32] {
        let nonce = self.client.nonce(&self.order, attempt, purpose).unwrap();
        nonce.nonce.0.try_into().unwrap()
    }

    /// The old key's authorization for a new public key.
    pub fn renew_authorization(
        &self,
        view: &AttemptView,
        new: &KeyPair,
        nonce: [u8; 32],
    ) -> SignedAuthorization {
        let authorization = Authorization::Renew {
            portal: view.portal.clone(),
            order: view.order.clone(),
            attempt: view.attempt,
            token_id: view.token_id.clone(),
            old_certificate: sm3(&view.old_certificate.0),
            new_public_key: new.public_key().fingerprint(),
            nonce,
        };
        signed(&self.token.pair, &authorization, nonce)
    }

    pub fn issue_request(&self, view: &AttemptView, new: &KeyPair) -> Issue {
        let nonce = self.nonce(view.attempt, NoncePurpose::Renew);
        Issue {
            request: Bytes(csr::build(new, &view.subject.0).unwrap()),
            authorization: Some(self.renew_authorization(view, new, nonce)),
            step_up: None,
        }
    }

    pub fn issue(&self, view: &AttemptView, new: &KeyPair) -> Result<Issued, ApiError> {
        self.client.issue(&self.order, view.attempt, &self.issue_request(view, new))
    }

    pub fn confirmation(&self, attempt: u32, certificate: &[u8], new: &KeyPair) -> Confirm {
        let nonce = self.nonce(attempt, NoncePurpose::Confirm);
        let authorization = Authorization::Confirm {
            portal: self.world.portal.name().into(),
            order: self.order.clone(),
            attempt,
            serial: Certificate::from_der(certificate).unwrap().serial().to_vec(),
            nonce,
        };
        Confirm { authorization: signed(new, &authorization, nonce) }
    }

    pub fn confirm(&self, attempt: u32, certificate: &[u8], new: &KeyPair) -> Result<Confirmed, ApiError> {
        self.client.confirm(&self.order, attempt, &self.confirmation(attempt, certificate, new))
    }

    /// Steps 1 to 9 without trouble; gives the new pair and its certificate.
    pub fn renewed(&self) -> (KeyPair, Certificate) {
        let (view, new) = (self.open().unwrap(), KeyPair::generate().unwrap());
        let issued = self.issue(&view, &new).unwrap();
        self.confirm(view.attempt, &issued.certificate.0, &new).unwrap();
        (new, Certificate::from_der(&issued.certificate.0).unwrap())
    }

    pub fn abandon(&self, attempt: u32) -> Result<AttemptView, ApiError> {
        let step_up = self.world.step_up(&self.client, &self.order, Purpose::Abandon);
        self.client.abandon(&self.order, attempt, &Abandon { step_up, authorization: None })
    }

    pub fn replace(&self, view: &AttemptView) -> Result<AttemptView, ApiError> {
        let nonce = self.nonce(view.attempt, NoncePurpose::Replace);
        let authorization = Authorization::Replace {
            portal: view.portal.clone(),
            order: view.order.clone(),
            token_id: view.token_id.clone(),
            old_certificate: sm3(&view.old_certificate.0),
            nonce,
        };
        let authorization = signed(&self.token.pair, &authorization, nonce);
        self.client.replace(&self.order, &Replace { authorization })
    }

    pub fn revoke_old(&self) {
        let reason = Reason { reason: "持有人申请吊销".into() };
        self.world.operator().revoke_certificate(&self.token.serial(), &reason).unwrap();
    }
}

pub fn signed(pair: &KeyPair, authorization: &Authorization, nonce: [u8; 32]) -> SignedAuthorization {
    let signature = pair.sign(&authorization.to_bytes()).unwrap().to_der();
    SignedAuthorization { nonce: Bytes(nonce.to_vec()), signature: Bytes(signature) }
}

pub fn spki(pair: &KeyPair) -> Bytes {
    Bytes(pair.public_key().to_spki_der())
}
