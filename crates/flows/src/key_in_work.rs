//! The key that a flow works on, as it is remembered from round to round: to tell the person where the work stands. None
//! of it decides what is true of the key.

use ycd_token::{KeyId, KeyInfo};

use crate::conversation::KeyProblem;

#[derive(Default)]
pub(crate) struct KeyInWork {
    pub key: Option<KeyId>,
    /// The step at which it was pulled or its driver died, until it is found and read again.
    broken_off_at: Option<&'static str>,
}

impl KeyInWork {
    /// By the step's name. A step on the way back to an earlier one that was broken off does not count.
    pub fn broken_off(&mut self, at: &'static str) {
        self.broken_off_at.get_or_insert(at);
    }

    /// What the person is asked once it was pulled at this step.
    pub fn pulled(&mut self, at: &'static str) -> KeyProblem {
        self.broken_off(at);
        KeyProblem::Pulled { wanted: self.key.clone(), at: self.broken_off_at.unwrap_or(at) }
    }

    /// It was found and read.
    pub fn is_back(&mut self) {
        self.broken_off_at = None;
    }

    /// Why these are not exactly one key, the wanted one where one is; `None` where they are.
    pub fn problem(&self, keys: &[KeyInfo], wanted: Option<&KeyId>) -> Option<KeyProblem> {
        match (keys, wanted) {
            ([], _) => Some(match self.broken_off_at {
                Some(at) => KeyProblem::Pulled { wanted: wanted.cloned(), at },
                None => KeyProblem::Absent { wanted: wanted.cloned() },
            }),
            ([key], Some(wanted)) if key.key_id != *wanted => {
                Some(KeyProblem::Wrong { inserted: key.clone(), wanted: wanted.clone() })
            }
            ([_], _) => None,
            (several, _) => Some(KeyProblem::Several { keys: several.to_vec() }),
        }
    }
}
