use super::*;

#[test]
fn an_identity_number_needs_its_check_character_and_a_day_of_birth() {
    // The example of GB 11643-1999, and its second one.
    assert!(identity_number("11010519491231002X"));
    assert!(identity_number("440524188001010014"));
    assert!(identity_number("11010519491231002x"));
    assert!(!identity_number("110105194912310021"));
    assert!(!identity_number("11010519491231002"));
    assert!(!identity_number("1101051949123100２X"));
    // Right by its check digit, born on 31 February.
    let body = "11010519490231002";
    assert!(!"0123456789X".chars().any(|check| identity_number(&format!("{body}{check}"))));
}

#[test]
fn a_uscc_needs_its_check_character() {
    // Tencent's and Alibaba's, as they publish them.
    assert!(uscc("9144030071526726XG"));
    assert!(uscc("91330100799655058B"));
    assert!(!uscc("91330100799655058C"));
    assert!(!uscc("91330100799655058b"));
    assert!(!uscc("9133010079965505"));
    assert!(!uscc("9133010079965505IB"));
}

#[test]
fn every_single_wrong_character_of_a_uscc_is_noticed() {
    let right = "9144030071526726XG";
    for (at, old) in right.char_indices() {
        for new in "0123456789ABCDEFGHJKLMNPQRTUWXY".chars().filter(|new| *new != old) {
            let mut wrong = right.to_owned();
            wrong.replace_range(at..=at, &new.to_string());
            assert!(!uscc(&wrong), "{wrong}");
        }
    }
}

#[test]
fn an_organization_code_needs_its_check_character() {
    // The example of GB 11714-1997, and the same as part of a USCC.
    assert!(organization_code("D2143569-X"));
    assert!(organization_code("D2143569X"));
    assert!(organization_code("71526726X"));
    assert!(!organization_code("D2143569-1"));
    assert!(!organization_code("D214356-9X"));
}

#[test]
fn phones_and_addresses() {
    assert!(check_phone("13800000000"));
    assert!(!check_phone("12800000000"));
    assert!(!check_phone("1380000000"));
    assert!(any_phone("0830-2398888"));
    assert!(!any_phone("110"));
    assert!(email("jing.ban+ca@lzlj.com.cn"));
    for wrong in ["a@b", "@b.cn", "a b@c.cn", "a@-b.cn", "a..b@c.cn", "a@b.cn@", "张@b.cn"] {
        assert!(!email(wrong), "{wrong}");
    }
}

#[test]
fn an_empty_form_says_all_that_is_missing() {
    let errors = check(&OrderForm::default(), HolderKind::Enterprise, None);
    let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
    assert!(errors.iter().all(|error| error.code == FieldErrorCode::Required));
    for field in ["applicant.name", "legal_representative", "company", "invoice.title", "delivery.address"] {
        assert!(fields.contains(&field), "{field}");
    }
}
