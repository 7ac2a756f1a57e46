use std::time::Duration;

use serde::Serialize;
use ycd_pki::unlock::UnlockMethod;

/// Where an unlock stands, in the words of its pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnlockStep {
    /// One token, its certificate, its unlock capabilities; nothing is spent.
    FindToken,
    /// SMS to the bound phone; the order.
    Confirm,
    /// The new PIN, twice.
    NewPin,
    /// The portal's release.
    Release,
    /// The token takes the new PIN.
    SetPin,
    /// The SO PIN that was used is put out of force.
    Rotate,
    /// The certificate's key proves that the new PIN works.
    Prove,
}

impl UnlockStep {
    pub const ALL: [Self; 7] = [
        Self::FindToken,
        Self::Confirm,
        Self::NewPin,
        Self::Release,
        Self::SetPin,
        Self::Rotate,
        Self::Prove,
    ];

    /// As in the catalogue of messages, behind `unlock_step.`
    pub fn name(self) -> &'static str {
        match self {
            Self::FindToken => "find_token",
            Self::Confirm => "confirm",
            Self::NewPin => "new_pin",
            Self::Release => "release",
            Self::SetPin => "set_pin",
            Self::Rotate => "rotate",
            Self::Prove => "prove",
        }
    }

    /// Those of a method, in their order: no SO PIN is changed where none was used.
    pub fn on(method: UnlockMethod) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |step| method == UnlockMethod::SoPin || *step != Self::Rotate)
    }

    /// From 1, among those of its method.
    pub fn number(self, method: UnlockMethod) -> u32 {
        Self::on(method).zip(1..).find(|(step, _)| *step == self).map_or(0, |(_, number)| number)
    }

    /// How many steps a method has.
    pub fn count(method: UnlockMethod) -> u32 {
        Self::on(method).map(|_| 1).sum()
    }

    /// How long it usually takes, and at most, the person's own time left out.
    pub fn duration(self) -> (Duration, Duration) {
        let (usual, longest) = match self {
            Self::FindToken => (2, 20),
            Self::Confirm => (30, 120),
            Self::NewPin => (20, 600),
            Self::Release => (1, 20),
            Self::SetPin | Self::Rotate => (3, 60),
            Self::Prove => (2, 40),
        };
        (Duration::from_secs(usual), Duration::from_secs(longest))
    }

    /// Whether the token must stay in.
    pub fn works_on_token(self) -> bool {
        matches!(self, Self::SetPin | Self::Rotate | Self::Prove)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_counts_its_own_steps_without_a_gap() {
        for (method, count) in [(UnlockMethod::SoPin, 7), (UnlockMethod::ChallengeResponse, 6)] {
            assert_eq!(UnlockStep::count(method), count);
            let numbers: Vec<u32> = UnlockStep::on(method).map(|step| step.number(method)).collect();
            assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
        }
        assert_eq!(UnlockStep::Prove.number(UnlockMethod::ChallengeResponse), 6);
    }
}
