//! What is wrong in a form, field by field.

use ycd_portal_api::wire::{
    catalogue::HolderKind,
    certificates::Holder,
    form::{CompanyCodeType, DeliveryKind, FieldError, FieldErrorCode, IdType, InvoiceKind, OrderForm},
};

/// Characters of a field.
const LONGEST: usize = 200;

/// Everything that is wrong in a form for a product of this kind, in the order of the page. Renewals name the same
/// holder as the certificate: `holder`, where there is one.
pub fn check(form: &OrderForm, product: HolderKind, holder: Option<&Holder>) -> Vec<FieldError> {
    let mut check = Check(Vec::new());
    check.applicant(form);
    match product {
        HolderKind::Personal => check.leaves_company_out(form),
        HolderKind::Enterprise | HolderKind::LegalRepresentative => check.company(form),
    }
    check.invoice(form);
    check.delivery(form);
    if let Some(holder) = holder {
        check.same_holder(form, holder);
    }
    check.0
}

/// Whether the form is small enough to be kept at all: in a draft anything may be wrong, but not without limit.
pub fn keepable(form: &OrderForm) -> bool {
    serde_json::to_vec(form).is_ok_and(|json| json.len() <= 64 * 1024)
}

/// A mobile number of the mainland.
pub fn check_phone(phone: &str) -> bool {
    phone.len() == 11 && digits(phone) && matches!(phone.as_bytes(), [b'1', b'3'..=b'9', ..])
}

struct Check(Vec<FieldError>);

impl Check {
    fn applicant(&mut self, form: &OrderForm) {
        let applicant = &form.applicant;
        self.text("applicant.name", &applicant.name);
        self.required("applicant.phone", &applicant.phone, FieldErrorCode::BadPhone, check_phone);
        self.required("applicant.email", &applicant.email, FieldErrorCode::BadEmail, email);
        self.identity("applicant.id_number", applicant.id_type, &applicant.id_number);
    }

    fn company(&mut self, form: &OrderForm) {
        match &form.legal_representative {
            None => self.add("legal_representative", FieldErrorCode::Required),
            Some(person) => {
                self.text("legal_representative.name", &person.name);
                self.identity("legal_representative.id_number", person.id_type, &person.id_number);
            }
        }
        match &form.company {
            None => self.add("company", FieldErrorCode::Required),
            Some(company) => {
                self.text("company.name", &company.name);
                self.text("company.kind", &company.kind);
                match company.code_type {
                    CompanyCodeType::Uscc => {
                        self.required("company.code", &company.code, FieldErrorCode::BadUscc, uscc);
                    }
                    CompanyCodeType::Organization => self.required(
                        "company.code",
                        &company.code,
                        FieldErrorCode::BadOrganizationCode,
                        organization_code,
                    ),
                    CompanyCodeType::Other => self.text("company.code", &company.code),
                }
                self.text("company.industry", &company.industry);
            }
        }
    }

    fn leaves_company_out(&mut self, form: &OrderForm) {
        if form.legal_representative.is_some() {
            self.add("legal_representative", FieldErrorCode::NotForThisProduct);
        }
        if form.company.is_some() {
            self.add("company", FieldErrorCode::NotForThisProduct);
        }
    }

    fn invoice(&mut self, form: &OrderForm) {
        let invoice = &form.invoice;
        self.text("invoice.title", &invoice.title);
        match invoice.kind {
            InvoiceKind::Ordinary => self.optional("invoice.tax_number", &invoice.tax_number),
            InvoiceKind::Special => {
                self.text("invoice.tax_number", &invoice.tax_number);
                self.text("invoice.bank", &invoice.bank);
                self.text("invoice.account", &invoice.account);
                self.text("invoice.address", &invoice.address);
                self.required("invoice.phone", &invoice.phone, FieldErrorCode::BadPhone, any_phone);
            }
        }
    }

    fn delivery(&mut self, form: &OrderForm) {
        let delivery = &form.delivery;
        match delivery.kind {
            DeliveryKind::None => {}
            DeliveryKind::Courier => {
                self.text("delivery.name", &delivery.name);
                self.required("delivery.phone", &delivery.phone, FieldErrorCode::BadPhone, any_phone);
                self.text("delivery.region", &delivery.region);
                self.text("delivery.address", &delivery.address);
            }
        }
    }

    fn same_holder(&mut self, form: &OrderForm, holder: &Holder) {
        let (name, field) = match (holder.kind, &form.company) {
            (HolderKind::Personal, _) => (Some(&form.applicant.name), "applicant.name"),
            (HolderKind::Enterprise | HolderKind::LegalRepresentative, company) => {
                (company.as_ref().map(|company| &company.name), "company.name")
            }
        };
        if name.is_some_and(|name| !name.is_empty() && name.trim() != holder.name) {
            self.add(field, FieldErrorCode::NotAsInCertificate);
        }
        if let (Some(company), Some(uscc)) = (&form.company, &holder.uscc)
            && !company.code.is_empty()
            && company.code_type == CompanyCodeType::Uscc
            && company.code.trim() != uscc
        {
            self.add("company.code", FieldErrorCode::NotAsInCertificate);
        }
        if let (HolderKind::Personal, Some(number)) = (holder.kind, &holder.id_number)
            && !form.applicant.id_number.is_empty()
            && !form.applicant.id_number.trim().eq_ignore_ascii_case(number)
        {
            self.add("applicant.id_number", FieldErrorCode::NotAsInCertificate);
        }
    }

