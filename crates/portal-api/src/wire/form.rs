//! The form of an order. Every field may be empty while it is a draft: nothing typed is lost.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OrderForm {
    /// 经办人
    pub applicant: Applicant,
    /// 法人; left out for a personal certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_representative: Option<LegalRepresentative>,
    /// 企业; left out for a personal certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<Company>,
    /// 发票
    pub invoice: Invoice,
    /// 收件
    pub delivery: Delivery,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Applicant {
    pub name: String,
    pub phone: String,
    pub email: String,
    pub id_type: IdType,
    pub id_number: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LegalRepresentative {
    pub name: String,
    pub id_type: IdType,
    pub id_number: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdType {
    /// 居民身份证 (GB 11643)
    #[default]
    IdentityCard,
    Passport,
    /// 港澳居民来往内地通行证, 台湾居民来往大陆通行证
    TravelPermit,
    Other,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Company {
    /// As on the licence.
    pub name: String,
    /// 企业类型
    pub kind: String,
    pub code_type: CompanyCodeType,
    pub code: String,
    /// 行业
    pub industry: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CompanyCodeType {
    /// 统一社会信用代码 (GB 32100)
    #[default]
    Uscc,
    /// 组织机构代码 (GB 11714)
    Organization,
    Other,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Invoice {
    pub kind: InvoiceKind,
    /// 抬头
    pub title: String,
    /// All that follow: for a special invoice only.
    pub tax_number: String,
    pub bank: String,
    pub account: String,
    pub address: String,
    pub phone: String,
}

/// Electronic, both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceKind {
    /// 普通发票
    #[default]
    Ordinary,
    /// 专用发票
    Special,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    pub kind: DeliveryKind,
    pub name: String,
    pub phone: String,
    /// 省市区
    pub region: String,
    pub address: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryKind {
    /// 顺丰到付
    #[default]
    Courier,
    /// Nothing is sent: the token is in the applicant's hand.
    None,
}

/// `PUT /orders/{order}/form`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveForm {
    pub form: OrderForm,
    /// The applicant says that it is done: then what is wrong with it is refused as `form.invalid`. It is saved either
    /// way.
    #[serde(default)]
    pub complete: bool,
}

/// Something wrong in a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// `applicant.id_number`
    pub field: String,
    pub code: FieldErrorCode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldErrorCode {
    Required,
    TooLong,
    /// Control characters, or other characters that no such field can have.
    BadCharacters,
    BadPhone,
    BadEmail,
    /// Length, characters or check digit (GB 11643).
    BadIdNumber,
    /// Length, characters or check digit (GB 32100).
    BadUscc,
    /// Length, characters or check digit (GB 11714).
    BadOrganizationCode,
    /// Differs from what the certificate says.
    NotAsInCertificate,
    /// Belongs to another kind of certificate.
    NotForThisProduct,
    /// More entries than there can be.
    TooMany,
    /// None of the values that there are for it.
    BadValue,
    /// Length, first byte or form (ISO/IEC 7816-3).
    BadAtr,
    /// Not two numbers of four hexadecimal digits.
    BadUsbId,
}

/// The form as kept, with all that is still wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FormView {
    pub form: OrderForm,
    pub errors: Vec<FieldError>,
}
