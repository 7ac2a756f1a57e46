//! Why a personalization is refused.

use ycd_portal_api::problem::Kind;

/// The token's personalization was begun for another holder, product or method.
pub const OTHER_ASSIGNMENT: Kind =
    Kind::new("personalization.other_assignment", 409, "该 USBKEY 正在为其他持有人制作");
pub const NONE: Kind = Kind::new("personalization.not_found", 404, "该 USBKEY 没有开始制作");
pub const DONE: Kind = Kind::new("personalization.done", 409, "该 USBKEY 已制作完成");
/// It names other secrets than those that were given.
pub const PROOF_MISMATCH: Kind = Kind::new("personalization.proof_mismatch", 422, "制作结果与下发的内容不符");
/// The workstation's one-time key, or what the token takes as SO PIN.
pub const INVALID: Kind = Kind::new("personalization.invalid", 422, "制作请求的内容不正确");
/// Another SO PIN was released for the token and none of the two is proven since.
pub const SO_PIN_PENDING: Kind =
    Kind::new("personalization.so_pin_pending", 409, "该 USBKEY 的管理口令正在更换,请先完成解锁");
