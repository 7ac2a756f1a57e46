//! From an empty folder to a renewed certificate, by commands alone.

use serde_json::Value;

use crate::support::{Desk, RunningPortal};

const PHONE: &str = "13800000000";
const PIN: &str = "12345678\n";
const COMPANY: &str = "泸州某某商贸有限公司";
const USCC: &str = "91510500MA6200001K";

/// 340 days ago, in seconds: what was issued then for a year is near its end now.
const LAST_YEAR: i64 = -340 * 86_400;

/// A portal of last year's, a token with its first certificate, and the portal run today.
struct Year {
    setup: Desk,
    portal: RunningPortal,
    token: String,
    certificate: String,
}

impl Year {
    fn later() -> Self {
        Self::with_capacity_for("8")
    }

    /// With a token that so many key pairs fit on.
    fn with_capacity_for(containers: &str) -> Self {
        let setup = Desk::new();
        let data = setup.path("portal");
        let shift = LAST_YEAR.to_string();
        let made =
            setup.json(&["portal", "init", "--data", data.to_str().unwrap(), "--clock-shift", &shift]).ok();
        let root = made["root"].as_str().unwrap().to_owned();
        let portal = RunningPortal::start(&setup, &data, LAST_YEAR);
        setup.json(&["portal", "use", &portal.url, "--anchor", &root]).ok();
        log_operator_in(&setup, &made);

        let create = ["softkey", "create", "--label", COMPANY, "--containers", containers, "--show-so-pin"];
        let made_key = setup.json(&create).ok();
        let so_pin = made_key["so_pin"].as_str().unwrap();
        let token = made_key["serial_number"].as_str().unwrap().to_owned();
        let personalize = [
            "operator",
            "personalize",
            "--method",
            "so-pin",
            "--name",
            COMPANY,
            "--uscc",
            USCC,
            "--phone",
            PHONE,
            "--pin-stdin",
        ];
        let certificate = setup.json_with(&personalize, so_pin).ok();
        let certificate = certificate["serial"].as_str().unwrap().to_owned();
        drop(portal);

        let portal = RunningPortal::start(&setup, &data, 0);
        setup.json(&["portal", "use", &portal.url, "--anchor", &root]).ok();
        log_operator_in(&setup, &made);
        setup.json(&["login", "--phone", PHONE, "--send-code"]).ok();
        let code = last_code(&setup);
        setup.json_with(&["login", "--phone", PHONE, "--code-stdin"], &code).ok();
        Self { setup, portal, token, certificate }
    }

    /// Ordered, handed in, paid and approved; gives its number.
    fn approved_order(&self) -> String {
        let setup = &self.setup;
        let form = setup.path("form.json");
        std::fs::write(&form, form_of_the_company().to_string()).unwrap();
        let form = form.to_str().unwrap();
        let order = setup.json(&["order", "create", "--certificate", &self.certificate, "--form", form]).ok();
        let order = order["no"].as_str().unwrap().to_owned();
        setup.json(&["order", "submit", &order, "--send-code"]).ok();
        let code = last_code(setup);
        let submitted = setup
            .json_with(&["order", "submit", &order, "--form", form, "--agree", "--code-stdin"], &code)
            .ok();
        assert_eq!(submitted["state"], "awaiting_payment");
        setup.json(&["operator", "record-transfer", &order, "--reference", &format!("BANK{order}")]).ok();
        let queue = setup.json(&["operator", "queue"]).ok();
        assert!(
            queue["items"].as_array().unwrap().iter().any(|waiting| waiting["no"] == order.as_str()),
            "{queue}"
        );
        let approved = setup.json(&["operator", "approve", &order]).ok();
        assert_eq!(approved["order"]["state"], "awaiting_renewal");
        order
    }
}

pub fn log_operator_in(setup: &Desk, made: &Value) {
    let file = std::fs::read_to_string(made["operator_file"].as_str().unwrap()).unwrap();
    let password = file.lines().nth(1).unwrap();
    setup.json_with(&["operator", "login", "--password-stdin"], &format!("{password}\n")).ok();
}

fn last_code(setup: &Desk) -> String {
    let outbox = setup.json(&["operator", "outbox", "--phone", PHONE]).ok();
    let code = outbox["items"].as_array().unwrap().iter().find_map(|message| message["code"].as_str());
    format!("{}\n", code.unwrap_or_else(|| panic!("{outbox}")))
}

fn form_of_the_company() -> Value {
    serde_json::json!({
        "applicant": {
            "name": "王某", "phone": PHONE, "email": "a@example.com",
            "id_type": "identity_card", "id_number": "11010519491231002X"
        },
        "legal_representative": {
            "name": "李某", "id_type": "identity_card", "id_number": "11010519491231002X"
        },
        "company": { "name": COMPANY, "kind": "有限责任公司", "code_type": "uscc", "code": USCC, "industry": "批发" },
        "invoice": { "kind": "ordinary", "title": COMPANY },
        "delivery": { "kind": "none" }
    })
}

