//! Personalization, at the personalization workstation: a blank token becomes an applicant's.
//!
//! [`Personalization::run`] is read from top to bottom: the portal makes the token's SO PIN and keeps it before the
//! token sees it; the token gets it, the initial user PIN, a key pair of its own making, and its first certificate;
//! then it is read back, and the new key proves all of it by an authorization. Cut off anywhere, the same call goes on:
//! the portal gives the same SO PIN and, for the same public key, the same certificate, and what is on the token is not
//! made twice.
//!
//! A token whose certificates are all revoked is personalized again, erased or not: the SO PIN that the portal has
//! proven to be on it lets the user PIN be set anew, the previous pairs stay as they are, and a new one is made beside
//! them. Where a new user PIN might cost previous pairs, the token has to be erased first.

mod step;

use ycd_pki::{
    authorization::Authorization,
    cert::Certificate,
    csr,
    name::{Attribute, Name},
    sm3::sm3,
    unlock::{Purpose, UnlockMethod},
};
use ycd_portal_api::{
    Client,
    wire::{
        Bytes,
        attempts::SignedAuthorization,
        certificates::Holder,
        tokens::{
            FirstCertificate, FirstCertificateRequest, OpenPersonalization, PersonalizationProof, TokenRecord,
        },
        unlock as wire,
    },
};
use ycd_token::{
    Answer, CkaId, Container, KeyPairState, Opened, Pin, SoLogin, Spki, TokenError, TokenId, TokenInfo,
    Unlocker, profile::Tristate,
};

use self::step::Step;
use crate::session::{
    bytes::array,
    error::{FlowError, OperatorReason, Result},
    journal::Journal,
    lock::TokenLocks,
    trust::PinnedPortal,
};

/// The user PIN that tokens leave the workstation with; their holders are told to change it.
pub const INITIAL_PIN: &str = "12345678";

/// What a personalization works with.
pub struct Personalization<'a> {
    /// Logged in as an operator.
    pub portal: &'a Client,
    pub trust: &'a PinnedPortal,
    pub tokens: &'a mut dyn Unlocker,
    pub journal: &'a Journal,
    pub locks: &'a TokenLocks,
    pub token: TokenId,
    /// The SO PIN that the maker delivers tokens with.
    pub factory_so_pin: Pin,
    /// How the token will be unlocked; without it by challenge where the token can, else by its SO PIN.
    pub method: Option<UnlockMethod>,
    pub assignment: Assignment,
}

/// Whose token it becomes.
#[derive(Debug, Clone)]
pub struct Assignment {
    pub holder: Holder,
    /// The applicant's phone, whole.
    pub phone: String,
    /// Product code.
    pub product: String,
    pub validity_years: u8,
}

/// A finished token.
#[derive(Debug, Clone)]
pub struct PersonalizedToken {
    pub certificate: FirstCertificate,
    pub record: TokenRecord,
}

