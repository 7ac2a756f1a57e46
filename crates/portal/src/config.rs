//! What an installation sets.

use serde::{Deserialize, Serialize};
use ycd_portal_api::wire::{
    catalogue::{BankAccount, ValidityStart},
    unlock::PinRules,
};

/// Settings of a portal; every one has a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Under which users reach the portal; stands in certificates as the place of the CRL.
    pub public_url: String,
    pub project: Project,
    pub sms: SmsRules,
    /// Bytes of a request body.
    pub body_limit: usize,
    /// Hours a session lives without use.
    pub session_hours: u16,
    /// Days within which the token may be written, from the approval.
    pub work_days: u16,
    /// Days within which an order must be paid, from its being handed in.
    pub payment_days: u16,
    /// Orders one user may have open at once.
    pub open_orders_per_user: u32,
    /// Tokens that one address may ask about without login. Many users can share an address behind a router.
    pub unlock_checks_per_address_and_hour: u32,
    /// Reports on unknown tokens, which need no login either.
    pub driver_reports: ReportRules,
}

/// Rules of the project through which everything is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Project {
    pub code: String,
    pub name: String,
    pub hotline: String,
    /// Days before the end from which a certificate is near its end.
    pub expiring_soon_days: u16,
    pub validity_start: ValidityStart,
    pub bank_account: BankAccount,
    /// An operator approves every unlock.
    pub unlock_approval: bool,
    /// Days within which an unlock can be done, from its being granted.
    pub unlock_days: u16,
    /// What a new PIN may be; the token's own limits narrow it further.
    pub pin: PinRules,
    /// Days for which a personalization that was begun holds its key for the same holder.
    pub personalization_days: u16,
    /// Tries of the SO PIN that a new key has: by this many less the unproven releases is judged where a token does not
    /// tell. Kept with each token from its personalization on.
    pub so_pin_retry_limit: u8,
}

/// How many SMS codes, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmsRules {
    /// Seconds a code is valid.
    pub valid_for: u16,
    /// Seconds until the next code of the same purpose.
    pub next_after: u16,
    /// Wrong tries a code survives, less one.
    pub tries: u16,
    pub per_phone_and_hour: u32,
    pub per_phone_and_day: u32,
    /// Many users can share an address behind a router.
    pub per_address_and_hour: u32,
}

/// How many reports on unknown tokens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportRules {
    pub per_address_and_hour: u32,
    /// From all addresses together.
    pub per_day: u32,
    /// Days for which each is kept.
    pub kept_days: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".into(),
            project: Project::default(),
            sms: SmsRules::default(),
            body_limit: 256 * 1024,
            session_hours: 12,
            work_days: 90,
            payment_days: 30,
            open_orders_per_user: 200,
            unlock_checks_per_address_and_hour: 300,
            driver_reports: ReportRules::default(),
        }
    }
}

impl Default for Project {
    fn default() -> Self {
        Self {
            code: "luzhou".into(),
            name: "泸州老窖招采".into(),
            hotline: "400-666-3999".into(),
            expiring_soon_days: 30,
            validity_start: ValidityStart::OldEnd,
            bank_account: BankAccount {
                payee: "泸州老窖招采数字证书服务".into(),
                bank: "示例银行".into(),
                account: "0000 0000 0000 0000".into(),
            },
            unlock_approval: false,
            unlock_days: 7,
            pin: PinRules { min_len: 6, max_len: 8, digits_only: true },
            personalization_days: 30,
            so_pin_retry_limit: 5,
        }
    }
}

impl Default for SmsRules {
    fn default() -> Self {
        Self {
            valid_for: 60,
            next_after: 60,
            tries: 5,
            per_phone_and_hour: 20,
            per_phone_and_day: 50,
            per_address_and_hour: 300,
        }
    }
}

impl Default for ReportRules {
    fn default() -> Self {
        Self { per_address_and_hour: 20, per_day: 500, kept_days: 180 }
    }
}