    fn identity(&mut self, field: &str, kind: IdType, number: &str) {
        match kind {
            IdType::IdentityCard => {
                self.required(field, number, FieldErrorCode::BadIdNumber, identity_number)
            }
            IdType::Passport | IdType::TravelPermit | IdType::Other => {
                self.required(field, number, FieldErrorCode::BadIdNumber, document_number);
            }
        }
    }

    fn text(&mut self, field: &str, value: &str) {
        self.required(field, value, FieldErrorCode::BadCharacters, |_| true);
    }

    fn required(&mut self, field: &str, value: &str, code: FieldErrorCode, right: impl Fn(&str) -> bool) {
        if value.trim().is_empty() {
            self.add(field, FieldErrorCode::Required);
        } else if self.plain(field, value) && !right(value.trim()) {
            self.add(field, code);
        }
    }

    fn optional(&mut self, field: &str, value: &str) {
        self.plain(field, value);
    }

    fn plain(&mut self, field: &str, value: &str) -> bool {
        if value.chars().count() > LONGEST {
            self.add(field, FieldErrorCode::TooLong);
        } else if value.chars().any(char::is_control) {
            self.add(field, FieldErrorCode::BadCharacters);
        } else {
            return true;
        }
        false
    }

    fn add(&mut self, field: &str, code: FieldErrorCode) {
        self.0.push(FieldError { field: field.into(), code });
    }
}

/// GB 11643-1999: 17 digits with the day of birth in the middle, and a check character (ISO 7064 MOD 11-2).
fn identity_number(number: &str) -> bool {
    let bytes = number.as_bytes();
    let (Some(body), Some(check)) = (bytes.get(..17), bytes.get(17)) else { return false };
    if bytes.len() != 18 || !body.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 =
        (0_u32..17).zip(body).map(|(i, digit)| u32::from(digit - b'0') * (2_u32.pow(17 - i) % 11)).sum();
    let expected = match (12 - sum % 11) % 11 {
        10 => b'X',
        digit => b'0' + u8::try_from(digit).unwrap_or(0),
    };
    check.to_ascii_uppercase() == expected && birthday(&number[6..14])
}

fn birthday(digits: &str) -> bool {
    let number = |range: std::ops::Range<usize>| digits.get(range).and_then(|text| text.parse::<u16>().ok());
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(4..6), number(6..8)) else {
        return false;
    };
    let month = u8::try_from(month).ok().and_then(|month| time::Month::try_from(month).ok());
    (1850..=2200).contains(&year)
        && month.is_some_and(|month| {
            u8::try_from(day)
                .is_ok_and(|day| time::Date::from_calendar_date(i32::from(year), month, day).is_ok())
        })
}

/// GB 32100-2015: 17 characters and a check character (MOD 31-3).
fn uscc(code: &str) -> bool {
    const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let Some(values) = values(code, ALPHABET).filter(|values| values.len() == 18) else { return false };
    let sum: u32 = (0_u32..17).zip(&values).map(|(i, value)| value * (3_u32.pow(i) % 31)).sum();
    values[17] == (31 - sum % 31) % 31
}

/// GB 11714-1997: eight characters, a hyphen that may be left out, and a check character (MOD 11).
fn organization_code(code: &str) -> bool {
    const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let code = match code.as_bytes() {
        [body @ .., b'-', check] if body.len() == 8 => [body, &[*check]].concat(),
        bytes => bytes.to_vec(),
    };
    let Some((check, body)) = code.split_last().filter(|(_, body)| body.len() == 8) else { return false };
    let Some(values) = std::str::from_utf8(body).ok().and_then(|body| values(body, ALPHABET)) else {
        return false;
    };
    let sum: u32 = WEIGHTS.iter().zip(&values).map(|(weight, value)| weight * value).sum();
    let expected = match 11 - sum % 11 {
        10 => b'X',
        11 => b'0',
        digit => b'0' + u8::try_from(digit).unwrap_or(0),
    };
    *check == expected
}

fn values(code: &str, alphabet: &[u8]) -> Option<Vec<u32>> {
    code.bytes()
        .map(|byte| alphabet.iter().position(|c| *c == byte).and_then(|at| u32::try_from(at).ok()))
        .collect()
}

/// Passports and permits: letters and digits.
fn document_number(number: &str) -> bool {
    (5..=30).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A mobile number, or a fixed line with its area code.
fn any_phone(phone: &str) -> bool {
    let plain: String = phone.chars().filter(|c| *c != '-' && *c != ' ').collect();
    check_phone(&plain) || ((10..=12).contains(&plain.len()) && digits(&plain) && plain.starts_with('0'))
}

/// One address, as people have them: RFC 5321 sizes, no quoting.
fn email(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let local_fits = (1..=64).contains(&local.len())
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&byte));
    let labels: Vec<_> = domain.split('.').collect();
    local_fits
        && domain.len() <= 253
        && labels.len() >= 2
        && labels.iter().all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