impl Personalization<'_> {
    pub fn run(mut self) -> Result<PersonalizedToken> {
        let _lock = self.locks.lock(&self.token)?;
        let token = self.token.clone();

        // The portal makes the SO PIN once, and keeps it, before anything is written.
        let info = self.info()?;
        let capabilities = self.on_token(Step::Open, |tokens| tokens.unlock_capabilities(&token))?;
        // A token that can do challenge and response never gets its SO PIN released: one that is not seen on its reader
        // now is not quietly made the other way.
        let can_challenge = capabilities.allow(UnlockMethod::ChallengeResponse);
        let method = self.method.unwrap_or(if can_challenge {
            UnlockMethod::ChallengeResponse
        } else {
            UnlockMethod::SoPin
        });
        if method == UnlockMethod::ChallengeResponse && !(can_challenge && capabilities.on_reader) {
            return Err(FlowError::Token { step: Step::Open.into(), source: TokenError::CardMissing });
        }
        let host = self.trust.for_host();
        let one_time = self.on_token(Step::Open, |tokens| tokens.unlock_begin(&token, &host))?;
        let personalization = self
            .portal
            .open_personalization(&OpenPersonalization {
                token_id: token.to_string(),
                holder: self.assignment.holder.clone(),
                phone: self.assignment.phone.clone(),
                product: self.assignment.product.clone(),
                validity_years: self.assignment.validity_years,
                method: match method {
                    UnlockMethod::SoPin => wire::UnlockMethod::SoPin,
                    UnlockMethod::ChallengeResponse => wire::UnlockMethod::ChallengeResponse,
                },
                so_pin_min_len: info.pin.min_len,
                so_pin_max_len: info.pin.max_len,
                one_time_key: Bytes(one_time.public_key.0),
            })
            .map_err(FlowError::of_portal(Step::Open))?;
        if let (true, Some(certificate)) = (personalization.done, personalization.certificate.clone()) {
            let record =
                self.portal.token_record(token.as_str()).map_err(FlowError::of_portal(Step::Done))?;
            self.on_token(Step::Done, |tokens| tokens.unlock_end(&token))?;
            return Ok(PersonalizedToken { certificate, record });
        }
        let answer = Answer {
            purpose: Purpose::Personalize,
            context: personalization.secrets.context.0,
            sealed_envelope: personalization.secrets.sealed_envelope.0,
            signature: personalization.secrets.signature.0,
        };
        let secrets = self.on_token(Step::Open, |tokens| tokens.unlock_open(&token, &answer))?;
        let own = OwnPair {
            cka_id: pair_cka_id(&token, &secrets.order),
            certificate: personalization.certificate.map(|issued| issued.certificate.0),
        };

        // No previous pair is destroyed: nothing has been changed yet.
        let contents = self.on_token(Step::Open, |tokens| tokens.read(&token))?;
        let keeps_keys = capabilities.keeps_keys == Tristate::Yes;
        if !keeps_keys && contents.containers.iter().any(|c| !own.may_be(c, contents.keeps_ids)) {
            return Err(FlowError::TokenNotBlank { token });
        }

        // The SO PIN and the initial user PIN; a login proves the first, whatever the module said to its change.
        let resets_pin =
            !info.pin.is_set || is_proven(&secrets) && (keeps_keys || contents.containers.is_empty());
        self.set_so_pin(resets_pin, &secrets)?;
        if method == UnlockMethod::ChallengeResponse {
            self.on_token(Step::Pin, |tokens| tokens.install_unblock_key(&token))?;
        }
        self.on_token(Step::Pin, |tokens| tokens.logout(&token))?;
        self.on_token(Step::Pin, |tokens| tokens.login(&token, &Pin::new(INITIAL_PIN)))?;

        // The first pair, made in the token, and its certificate.
        let spki = self.first_pair(&own)?;
        let request = self.request(&spki)?;
        let certificate = self
            .portal
            .first_certificate(token.as_str(), &FirstCertificateRequest { request: Bytes(request) })
            .map_err(FlowError::of_portal(Step::Issue))?;
        self.on_token(Step::Write, |tokens| tokens.write_certificate(&token, &certificate.certificate.0))?;

        // The new key proves it all.
        let nonce = self
            .portal
            .personalization_nonce(token.as_str())
            .map_err(FlowError::of_portal(Step::Confirm))?
            .nonce;
        let authorization = Authorization::Personalized {
            portal: self.trust.name.clone(),
            token_id: token.to_string(),
            serial: Certificate::from_der(&certificate.certificate.0)?.serial().to_vec(),
            so_pin_version: secrets.next_version,
            unblock_key_version: secrets.unblock_key_version,
            nonce: array(&nonce)?,
        };
        let signature =
            self.on_token(Step::Confirm, |tokens| tokens.sign_authorization(&token, &spki, &authorization))?;
        let proof = PersonalizationProof {
            so_pin_version: secrets.next_version,
            unblock_key_version: secrets.unblock_key_version,
            authorization: SignedAuthorization { nonce, signature: Bytes(signature) },
        };
        let record =
            self.portal.personalized(token.as_str(), &proof).map_err(FlowError::of_portal(Step::Confirm))?;
        self.on_token(Step::Done, |tokens| tokens.unlock_end(&token))?;
        self.on_token(Step::Done, |tokens| tokens.logout(&token))?;
        Ok(PersonalizedToken { certificate, record })
    }

    /// SO login with the maker's PIN, or, where this workstation's earlier run came further or an earlier
    /// personalization has proven it, with the escrowed one first; the user PIN; the change of the SO PIN; a login with
    /// it. A PIN that was never put on the token is not guessed.
    fn set_so_pin(&mut self, resets_pin: bool, secrets: &Opened) -> Result<()> {
        let token = self.token.clone();
        let factory = SoLogin::Factory(self.factory_so_pin.clone());
        let came_further = self.journal.rotation(&self.trust.name, &token)? == Some(secrets.next_version);
        let guesses =
            if came_further || is_proven(secrets) { vec![SoLogin::Next, factory] } else { vec![factory] };
        let mut wrong = None;
        let mut logged_in = None;
        for guess in guesses {
            match self.tokens.so_login(&token, &guess, &[]) {
                Ok(()) => {
                    logged_in = Some(guess);
                    break;
                }
                Err(source @ TokenError::SoPinIncorrect { .. }) => wrong = Some(source),
                Err(source) => return Err(FlowError::Token { step: Step::Pin.into(), source }),
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
                self.journal.rotates_to(&self.trust.name, &token, secrets.next_version)?;
                self.on_token(Step::Pin, |tokens| tokens.rotate_so_pin(&token))?;
                self.on_token(Step::Pin, |tokens| tokens.so_login(&token, &SoLogin::Next, &[]))
            }
            None => Err(FlowError::Token {
                step: Step::Pin.into(),
                source: wrong.unwrap_or(TokenError::SoPinLocked),
            }),
        }
    }

    fn init_pin(&mut self) -> Result<()> {
        let token = self.token.clone();
        self.on_token(Step::Pin, |tokens| tokens.init_pin(&token, &Pin::new(INITIAL_PIN)))
    }

    /// The pair that an earlier run of this personalization left, else a new one.
    fn first_pair(&mut self, own: &OwnPair) -> Result<Spki> {
        let token = self.token.clone();
        let contents = self.on_token(Step::Generate, |tokens| tokens.read(&token))?;
        let mut left = contents
            .containers
            .iter()
            .filter(|c| c.pair == KeyPairState::Complete && own.may_be(c, contents.keeps_ids))
            .filter_map(|c| c.spki.clone());
        match (left.next(), left.next()) {
            (Some(spki), None) => return Ok(spki),
            (Some(_), Some(_)) => {
                return Err(FlowError::OperatorNeeded { reason: OperatorReason::SeveralCandidates });
            }
            (None, _) => {}
        }
        if let Some(half) =
            contents.containers.iter().find(|c| c.pair == KeyPairState::Orphaned && c.has_cka_id(&own.cka_id))
        {
            self.on_token(Step::Clear, |tokens| tokens.destroy(&token, &half.handle))?;
        }
        self.on_token(Step::Generate, |tokens| tokens.generate(&token, &own.cka_id))
    }

    fn request(&mut self, spki: &Spki) -> Result<Vec<u8>> {
        let token = self.token.clone();
        let subject = Name::china().with(Attribute::CommonName, token.as_str()).to_der()?;
        let request = self.on_token(Step::Sign, |tokens| tokens.sign_request(&token, spki, &subject))?;
        csr::Request::from_der(&request).and_then(|request| request.verify()).map_err(|error| {
            FlowError::Token {
                step: Step::Sign.into(),
                source: TokenError::SignsWrongly { detail: error.to_string() },
            }
        })?;
        Ok(request)
    }

    fn info(&mut self) -> Result<TokenInfo> {
        let tokens = self.on_token(Step::FindToken, |tokens| tokens.list())?;
        tokens.into_iter().find(|found| found.token_id == self.token).ok_or(FlowError::NoToken)
    }

    fn on_token<T>(
        &mut self,
        step: Step,
        act: impl FnOnce(&mut dyn Unlocker) -> Result<T, TokenError>,
    ) -> Result<T> {
        act(self.tokens).map_err(|source| FlowError::Token { step: step.into(), source })
    }
}

/// What the pair of one personalization is known by.
struct OwnPair {
    cka_id: CkaId,
    /// Once issued.
    certificate: Option<Vec<u8>>,
}

impl OwnPair {
    /// On a token that keeps no CKA_IDs: a key pair that bears no certificate yet, or this personalization's.
    fn may_be(&self, container: &Container, keeps_ids: bool) -> bool {
        if keeps_ids {
            return container.has_cka_id(&self.cka_id);
        }
        container.certificates.iter().all(|der| self.certificate.as_ref() == Some(der))
    }
}

/// Whether the SO PIN in the envelope is the one that a login on this token has proven: it was personalized before.
fn is_proven(secrets: &Opened) -> bool {
    secrets.current_version > 0 && secrets.current_version == secrets.next_version
}

/// The CKA_ID of the key pair that a personalization makes, the same in every run of it and another one in the next
/// personalization.
fn pair_cka_id(token: &TokenId, personalization: &str) -> CkaId {
    let digest = sm3(format!("ycd-first-pair:{token}:{personalization}").as_bytes());
    let mut cka_id = [0; 16];
    cka_id.copy_from_slice(&digest[..16]);
    CkaId(cka_id)
}
