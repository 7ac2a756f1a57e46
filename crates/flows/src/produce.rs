//! Production, at the operator's station: a blank key becomes an applicant's.
//!
//! [`Production::run`] is read from top to bottom: the portal makes the key's SO PIN and keeps it before the key sees it;
//! the key gets it, the initial user PIN, a key pair of its own making, and its first certificate; then it is read back,
//! and the new key proves all of it by a statement. Cut off anywhere, the same call goes on: the portal gives the same
//! SO PIN and, for the same public key, the same certificate, and what is on the key is not made twice.
//!
//! A key whose certificates are all revoked is produced again, erased or not: the SO PIN that the portal has proven to be
//! on it lets the user PIN be set anew, the pairs of the past stay as they are, and a new one is made beside them. Where
//! a new user PIN might cost pairs of the past, the key has to be erased first.

use ycd_pki::{
    cert::Certificate,
    csr,
    name::{Attribute, Name},
    sm3::sm3,
    statement::Statement,
    unlock::{Purpose, Road},
};
use ycd_portal_api::{
    ApiError, Client,
    wire::{
        Bytes,
        attempts::SignedStatement,
        certificates::Holder,
        keys::{FirstCertificate, KeyRecord, OpenProduction, PersonalisedKey, Produced},
        unlock as wire,
    },
};
use ycd_token::{
    Answer, Container, KeyId, KeyInfo, Opened, Pair, Pin, SoLogin, Spki, Tag, TokenError, Unlocker,
    profile::Tristate,
};

use crate::{
    error::{FlowError, OperatorReason, Result},
    journal::Journal,
    lock::KeyLocks,
    renewal::{Step, array},
    trust::PinnedPortal,
};

/// The user PIN that keys leave the station with; their holders are told to change it.
pub const INITIAL_PIN: &str = "12345678";

/// What a production works with.
pub struct Production<'a> {
    /// Logged in as an operator.
    pub portal: &'a Client,
    pub trust: &'a PinnedPortal,
    pub token: &'a mut dyn Unlocker,
    pub journal: &'a Journal,
    pub locks: &'a KeyLocks,
    pub key: KeyId,
    /// The SO PIN that the maker delivers keys with.
    pub factory_so_pin: Pin,
    /// How the key will be unlocked; without it by challenge where the key can, else by its SO PIN.
    pub road: Option<Road>,
    pub assignment: Assignment,
}

/// Whose key it becomes.
#[derive(Debug, Clone)]
pub struct Assignment {
    pub holder: Holder,
    /// The applicant's phone, whole.
    pub phone: String,
    /// Product code.
    pub product: String,
    pub term_years: u8,
}

/// A finished key.
#[derive(Debug, Clone)]
pub struct ProducedKey {
    pub certificate: PersonalisedKey,
    pub record: KeyRecord,
}

