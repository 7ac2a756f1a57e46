//! What a person fills in.

use ycd_pki::sm3::sm3;
use ycd_portal_api::wire::form::{Applicant, Company, DeliveryKind, LegalRepresentative, OrderForm};

/// Everything that the form asks for and that the certificate did not bring.
pub fn filled_in(mut form: OrderForm, phone: &str) -> OrderForm {
    form.applicant = Applicant {
        name: "经办某".to_owned(),
        phone: phone.to_owned(),
        email: "bidder@example.com".to_owned(),
        id_number: "11010519491231002X".to_owned(),
        ..form.applicant
    };
    form.legal_representative = Some(LegalRepresentative {
        name: "法人某".to_owned(),
        id_number: "11010519491231002X".to_owned(),
        ..LegalRepresentative::default()
    });
    let company = form.company.unwrap_or_default();
    form.invoice.title.clone_from(&company.name);
    form.company =
        Some(Company {
            kind: "有限责任公司".to_owned(), industry: "批发和零售业".to_owned(), ..company
        });
    form.delivery.kind = DeliveryKind::None;
    form
}

/// A 统一社会信用代码 with a right check character (GB 32100-2015), made from a company's name.
pub fn uscc(company: &str) -> String {
    const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let digest = sm3(company.as_bytes());
    let mut code = "91510500".to_owned();
    code.extend(digest[..9].iter().map(|byte| char::from(ALPHABET[usize::from(byte % 10)])));
    let sum: usize = code
        .bytes()
        .scan(1, |weight, byte| {
            let value = ALPHABET.iter().position(|known| *known == byte).unwrap_or_default() * *weight;
            *weight = *weight * 3 % 31;
            Some(value)
        })
        .sum();
    code.push(char::from(ALPHABET[(31 - sum % 31) % 31]));
    code
}
