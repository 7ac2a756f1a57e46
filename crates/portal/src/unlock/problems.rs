//! Why an unlock is refused.

use ycd_portal_api::problem::Kind;

/// Not a token of this portal, or not with this certificate.
pub const TOKEN_UNKNOWN: Kind = Kind::new("unlock.token_unknown", 404, "没有找到该 USBKEY");
/// Its SO PIN is shared, derivable or not known here: it is never released.
pub const NOT_ESCROWED: Kind = Kind::new("unlock.not_escrowed", 409, "该 USBKEY 不能在线解锁");
/// Too many questions from one address.
pub const TOO_MANY: Kind = Kind::new("unlock.too_many", 429, "查询次数过多,请稍后再试");
/// The token's open order is another, or the token is another order's.
pub const ORDER_OTHER: Kind = Kind::new("unlock.order_other", 409, "不是该 USBKEY 当前的解锁订单");
/// It waits for approval, or has come to its end.
pub const NOT_READY: Kind = Kind::new("unlock.not_ready", 409, "解锁订单当前不能设置新口令");
/// Does not open, or is no request.
pub const REQUEST_SEALED: Kind = Kind::new("unlock.request_sealed", 422, "解锁请求无法读取");
pub const METHOD_WRONG: Kind = Kind::new("unlock.method_wrong", 409, "该 USBKEY 须用另一种方式解锁");
/// The one-time key has had its release.
pub const RELEASE_EXPIRED: Kind = Kind::new("unlock.release_expired", 409, "本次授权已失效,请重新开始");
/// There is a newer one, or the order has come to its end.
pub const RELEASE_STALE: Kind = Kind::new("unlock.release_stale", 409, "本次授权已被新的授权取代");
pub const RELEASES_USED_UP: Kind = Kind::new("unlock.releases_used_up", 409, "授权次数已用完,请联系客服");
/// Too few to be safe.
pub const SO_PIN_RETRY_COUNTER_LOW: Kind =
    Kind::new("unlock.so_pin_retry_counter_low", 409, "该 USBKEY 管理员口令的剩余次数不足");
/// Only its maker can help.
pub const SO_LOCKED: Kind = Kind::new("unlock.so_locked", 409, "该 USBKEY 的管理员口令已锁定");
/// It names a release, one-time key or SO PIN that do not belong together.
pub const PROOF_MISMATCH: Kind = Kind::new("unlock.proof_mismatch", 422, "解锁结果与授权不符");
/// The portal made it: nothing else can be true of it.
pub const SO_PIN_FIXED: Kind =
    Kind::new("personalization.so_pin_fixed", 409, "该 USBKEY 的管理员口令由门户生成");
