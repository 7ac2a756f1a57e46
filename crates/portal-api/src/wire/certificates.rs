//! 我的证书.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Timestamp, catalogue::HolderKind, orders::OrderRef};

/// Whom a certificate names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holder {
    pub kind: HolderKind,
    /// The company's name, or the person's.
    pub name: String,
    /// 统一社会信用代码, for a company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uscc: Option<String>,
    /// Identity number, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_number: Option<String>,
    /// The person behind a company's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

/// How a certificate stands at the portal's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CertificateState {
    Valid,
    ExpiringSoon,
    Expired,
    Revoked,
    /// Its successor has taken its place; not revoked.
    Superseded,
}

/// A row of `GET /certificates`, and `GET /certificates/{serial}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateView {
    /// Upper-case hexadecimal, without leading zero octets.
    pub serial: String,
    pub holder: Holder,
    pub state: CertificateState,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// Whole days until the end; 0 on the last one, negative after it.
    pub days_left: i64,
    pub product: String,
    pub product_name: String,
    /// `138****0000`
    pub phone: String,
    pub token_id: String,
    pub superseded_by: Option<String>,
    pub revoked_reason: Option<String>,
    /// What can be ordered now.
    pub actions: Vec<CertificateAction>,
    /// Why nothing can be, as a problem code.
    pub no_action_because: Option<String>,
    pub open_order: Option<OrderRef>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CertificateAction {
    /// 更新
    Renew,
    /// 过期初购
    ExpiredPurchase,
}

/// The search of `GET /certificates`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub struct CertificateQuery {
    /// Part of the holder's name, the serial number, or the token's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
}