#[test]
fn a_certificate_is_renewed_by_commands_alone() {
    let year = Year::later();
    let setup = &year.setup;
    let certificates = setup.json(&["cert", "list"]).ok();
    assert_eq!(certificates["items"][0]["state"], "expiring_soon", "{certificates}");
    let order = year.approved_order();

    let kept = setup.path("kept");
    let renewed = setup.json_with(&["cert", "renew", "--pin-stdin", "--keep", kept.to_str().unwrap()], PIN);
    let events: Vec<Value> = renewed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().any(|event| event["event"] == "begins" && event["step"] == "write"), "{renewed:?}");
    assert!(events.iter().any(|event| event["event"] == "finished"), "{renewed:?}");
    assert_eq!(renewed.ok()["order"], order.as_str());
    for name in ["old.pem", "new.pem", "chain.pem", "renewal.csr.pem"] {
        assert!(kept.join(name).is_file(), "{name}");
    }
    assert_eq!(setup.json(&["order", "show", &order]).ok()["state"], "completed");

    let (new, chain) = (kept.join("new.pem"), kept.join("chain.pem"));
    let verify = ["cert", "verify", "--file", new.to_str().unwrap(), "--chain", chain.to_str().unwrap()];
    assert_eq!(setup.json(&verify).ok()["ok"], true);
    let nobody = setup.path("nobody");
    let mut stranger = setup.command(&[&verify[..], &["--json"]].concat());
    let refused = stranger.env("YCD_DATA_DIR", nobody).output().unwrap();
    assert_eq!(refused.status.code(), Some(9));
}

#[test]
fn a_pulled_token_stops_a_renewal_and_the_next_run_finishes_it() {
    let year = Year::later();
    let setup = &year.setup;
    let order = year.approved_order();
    setup.json(&["softkey", "fault", &year.token, "--function", "C_CreateObject", "--do", "unplug"]).ok();
    let stopped = setup.json_with(&["cert", "renew", &order, "--pin-stdin"], PIN);
    assert_eq!((stopped.exit, stopped.error_code()), (3, "token.removed".into()));
    assert_eq!(stopped.json()["error"]["step"], "write");

    setup.json(&["softkey", "insert", &year.token]).ok();
    let finished = setup.json_with(&["cert", "renew", "--pin-stdin"], PIN).ok();
    assert_eq!(finished["order"], order.as_str());
    let view = setup.json(&["operator", "show", &order]).ok();
    assert_eq!(view["order"]["state"], "completed");
    assert_eq!(view["transfers"].as_array().unwrap().len(), 1);
}

#[test]
fn a_wrong_pin_is_sent_once_and_told_with_its_code() {
    let year = Year::later();
    let setup = &year.setup;
    let order = year.approved_order();
    // The second line would be right; but nobody is there who could have made sure of it.
    let refused = setup.json_with(&["cert", "renew", &order, "--pin-stdin"], "87654321\n12345678\n");
    assert_eq!((refused.exit, refused.error_code()), (4, "token.pin_incorrect".into()));
    let tokens = setup.json(&["softkey", "list"]).ok();
    let token = &tokens["tokens"][0];
    assert_eq!(
        token["pin_retry_counter"].as_u64().unwrap() + 1,
        token["pin_retry_limit"].as_u64().unwrap(),
        "{token}"
    );
}

#[test]
fn the_wrong_token_is_refused_before_its_pin_is_asked_for() {
    let year = Year::later();
    let setup = &year.setup;
    let order = year.approved_order();
    setup.json(&["softkey", "remove", &year.token]).ok();
    assert_eq!(setup.json(&["cert", "renew", &order]).error_code(), "flow.no_token");
    setup.json(&["softkey", "create", "--label", "乙公司"]).ok();
    let refused = setup.json(&["cert", "renew", &order]);
    assert_eq!((refused.exit, refused.error_code()), (3, "flow.wrong_token".into()));
    setup.json(&["softkey", "insert", &year.token]).ok();
    assert_eq!(setup.json(&["cert", "renew", &order]).error_code(), "flow.several_tokens");
}

#[test]
fn a_model_that_wants_the_pin_at_every_signature_gets_it_from_whoever_gave_the_first() {
    use ycd_softkey::admin::{self, Appearance, VendorEmulation};
    let year = Year::later();
    let setup = &year.setup;
    let order = year.approved_order();
    let emulation = VendorEmulation { pin_per_signature: true, ..VendorEmulation::default() };
    let emulation = Appearance { emulation: Some(emulation), ..Appearance::default() };
    admin::set_appearance(setup.path("tokens"), &year.token, &emulation).unwrap();
    let drivers = setup.path("drivers");
    std::fs::create_dir_all(&drivers).unwrap();
    let profile = include_str!("../../../../drivers-config/softkey.toml");
    let profile = profile.replace("[quirks]\n", "[quirks]\npin_per_signature = true\n");
    std::fs::write(drivers.join("softkey.toml"), profile).unwrap();
    let drivers = drivers.to_str().unwrap().to_owned();
    let renew = ["--drivers", &drivers, "cert", "renew", &order, "--pin-stdin"];

    let once = setup.json_with(&renew, PIN);
    assert_eq!(once.error_code(), "flow.stopped", "{once:?}");
    setup.json_with(&renew, &PIN.repeat(3)).ok();
    let tokens = setup.json(&["softkey", "list"]).ok();
    assert_eq!(tokens["tokens"][0]["pin_retry_counter"], tokens["tokens"][0]["pin_retry_limit"]);
}

