//! From an empty folder to a renewed certificate, by commands alone.

use serde_json::Value;

use crate::support::{Desk, RunningPortal};

const PHONE: &str = "13800000000";
const PIN: &str = "12345678\n";
const COMPANY: &str = "泸州某某商贸有限公司";
const USCC: &str = "91510500MA6200001K";

/// 340 days ago, in seconds: what was issued then for a year is near its end now.
const LAST_YEAR: i64 = -340 * 86_400;

/// A portal of last year's, a key with its first certificate, and the portal run today.
struct Year {
    desk: Desk,
    portal: RunningPortal,
    key: String,
    certificate: String,
}

impl Year {
    fn later() -> Self {
        Self::with_room_for("8")
    }

    /// With a key that so many key pairs fit on.
    fn with_room_for(containers: &str) -> Self {
        let desk = Desk::new();
        let data = desk.path("portal");
        let shift = LAST_YEAR.to_string();
        let made =
            desk.json(&["portal", "init", "--data", data.to_str().unwrap(), "--clock-shift", &shift]).ok();
        let root = made["root"].as_str().unwrap().to_owned();
        let portal = RunningPortal::start(&desk, &data, LAST_YEAR);
        desk.json(&["portal", "use", &portal.url, "--anchor", &root]).ok();
        log_operator_in(&desk, &made);

        let create = ["softkey", "create", "--label", COMPANY, "--containers", containers, "--show-so-pin"];
        let made_key = desk.json(&create).ok();
        let so_pin = made_key["so_pin"].as_str().unwrap();
        let key = made_key["serial_number"].as_str().unwrap().to_owned();
        let produce = [
            "operator",
            "produce",
            "--road",
            "wrapped",
            "--name",
            COMPANY,
            "--uscc",
            USCC,
            "--phone",
            PHONE,
            "--pin-stdin",
        ];
        let certificate = desk.json_with(&produce, so_pin).ok();
        let certificate = certificate["serial"].as_str().unwrap().to_owned();
        drop(portal);

        let portal = RunningPortal::start(&desk, &data, 0);
        desk.json(&["portal", "use", &portal.url, "--anchor", &root]).ok();
        log_operator_in(&desk, &made);
        desk.json(&["login", "--phone", PHONE, "--send-code"]).ok();
        let code = last_code(&desk);
        desk.json_with(&["login", "--phone", PHONE, "--code-stdin"], &code).ok();
        Self { desk, portal, key, certificate }
    }

    /// Ordered, handed in, paid and approved; gives its number.
    fn approved_order(&self) -> String {
        let desk = &self.desk;
        let form = desk.path("form.json");
        std::fs::write(&form, form_of_the_company().to_string()).unwrap();
        let form = form.to_str().unwrap();
        let order = desk.json(&["order", "create", "--certificate", &self.certificate, "--form", form]).ok();
        let order = order["no"].as_str().unwrap().to_owned();
        desk.json(&["order", "submit", &order, "--send-code"]).ok();
        let code = last_code(desk);
        let submitted = desk
            .json_with(&["order", "submit", &order, "--form", form, "--agree", "--code-stdin"], &code)
            .ok();
        assert_eq!(submitted["state"], "awaiting_payment");
        desk.json(&["operator", "record-transfer", &order, "--reference", &format!("BANK{order}")]).ok();
        let queue = desk.json(&["operator", "queue"]).ok();
        assert!(
            queue["items"].as_array().unwrap().iter().any(|waiting| waiting["no"] == order.as_str()),
            "{queue}"
        );
        let approved = desk.json(&["operator", "approve", &order]).ok();
        assert_eq!(approved["order"]["state"], "awaiting_renewal");
        order
    }
}

pub fn log_operator_in(desk: &Desk, made: &Value) {
    let file = std::fs::read_to_string(made["operator_file"].as_str().unwrap()).unwrap();
    let password = file.lines().nth(1).unwrap();
    desk.json_with(&["operator", "login", "--password-stdin"], &format!("{password}\n")).ok();
}

