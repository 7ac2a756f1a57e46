//! Keys that were produced here, and driver hosts that unlock them.

use time::Duration as Span;
use ycd_pki::{
    Certificate, KeyPair, Signer as _, csr,
    name::Name,
    sm3::sm3,
    statement::Statement,
    unlock::{
        Context, FirstSecrets, Opening, Purpose, Request, SoPin, SoPins, SoTries, UnblockKey, signed_answer,
    },
};
use ycd_portal::certificates;
use ycd_portal_api::{
    ApiError, Client,
    wire::{
        Bytes,
        attempts::SignedStatement,
        catalogue::HolderKind,
        certificates::Holder,
        keys::{FirstCertificate, OpenProduction, PersonaliseKey, Produced, Production},
        operator::AuditQuery,
        unlock::{
            AskAlive, AskRelease, KeyInHand, OpenUnlock, ReleaseAnswer, Road, UnlockForm, UnlockGrant,
            UnlockOrder, Unlocked,
        },
    },
};
use zeroize::Zeroizing;

pub use crate::common::{COMPANY, OTHER_PHONE, PHONE, USCC, World, refused};

thread_local! {
    /// Of the opening that this test made last.
    static STEP_UP: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}

pub const KEY_ID: &str = "softkey:0001";

/// A key in a token.
pub struct Key {
    pub id: String,
    pub road: Road,
    pub pair: KeyPair,
    pub certificate: Certificate,
    /// What a production has put on it.
    pub so_pin: SoPin,
    pub unblock_key: Option<UnblockKey>,
}

impl Key {
    pub fn in_hand(&self) -> KeyInHand {
        KeyInHand { key_id: self.id.clone(), certificate: Bytes(self.certificate.der().to_vec()) }
    }

    pub fn serial(&self) -> String {
        self.certificate.serial_hex()
    }

    /// The certificate's key signs the end of an unlock.
    pub fn proof(&self, world: &World, work: &Work<'_>, claim: &Claim) -> Unlocked {
        let nonce = work.client.unlock_nonce(&work.no).unwrap().nonce.0;
        self.proof_with(world, &work.no, claim, nonce.try_into().unwrap())
    }

    pub fn proof_with(&self, world: &World, order: &str, claim: &Claim, nonce: [u8; 32]) -> Unlocked {
        let statement = Statement::Unlocked {
            portal: world.portal.name().into(),
            order: order.into(),
            release: claim.release,
            key_id: self.id.clone(),
            one_time_key: claim.one_time_key,
            so_pin_version: claim.version,
            nonce,
        };
        Unlocked {
            release: claim.release,
            one_time_key: Bytes(claim.one_time_key.to_vec()),
            so_pin_version: claim.version,
            statement: signed(&self.pair, &statement, nonce),
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
    /// A key of the wrapped road, whose phone is [`PHONE`].
    pub fn key(&self) -> Key {
        self.produced(KEY_ID, Road::Wrapped)
    }

    pub fn produced(&self, id: &str, road: Road) -> Key {
        let operator = self.operator();
        let host = KeyPair::generate().unwrap();
        let opened = operator.open_production(&assignment(id, road, &host)).unwrap();
        let (_, secrets) = self.first_secrets(&opened, &host);
        let pair = KeyPair::generate().unwrap();
        let issued = operator.first_certificate(id, &first_certificate(&pair)).unwrap();
        let certificate = Certificate::from_der(&issued.certificate.0).unwrap();
        let unblock_key_version = u32::from(road == Road::Challenge);
        let proof = self.produced_proof(id, &pair, &certificate, 1, unblock_key_version);
        operator.produced(id, &proof).unwrap();
        let FirstSecrets { so_pin, unblock_key } = secrets;
        Key { id: id.into(), road, pair, certificate, so_pin, unblock_key }
    }

    /// A successor of the key's certificate, put in its place without the way there.
    pub fn renewed(&self, key: &Key) -> (Certificate, KeyPair) {
        let elsewhere = self.produced("softkey:9999", Road::Wrapped);
        self.run(async {
            let mut tx = self.portal.db().write().await.unwrap();
            certificates::supersede(&mut tx, &key.serial(), &elsewhere.serial()).await.unwrap();
            sqlx::query("UPDATE certificates SET key_id = $1 WHERE serial = $2")
                .bind(&key.id)
                .bind(elsewhere.serial())
                .execute(&mut *tx)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        });
        refused(self.client().unlock_check(&key.in_hand()), "certificate.superseded");
        (elsewhere.certificate, elsewhere.pair)
    }

    /// What a station's driver host reads out of an answer.
    pub fn first_secrets(&self, production: &Production, host: &KeyPair) -> (Context, FirstSecrets) {
        let context = self.verified(Purpose::Produce, &production.secrets);
        assert_eq!(context.one_time_key, host.public_key().fingerprint());
        (context, FirstSecrets::unseal(host, &production.secrets.sealed_box.0).unwrap())
    }

    pub fn produced_proof(
        &self,
        id: &str,
        pair: &KeyPair,
        certificate: &Certificate,
        so_pin_version: u32,
        unblock_key_version: u32,
    ) -> Produced {
        let nonce = self.operator().production_nonce(id).unwrap().nonce.0.try_into().unwrap();
        let statement = Statement::Produced {
            portal: self.portal.name().into(),
            key_id: id.into(),
            serial: certificate.serial().to_vec(),
            so_pin_version,
            unblock_key_version,
            nonce,
        };
        Produced { so_pin_version, unblock_key_version, statement: signed(pair, &statement, nonce) }
    }

    /// The context of an answer that the portal has signed.
    pub fn verified(&self, purpose: Purpose, answer: &ReleaseAnswer) -> Context {
        let text = signed_answer(&answer.context.0, &answer.sealed_box.0);
        self.portal.identity().signing_public().verify(&text, &answer.signature.0).unwrap();
        let context = Context::from_bytes(purpose, &answer.context.0).unwrap();
        assert_eq!(context.portal, self.portal.name());
        context
    }

    /// A code for unlocking, read off the phone.
    pub fn unlock_code(&self, key: &Key) -> String {
        // One of the same purpose is to be had once a minute.
        self.advance(Span::seconds(61));
        self.client().unlock_code(&key.in_hand()).unwrap();
        self.newest_code(PHONE)
    }

    /// A code as it travels, with a step-up that the next [`Work`] uses.
    pub fn sealed(&self, key: &Key, code: &str) -> Bytes {
        let opening = Opening::new(&key.id, code).unwrap();
        STEP_UP.set(opening.step_up.to_string());
        Bytes(opening.seal(&self.portal.identity().sealing().public_key()).unwrap())
    }

    pub fn opening(&self, key: &Key) -> OpenUnlock {
        OpenUnlock {
            key_id: key.id.clone(),
            certificate: key.in_hand().certificate,
            sealed: self.sealed(key, &self.unlock_code(key)),
            locked: true,
            order: None,
            form: UnlockForm::default(),
        }
    }

    /// The key's order, opened or taken up.
    pub fn open(&self, key: &Key) -> Work<'_> {
        let grant = self.client().open_unlock(&self.opening(key)).unwrap();
        Work::new(self, grant)
    }

    /// Actions of the audit about an order or a key, newest first, with their details.
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
pub struct Work<'a> {
    pub world: &'a World,
    pub no: String,
    pub token: String,
    pub step_up: String,
    /// With the token as session.
    pub client: Client,
}

impl<'a> Work<'a> {
    pub fn new(world: &'a World, grant: UnlockGrant) -> Self {
        let token = grant.token.reveal().to_owned();
        let step_up = STEP_UP.with_borrow(String::clone);
        Self { world, no: grant.order.no, token, step_up, client: world.client().with_session(grant.token) }
    }

