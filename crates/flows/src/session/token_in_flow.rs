//! The token that a flow works on, as it is remembered from pass to pass: to tell the person where the work stands.
//! None of it decides what is true of the token.

use ycd_token::{TokenId, TokenInfo};

use super::prompts::TokenProblem;

#[derive(Default)]
pub(crate) struct TokenInFlow {
    pub token: Option<TokenId>,
    /// The step at which it was pulled or its driver died, until it is found and read again.
    broken_off_at: Option<&'static str>,
}

impl TokenInFlow {
    /// By the step's name. A step on the way back to an earlier one that was broken off does not count.
    pub fn broken_off(&mut self, at: &'static str) {
        self.broken_off_at.get_or_insert(at);
    }

    /// What the person is asked once it was pulled at this step.
    pub fn pulled(&mut self, at: &'static str) -> TokenProblem {
        self.broken_off(at);
        TokenProblem::Pulled { wanted: self.token.clone(), at: self.broken_off_at.unwrap_or(at) }
    }

    /// It was found and read.
    pub fn is_back(&mut self) {
        self.broken_off_at = None;
    }

    /// Why these are not exactly one token, the wanted one where one is; `None` where they are.
    pub fn problem(&self, tokens: &[TokenInfo], wanted: Option<&TokenId>) -> Option<TokenProblem> {
        match (tokens, wanted) {
            ([], _) => Some(match self.broken_off_at {
                Some(at) => TokenProblem::Pulled { wanted: wanted.cloned(), at },
                None => TokenProblem::Absent { wanted: wanted.cloned() },
            }),
            ([token], Some(wanted)) if token.token_id != *wanted => {
                Some(TokenProblem::Wrong { inserted: token.clone(), wanted: wanted.clone() })
            }
            ([_], _) => None,
            (several, _) => Some(TokenProblem::Several { tokens: several.to_vec() }),
        }
    }
}
