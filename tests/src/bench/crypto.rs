//! SM2 here against `openssl speed` of the same; printed, not judged.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use ycd_pki::{KeyPair, Signer as _};

use super::Row;

const MESSAGE: &[u8] = b"as long as a digest, 32 bytes ok";

pub fn measure() -> Vec<Row> {
    let pair = KeyPair::generate().expect("a key pair");
    let signature = pair.sign(MESSAGE).expect("a signature").to_der();
    let public_key = pair.public_key();
    let generate = rate(|| drop(KeyPair::generate().expect("a key pair")));
    let sign = rate(|| assert!(pair.sign(MESSAGE).is_ok()));
    let verify = rate(|| public_key.verify(MESSAGE, &signature).expect("it verifies"));
    let Some((openssl_sign, openssl_verify)) = openssl() else { return Vec::new() };
    vec![
        // `openssl speed` makes no SM2 key pairs; a signature costs it the same multiplication.
        Row::rates("SM2 key pair", generate, "openssl speed: SM2 sign", openssl_sign),
        Row::rates("SM2 sign", sign, "openssl speed: SM2 sign", openssl_sign),
        Row::rates("SM2 verify", verify, "openssl speed: SM2 verify", openssl_verify),
    ]
}

fn rate(mut once: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut done = 0_u32;
    while start.elapsed() < Duration::from_secs(1) {
        for _ in 0..50 {
            once();
        }
        done += 50;
    }
    f64::from(done) / start.elapsed().as_secs_f64()
}

/// Signatures and verifications a second, from the last line of its table.
fn openssl() -> Option<(f64, f64)> {
    let output = Command::new("openssl").args(["speed", "-seconds", "1", "sm2"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().rfind(|line| line.contains("CurveSM2"))?;
    let mut rates = line.split_whitespace().rev().filter_map(|word| word.parse::<f64>().ok());
    let verify = rates.next()?;
    let sign = rates.next()?;
    Some((sign, verify))
}
