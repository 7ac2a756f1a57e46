/// Why bytes could not be read, or something could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// The bytes are not what they should be; nothing to do but to get other ones.
    #[error("{what} cannot be read: {reason}")]
    Malformed { what: &'static str, reason: String },
    /// More bytes than any honest object of this kind has.
    #[error("{what} of {len} bytes is over the limit of {limit}")]
    TooLarge { what: &'static str, len: usize, limit: usize },
    /// Readable, but of another algorithm than SM2 with SM3.
    #[error("{what} is not of SM2 with SM3")]
    Algorithm { what: &'static str },
    /// Not a point of the SM2 curve, or not a private key in range.
    #[error("not an SM2 key")]
    Key,
    /// The signature is not that of this key over these bytes.
    #[error("the signature of {what} does not verify")]
    BadSignature { what: &'static str },
    /// A value that cannot stand in a certificate or list: an empty or overlong name, a time before 1970...
    #[error("{field} cannot be {reason}")]
    Unfit { field: &'static str, reason: String },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    Random,
    /// The signing key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl PkiError {
    /// The stable code, `pki.…`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "pki.malformed",
            Self::TooLarge { .. } => "pki.too_large",
            Self::Algorithm { .. } => "pki.algorithm",
            Self::Key => "pki.key",
            Self::BadSignature { .. } => "pki.bad_signature",
            Self::Unfit { .. } => "pki.unfit",
            Self::Random => "pki.random",
            Self::Sign(_) => "pki.sign",
        }
    }

    pub(crate) fn malformed(what: &'static str) -> impl Fn(der::Error) -> Self {
        move |error| Self::Malformed { what, reason: error.to_string() }
    }

    pub(crate) fn bad(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Malformed { what, reason: reason.into() }
    }
}

/// The key did not sign; the cause is the key's own error.
#[derive(Debug, thiserror::Error)]
#[error("the key did not sign: {0}")]
pub struct SignError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl SignError {
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }

    /// The key's own error back, where it is of this type.
    pub fn downcast<E: std::error::Error + 'static>(self) -> Result<E, Self> {
        self.0.downcast::<E>().map(|error| *error).map_err(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_own_error_comes_back_out_of_a_sign_error() {
        let error = SignError::new(std::fmt::Error);
        assert!(error.downcast::<std::fmt::Error>().is_ok());
        let error = SignError::new(std::fmt::Error).downcast::<std::io::Error>().unwrap_err();
        assert!(error.to_string().contains("did not sign"));
    }
}
