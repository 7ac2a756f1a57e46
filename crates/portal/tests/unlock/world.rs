//! Tokens that were personalized here, and driver hosts that unlock them.

use time::Duration as Span;
use ycd_pki::{
    Certificate, KeyPair, Signer as _,
    authorization::Authorization,
    csr,
    name::Name,
    sm3::sm3,
    unlock::{
        Context, FirstSecrets, Purpose, ReleaseRequest, SoPin, SoPinRetryCounter, SoPins, UnblockKey,
        UnlockRequest, signed_answer,
    },
};
use ycd_portal::certificates;
use ycd_portal_api::{
    ApiError, Client,
    wire::{
        Bytes,
        attempts::SignedAuthorization,
        catalogue::HolderKind,
        certificates::Holder,
        operator::AuditQuery,
        tokens::{
            FirstCertificateRequest, IssueFirstCertificate, OpenPersonalization, Personalization,
            PersonalizationProof,
        },
        unlock::{
            AskLiveness, AskRelease, OpenUnlock, ReleaseAnswer, TokenInHand, UnlockForm, UnlockGrant,
            UnlockMethod, UnlockOrder, Unlocked,
        },
    },
};
use zeroize::Zeroizing;

pub use crate::common::{COMPANY, OTHER_PHONE, PHONE, USCC, World, refused};

thread_local! {
    /// Of the opening that this test made last.
    static STEP_UP: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}

pub const TOKEN_ID: &str = "softkey:0001";

/// A key in a token.
pub struct Token {
    pub id: String,
    pub method: UnlockMethod,
    pub pair: KeyPair,
    pub certificate: Certificate,
    /// What a personalization has put on it.
    pub so_pin: SoPin,
    pub unblock_key: Option<UnblockKey>,
}

impl Token {
    pub fn in_hand(&self) -> TokenInHand {
        TokenInHand { token_id: self.id.clone(), certificate: Bytes(self.certificate.der().to_vec()) }
    }

    pub fn serial(&self) -> String {
        self.certificate.serial_hex()
    }

    /// The certificate's key signs the end of an unlock.
    pub fn proof(&self, world: &World, applicant: &Applicant<'_>, claim: &Claim) -> Unlocked {
        let nonce = applicant.client.unlock_nonce(&applicant.no).unwrap().nonce.0;
        self.proof_with(world, &applicant.no, claim, nonce.try_into().unwrap())
    }

    pub fn proof_with(&self, world: &World, order: &str, claim: &Claim, nonce: [u8; 32]) -> Unlocked {
        let authorization = Authorization::Unlocked {
            portal: world.portal.name().into(),
            order: order.into(),
            release: claim.release,
            token_id: self.id.clone(),
            one_time_key: claim.one_time_key,
            so_pin_version: claim.version,
            nonce,
        };
        Unlocked {
            release: claim.release,
            one_time_key: Bytes(claim.one_time_key.to_vec()),
            so_pin_version: claim.version,
            authorization: signed(&self.pair, &authorization, nonce),
        }
    }
}

/// What a proof says.
#[derive(Debug, Clone)]
pub struct Claim {
    pub release: u32,
    pub one_time_key: [u8; 32],
    pub version: u32,
}

impl Claim {
    /// The PIN was found to work already.
    pub fn works_already(newest: u32) -> Self {
        Self { release: newest, one_time_key: [0; 32], version: 0 }
    }
}

impl World {
    /// A token of the SO PIN method, whose phone is [`PHONE`].
    pub fn token(&self) -> Token {
        self.personalized(TOKEN_ID, UnlockMethod::SoPin)
    }

    pub fn personalized(&self, id: &str, method: UnlockMethod) -> Token {
        let operator = self.operator();
        let host = KeyPair::generate().unwrap();
        let opened = operator.open_personalization(&assignment(id, method, &host)).unwrap();
        let (_, secrets) = self.first_secrets(&opened, &host);
        let pair = KeyPair::generate().unwrap();
        let issued = operator.first_certificate(id, &first_certificate(&pair)).unwrap();
        let certificate = Certificate::from_der(&issued.certificate.0).unwrap();
        let unblock_key_version = u32::from(method == UnlockMethod::ChallengeResponse);
        let proof = self.personalization_proof(id, &pair, &certificate, 1, unblock_key_version);
        operator.personalized(id, &proof).unwrap();
        let FirstSecrets { so_pin, unblock_key } = secrets;
        Token { id: id.into(), method, pair, certificate, so_pin, unblock_key }
    }

