//! Orders: 我的订单.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroize as _;

pub use super::shared::PublicStatus;
use super::{
    Page, Timestamp,
    form::FormView,
    shared::{BankAccount, Mode},
};

/// What an order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// 初购
    Purchase,
    /// 更新
    Renewal,
    /// 过期初购
    ExpiredPurchase,
    /// 解锁
    Unlock,
    /// 补办
    Reissue,
    /// 恢复
    Recovery,
    /// 下载
    Download,
    /// 信息变更
    Change,
}

impl OrderKind {
    pub const ALL: [Self; 8] = [
        Self::Purchase,
        Self::Renewal,
        Self::ExpiredPurchase,
        Self::Unlock,
        Self::Reissue,
        Self::Recovery,
        Self::Download,
        Self::Change,
    ];

    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Renewal => "renewal",
            Self::ExpiredPurchase => "expired_purchase",
            Self::Unlock => "unlock",
            Self::Reissue => "reissue",
            Self::Recovery => "recovery",
            Self::Download => "download",
            Self::Change => "change",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Purchase => "初购",
            Self::Renewal => "更新",
            Self::ExpiredPurchase => "过期初购",
            Self::Unlock => "解锁",
            Self::Reissue => "补办",
            Self::Recovery => "恢复",
            Self::Download => "下载",
            Self::Change => "信息变更",
        }
    }
}

/// What there is to say beyond the twelve states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderNote {
    /// Ended without payment; `state` is the one it ended in, and no tab lists it but 全部.
    Cancelled,
    /// Ended because its time was over; `state` is the one it ended in, and no tab lists it but 全部.
    Lapsed,
    /// Paid, and taken out of review to be changed: handing it in again costs nothing.
    Revision,
    /// In 已退款, but the money is still to be sent.
    RefundPending,
    /// The work on the token waits until an operator has seen to it.
    OperatorCare,
}

/// What the applicant may do with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderAction {
    /// 填写, 修改: the form can be saved as things stand.
    SaveForm,
    /// 修改: takes the order back first.
    Edit,
    Confirm,
    Pay,
    Cancel,
    Delete,
    RequestRefund,
    /// 更新, 下载, 恢复: the work on the token.
    WriteToken,
    Unlock,
}

/// An order, named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderRef {
    pub no: String,
    pub kind: OrderKind,
    pub state: PublicStatus,
}

/// `POST /orders`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateOrder {
    /// [`OrderKind::Renewal`] or [`OrderKind::ExpiredPurchase`].
    pub kind: OrderKind,
    /// Serial number of the certificate.
    pub certificate: String,
    pub validity_years: u8,
    /// The certificate's own product where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
}

/// A row of `GET /orders`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderSummary {
    pub no: String,
    pub kind: OrderKind,
    pub state: PublicStatus,
    pub note: Option<OrderNote>,
    /// 企业名称, or the person's.
    pub company: String,
    pub product: String,
    pub product_name: String,
    pub validity_years: u8,
    /// Fen.
    pub amount: i64,
    pub created_at: Timestamp,
    pub reject_reason: Option<String>,
    pub certificate: String,
    pub token_id: String,
    pub actions: Vec<OrderAction>,
}

/// `GET /orders/{order}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    #[serde(flatten)]
    pub summary: OrderSummary,
    pub form: FormView,
    /// Fixed before payment or with the first attempt.
    pub mode: Option<Mode>,
    /// `138****0000`
    pub phone: String,
    pub payment: PaymentView,
    pub submitted_at: Option<Timestamp>,
    /// Until when the token may be written, once approved.
    pub work_until: Option<Timestamp>,
    pub timeline: Vec<TimelineEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentView {
    pub method: Option<PaymentMethod>,
    /// Fen.
    pub amount: i64,
    pub paid_at: Option<Timestamp>,
    /// The bank's reference of the transfer.
    pub reference: Option<String>,
    /// Where to send a transfer; its purpose is the order number.
    pub account: BankAccount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethod {
    BankTransfer,
}

/// One transition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    pub at: Timestamp,
    /// Name of the event, for example `payment_received`.
    pub event: String,
    pub state: PublicStatus,
    pub note: Option<OrderNote>,
    pub actor: ActorKind,
    pub reason: Option<String>,
}

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    Applicant,
    Operator,
    /// The portal itself: time passing, the work on the token.
    System,
}

/// The search of `GET /orders`, and of the operator's list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub struct OrderQuery {
    /// A tab; 全部 where left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<PublicStatus>,
    /// Part of the order number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = DateTime)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_from: Option<Timestamp>,
    /// Inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = DateTime)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_to: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
}

/// `GET /orders`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderList {
    #[serde(flatten)]
    pub page: Page<OrderSummary>,
    /// Number of orders per tab, the rest of the search applied; 全部 is `all`.
    pub counts: BTreeMap<String, u64>,
}

/// `POST /orders/{order}/mode`: step 0, with the token inserted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FixMode {
    pub token_id: String,
    pub mode: Mode,
    /// For [`Mode::Replace`]: the user has agreed that the old pair goes first.
    #[serde(default)]
    pub consent: bool,
}

/// `POST /orders/{order}/confirm`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmOrder {
    /// 我已阅读并同意
    pub agreement: bool,
    /// SMS code for the purpose `order_confirm`.
    pub code: String,
    pub payment_method: PaymentMethod,
}

/// Wiped: it is a secret.
impl Drop for ConfirmOrder {
    fn drop(&mut self) {
        self.code.zeroize();
    }
}

impl std::fmt::Debug for ConfirmOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfirmOrder").field("agreement", &self.agreement).finish_non_exhaustive()
    }
}

/// A reason, where one is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    pub reason: String,
}

/// A body with nothing to say: `{}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}
