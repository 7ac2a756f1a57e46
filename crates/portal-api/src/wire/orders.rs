//! Orders. (Begun with their states only; grows with the portal.)

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The states a user sees, in the order of the tabs of 我的订单.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// 填写中
    Draft,
    /// 待支付
    AwaitingPayment,
    /// 待审核
    AwaitingReview,
    /// 审核拒绝
    Rejected,
    /// 待制证
    AwaitingProduction,
    /// 待更新
    AwaitingRenewal,
    /// 待恢复
    AwaitingRecovery,
    /// 待配送
    AwaitingShipment,
    /// 已完成
    Completed,
    /// 已退款
    Refunded,
    /// 待下载
    AwaitingDownload,
    /// 待解锁
    AwaitingUnlock,
}
