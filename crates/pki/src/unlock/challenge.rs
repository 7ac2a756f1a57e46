//! Challenge and response with the token itself: the portal never sees the PIN, the machine never sees the token's
//! secret, and an answer works once, for one token.

use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::unblock_key::{SessionKey, hmac};
use crate::{PkiError, sm3::Hasher};

/// CLA INS P1 P2 Lc of the software token's UNBLOCK (`docs/softcard.md`).
pub const UNBLOCK_HEADER: [u8; 5] = [0x80, 0x2C, 0x00, 0x01, 0x60];
/// A byte for the PIN's length, the PIN, zeros.
const PIN_BLOCK: usize = 32;
const WHAT: &str = "unblock command";

/// The data of the one command that a session key is good for: SM3(CTX) ‖ C ‖ MAC, 96 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnblockCommand {
    pub context_hash: [u8; 32],
    /// SM4-CTR(Kenc, length ‖ PIN ‖ zeros).
    pub cipher: [u8; PIN_BLOCK],
    /// HMAC-SM3(Kmac, command header ‖ SM3(CTX) ‖ C).
    pub mac: [u8; 32],
}

impl UnblockCommand {
    pub const LEN: usize = 96;

    /// `header`: CLA INS P1 P2 Lc of the command.
    ///
    /// # Errors
    /// [`PkiError::Unfit`] for a PIN of more than 31 bytes.
    pub fn seal(
        key: &SessionKey,
        header: &[u8; 5],
        context_hash: [u8; 32],
        pin: &[u8],
    ) -> Result<Self, PkiError> {
        let too_long = || PkiError::Unfit { field: "PIN", reason: "longer than 31 bytes".into() };
        let mut block = Zeroizing::new([0; PIN_BLOCK]);
        block[0] = u8::try_from(pin.len()).map_err(|_| too_long())?;
        block.get_mut(1..=pin.len()).ok_or_else(too_long)?.copy_from_slice(pin);
        let (encryption, authentication) = keys(key);
        encrypt(&encryption, &mut block);
        let mac = hmac(&authentication, &[header, &context_hash, &*block]);
        Ok(Self { context_hash, cipher: *block, mac })
    }

    /// The PIN, where the token that made the command is this one.
    ///
    /// # Errors
    /// [`PkiError::BadSignature`] where the MAC is wrong; [`PkiError::Malformed`] where what it protects is no PIN.
    pub fn open(&self, key: &SessionKey, header: &[u8; 5]) -> Result<Zeroizing<Vec<u8>>, PkiError> {
        let (encryption, authentication) = keys(key);
        let mac = hmac(&authentication, &[header, &self.context_hash, &self.cipher]);
        if !bool::from(mac.ct_eq(&self.mac)) {
            return Err(PkiError::BadSignature { what: WHAT });
        }
        let mut block = Zeroizing::new(self.cipher);
        encrypt(&encryption, &mut block);
        let len = usize::from(block[0]);
        match block.get(1..=len) {
            Some(pin) if block[1 + len..].iter().all(|b| *b == 0) => Ok(Zeroizing::new(pin.to_vec())),
            _ => Err(PkiError::bad(WHAT, "no PIN in it")),
        }
    }

    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..32].copy_from_slice(&self.context_hash);
        bytes[32..64].copy_from_slice(&self.cipher);
        bytes[64..].copy_from_slice(&self.mac);
        bytes
    }

    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        let part = |at: usize| {
            let mut part = [0; 32];
            part.copy_from_slice(&bytes[at..at + 32]);
            part
        };
        Self { context_hash: part(0), cipher: part(32), mac: part(64) }
    }
}

/// Kenc, 16 bytes, and Kmac, 32 bytes: the KDF of GM/T 0003.4 5.4.3 over K ‖ "enc" and K ‖ "mac". Neither is longer
/// than one hash, so the counter stays at 1.
fn keys(key: &SessionKey) -> (Zeroizing<[u8; 16]>, Zeroizing<[u8; 32]>) {
    let kdf = |label: &[u8]| {
        let mut hasher = Hasher::new();
        hasher.update(&key.0);
        hasher.update(label);
        hasher.update(&1_u32.to_be_bytes());
        Zeroizing::new(hasher.finish())
    };
    let mut encryption = Zeroizing::new([0; 16]);
    encryption.copy_from_slice(&kdf(b"enc")[..16]);
    (encryption, kdf(b"mac"))
}

/// SM4-CTR (GB/T 32907), which is its own inverse. The counter begins at zero: a token serves one command.
fn encrypt(key: &[u8; 16], block: &mut [u8; PIN_BLOCK]) {
    ctr::Ctr128BE::<sm4::Sm4>::new(key.into(), &[0; 16].into()).apply_keystream(block);
}

#[cfg(test)]
mod tests {
    use super::{super::unblock_key::UnblockKey, *};

    const HEADER: [u8; 5] = UNBLOCK_HEADER;

    fn session_key() -> SessionKey {
        UnblockKey::derive(&[1; 32], 1, "softkey:3F21").session_key(&[2; 16], &[3; 32])
    }

    #[test]
    fn a_pin_goes_through_and_the_token_gets_no_other() {
        for pin in ["", "271828", "1234567890123456789012345678901"] {
            let command = UnblockCommand::seal(&session_key(), &HEADER, [3; 32], pin.as_bytes()).unwrap();
            let command = UnblockCommand::from_bytes(&command.to_bytes());
            assert_eq!(*command.open(&session_key(), &HEADER).unwrap(), pin.as_bytes());
        }
        assert!(UnblockCommand::seal(&session_key(), &HEADER, [3; 32], &[b'1'; 32]).is_err());
        assert!(UnblockCommand::seal(&session_key(), &HEADER, [3; 32], &[b'1'; 300]).is_err());
    }

    #[test]
    fn whatever_is_changed_the_mac_tells() {
        let command = UnblockCommand::seal(&session_key(), &HEADER, [3; 32], b"271828").unwrap();
        for at in 0..UnblockCommand::LEN {
            let mut bytes = command.to_bytes();
            bytes[at] ^= 0x10;
            let error = UnblockCommand::from_bytes(&bytes).open(&session_key(), &HEADER).unwrap_err();
            assert_eq!(error.code(), "pki.bad_signature", "byte {at}");
        }
        let mut header = HEADER;
        header[3] = 2;
        assert!(command.open(&session_key(), &header).is_err());
        for other in [
            UnblockKey::derive(&[1; 32], 1, "softkey:3F22").session_key(&[2; 16], &[3; 32]),
            UnblockKey::derive(&[1; 32], 2, "softkey:3F21").session_key(&[2; 16], &[3; 32]),
            UnblockKey::derive(&[1; 32], 1, "softkey:3F21").session_key(&[9; 16], &[3; 32]),
            UnblockKey::derive(&[1; 32], 1, "softkey:3F21").session_key(&[2; 16], &[9; 32]),
        ] {
            assert!(command.open(&other, &HEADER).is_err());
        }
    }
}