    /// A successor of the token's certificate, put in its place without the way there.
    pub fn renewed(&self, token: &Token) -> (Certificate, KeyPair) {
        let elsewhere = self.personalized("softkey:9999", UnlockMethod::SoPin);
        self.run(async {
            let mut tx = self.portal.db().write().await.unwrap();
            certificates::supersede(&mut tx, &token.serial(), &elsewhere.serial()).await.unwrap();
            sqlx::query("UPDATE certificates SET token_id = $1 WHERE serial = $2")
                .bind(&token.id)
                .bind(elsewhere.serial())
                .execute(&mut *tx)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        });
        refused(self.client().unlock_check(&token.in_hand()), "certificate.superseded");
        (elsewhere.certificate, elsewhere.pair)
    }

    /// What a workstation's driver host reads out of an answer.
    pub fn first_secrets(
        &self,
        personalization: &Personalization,
        host: &KeyPair,
    ) -> (Context, FirstSecrets) {
        let context = self.verified(Purpose::Personalize, &personalization.secrets);
        assert_eq!(context.one_time_key, host.public_key().fingerprint());
        (context, FirstSecrets::unseal(host, &personalization.secrets.sealed_envelope.0).unwrap())
    }

    pub fn personalization_proof(
        &self,
        id: &str,
        pair: &KeyPair,
        certificate: &Certificate,
        so_pin_version: u32,
        unblock_key_version: u32,
    ) -> PersonalizationProof {
        let nonce = self.operator().personalization_nonce(id).unwrap().nonce.0.try_into().unwrap();
        let authorization = Authorization::Personalized {
            portal: self.portal.name().into(),
            token_id: id.into(),
            serial: certificate.serial().to_vec(),
            so_pin_version,
            unblock_key_version,
            nonce,
        };
        PersonalizationProof {
            so_pin_version,
            unblock_key_version,
            authorization: signed(pair, &authorization, nonce),
        }
    }

    /// The context of an answer that the portal has signed.
    pub fn verified(&self, purpose: Purpose, answer: &ReleaseAnswer) -> Context {
        let text = signed_answer(&answer.context.0, &answer.sealed_envelope.0);
        self.portal.identity().signing_public().verify(&text, &answer.signature.0).unwrap();
        let context = Context::from_bytes(purpose, &answer.context.0).unwrap();
        assert_eq!(context.portal, self.portal.name());
        context
    }

    /// A code for unlocking, read off the phone.
    pub fn unlock_code(&self, token: &Token) -> String {
        // One of the same purpose is to be had once a minute.
        self.advance(Span::seconds(61));
        self.client().unlock_code(&token.in_hand()).unwrap();
        self.newest_code(PHONE)
    }

    /// A code as it travels, with a step-up that the next [`Work`] uses.
    pub fn sealed(&self, token: &Token, code: &str) -> Bytes {
        let unlock_request = UnlockRequest::new(&token.id, code).unwrap();
        STEP_UP.set(unlock_request.step_up.to_string());
        Bytes(unlock_request.seal(&self.portal.identity().sealing().public_key()).unwrap())
    }

    pub fn unlock_request(&self, token: &Token) -> OpenUnlock {
        OpenUnlock {
            token_id: token.id.clone(),
            certificate: token.in_hand().certificate,
            sealed: self.sealed(token, &self.unlock_code(token)),
            locked: true,
            order: None,
            form: UnlockForm::default(),
        }
    }

    /// The token's order, opened or taken up.
    pub fn open(&self, token: &Token) -> Applicant<'_> {
        let grant = self.client().open_unlock(&self.unlock_request(token)).unwrap();
        Applicant::new(self, grant)
    }

    /// Actions of the audit about an order or a token, newest first, with their details.
    pub fn audited(&self, target: &str) -> Vec<(String, String)> {
        let query = AuditQuery { target: Some(target.into()), page_size: Some(100), ..AuditQuery::default() };
        let entries = self.operator().audit(&query).unwrap().items;
        entries.into_iter().map(|entry| (entry.action, entry.detail.unwrap_or_default())).collect()
    }

    pub fn sweep(&self) -> usize {
        self.run(ycd_portal::orders::sweep(&self.portal)).unwrap()
    }
}

/// An unlock order and whoever holds its token.
pub struct Applicant<'a> {
    pub world: &'a World,
    pub no: String,
    pub ticket: String,
    pub step_up: String,
    /// With the token as session.
    pub client: Client,
}

