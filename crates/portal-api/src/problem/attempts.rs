//! Why the work on a token is refused (`docs/protocols/renewal.md`).

use super::Kind;

kinds! {
    /// The order is in no state for it.
    ORDER_NOT_READY = "attempt.order_not_ready", 409, "订单当前状态不能更新证书";
    /// No attempt has been opened.
    NONE = "attempt.not_found", 404, "该订单还没有开始更新";
    /// Confirmed or given up in the meantime.
    NOT_OPEN = "attempt.not_open", 409, "本次更新已结束";
    /// The certificate is still to be issued.
    NOT_ISSUED = "attempt.not_issued", 409, "证书尚未签发";
    /// Bound to another public key.
    KEY_CONFLICT = "attempt.key_conflict", 409, "本次更新已绑定另一密钥";
    /// Another order works on this token.
    TOKEN_BUSY = "attempt.token_busy", 409, "另一订单正在更新此 USBKEY";
    /// The time for writing the token is over.
    WINDOW_CLOSED = "attempt.window_closed", 409, "写入证书的期限已过,请联系客服重新审核";
    /// No attempt is left.
    EXHAUSTED = "attempt.exhausted", 409, "更新次数已用完,请联系客服";
    /// A fresh one is needed.
    NONCE_INVALID = "attempt.nonce_invalid", 409, "一次性校验数已使用或已失效,请重试";
    /// Not signed by the token that should have.
    AUTHORIZATION_INVALID = "attempt.authorization_invalid", 422, "USBKEY 的签名验证失败";
    /// The old key has to agree.
    AUTHORIZATION_MISSING = "attempt.authorization_missing", 422, "缺少原密钥的签名";
    REQUEST_INVALID = "attempt.request_invalid", 422, "证书申请无效";
    SUBJECT_MISMATCH = "attempt.subject_mismatch", 422, "证书申请中的持有人与订单不符";
    /// The pair was on the token before, or belongs to an attempt given up.
    KEY_NOT_NEW = "attempt.key_not_new", 409, "更新须使用新生成的密钥";
    /// Mode *same key pair* takes the old pair alone.
    KEY_NOT_OLD = "attempt.key_not_old", 409, "该订单须沿用原密钥";
    /// Certified for another order or another token.
    KEY_TAKEN = "attempt.key_taken", 409, "该密钥已用于其他证书";
    /// There is nothing to go back to.
    SAME_KEY_PAIR = "attempt.same_key_pair", 409, "沿用原密钥的更新不能放弃";
    /// The order's mode is another.
    NOT_REPLACING = "attempt.not_replacing", 409, "该订单不需要替换原密钥";
    INVENTORY_TOO_LARGE = "attempt.inventory_too_large", 422, "USBKEY 中的密钥过多";
}
