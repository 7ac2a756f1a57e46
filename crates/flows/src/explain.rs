//! From errors to messages: which values of an error go into its sentence.

use serde_json::Value as Json;
use ycd_pki::{ChainError, PkiError};
use ycd_portal_api::{ApiError, Problem};
use ycd_token::{PinPolicy, PinProblem, TokenError, TokenId, profile::ProfileError, readers::ReadersError};

use crate::{
    messages::{Explain, Language, Message, message, tries_word, weakness_word, word},
    pin_change::{PinChangeError, Which},
    session::{
        error::{FlowError, OperatorReason},
        new_pin::NewPinProblem,
    },
    store::StoreError,
    unlock::UnlockError,
};

impl Explain for FlowError {
    fn explain(&self, language: Language) -> Message {
        let values: Vec<(&'static str, String)> = match self {
            Self::Token { source, .. } => return source.explain(language),
            Self::Portal { source, .. } => return source.explain(language),
            Self::Pki(source) => return source.explain(language),
            Self::SeveralTokens { tokens } => vec![("tokens", tails(tokens, language))],
            Self::WrongToken { inserted, wanted } => {
                vec![("inserted", inserted.tail().to_owned()), ("wanted", wanted.tail().to_owned())]
            }
            Self::OrderNotReady { state } => {
                vec![("state", word(&format!("public_status.{state}"), language))]
            }
            Self::OperatorNeeded { reason } => vec![("reason", reason_word(*reason, language))],
            Self::OtherPortal { .. }
            | Self::NoToken
            | Self::TokenBusy { .. }
            | Self::Stopped { .. }
            | Self::CertificateMismatch { .. }
            | Self::CertificateUntrusted { .. }
            | Self::TokenNotBlank { .. }
            | Self::NoProgress { .. }
            | Self::Journal(_)
            | Self::File(_) => Vec::new(),
        };
        message(self.code(), language, &values)
    }
}

impl Explain for TokenError {
    fn explain(&self, language: Language) -> Message {
        let values: Vec<(&'static str, String)> = match self {
            Self::PinIncorrect { retry_counter } => vec![("tries", tries_word(*retry_counter, language))],
            Self::PinInvalid { min_len, max_len } => {
                vec![("min", min_len.to_string()), ("max", max_len.to_string())]
            }
            Self::NotFound { what } | Self::Unsupported { what } => vec![("what", what.clone())],
            Self::Unknown { operation } | Self::HostDied { operation } => {
                vec![("operation", operation.clone())]
            }
            Self::HostTimeout { operation, seconds } => {
                vec![("operation", operation.clone()), ("seconds", seconds.to_string())]
            }
            Self::ModuleMissing { path }
            | Self::NotAModule { path, .. }
            | Self::ModuleNotAllowed { path } => vec![("path", path.clone())],
            Self::NoHost { path, target } => vec![("path", path.clone()), ("target", target.clone())],
            Self::Module { function, code } => {
                vec![("function", function.clone()), ("code", format!("{code:#010x}"))]
            }
            _ => Vec::new(),
        };
        message(self.code(), language, &values)
    }
}

impl Explain for ReadersError {
    fn explain(&self, language: Language) -> Message {
        let values = match self {
            Self::NoService => Vec::new(),
            Self::Service(detail) => vec![("detail", detail.clone())],
        };
        message(self.code(), language, &values)
    }
}

impl Explain for PinChangeError {
    fn explain(&self, language: Language) -> Message {
        let which = |which| match which {
            Which::Old => word("pin.old", language),
            Which::New => word("pin.new", language),
        };
        let values: Vec<(&'static str, String)> = match self {
            Self::Flow(source) => return source.explain(language),
            Self::Token(source) => return source.explain(language),
            Self::Refused(refusal) => return refusal.explain(language),
            Self::NoneFits { token, product } => none_fits(token, product),
            Self::OutcomeUnknown { try_first: Which::Old, .. } => {
                vec![("first", which(Which::Old)), ("second", which(Which::New))]
            }
            Self::OutcomeUnknown { try_first: Which::New, .. } => {
                vec![("first", which(Which::New)), ("second", which(Which::Old))]
            }
            Self::NotSet | Self::LastTry | Self::Stopped => Vec::new(),
        };
        message(self.code(), language, &values)
    }
}

impl Explain for UnlockError {
    fn explain(&self, language: Language) -> Message {
        let values: Vec<(&'static str, String)> = match self {
            Self::Flow(source) => return source.explain(language),
            Self::Token { source, .. } => return source.explain(language),
            Self::Portal { source, .. } => return source.explain(language),
            Self::Refused(refusal) => return refusal.explain(language),
            Self::NoneFits { token, product } => none_fits(token, product),
            Self::Rejected { reason } => vec![("reason", reason.clone())],
            Self::Over { state } => {
                vec![("state", word(&format!("public_status.{}", state.name()), language))]
            }
            Self::NoCertificate
            | Self::NotPossible
            | Self::NotLocked
            | Self::SoPinUnknown
            | Self::NoProgress { .. }
            | Self::Stopped { .. } => Vec::new(),
        };
        message(self.code(), language, &values)
    }
}

