//! PEM (RFC 7468).

use der::pem::{self, LineEnding};

use crate::PkiError;

/// Of a certificate.
pub const CERTIFICATE: &str = "CERTIFICATE";
/// Of a certification request.
pub const REQUEST: &str = "CERTIFICATE REQUEST";
/// Of a revocation list.
pub const CRL: &str = "X509 CRL";

/// Text above this size is not read, bytes.
pub const MAX_LEN: usize = 4 * 1024 * 1024;

/// `der` under `label`, in lines of 64 characters.
///
/// # Errors
/// [`PkiError::Unfit`] for a label that no PEM can bear.
pub fn encode(label: &str, der: &[u8]) -> Result<String, PkiError> {
    pem::encode_string(label, LineEnding::LF, der)
        .map_err(|error| PkiError::Unfit { field: "label", reason: error.to_string() })
}

/// The first object under `label`; text around it and objects under other labels are passed over.
///
/// # Errors
/// [`PkiError::Malformed`] where there is none.
pub fn decode(label: &str, text: &str) -> Result<Vec<u8>, PkiError> {
    decode_all(label, text)?
        .into_iter()
        .next()
        .ok_or_else(|| PkiError::bad("PEM", format!("no {label} in it")))
}

/// All objects under `label`, in order.
///
/// # Errors
/// [`PkiError::Malformed`] where one of them cannot be read.
pub fn decode_all(label: &str, text: &str) -> Result<Vec<Vec<u8>>, PkiError> {
    crate::encoding::limited(text.as_bytes(), MAX_LEN, "PEM")?;
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(&begin) {
        let from = &rest[start..];
        let len = from.find(&end).ok_or_else(|| PkiError::bad("PEM", "no end line"))? + end.len();
        let (_, der) = pem::decode_vec(&from.as_bytes()[..len])
            .map_err(|error| PkiError::bad("PEM", error.to_string()))?;
        found.push(der);
        rest = &from[len..];
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_among_other_text() {
        let text = format!(
            "Certificate:\n  Data:\n{}{}trailer\n{}",
            encode(CERTIFICATE, &[1; 100]).unwrap(),
            encode(CRL, &[2; 10]).unwrap(),
            encode(CERTIFICATE, &[3]).unwrap()
        );
        assert_eq!(decode_all(CERTIFICATE, &text).unwrap(), [vec![1; 100], vec![3]]);
        assert_eq!(decode(CRL, &text).unwrap(), [2; 10]);
        assert_eq!(decode(REQUEST, &text).unwrap_err().code(), "pki.malformed");
        assert!(decode(CERTIFICATE, "-----BEGIN CERTIFICATE-----\n").is_err());
    }
}
