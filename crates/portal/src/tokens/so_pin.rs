//! SO PINs: made here, kept encrypted, moved on by proofs alone.

use ycd_pki::unlock::SoPin;
use ycd_portal_api::wire::{tokens::SoPinScheme, unlock::UnlockMethod};
use zeroize::{Zeroize as _, Zeroizing};

use super::record::{Escrow, Token, load};
use crate::{
    Error, Portal,
    db::Conn,
    orders::name_of,
    secrets::{Secrets, random},
};

/// Longer ones add nothing.
const LONGEST: u8 = 16;

/// A personalization begins: the token gets its method, its limits, and the SO PIN that its envelopes will bring: the
/// one that waits to be proven, else the one that is proven, else a new one. Made once, whatever breaks off after it.
pub async fn begin(
    portal: &Portal,
    db: &mut Conn,
    token_id: &str,
    method: UnlockMethod,
    (min_len, max_len): (u8, u8),
) -> Result<Token, Error> {
    let unblock_key_version =
        if method == UnlockMethod::ChallengeResponse { portal.identity().newest_master() } else { 0 };
    sqlx::query(
        "UPDATE tokens SET method = $1, so_pin = $2, so_pin_min_len = $3, so_pin_max_len = $4,
         unblock_key_version = $5 WHERE token_id = $6",
    )
    .bind(name_of(&method)?)
    .bind(name_of(&SoPinScheme::Random)?)
    .bind(min_len)
    .bind(max_len)
    .bind(unblock_key_version)
    .bind(token_id)
    .execute(&mut *db)
    .await?;
    let token = load(db, token_id).await?;
    if token.current.is_some() || token.next.is_some() {
        Ok(token)
    } else {
        with_next(portal, db, token).await
    }
}

/// The token with a next SO PIN: the one that waits already, or a new one.
pub async fn with_next(portal: &Portal, db: &mut Conn, mut token: Token) -> Result<Token, Error> {
    if token.next.is_none() {
        let version = token.current_version() + 1;
        let pin = random_pin(token.so_pin_min_len, token.so_pin_max_len)?;
        let sealed = portal.secrets().seal(&bound_to(&token.token_id, version), pin.expose().as_bytes())?;
        sqlx::query("UPDATE tokens SET next_version = $1, next_so_pin = $2 WHERE token_id = $3")
            .bind(version)
            .bind(&sealed)
            .bind(&token.token_id)
            .execute(db)
            .await?;
        token.next = Some(Escrow { version, sealed });
    }
    Ok(token)
}

/// An SO PIN out of its encrypted store, for an envelope.
pub fn escrowed(secrets: &Secrets, token_id: &str, escrow: &Escrow) -> Result<SoPin, Error> {
    let plain = Zeroizing::new(secrets.unseal(&bound_to(token_id, escrow.version), &escrow.sealed)?);
    let text = std::str::from_utf8(&plain).map_err(|_| Error::Sealed)?;
    SoPin::new(text.to_owned()).map_err(|_| Error::Sealed)
}

/// A login with this version is proven. *Next* becomes *current*, never the other way round; `newer` releases since
/// then are unproven.
pub async fn prove(db: &mut Conn, token: &Token, version: u32, newer: u32) -> Result<(), Error> {
    if version == 0 || version < token.current_version() {
        return Ok(());
    }
    sqlx::query("UPDATE tokens SET unproven_releases = $1 WHERE token_id = $2")
        .bind(newer)
        .bind(&token.token_id)
        .execute(&mut *db)
        .await?;
    sqlx::query(
        "UPDATE tokens SET current_version = next_version, current_so_pin = next_so_pin, next_version = NULL,
         next_so_pin = NULL WHERE token_id = $1 AND next_version = $2",
    )
    .bind(&token.token_id)
    .bind(version)
    .execute(db)
    .await?;
    Ok(())
}

fn bound_to(token_id: &str, version: u32) -> String {
    format!("so pin {version} of {token_id}")
}

/// As many digits as the token takes, [`LONGEST`] at most where it does not ask for more; each digit as likely as any
/// other.
fn random_pin(min_len: u8, max_len: u8) -> Result<SoPin, Error> {
    let len = usize::from(max_len.min(LONGEST).max(min_len));
    // 256 is no multiple of ten: the uneven rest is thrown again.
    const EVEN: u8 = 250;
    let mut pin = Zeroizing::new(String::with_capacity(len));
    while pin.len() < len {
        let mut bytes = random::<32>()?;
        for byte in bytes.iter().filter(|byte| **byte < EVEN).take(len - pin.len()) {
            pin.push(char::from(b'0' + byte % 10));
        }
        bytes.zeroize();
    }
    SoPin::new(pin.to_string()).map_err(|error| Error::Stored(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_so_pin_is_digits_as_long_as_is_useful_and_allowed() {
        for (min_len, max_len, len) in [
            (6, 8, 8),
            (6, 16, 16),
            (6, 32, 16),
            (20, 32, 20),
            (4, 6, 6),
            (8, 8, 8),
            (1, 32, 16),
            (32, 32, 32),
        ] {
            let pin = random_pin(min_len, max_len).unwrap();
            assert_eq!(pin.expose().len(), len, "{min_len} to {max_len}");
            assert!(pin.expose().bytes().all(|byte| byte.is_ascii_digit()));
        }
        assert_ne!(random_pin(16, 16).unwrap(), random_pin(16, 16).unwrap());
    }

    #[test]
    fn every_digit_comes_about_as_often() {
        let mut counts = [0_u32; 10];
        for _ in 0..500 {
            for byte in random_pin(32, 32).unwrap().expose().bytes() {
                counts[usize::from(byte - b'0')] += 1;
            }
        }
        // 1600 of each; the standard deviation is 38.
        assert!(counts.iter().all(|count| (1300..1900).contains(count)), "{counts:?}");
    }
}
