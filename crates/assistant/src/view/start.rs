use serde::Serialize;
use utoipa::ToSchema;
use ycd_portal_api::wire::{Timestamp, attempts::Mode, catalogue::Project};

use super::{JobKind, JobView, TokensView};
use crate::settings::Settings;

/// All that a first page needs; nothing is asked over the network for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StartView {
    /// Of this program.
    pub version: String,
    pub settings: Settings,
    pub portal: PortalSetup,
    /// As the portal was last heard.
    pub project: Option<Project>,
    pub session: Option<SessionView>,
    pub tokens: TokensView,
    pub unfinished: Vec<UnfinishedView>,
    pub job: Option<JobView>,
}

/// The portal that this machine is set up with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PortalSetup {
    pub url: Option<String>,
    /// Its name, where its keys have been seen.
    pub name: Option<String>,
    pub anchors: Vec<AnchorView>,
}

/// A certificate authority that this machine trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AnchorView {
    pub subject: String,
    pub not_after: Timestamp,
    /// SM3 over the DER, hexadecimal.
    pub fingerprint: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SessionView {
    /// `138****0000`
    pub phone: String,
}

/// Work that was begun on this machine and not seen to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnfinishedView {
    pub kind: JobKind,
    pub order: String,
    pub token_id: String,
    pub tail: String,
    /// The holder on that token, where this machine has seen it.
    pub holder: Option<String>,
    /// What had been done, in words.
    pub after: String,
    /// How many steps are left; at least one.
    pub steps_left: u32,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Unfinished {
    pub items: Vec<UnfinishedView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CurrentJob {
    pub job: Option<JobView>,
}

/// Before payment, with the token inserted: what renewing does to the old key pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FreeCapacityView {
    /// As fixed; `None` where the order's token is not in: then the renewal itself decides.
    pub mode: Option<Mode>,
    /// There is no free capacity, and the person has not agreed yet that the old pair goes first.
    pub must_agree: bool,
}

/// A certificate comes to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reminder {
    pub holder: String,
    pub tail: String,
    pub not_after: Timestamp,
    pub days_left: i64,
}

/// What a screen is told without asking; always whole, so that one that was missed does no harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Tokens { tokens: TokensView },
    Job { job: Option<Box<JobView>> },
    Session { session: Option<SessionView> },
    Unfinished { items: Vec<UnfinishedView> },
    Settings { settings: Settings },
    Reminder { reminder: Reminder },
}