    pub fn order(&self) -> UnlockOrder {
        self.client.unlock_order(&self.no).unwrap()
    }

    pub fn request(&self, key: &Key, host: &KeyPair) -> Request {
        Request {
            order: self.no.clone(),
            step_up: Zeroizing::new(self.step_up.clone()),
            one_time_key: host.public_key(),
            key_id: key.id.clone(),
            road: match key.road {
                Road::Wrapped => ycd_pki::unlock::Road::Wrapped,
                Road::Challenge => ycd_pki::unlock::Road::Challenge,
            },
            certificate: sm3(key.certificate.der()),
            challenge: Vec::new(),
            so_tries: SoTries::Exactly(5),
        }
    }

    /// Sends a request, sealed to the portal. Without the session: the token is inside.
    pub fn send(&self, request: &Request) -> Result<ReleaseAnswer, ApiError> {
        let portal = self.world.portal.identity().sealing().public_key();
        let sealed = Bytes(request.seal(&portal).unwrap());
        self.world.client().release(&self.no, &AskRelease { sealed })
    }

    /// A release for a new one-time key.
    pub fn release(&self, key: &Key) -> Release {
        let host = KeyPair::generate().unwrap();
        let answer = self.send(&self.request(key, &host)).unwrap();
        Release { context: self.world.verified(Purpose::Unlock, &answer), answer, host }
    }

    pub fn alive(&self, release: u32) -> Result<(), ApiError> {
        self.client.alive(&self.no, &AskAlive { release, nonce: Bytes(vec![7; 32]) }).map(drop)
    }

    pub fn unlocked(&self, key: &Key, claim: &Claim) -> Result<UnlockOrder, ApiError> {
        self.client.unlocked(&self.no, &key.proof(self.world, self, claim))
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
        SoPins::unseal(&self.host, &self.answer.sealed_box.0).unwrap()
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

pub fn assignment(id: &str, road: Road, host: &KeyPair) -> OpenProduction {
    OpenProduction {
        key_id: id.into(),
        holder: holder(),
        phone: PHONE.into(),
        product: "sm2-enterprise".into(),
        term_years: 1,
        road,
        so_pin_min_len: 6,
        so_pin_max_len: 16,
        one_time_key: Bytes(host.public_key().to_spki_der()),
    }
}

pub fn first_certificate(pair: &KeyPair) -> FirstCertificate {
    let subject = Name::enterprise("任意", None, None).to_der().unwrap();
    FirstCertificate { request: Bytes(csr::build(pair, &subject).unwrap()) }
}

/// A first certificate without a production.
pub fn personalisation(id: &str, pair: &KeyPair) -> PersonaliseKey {
    PersonaliseKey {
        key_id: id.into(),
        holder: holder(),
        phone: PHONE.into(),
        product: "sm2-enterprise".into(),
        term_years: 1,
        request: first_certificate(pair).request,
    }
}

pub fn signed(pair: &KeyPair, statement: &Statement, nonce: [u8; 32]) -> SignedStatement {
    let signature = pair.sign(&statement.to_bytes()).unwrap().to_der();
    SignedStatement { nonce: Bytes(nonce.to_vec()), signature: Bytes(signature) }
}
