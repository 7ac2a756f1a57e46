//! # ycd-softkey
//!
//! A software USBKEY: a real token, whose state lies in a file, behind a PKCS#11 2.40 module that any client loads
//! (`libycd_softkey.so`, `ycd_softkey.dll`). The demo, the tests and the fault injection speak to it through the same
//! interface as to a vendor's token.
//!
//! The environment variable `YCD_SOFTKEY_DIR` names the folder of the tokens. Each token is a slot, with the same slot
//! id for ever, inserted or not. What another process does to a token (pulling it, changing its PIN, writing objects)
//! is seen at the next call. `FEATURES.md` lists the functions and mechanisms.
//!
//! * [`admin`]: make tokens, insert and pull them, tell them to fail.
//! * [`fault`]: the control file.
//! * [`card`]: the token as a smart card in a virtual PC/SC reader, with the same state.
//! * `store`: the folder, one token's file, its replacement in one act; `store::seal`: keys from PINs, sealing.
//! * `emulation`: the numbers and habits of another token model, which a token can be given.
//! * `object`, `pin`, `state`, `unblock`, `soft_token`: the token's logic, without a word of C.
//! * `pkcs11`: the C functions. The only place with `unsafe`.
//!
//! ## What it promises
//! * A power cut at any byte of a write leaves the old state or the new one, and both keys of a key pair come in one
//!   write.
//! * A PIN try is written down as spent before the PIN is looked at.
//! * Private keys are made in the token, are sealed in its file under the PINs, and leave it in no form.
//! * No length, pointer, count, handle or order of calls of a caller is trusted.
//!
//! ## What it does not
//! It is software. Who can read its file can try PINs without end, at the price of the file's Argon2id parameters,
//! and who can write it can put an older state back. Labels, certificates and public keys are not sealed. Who can read
//! the device file too has the unblock key (see `unblock`).
#![deny(unsafe_code)]

pub mod admin;
pub mod card;
mod emulation;
mod error;
pub mod fault;
mod functions;
mod object;
mod pin;
mod pkcs11;
mod sm2sig;
mod soft_token;
mod state;
mod store;
mod unblock;

pub use error::{Error, Result};
pub use functions::FUNCTIONS;
pub use soft_token::Leaves;
