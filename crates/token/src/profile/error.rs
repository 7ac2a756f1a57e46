/// Why a profile is not taken. Names the file, and inside it the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    #[error("{file}: {detail}")]
    Unreadable { file: String, detail: String },
    /// `field` is the path of the field, `pkcs11.sign[0].format`; line and column count from 1.
    #[error("{file}:{line}:{column}: {field}: {message}")]
    Invalid { file: String, line: usize, column: usize, field: String, message: String },
}

impl ProfileError {
    /// Stable: maps to one sentence and one remedy per language.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "profile.unreadable",
            Self::Invalid { .. } => "profile.invalid",
        }
    }
}