fn last_code(desk: &Desk) -> String {
    let outbox = desk.json(&["operator", "outbox", "--phone", PHONE]).ok();
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
    let desk = &year.desk;
    let certificates = desk.json(&["cert", "list"]).ok();
    assert_eq!(certificates["items"][0]["state"], "near_end", "{certificates}");
    let order = year.approved_order();

    let kept = desk.path("kept");
    let renewed = desk.json_with(&["cert", "renew", "--pin-stdin", "--keep", kept.to_str().unwrap()], PIN);
    let events: Vec<Value> = renewed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().any(|event| event["event"] == "begins" && event["step"] == "write"), "{renewed:?}");
    assert!(events.iter().any(|event| event["event"] == "finished"), "{renewed:?}");
    assert_eq!(renewed.ok()["order"], order.as_str());
    for name in ["old.pem", "new.pem", "chain.pem", "renewal.csr.pem"] {
        assert!(kept.join(name).is_file(), "{name}");
    }
    assert_eq!(desk.json(&["order", "show", &order]).ok()["state"], "completed");

    let (new, chain) = (kept.join("new.pem"), kept.join("chain.pem"));
    let verify = ["cert", "verify", "--file", new.to_str().unwrap(), "--chain", chain.to_str().unwrap()];
    assert_eq!(desk.json(&verify).ok()["ok"], true);
    let nobody = desk.path("nobody");
    let mut stranger = desk.command(&[&verify[..], &["--json"]].concat());
    let refused = stranger.env("YCD_HOME", nobody).output().unwrap();
    assert_eq!(refused.status.code(), Some(9));
}

#[test]
fn a_pulled_key_stops_a_renewal_and_the_next_run_finishes_it() {
    let year = Year::later();
    let desk = &year.desk;
    let order = year.approved_order();
    desk.json(&["softkey", "fault", &year.key, "--function", "C_CreateObject", "--do", "unplug"]).ok();
    let stopped = desk.json_with(&["cert", "renew", &order, "--pin-stdin"], PIN);
    assert_eq!((stopped.exit, stopped.error_code()), (3, "token.removed".into()));
    assert_eq!(stopped.json()["error"]["step"], "write");

    desk.json(&["softkey", "insert", &year.key]).ok();
    let finished = desk.json_with(&["cert", "renew", "--pin-stdin"], PIN).ok();
    assert_eq!(finished["order"], order.as_str());
    let view = desk.json(&["operator", "show", &order]).ok();
    assert_eq!(view["order"]["state"], "completed");
    assert_eq!(view["transfers"].as_array().unwrap().len(), 1);
}

#[test]
fn a_wrong_pin_is_sent_once_and_told_with_its_code() {
    let year = Year::later();
    let desk = &year.desk;
    let order = year.approved_order();
    // The second line would be right; but nobody is there who could have made sure of it.
    let refused = desk.json_with(&["cert", "renew", &order, "--pin-stdin"], "87654321\n12345678\n");
    assert_eq!((refused.exit, refused.error_code()), (4, "token.pin_incorrect".into()));
    let keys = desk.json(&["softkey", "list"]).ok();
    let key = &keys["keys"][0];
    assert_eq!(key["pin_tries_left"].as_u64().unwrap() + 1, key["pin_tries_max"].as_u64().unwrap(), "{key}");
}

#[test]
fn the_wrong_key_is_refused_before_its_pin_is_asked_for() {
    let year = Year::later();
    let desk = &year.desk;
    let order = year.approved_order();
    desk.json(&["softkey", "remove", &year.key]).ok();
    assert_eq!(desk.json(&["cert", "renew", &order]).error_code(), "flow.no_key");
    desk.json(&["softkey", "create", "--label", "乙公司"]).ok();
    let refused = desk.json(&["cert", "renew", &order]);
    assert_eq!((refused.exit, refused.error_code()), (3, "flow.wrong_key".into()));
    desk.json(&["softkey", "insert", &year.key]).ok();
    assert_eq!(desk.json(&["cert", "renew", &order]).error_code(), "flow.several_keys");
}

#[test]
fn a_make_that_wants_the_pin_at_every_signature_gets_it_from_whoever_gave_the_first() {
    use ycd_softkey::admin::{self, Dress, Wardrobe};
    let year = Year::later();
    let desk = &year.desk;
    let order = year.approved_order();
    let wardrobe = Wardrobe { pin_per_signature: true, ..Wardrobe::default() };
    let dress = Dress { wardrobe: Some(wardrobe), ..Dress::default() };
    admin::dress(desk.path("keys"), &year.key, &dress).unwrap();
    let drivers = desk.path("drivers");
    std::fs::create_dir_all(&drivers).unwrap();
    let profile = include_str!("../../../../drivers-config/softkey.toml");
    let profile = profile.replace("[quirks]\n", "[quirks]\npin_per_signature = true\n");
    std::fs::write(drivers.join("softkey.toml"), profile).unwrap();
    let drivers = drivers.to_str().unwrap().to_owned();
    let renew = ["--drivers", &drivers, "cert", "renew", &order, "--pin-stdin"];

    let once = desk.json_with(&renew, PIN);
    assert_eq!(once.error_code(), "flow.stopped", "{once:?}");
    desk.json_with(&renew, &PIN.repeat(3)).ok();
    let keys = desk.json(&["softkey", "list"]).ok();
    assert_eq!(keys["keys"][0]["pin_tries_left"], keys["keys"][0]["pin_tries_max"]);
}