impl<'a> Applicant<'a> {
    pub fn new(world: &'a World, grant: UnlockGrant) -> Self {
        let ticket = grant.ticket.reveal().to_owned();
        let step_up = STEP_UP.with_borrow(String::clone);
        Self { world, no: grant.order.no, ticket, step_up, client: world.client().with_session(grant.ticket) }
    }

    pub fn order(&self) -> UnlockOrder {
        self.client.unlock_order(&self.no).unwrap()
    }

    pub fn request(&self, token: &Token, host: &KeyPair) -> ReleaseRequest {
        ReleaseRequest {
            order: self.no.clone(),
            step_up: Zeroizing::new(self.step_up.clone()),
            one_time_key: host.public_key(),
            token_id: token.id.clone(),
            method: match token.method {
                UnlockMethod::SoPin => ycd_pki::unlock::UnlockMethod::SoPin,
                UnlockMethod::ChallengeResponse => ycd_pki::unlock::UnlockMethod::ChallengeResponse,
            },
            certificate: sm3(token.certificate.der()),
            challenge: Vec::new(),
            so_pin_retry_counter: SoPinRetryCounter::Exactly(5),
        }
    }

    /// Sends a request, sealed to the portal. Without the session: the token is inside.
    pub fn send(&self, request: &ReleaseRequest) -> Result<ReleaseAnswer, ApiError> {
        let portal = self.world.portal.identity().sealing().public_key();
        let sealed = Bytes(request.seal(&portal).unwrap());
        self.world.client().release(&self.no, &AskRelease { sealed })
    }

    /// A release for a new one-time key.
    pub fn release(&self, token: &Token) -> Release {
        let host = KeyPair::generate().unwrap();
        let answer = self.send(&self.request(token, &host)).unwrap();
        Release { context: self.world.verified(Purpose::Unlock, &answer), answer, host }
    }

    pub fn liveness(&self, release: u32) -> Result<(), ApiError> {
        self.client.liveness(&self.no, &AskLiveness { release, nonce: Bytes(vec![7; 32]) }).map(drop)
    }

    pub fn unlocked(&self, token: &Token, claim: &Claim) -> Result<UnlockOrder, ApiError> {
        self.client.unlocked(&self.no, &token.proof(self.world, self, claim))
    }
}

/// What a driver host has got.
pub struct Release {
    pub context: Context,
    pub answer: ReleaseAnswer,
    pub host: KeyPair,
}

impl Release {
    pub fn so_pins(&self) -> SoPins {
        SoPins::unseal(&self.host, &self.answer.sealed_envelope.0).unwrap()
    }

    pub fn claim(&self, version: u32) -> Claim {
        let one_time_key = self.host.public_key().fingerprint();
        Claim { release: self.context.release, one_time_key, version }
    }
}

pub fn holder() -> Holder {
    Holder {
        kind: HolderKind::Enterprise,
        name: COMPANY.into(),
        uscc: Some(USCC.into()),
        id_number: None,
        person: Some("王五".into()),
    }
}

pub fn assignment(id: &str, method: UnlockMethod, host: &KeyPair) -> OpenPersonalization {
    OpenPersonalization {
        token_id: id.into(),
        holder: holder(),
        phone: PHONE.into(),
        product: "sm2-enterprise".into(),
        validity_years: 1,
        method,
        so_pin_min_len: 6,
        so_pin_max_len: 16,
        one_time_key: Bytes(host.public_key().to_spki_der()),
    }
}

pub fn first_certificate(pair: &KeyPair) -> FirstCertificateRequest {
    let subject = Name::enterprise("任意", None, None).to_der().unwrap();
    FirstCertificateRequest { request: Bytes(csr::build(pair, &subject).unwrap()) }
}

/// A first certificate without a personalization.
pub fn first_certificate_alone(id: &str, pair: &KeyPair) -> IssueFirstCertificate {
    IssueFirstCertificate {
        token_id: id.into(),
        holder: holder(),
        phone: PHONE.into(),
        product: "sm2-enterprise".into(),
        validity_years: 1,
        request: first_certificate(pair).request,
    }
}

pub fn signed(pair: &KeyPair, authorization: &Authorization, nonce: [u8; 32]) -> SignedAuthorization {
    let signature = pair.sign(&authorization.to_bytes()).unwrap().to_der();
    SignedAuthorization { nonce: Bytes(nonce.to_vec()), signature: Bytes(signature) }
}
