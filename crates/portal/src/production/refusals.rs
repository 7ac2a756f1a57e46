//! Why a production is refused.

use ycd_portal_api::problem::Kind;

/// The key's production was begun for another holder, product or road.
pub const OTHER_ASSIGNMENT: Kind =
    Kind::new("production.other_assignment", 409, "该 USBKEY 正在为其他持有人制作");
pub const NONE: Kind = Kind::new("production.not_found", 404, "该 USBKEY 没有开始制作");
pub const DONE: Kind = Kind::new("production.done", 409, "该 USBKEY 已制作完成");
/// It names other secrets than those that were given.
pub const PROOF_MISMATCH: Kind = Kind::new("production.proof_mismatch", 422, "制作结果与下发的内容不符");
/// The station's one-time key, or what the key takes as SO PIN.
pub const INVALID: Kind = Kind::new("production.invalid", 422, "制作请求的内容不正确");
/// Another SO PIN was released for the key and none of the two is proven since.
pub const SO_PIN_PENDING: Kind =
    Kind::new("production.so_pin_pending", 409, "该 USBKEY 的管理口令正在更换,请先完成解锁");
