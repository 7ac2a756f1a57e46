//! Why a personalization is refused, and what is kept of a token.

use super::Kind;

kinds! {
    /// The token's personalization was begun for another holder, product or method.
    OTHER_ASSIGNMENT = "personalization.other_assignment", 409, "该 USBKEY 正在为其他持有人制作";
    NONE = "personalization.not_found", 404, "该 USBKEY 没有开始制作";
    DONE = "personalization.done", 409, "该 USBKEY 已制作完成";
    /// It names other secrets than those that were given.
    PROOF_MISMATCH = "personalization.proof_mismatch", 422, "制作结果与下发的内容不符";
    /// The workstation's one-time key, or what the token takes as SO PIN.
    INVALID = "personalization.invalid", 422, "制作请求的内容不正确";
    /// Another SO PIN was released for the token and none of the two is proven since.
    SO_PIN_PENDING = "personalization.so_pin_pending", 409, "该 USBKEY 的管理口令正在更换,请先完成解锁";
    /// The token has a certificate that is not revoked.
    ALREADY_PERSONALIZED = "personalization.already_personalized", 409, "该 USBKEY 已有有效证书";
    PUBLIC_KEY_TAKEN = "personalization.public_key_taken", 409, "该密钥已用于其他 USBKEY";
    HOLDER_INVALID = "personalization.holder_invalid", 422, "持有人信息不能用于证书";
    /// The portal made it: nothing else can be true of it.
    SO_PIN_FIXED = "personalization.so_pin_fixed", 409, "该 USBKEY 的管理员口令由门户生成";
}