#[test]
fn a_key_without_room_is_told_before_anything_is_paid() {
    let year = Year::with_room_for("1");
    let desk = &year.desk;
    let order = desk.json(&["order", "create", "--certificate", &year.certificate]).ok();
    let order = order["no"].as_str().unwrap();
    std::fs::write(desk.path("form.json"), form_of_the_company().to_string()).unwrap();
    let form = desk.path("form.json").to_str().unwrap().to_owned();
    desk.json(&["order", "submit", order, "--send-code"]).ok();
    let code = last_code(desk);
    let submit = ["order", "submit", order, "--form", &form, "--agree", "--code-stdin"];
    let stopped = desk.json_with(&submit, &code);
    assert_eq!((stopped.exit, stopped.error_code()), (8, "flow.stopped".into()));
    let view = desk.json(&["order", "show", order]).ok();
    assert_eq!((&view["state"], &view["mode"]), (&"draft".into(), &Value::Null));
    // The code was not spent.
    let agreed = desk.json_with(&[&submit[..], &["--agree-to-replace"]].concat(), &code).ok();
    assert_eq!((&agreed["state"], &agreed["mode"]), (&"awaiting_payment".into(), &"replace".into()));
}

#[test]
fn an_order_that_an_operator_took_over_says_so_and_goes_on_once_it_is_given_back() {
    let year = Year::later();
    let desk = &year.desk;
    let order = year.approved_order();
    let unknown = desk.json(&["operator", "cause", &order, "vanish", "--reason", "x"]);
    assert_eq!((unknown.exit, unknown.error_code()), (2, "cli.argument".into()));
    desk.json(&["softkey", "fault", &year.key, "--function", "C_CreateObject", "--do", "unplug"]).ok();
    desk.json_with(&["cert", "renew", &order, "--pin-stdin"], PIN);
    desk.json(&["softkey", "insert", &year.key]).ok();

    desk.json(&["operator", "cause", &order, "take_over", "--reason", "申请人来电"]).ok();
    let waits = desk.json_with(&["cert", "renew", &order, "--pin-stdin"], PIN);
    assert_eq!(waits.error_code(), "flow.operator_needed");
    desk.json(&["operator", "approve", &order]).ok();
    desk.json_with(&["cert", "renew", &order, "--pin-stdin"], PIN).ok();
}

#[test]
fn the_attempt_of_a_lost_key_is_closed_by_an_operator() {
    let year = Year::later();
    let desk = &year.desk;
    let order = year.approved_order();
    desk.json(&["softkey", "fault", &year.key, "--function", "C_CreateObject", "--do", "unplug"]).ok();
    desk.json_with(&["cert", "renew", &order, "--pin-stdin"], PIN);
    let closed = desk.json(&["operator", "close-attempt", &order, "1", "--reason", "USBKEY 丢失"]).ok();
    assert_eq!(closed["order"]["note"], "operator_care", "{closed}");
}

#[test]
fn a_session_lies_in_a_file_that_only_the_user_can_read() {
    let year = Year::later();
    let file = year.desk.path("home").join("session.json");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // It is no session of another portal.
    let elsewhere = year.portal.url.replace("127.0.0.1", "localhost");
    let refused = year.desk.json(&["--portal", &elsewhere, "order", "list"]);
    assert_eq!((refused.exit, refused.error_code()), (6, "auth.required".into()));
    year.desk.json(&["login", "--out"]).ok();
    assert!(!file.exists());
}

#[test]
fn a_new_pin_satisfies_the_project_too_and_a_key_that_is_not_locked_is_left_alone() {
    let office = Year::later();
    let desk = &office.desk;
    // The project of a new portal takes six to eight digits; the key would take more.
    for (new, code) in [("123456789", "pin.too_long"), ("27182x", "pin.not_digits")] {
        let said = desk.json_with(&["key", "pin", "--pin-stdin"], &format!("{PIN}{new}\n{new}\n"));
        assert_eq!((said.exit, said.error_code()), (4, code.into()));
    }
    let said = desk.json_with(&["unlock", "--pin-stdin", "--code-stdin", "--wait", "0"], "");
    assert_eq!((said.exit, said.error_code()), (1, "unlock.not_locked".into()));
    let record = desk.json(&["key", "list"]).ok();
    assert_eq!(record["keys"][0]["serial_number"], office.key.as_str());
}
