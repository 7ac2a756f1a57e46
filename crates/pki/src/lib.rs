//! # ycd-pki
//!
//! The public-key side of everything: SM2 keys and signatures, SM3, certification requests, certificates, revocation
//! lists, chains, and the texts that a key in a token signs. It opens no file, no socket and no clock; time and
//! secrets are handed in.
//!
//! * [`PublicKey`], [`Signature`], [`Signer`], [`KeyPair`]: SM2 as GM/T 0003.2 and GM/T 0009 have it, with the
//!   default distinguishing identifier `1234567812345678`. A key in a token and a key in memory are both a [`Signer`].
//! * [`curve`]: the SM2 curve in numbers and in DER.
//! * [`csr`]: PKCS#10 (RFC 2986) with SM3withSM2.
//! * [`name`]: distinguished names, built and read.
//! * [`cert`]: certificates read ([`Certificate`]), issued ([`cert::issue`]) and told in a user's words
//!   ([`CertificateInfo`]), with the profiles of GM/T 0015.
//! * [`crl`]: revocation lists built, read and asked.
//! * [`chain`]: is this certificate good, under these anchors, at this time, for this use, and if not, why.
//! * [`authorization`]: the texts that keys sign besides certification requests.
//! * [`unlock`]: what portal, driver host and token say to each other to unlock a PIN.
//! * [`PublicKey::seal`], [`KeyPair::unseal`]: SM2 encryption (GM/T 0003.4).
//! * [`pem`]: PEM and back.
//!
//! ## Encodings
//! An SM2 signature is a pair (r, s). Tokens speak of it as 64 bytes `r ‖ s`; everything on the wire here (requests,
//! certificates, lists, authorizations) carries DER of `SEQUENCE { r INTEGER, s INTEGER }` (GM/T 0009 7.3). A signature
//! that carries the 64 bytes inside a BIT STRING is wrong and is refused. The algorithm identifier of a signature is
//! written without parameters (GM/T 0092 5) and read with absent or NULL parameters.
//!
//! ## Invariants
//! * No parser panics, whatever the bytes; all have a limit on size.
//! * What was signed is compared as the bytes that came, never as bytes encoded again.
//! * Private keys are wiped when dropped and have no `Debug` that shows them.
#![forbid(unsafe_code)]

pub mod authorization;
pub mod cert;
pub mod chain;
pub mod crl;
pub mod csr;
pub mod curve;
mod encoding;
mod envelope;
mod error;
mod key;
pub mod name;
pub mod pem;
mod signer;
pub mod sm3;
mod text;
pub mod unlock;

pub use cert::{Certificate, CertificateInfo, CertificateState};
pub use chain::{ChainError, VerifiedChain, verify_chain};
pub use curve::DEFAULT_ID;
pub use error::{PkiError, SignError};
pub use key::{PublicKey, Signature};
pub use signer::{KeyPair, Signer};
