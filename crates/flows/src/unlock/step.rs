use std::time::Duration;

use serde::Serialize;

/// Where an unlock stands, in the words of its pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnlockStep {
    /// One key, its certificate, its ways; nothing is spent.
    FindKey,
    /// SMS to the bound phone; the order.
    Confirm,
    /// The new PIN, twice.
    NewPin,
    /// The portal's release.
    Release,
    /// The key takes the new PIN.
    SetPin,
    /// The administrator's PIN is put out of reach again.
    Rotate,
    /// The certificate's key proves that the new PIN works.
    Prove,
}

impl UnlockStep {
    pub const ALL: [Self; 7] =
        [Self::FindKey, Self::Confirm, Self::NewPin, Self::Release, Self::SetPin, Self::Rotate, Self::Prove];

    /// As in the catalogue of messages, behind `unlock_step.`
    pub fn name(self) -> &'static str {
        match self {
            Self::FindKey => "find_key",
            Self::Confirm => "confirm",
            Self::NewPin => "new_pin",
            Self::Release => "release",
            Self::SetPin => "set_pin",
            Self::Rotate => "rotate",
            Self::Prove => "prove",
        }
    }

    /// From 1.
    pub fn number(self) -> u32 {
        Self::ALL.iter().zip(1..).find(|(step, _)| **step == self).map_or(0, |(_, number)| number)
    }

    /// How long it usually takes, and at most, the person's own time left out.
    pub fn duration(self) -> (Duration, Duration) {
        let (usual, longest) = match self {
            Self::FindKey => (2, 20),
            Self::Confirm => (30, 120),
            Self::NewPin => (20, 600),
            Self::Release => (1, 20),
            Self::SetPin | Self::Rotate => (3, 60),
            Self::Prove => (2, 40),
        };
        (Duration::from_secs(usual), Duration::from_secs(longest))
    }

    /// Whether the key must stay in.
    pub fn works_on_key(self) -> bool {
        matches!(self, Self::SetPin | Self::Rotate | Self::Prove)
    }
}
