//! The steps as a person sees them.

use std::time::Duration;

use serde::Serialize;

use crate::session::error::StepName;

/// A step of a renewal. In the journal: the last one that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    FindToken,
    Open,
    Pin,
    /// An orphaned pair, or the pair of an attempt that was given up, is cleared away; in mode *replace*, the old one.
    Clear,
    Generate,
    Sign,
    Issue,
    Write,
    Confirm,
    RemoveSuperseded,
    /// The new certificate goes into the user's certificate store, where the system has one.
    Register,
    GiveUp,
    Done,
}

impl Step {
    pub const ALL: [Self; 13] = [
        Self::FindToken,
        Self::Open,
        Self::Pin,
        Self::Clear,
        Self::Generate,
        Self::Sign,
        Self::Issue,
        Self::Write,
        Self::Confirm,
        Self::RemoveSuperseded,
        Self::Register,
        Self::GiveUp,
        Self::Done,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::FindToken => "find_token",
            Self::Open => "open",
            Self::Pin => "pin",
            Self::Clear => "clear",
            Self::Generate => "generate",
            Self::Sign => "sign",
            Self::Issue => "issue",
            Self::Write => "write",
            Self::Confirm => "confirm",
            Self::RemoveSuperseded => "remove_superseded",
            Self::Register => "register",
            Self::GiveUp => "give_up",
            Self::Done => "done",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    /// Which of [`Step::OF`] it is on the screen.
    pub fn number(self) -> u32 {
        match self {
            Self::FindToken => 1,
            Self::Open | Self::GiveUp => 2,
            Self::Pin => 3,
            Self::Clear | Self::Generate => 4,
            Self::Sign | Self::Issue => 5,
            Self::Write => 6,
            Self::Confirm | Self::RemoveSuperseded | Self::Register | Self::Done => 7,
        }
    }

    pub const OF: u32 = 7;

    /// Whether the token must stay in.
    pub fn works_on_token(self) -> bool {
        !matches!(self, Self::FindToken | Self::Open | Self::Pin | Self::Done)
    }

    /// What usually passes until the step is done, and the longest. The latter are the limits of host and client
    /// (GM/T 0027-2014 annex A: an SM2 key pair within 5 s on average, a signature within 500 ms).
    pub fn durations(self) -> [Duration; 2] {
        let (usual, longest) = match self {
            Self::FindToken => (1, 10),
            Self::Open | Self::Issue => (2, 30),
            Self::Pin | Self::Register => (1, 10),
            Self::Clear | Self::Write | Self::RemoveSuperseded => (2, 30),
            Self::Generate => (5, 30),
            Self::Sign => (1, 10),
            Self::Confirm | Self::GiveUp => (2, 30),
            Self::Done => (0, 0),
        };
        [usual, longest].map(Duration::from_secs)
    }
}

impl From<Step> for StepName {
    fn from(step: Step) -> Self {
        Self(step.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_found_by_its_name() {
        for step in Step::ALL {
            assert_eq!(Step::from_name(step.name()), Some(step));
        }
        assert_eq!(Step::from_name("nothing"), None);
    }
}
