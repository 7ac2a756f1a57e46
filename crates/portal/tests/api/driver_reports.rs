use serde_json::{Value, json};
use time::Duration;
use ycd_portal::{Config, config::ReportRules};
use ycd_portal_api::wire::drivers::{DriverReport, DriverReportQuery, ReportedUsb};

use crate::world::{PHONE, Raw, World, refused};

const PATH: &str = "/api/v1/driver-reports";

fn report(reader: &str) -> DriverReport {
    DriverReport {
        assistant: "0.1.0".into(),
        os: "linux".into(),
        reader: Some(reader.into()),
        atr: Some("3B 01 7F".into()),
        usb: vec![ReportedUsb {
            id: "1234:ABCD".into(), manufacturer: "M".into(), name: "中文 Key".into()
        }],
        modules: Vec::new(),
        draft: "# A draft.\nname = \"draft\"\n".into(),
    }
}

fn world(rules: ReportRules) -> World {
    World::with(Config { driver_reports: rules, ..Config::default() })
}

#[test]
fn a_report_sent_without_login_is_found_by_its_number() {
    let world = World::new();
    let numbers: Vec<String> = ["A 00", "B 00", "C 00"]
        .map(|reader| world.client().send_driver_report(&report(reader)).unwrap().number)
        .into();
    for number in &numbers {
        assert!(number.len() == 6 && number.bytes().all(|digit| digit.is_ascii_digit()), "{number}");
    }
    let operator = world.operator();
    let query = DriverReportQuery { number: Some(numbers[1].clone()), ..DriverReportQuery::default() };
    let found = operator.driver_reports(&query).unwrap();
    assert_eq!((found.total, &found.items[0].report), (1, &report("B 00")));
    assert!((found.items[0].at.0 - world.now()).abs() < Duration::minutes(1));

    let query = |page| DriverReportQuery { number: None, page: Some(page), page_size: Some(2) };
    let of = |page: u32| {
        let found = operator.driver_reports(&query(page)).unwrap();
        assert_eq!(found.total, 3);
        found.items.into_iter().map(|item| item.number).collect::<Vec<_>>()
    };
    assert_eq!(of(1), [numbers[2].clone(), numbers[1].clone()]);
    assert_eq!(of(2), [numbers[0].clone()]);
    assert_eq!(of(3), [""; 0]);
    let nobodys = DriverReportQuery { number: Some("x".into()), ..DriverReportQuery::default() };
    assert_eq!(operator.driver_reports(&nobodys).unwrap().total, 0);
    refused(operator.driver_reports(&query(0)), "request.bad_parameter");
}

#[test]
fn reports_are_read_by_operators_only() {
    let world = World::new();
    world.client().send_driver_report(&report("A 00")).unwrap();
    refused(world.client().driver_reports(&DriverReportQuery::default()), "auth.required");
    refused(world.login(PHONE).driver_reports(&DriverReportQuery::default()), "auth.forbidden");
}

#[test]
fn a_report_sent_twice_because_its_answer_was_lost_is_one_report() {
    let world = World::new();
    let raw = Raw::new();
    let body = serde_json::to_value(report("A 00")).unwrap();
    let (status, first) = raw.post(&world.url(PATH), None, "k1", body.clone());
    assert_eq!((status, raw.post(&world.url(PATH), None, "k1", body)), (201, (201, first)));
    assert_eq!(world.operator().driver_reports(&DriverReportQuery::default()).unwrap().total, 1);
}

#[test]
fn what_is_no_report_is_refused_and_not_kept() {
    let world = World::new();
    let raw = Raw::new();
    let code = |key: &str, body: Value| {
        let (status, problem) = raw.post(&world.url(PATH), None, key, body);
        (status, problem["code"].as_str().unwrap_or_default().to_owned())
    };
    let good = serde_json::to_value(report("A 00")).unwrap();
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    for (at, body) in [
        json!({}),
        json!([]),
        with("certificate", json!("MII")),
        with("atr", json!(7)),
        with("usb", json!([{ "id": "1234:ABCD", "manufacturer": "M", "name": "K", "serial": "1" }])),
        with("modules", json!([{ "profile": "p", "file": "f", "bits": 6400 }])),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(
            code(&format!("shape {at}").replace(' ', "-"), body.clone()),
            (422, "request.invalid".into()),
            "{body}"
        );
    }
    assert_eq!(
        code("too-large", with("draft", json!("x".repeat(65 * 1024)))),
        (413, "request.too_large".into())
    );
    let send = |body: &str, media_type: &str| {
        let request = raw.http().post(world.url(PATH)).header("Idempotency-Key", "k");
        let answer = request.header("content-type", media_type).body(body.to_owned()).send().unwrap();
        answer.json::<Value>().unwrap()["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(send("{\"assistant\":", "application/json"), "request.malformed");
    assert_eq!(send("\u{0}\u{1}", "application/json"), "request.malformed");
    assert_eq!(send("a=1", "application/x-www-form-urlencoded"), "request.media_type");

    let mut garbage = report("A\u{1b}[2J");
    garbage.atr = Some("GG".into());
    garbage.usb[0].id = "'; DROP TABLE driver_reports; --".into();
    let problem = refused(world.client().send_driver_report(&garbage), "driver_report.invalid");
    let errors = problem.extra["errors"].as_array().unwrap();
    let errors: Vec<_> = errors.iter().map(|e| (e["field"].as_str(), e["code"].as_str())).collect();
    let expected = [("reader", "bad_characters"), ("atr", "bad_atr"), ("usb[0].id", "bad_usb_id")];
    assert_eq!(errors, expected.map(|(field, code)| (Some(field), Some(code))));
    assert_eq!(world.operator().driver_reports(&DriverReportQuery::default()).unwrap().total, 0);
}

#[test]
fn one_address_can_send_so_many_an_hour() {
    let world = world(ReportRules { per_address_and_hour: 2, ..ReportRules::default() });
    let send = || world.client().send_driver_report(&report("A 00"));
    assert_ne!(send().unwrap(), send().unwrap());
    let problem = refused(send(), "driver_report.too_many");
    assert_eq!(problem.extra["retry_after"], 3600);
    world.advance(Duration::minutes(61));
    send().unwrap();
}

#[test]
fn all_addresses_together_can_send_so_many_a_day() {
    let world = world(ReportRules { per_day: 2, ..ReportRules::default() });
    let send = || world.client().send_driver_report(&report("A 00"));
    send().unwrap();
    world.advance(Duration::hours(2));
    send().unwrap();
    world.advance(Duration::hours(2));
    let problem = refused(send(), "driver_report.too_many");
    assert_eq!(problem.extra["retry_after"], 86_400);
    world.advance(Duration::hours(21));
    send().unwrap();
}