#[test]
fn a_token_without_free_capacity_is_told_before_anything_is_paid() {
    let year = Year::with_capacity_for("1");
    let setup = &year.setup;
    let order = setup.json(&["order", "create", "--certificate", &year.certificate]).ok();
    let order = order["no"].as_str().unwrap();
    std::fs::write(setup.path("form.json"), form_of_the_company().to_string()).unwrap();
    let form = setup.path("form.json").to_str().unwrap().to_owned();
    setup.json(&["order", "submit", order, "--send-code"]).ok();
    let code = last_code(setup);
    let submit = ["order", "submit", order, "--form", &form, "--agree", "--code-stdin"];
    let stopped = setup.json_with(&submit, &code);
    assert_eq!((stopped.exit, stopped.error_code()), (8, "flow.stopped".into()));
    let view = setup.json(&["order", "show", order]).ok();
    assert_eq!((&view["state"], &view["mode"]), (&"draft".into(), &Value::Null));
    // The code was not spent.
    let agreed = setup.json_with(&[&submit[..], &["--agree-to-replace"]].concat(), &code).ok();
    assert_eq!((&agreed["state"], &agreed["mode"]), (&"awaiting_payment".into(), &"replace".into()));
}

#[test]
fn an_order_that_an_operator_took_over_says_so_and_goes_on_once_it_is_given_back() {
    let year = Year::later();
    let setup = &year.setup;
    let order = year.approved_order();
    let unknown = setup.json(&["operator", "cause", &order, "vanish", "--reason", "x"]);
    assert_eq!((unknown.exit, unknown.error_code()), (2, "cli.argument".into()));
    setup.json(&["softkey", "fault", &year.token, "--function", "C_CreateObject", "--do", "unplug"]).ok();
    setup.json_with(&["cert", "renew", &order, "--pin-stdin"], PIN);
    setup.json(&["softkey", "insert", &year.token]).ok();

    setup.json(&["operator", "cause", &order, "take_over", "--reason", "申请人来电"]).ok();
    let waits = setup.json_with(&["cert", "renew", &order, "--pin-stdin"], PIN);
    assert_eq!(waits.error_code(), "flow.operator_needed");
    setup.json(&["operator", "approve", &order]).ok();
    setup.json_with(&["cert", "renew", &order, "--pin-stdin"], PIN).ok();
}

#[test]
fn the_attempt_of_a_lost_token_is_closed_by_an_operator() {
    let year = Year::later();
    let setup = &year.setup;
    let order = year.approved_order();
    setup.json(&["softkey", "fault", &year.token, "--function", "C_CreateObject", "--do", "unplug"]).ok();
    setup.json_with(&["cert", "renew", &order, "--pin-stdin"], PIN);
    let closed = setup.json(&["operator", "close-attempt", &order, "1", "--reason", "USBKEY 丢失"]).ok();
    assert_eq!(closed["order"]["note"], "operator_care", "{closed}");
}

#[test]
fn a_session_lies_in_a_file_that_only_the_user_can_read() {
    let year = Year::later();
    let file = year.setup.path("home").join("session.json");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // It is no session of another portal.
    let elsewhere = year.portal.url.replace("127.0.0.1", "localhost");
    let refused = year.setup.json(&["--portal", &elsewhere, "order", "list"]);
    assert_eq!((refused.exit, refused.error_code()), (6, "auth.required".into()));
    year.setup.json(&["login", "--out"]).ok();
    assert!(!file.exists());
}

#[test]
fn a_new_pin_satisfies_the_project_too_and_a_token_that_is_not_locked_is_left_alone() {
    let office = Year::later();
    let setup = &office.setup;
    // The project of a new portal takes six to eight digits; the token would take more.
    for (new, code) in [("123456789", "pin.too_long"), ("27182x", "pin.not_digits")] {
        let printed = setup.json_with(&["token", "pin", "--pin-stdin"], &format!("{PIN}{new}\n{new}\n"));
        assert_eq!((printed.exit, printed.error_code()), (4, code.into()));
    }
    let printed = setup.json_with(&["unlock", "--pin-stdin", "--code-stdin", "--wait", "0"], "");
    assert_eq!((printed.exit, printed.error_code()), (1, "unlock.not_locked".into()));
    let record = setup.json(&["token", "list"]).ok();
    assert_eq!(record["tokens"][0]["serial_number"], office.token.as_str());
}
