//! The ways in which a driver is out of its mind, and the answers that each of them allows.

use ycd_softkey::admin::{Action, Fault, Length};
use ycd_token::TokenError;

use crate::operations::Operation;
use crate::scene::DEADLINE_MS;

/// What a driver may answer out of place: success, problems, failures, numbers of nobody.
const CODES: [u32; 40] = [
    0x00,
    0x01,
    0x02,
    0x03,
    0x05,
    0x06,
    0x07,
    0x08,
    0x0A,
    0x11,
    0x12,
    0x13,
    0x30,
    0x31,
    0x32,
    0x50,
    0x54,
    0x60,
    0x70,
    0x82,
    0x90,
    0x91,
    0xA0,
    0xA1,
    0xA2,
    0xA3,
    0xA4,
    0xB0,
    0xB1,
    0xB3,
    0xB5,
    0xD1,
    0xE0,
    0xE1,
    0x100,
    0x101,
    0x102,
    0x150,
    0x190,
    0xFFFF_FFFF,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Crash,
    CrashAfter,
    Hang,
    HangAfter,
    Slow,
    TooSlow,
    /// The n-th of a list that goes round.
    Answers(usize),
    /// The same, after the function has had its effect.
    AnswersAfter(usize),
    /// At that call, or at that and every one after.
    Tells(Length, Times),
    Prints,
    EatsMemory,
    /// Says yes and does nothing.
    Forgets,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    Once,
    Always,
}

impl Kind {
    /// All of them; `answers` of the codes, beginning with that number.
    pub fn all(first_answer: usize, answers: usize) -> Vec<Self> {
        let mut kinds = vec![
            Self::Crash,
            Self::CrashAfter,
            Self::Hang,
            Self::HangAfter,
            Self::Slow,
            Self::TooSlow,
            Self::Prints,
            Self::EatsMemory,
            Self::Forgets,
        ];
        for at in first_answer..first_answer + answers {
            kinds.extend([Self::Answers(at), Self::AnswersAfter(at)]);
        }
        let absurd = [
            Length::Is(u64::MAX),
            Length::Is(u64::MAX - 1),
            Length::Is(1 << 40),
            Length::Is(0xFFFF_FFFF),
            Length::Is(1 << 20),
            Length::Is(0),
            Length::Longer(1),
            Length::Shorter(1),
        ];
        for length in absurd {
            kinds.extend([Self::Tells(length, Times::Once), Self::Tells(length, Times::Always)]);
        }
        kinds
    }

    /// `None` where the function cannot fail like that.
    pub fn at(self, function: &str, occurrence: u64) -> Option<Fault> {
        let fault = |action| Fault::at_occurrence(function, occurrence, action);
        let tells = matches!(function, "C_GetSlotList" | "C_FindObjects" | "C_GetAttributeValue" | "C_Sign");
        let changes = matches!(
            function,
            "C_GenerateKeyPair" | "C_CreateObject" | "C_DestroyObject" | "C_SetPIN" | "C_InitPIN"
        );
        if changes && self.is_refusal_of_what_was_done() {
            return None;
        }
        Some(match self {
            Self::Crash => fault(Action::Crash),
            Self::CrashAfter => fault(Action::Crash).after(),
            Self::Hang => fault(Action::Hang),
            Self::HangAfter => fault(Action::Hang).after(),
            Self::Slow => fault(Action::DelayMs(DEADLINE_MS / 8)),
            Self::TooSlow => fault(Action::DelayMs(2 * DEADLINE_MS)),
            Self::Answers(at) => fault(Action::Code(CODES[at % CODES.len()])),
            Self::AnswersAfter(at) => fault(Action::Code(CODES[at % CODES.len()])).after(),
            Self::Tells(length, Times::Once) if tells => fault(Action::Length(length)),
            Self::Tells(length, Times::Always) if tells => fault(Action::Length(length)).always(),
            Self::Prints => fault(Action::Print(4 << 20)),
            Self::EatsMemory => fault(Action::Hoard(1536)),
            Self::Forgets if changes => fault(Action::Eat),
            Self::Tells(..) | Self::Forgets => return None,
        })
    }

    /// Whether the driver tells what is not so, again and again or to one who only asks, so that nobody can know. A
    /// listing leaves a token out that fails.
    pub fn hides(self, operation: Operation, function: &str) -> bool {
        match self {
            Self::Tells(_, Times::Always) if function == "C_GetAttributeValue" => true,
            _ if !operation.is_repeated() => false,
            Self::Answers(_) | Self::AnswersAfter(_) | Self::EatsMemory if function == "C_GetTokenInfo" => {
                true
            }
            Self::Answers(at) => CODES[at % CODES.len()] == 0,
            // All ones stand for a value that is not told.
            Self::Tells(Length::Is(0 | u64::MAX) | Length::Shorter(_), _) => true,
            _ => false,
        }
    }

    /// Whether the driver says yes and does nothing.
    pub fn forgets(self) -> bool {
        match self {
            Self::Forgets => true,
            Self::Answers(at) => CODES[at % CODES.len()] == 0,
            _ => false,
        }
    }

    /// Whether the driver says that it has refused what it has done.
    fn is_refusal_of_what_was_done(self) -> bool {
        matches!(self, Self::AnswersAfter(at) if matches!(CODES[at % CODES.len()], 0x54 | 0x82 | 0xB5 | 0x101))
    }

    /// Whether the host is gone afterwards.
    pub fn stops_the_host(self) -> bool {
        matches!(self, Self::Crash | Self::CrashAfter | Self::Hang | Self::HangAfter | Self::TooSlow)
    }

    /// Whether the operation may be done all the same, and is so where it says so.
    pub fn allows_success(self, operation: Operation) -> bool {
        match self {
            Self::Crash | Self::CrashAfter => operation.is_repeated(),
            Self::Hang | Self::HangAfter | Self::TooSlow => false,
            _ => true,
        }
    }

    pub fn allows_error(self, operation: Operation, error: &TokenError) -> bool {
        let name = operation.name();
        let unknown = *error == TokenError::Unknown { operation: name.into() };
        let died = if operation.changes_token() {
            unknown
        } else {
            *error == TokenError::HostDied { operation: name.into() }
        };
        let seconds = u32::try_from(DEADLINE_MS.div_ceil(1000)).unwrap();
        let timed_out = if operation.changes_token() {
            unknown
        } else {
            *error == TokenError::HostTimeout { operation: name.into(), seconds }
        };
        let from_the_client = matches!(
            error,
            TokenError::HostDied { .. } | TokenError::HostTimeout { .. } | TokenError::HostStart { .. }
        );
        match self {
            Self::Crash | Self::CrashAfter => died && !operation.is_repeated(),
            Self::Hang | Self::HangAfter | Self::TooSlow => timed_out,
            Self::Slow | Self::Prints => false,
            Self::Answers(_) | Self::AnswersAfter(_) | Self::Tells(..) | Self::Forgets => {
                !from_the_client && (unknown || !matches!(error, TokenError::Unknown { .. }))
            }
            Self::EatsMemory => died || timed_out || !from_the_client,
        }
    }
}
