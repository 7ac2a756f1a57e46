//! What the portal's plumbing, login, orders and certificates refuse with.

use super::Kind;

kinds! {
    MALFORMED = "request.malformed", 400, "请求不是有效的 JSON";
    INVALID = "request.invalid", 422, "请求内容不符合接口要求";
    TOO_LARGE = "request.too_large", 413, "请求内容过大";
    MEDIA_TYPE = "request.media_type", 415, "请求须为 application/json";
    BAD_PARAMETER = "request.bad_parameter", 400, "请求参数有误";
    NO_ROUTE = "request.no_route", 404, "没有这个接口";
    METHOD = "request.method_not_allowed", 405, "该接口不支持此方法";
    IDEMPOTENCY_MISSING = "idempotency.key_missing", 400, "缺少有效的 Idempotency-Key";
    IDEMPOTENCY_REUSED = "idempotency.key_reused", 422, "Idempotency-Key 已用于另一请求";
    IDEMPOTENCY_RUNNING = "idempotency.in_progress", 409, "同一请求正在处理中";
    INTERNAL = "portal.internal", 500, "服务内部错误";
    BUSY = "portal.busy", 503, "服务繁忙,请稍后再试";
    /// The authority does not answer; the same request later goes on where this one stopped.
    AUTHORITY_UNAVAILABLE = "authority.unavailable", 503, "证书签发服务暂时不可用,请稍后再试,已完成的步骤不会丢失";
    AUTH_REQUIRED = "auth.required", 401, "请先登录";
    SESSION_EXPIRED = "auth.session_expired", 401, "登录已失效,请重新登录";
    FORBIDDEN = "auth.forbidden", 403, "没有权限";
    BAD_CREDENTIALS = "auth.bad_credentials", 401, "用户名或密码不正确";
    AUTH_LOCKED = "auth.locked", 429, "登录失败次数过多,请稍后再试";
    STEP_UP_INVALID = "auth.step_up_invalid", 403, "短信确认已失效,请重新确认";
    PHONE_INVALID = "sms.phone_invalid", 422, "手机号码不正确";
    SMS_TOO_SOON = "sms.too_soon", 429, "验证码刚刚发出,请稍后再获取";
    SMS_LIMIT = "sms.limit", 429, "验证码获取次数过多,请稍后再试";
    CODE_WRONG = "sms.code_wrong", 422, "验证码不正确";
    CODE_EXPIRED = "sms.code_expired", 422, "验证码已失效,请重新获取";
    CODE_EXHAUSTED = "sms.code_exhausted", 422, "验证码错误次数过多,请重新获取";
    PRODUCT_UNKNOWN = "product.not_found", 404, "没有这个产品或年限";
    CERTIFICATE_UNKNOWN = "certificate.not_found", 404, "没有找到该证书";
    CERTIFICATE_REVOKED = "certificate.revoked", 409, "证书已吊销,不能更新";
    CERTIFICATE_SUPERSEDED = "certificate.superseded", 409, "证书已被新证书取代";
    CERTIFICATE_EXPIRED = "certificate.expired", 409, "证书已过期,请办理过期初购";
    CERTIFICATE_NOT_EXPIRED = "certificate.not_expired", 409, "证书仍在有效期内,请办理更新";
    ORDER_UNKNOWN = "order.not_found", 404, "没有找到该订单";
    ORDER_OPEN = "order.already_open", 409, "该证书已有未完成的订单";
    ORDER_ILLEGAL = "order.illegal_transition", 409, "订单当前状态不允许此操作";
    ORDER_PAID = "order.already_paid", 409, "订单已支付";
    ORDER_KIND = "order.kind_unsupported", 422, "暂不支持该订单类型";
    ORDER_MODE_FIXED = "order.mode_fixed", 409, "订单的更新方式已确定";
    CONSENT_REQUIRED = "order.consent_required", 422, "该更新方式需要用户明确同意";
    AGREEMENT_REQUIRED = "order.agreement_required", 422, "请先阅读并同意协议";
    WRONG_TOKEN = "order.wrong_token", 409, "插入的 USBKEY 不是该订单的 USBKEY";
    FORM_INVALID = "form.invalid", 422, "表单填写有误";
    REASON_REQUIRED = "order.reason_required", 422, "请填写原因";
    PAYMENT_AMOUNT = "payment.amount_mismatch", 422, "到账金额与订单金额不符";
    PAYMENT_REFERENCE = "payment.reference_used", 409, "该转账流水号已登记";
    PAYMENT_REFERENCE_INVALID = "payment.reference_invalid", 422, "转账流水号不正确";
    DRIVER_REPORT_INVALID = "driver_report.invalid", 422, "报告内容有误";
    DRIVER_REPORT_TOO_MANY = "driver_report.too_many", 429, "报告过多,请稍后再试";
    ORDERS_TOO_MANY = "order.limit", 429, "订单过多,请稍后再试";
}