fn none_fits(token: &PinPolicy, product: &PinPolicy) -> Vec<(&'static str, String)> {
    vec![
        ("token_min", token.min_len.to_string()),
        ("token_max", token.max_len.to_string()),
        ("min", product.min_len.to_string()),
        ("max", product.max_len.to_string()),
    ]
}

impl Explain for StoreError {
    fn explain(&self, language: Language) -> Message {
        match self {
            Self::Token(source) => source.explain(language),
            Self::ModelUnknown { profile } => message(self.code(), language, &[("profile", profile.clone())]),
            Self::Refused { detail } => message(self.code(), language, &[("detail", detail.clone())]),
            Self::Unsupported | Self::NotOnToken => message(self.code(), language, &[]),
        }
    }
}

impl Explain for NewPinProblem {
    fn explain(&self, language: Language) -> Message {
        let values: Vec<(&'static str, String)> = match self {
            Self::Policy(PinProblem::TooShort { min_len }) => vec![("min", min_len.to_string())],
            Self::Policy(PinProblem::TooLong { max_len }) => vec![("max", max_len.to_string())],
            Self::Weak(weakness) => vec![("why", weakness_word(*weakness, language))],
            Self::Policy(_) | Self::Mismatch | Self::SameAsOld | Self::ByTheToken => Vec::new(),
        };
        message(self.code(), language, &values)
    }
}

impl Explain for ApiError {
    fn explain(&self, language: Language) -> Message {
        match self {
            Self::Refused(problem) => problem.explain(language),
            Self::Unreachable { detail }
            | Self::Cut { detail }
            | Self::BadAnswer { detail }
            | Self::Tls { detail }
            | Self::Address { detail } => message(self.code(), language, &[("detail", detail.clone())]),
            Self::Timeout => message(self.code(), language, &[]),
        }
    }
}

impl Explain for Problem {
    /// What the portal adds to a refusal (`tries_left`, `retry_after`, …) fills the place of the same name.
    fn explain(&self, language: Language) -> Message {
        const PLACES: [&str; 4] = ["tries_left", "retry_after", "order", "from"];
        let mut values = vec![("detail", self.title.clone())];
        for place in PLACES {
            match self.extra.get(place) {
                Some(Json::String(text)) if place == "from" => {
                    values.push((place, word(&format!("public_status.{text}"), language)));
                }
                Some(Json::String(text)) => values.push((place, text.clone())),
                Some(Json::Number(number)) => values.push((place, number.to_string())),
                _ => {}
            }
        }
        message(&self.code, language, &values)
    }
}

impl Explain for PkiError {
    fn explain(&self, language: Language) -> Message {
        message(self.code(), language, &detail(self))
    }
}

impl Explain for ChainError {
    fn explain(&self, language: Language) -> Message {
        message(self.code(), language, &detail(self))
    }
}

impl Explain for ProfileError {
    fn explain(&self, language: Language) -> Message {
        message(self.code(), language, &detail(self))
    }
}

/// The error's own words, where only they say which file, field or certificate is meant.
fn detail(error: &impl ToString) -> [(&'static str, String); 1] {
    [("detail", error.to_string())]
}

fn tails(tokens: &[TokenId], language: Language) -> String {
    let separator = match language {
        Language::Zh => "、",
        Language::En => ", ",
    };
    tokens.iter().map(TokenId::tail).collect::<Vec<_>>().join(separator)
}

fn reason_word(reason: OperatorReason, language: Language) -> String {
    let name = match reason {
        OperatorReason::OldKeyGone => "old_key_gone",
        OperatorReason::NewKeyGone => "new_key_gone",
        OperatorReason::SeveralCandidates => "several_candidates",
        OperatorReason::AttemptsExhausted => "attempts_exhausted",
        OperatorReason::TakenOver => "taken_over",
    };
    word(&format!("reason.{name}"), language)
}

#[cfg(test)]
mod tests {
    use ycd_token::PinRetryCounter;

    use super::*;

    #[test]
    fn a_wrong_pin_tells_the_tries_in_the_form_the_token_gives_them() {
        let sentence =
            |retry_counter, language| TokenError::PinIncorrect { retry_counter }.explain(language).sentence;
        assert!(sentence(PinRetryCounter::Exactly(4), Language::Zh).contains("还可再试 4 次"));
        assert!(sentence(PinRetryCounter::FinalTry, Language::En).contains("one try is left"));
        assert_eq!(
            sentence(PinRetryCounter::NotLow, Language::Zh),
            "口令不正确。连续输错后 USBKEY 会被锁定。"
        );
    }

    #[test]
    fn the_wrong_token_is_named_by_its_tail() {
        let error = FlowError::WrongToken {
            inserted: TokenId::new("softkey", "00003F21"),
            wanted: TokenId::new("softkey", "000088A0"),
        };
        let sentence = error.explain(Language::Zh).sentence;
        assert!(sentence.contains("3F21") && sentence.contains("88A0"), "{sentence}");
    }

    #[test]
    fn what_the_portal_adds_to_a_refusal_stands_in_the_sentence() {
        let problem = Problem::new(ycd_portal_api::problem::kinds::CODE_WRONG).with("tries_left", 3);
        assert_eq!(problem.explain(Language::Zh).sentence, "验证码不正确，还可再试 3 次。");
    }
}