impl Production<'_> {
    pub fn run(mut self) -> Result<ProducedKey> {
        let _lock = self.locks.lock(&self.key)?;
        let key = self.key.clone();

        // The portal makes the SO PIN once, and keeps it, before anything is written.
        let info = self.info()?;
        let ways = self.on_key(Step::Open, |token| token.unlock_ways(&key))?;
        // A key that can do challenge and response never gets its SO PIN released: one that is not seen on its reader
        // now is not quietly made the other way.
        let can_challenge = ways.allow(Road::Challenge);
        let road = self.road.unwrap_or(if can_challenge { Road::Challenge } else { Road::Wrapped });
        if road == Road::Challenge && !(can_challenge && ways.on_reader) {
            return Err(FlowError::Token { step: Step::Open, source: TokenError::CardMissing });
        }
        let host = self.trust.for_host();
        let one_time = self.on_key(Step::Open, |token| token.unlock_begin(&key, &host))?;
        let production = self
            .portal
            .open_production(&OpenProduction {
                key_id: key.to_string(),
                holder: self.assignment.holder.clone(),
                phone: self.assignment.phone.clone(),
                product: self.assignment.product.clone(),
                term_years: self.assignment.term_years,
                road: match road {
                    Road::Wrapped => wire::Road::Wrapped,
                    Road::Challenge => wire::Road::Challenge,
                },
                so_pin_min_len: info.pin.min_len,
                so_pin_max_len: info.pin.max_len,
                one_time_key: Bytes(one_time.public_key.0),
            })
            .map_err(at(Step::Open))?;
        if let (true, Some(certificate)) = (production.done, production.certificate.clone()) {
            let record = self.portal.key_record(key.as_str()).map_err(at(Step::Done))?;
            self.on_key(Step::Done, |token| token.unlock_end(&key))?;
            return Ok(ProducedKey { certificate, record });
        }
        let answer = Answer {
            purpose: Purpose::Produce,
            context: production.secrets.context.0,
            sealed_box: production.secrets.sealed_box.0,
            signature: production.secrets.signature.0,
        };
        let secrets = self.on_key(Step::Open, |token| token.unlock_open(&key, &answer))?;
        let own = OwnPair {
            tag: pair_tag(&key, &secrets.order),
            certificate: production.certificate.map(|issued| issued.certificate.0),
        };

        // No pair of the past is destroyed: nothing has been changed yet.
        let contents = self.on_key(Step::Open, |token| token.read(&key))?;
        let keeps_keys = ways.keeps_keys == Tristate::Yes;
        if !keeps_keys && contents.containers.iter().any(|c| !own.may_be(c, contents.keeps_ids)) {
            return Err(FlowError::KeyNotBlank { key });
        }

        // The SO PIN and the initial user PIN; a login proves the first, whatever the module said to its change.
        let resets_pin =
            !info.pin.is_set || is_proven(&secrets) && (keeps_keys || contents.containers.is_empty());
        self.set_so_pin(resets_pin, &secrets)?;
        if road == Road::Challenge {
            self.on_key(Step::Pin, |token| token.install_unblock_key(&key))?;
        }
        self.on_key(Step::Pin, |token| token.logout(&key))?;
        self.on_key(Step::Pin, |token| token.login(&key, &Pin::new(INITIAL_PIN)))?;

        // The first pair, made in the key, and its certificate.
        let spki = self.first_pair(&own)?;
        let request = self.request(&spki)?;
        let certificate = self
            .portal
            .first_certificate(key.as_str(), &FirstCertificate { request: Bytes(request) })
            .map_err(at(Step::Issue))?;
        self.on_key(Step::Write, |token| token.write_certificate(&key, &certificate.certificate.0))?;

        // The new key proves it all.
        let nonce = self.portal.production_nonce(key.as_str()).map_err(at(Step::Confirm))?.nonce;
        let statement = Statement::Produced {
            portal: self.trust.name.clone(),
            key_id: key.to_string(),
            serial: Certificate::from_der(&certificate.certificate.0)?.serial().to_vec(),
            so_pin_version: secrets.next_version,
            unblock_key_version: secrets.unblock_key_version,
            nonce: array(&nonce)?,
        };
        let signature = self.on_key(Step::Confirm, |token| token.sign_statement(&key, &spki, &statement))?;
        let proof = Produced {
            so_pin_version: secrets.next_version,
            unblock_key_version: secrets.unblock_key_version,
            statement: SignedStatement { nonce, signature: Bytes(signature) },
        };
        let record = self.portal.produced(key.as_str(), &proof).map_err(at(Step::Confirm))?;
        self.on_key(Step::Done, |token| token.unlock_end(&key))?;
        self.on_key(Step::Done, |token| token.logout(&key))?;
        Ok(ProducedKey { certificate, record })
    }

    /// SO login with the maker's PIN, or, where this station's earlier run came further or an earlier production has proven
    /// it, with the escrowed one first; the user PIN; the change of the SO PIN; a login with it. A PIN that was never put
    /// on the key is not guessed.
    fn set_so_pin(&mut self, resets_pin: bool, secrets: &Opened) -> Result<()> {
        let key = self.key.clone();
        let factory = SoLogin::Factory(self.factory_so_pin.clone());
        let came_further = self.journal.rotation(&self.trust.name, &key)? == Some(secrets.next_version);
        let guesses =
            if came_further || is_proven(secrets) { vec![SoLogin::Next, factory] } else { vec![factory] };
        let mut wrong = None;
        let mut logged_in = None;
        for guess in guesses {
            match self.token.so_login(&key, &guess, None) {
                Ok(()) => {
                    logged_in = Some(guess);
                    break;
                }
                Err(source @ TokenError::SoPinIncorrect { .. }) => wrong = Some(source),
                Err(source) => return Err(FlowError::Token { step: Step::Pin, source }),
            }
        }
        match logged_in {
            Some(SoLogin::Next) => {
                if resets_pin {
                    self.init_pin()?;
                }
                Ok(())
            }
            Some(_) => {
                self.init_pin()?;
                self.journal.rotates_to(&self.trust.name, &key, secrets.next_version)?;
                self.on_key(Step::Pin, |token| token.rotate_so_pin(&key))?;
                self.on_key(Step::Pin, |token| token.so_login(&key, &SoLogin::Next, None))
            }
            None => {
                Err(FlowError::Token { step: Step::Pin, source: wrong.unwrap_or(TokenError::SoPinLocked) })
            }
        }
    }

    fn init_pin(&mut self) -> Result<()> {
        let key = self.key.clone();
        self.on_key(Step::Pin, |token| token.init_pin(&key, &Pin::new(INITIAL_PIN)))
    }

    /// The pair that an earlier run of this production left, else a new one.
    fn first_pair(&mut self, own: &OwnPair) -> Result<Spki> {
        let key = self.key.clone();
        let contents = self.on_key(Step::Generate, |token| token.read(&key))?;
        let mut left = contents
            .containers
            .iter()
            .filter(|c| c.pair == Pair::Whole && own.may_be(c, contents.keeps_ids))
            .filter_map(|c| c.spki.clone());
        match (left.next(), left.next()) {
            (Some(spki), None) => return Ok(spki),
            (Some(_), Some(_)) => {
                return Err(FlowError::OperatorNeeded { reason: OperatorReason::SeveralCandidates });
            }
            (None, _) => {}
        }
        if let Some(half) = contents.containers.iter().find(|c| c.pair == Pair::Half && c.has_tag(&own.tag)) {
            self.on_key(Step::Clear, |token| token.destroy(&key, &half.handle))?;
        }
        self.on_key(Step::Generate, |token| token.generate(&key, &own.tag))
    }

    fn request(&mut self, spki: &Spki) -> Result<Vec<u8>> {
        let key = self.key.clone();
        let subject = Name::china().with(Attribute::CommonName, key.as_str()).to_der()?;
        let request = self.on_key(Step::Sign, |token| token.sign_request(&key, spki, &subject))?;
        csr::Request::from_der(&request).and_then(|request| request.verify()).map_err(|error| {
            FlowError::Token {
                step: Step::Sign,
                source: TokenError::SignsWrongly { detail: error.to_string() },
            }
        })?;
        Ok(request)
    }

    fn info(&mut self) -> Result<KeyInfo> {
        let keys = self.on_key(Step::FindKey, |token| token.keys())?;
        keys.into_iter().find(|found| found.key_id == self.key).ok_or(FlowError::NoKey)
    }

    fn on_key<T>(
        &mut self,
        step: Step,
        act: impl FnOnce(&mut dyn Unlocker) -> Result<T, TokenError>,
    ) -> Result<T> {
        act(self.token).map_err(|source| FlowError::Token { step, source })
    }
}

fn at(step: Step) -> impl Fn(ApiError) -> FlowError {
    move |source| FlowError::Portal { step, source }
}

/// What the pair of one production is known by.
struct OwnPair {
    tag: Tag,
    /// Once issued.
    certificate: Option<Vec<u8>>,
}

impl OwnPair {
    /// On a key that keeps no tags: a pair that bears no certificate yet, or this production's.
    fn may_be(&self, container: &Container, keeps_ids: bool) -> bool {
        if keeps_ids {
            return container.has_tag(&self.tag);
        }
        container.certificates.iter().all(|der| self.certificate.as_ref() == Some(der))
    }
}

/// Whether the SO PIN in the box is the one that a login on this key has proven: it was produced before.
fn is_proven(secrets: &Opened) -> bool {
    secrets.current_version > 0 && secrets.current_version == secrets.next_version
}

/// The tag of the pair that a production makes, the same in every run of it and another one in the next production.
fn pair_tag(key: &KeyId, production: &str) -> Tag {
    let digest = sm3(format!("ycd-first-pair:{key}:{production}").as_bytes());
    let mut tag = [0; 16];
    tag.copy_from_slice(&digest[..16]);
    Tag(tag)
}
