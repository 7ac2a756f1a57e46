//! The project and what it sells.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use super::shared::BankAccount;
use super::shared::PinRules;

/// `GET /project`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Project {
    /// The portal's name in signed authorizations.
    pub portal: String,
    pub code: String,
    pub name: String,
    pub hotline: String,
    /// Days before a certificate's end from which it is shown as near its end.
    pub expiring_soon_days: u16,
    pub validity_start: ValidityStart,
    /// What a new PIN must be, beside the limits of the token itself.
    pub pin: PinRules,
    pub bank_account: BankAccount,
}

/// Where the term of a renewed certificate begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValidityStart {
    /// When it is issued.
    Today,
    /// Its validity begins when it is issued, but its end is counted from the old certificate's end, where that is
    /// still to come.
    OldEnd,
}

/// Whom a product's certificates are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HolderKind {
    Enterprise,
    LegalRepresentative,
    Personal,
}

/// A row of `GET /products`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Product {
    pub code: String,
    /// Without the suffix of the order kind.
    pub name: String,
    pub holder: HolderKind,
    /// 章类型
    pub seal: String,
    pub prices: Vec<Price>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Price {
    pub validity_years: u8,
    /// Fen.
    pub amount: i64,
}
