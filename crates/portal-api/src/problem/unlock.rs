//! Why an unlock is refused (`docs/protocols/unlock.md`).

use super::Kind;

kinds! {
    /// Not a token of this portal, or not with this certificate.
    TOKEN_UNKNOWN = "unlock.token_unknown", 404, "没有找到该 USBKEY";
    /// Its SO PIN is shared, derivable or not known here: it is never released.
    NOT_ESCROWED = "unlock.not_escrowed", 409, "该 USBKEY 不能在线解锁";
    /// Too many questions from one address.
    TOO_MANY = "unlock.too_many", 429, "查询次数过多,请稍后再试";
    /// The token's open order is another, or the token is another order's.
    ORDER_OTHER = "unlock.order_other", 409, "不是该 USBKEY 当前的解锁订单";
    /// It waits for approval, or has come to its end.
    NOT_READY = "unlock.not_ready", 409, "解锁订单当前不能设置新口令";
    /// Does not open, or is no request.
    REQUEST_SEALED = "unlock.request_sealed", 422, "解锁请求无法读取";
    METHOD_WRONG = "unlock.method_wrong", 409, "该 USBKEY 须用另一种方式解锁";
    /// The one-time key has had its release.
    RELEASE_EXPIRED = "unlock.release_expired", 409, "本次授权已失效,请重新开始";
    /// There is a newer one, or the order has come to its end.
    RELEASE_STALE = "unlock.release_stale", 409, "本次授权已被新的授权取代";
    RELEASES_USED_UP = "unlock.releases_used_up", 409, "授权次数已用完,请联系客服";
    /// Too few to be safe.
    SO_PIN_RETRY_COUNTER_LOW = "unlock.so_pin_retry_counter_low", 409, "该 USBKEY 管理员口令的剩余次数不足";
    /// Only its maker can help.
    SO_LOCKED = "unlock.so_locked", 409, "该 USBKEY 的管理员口令已锁定";
    /// It names a release, one-time key or SO PIN that do not belong together.
    PROOF_MISMATCH = "unlock.proof_mismatch", 422, "解锁结果与授权不符";
}
