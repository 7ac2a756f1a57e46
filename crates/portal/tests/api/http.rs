use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};
use ycd_portal_api::wire::orders::OrderQuery;

use crate::world::{OTHER_PHONE, PHONE, Raw, World, renewal_json};

/// Status and code of a problem, which must be one.
#[track_caller]
fn problem(response: reqwest::blocking::Response) -> (u16, String) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert!(response.headers().contains_key("x-request-id"));
    let body: Value = response.json().unwrap();
    assert_eq!(body["status"], status);
    let code = body["code"].as_str().unwrap().to_owned();
    assert_eq!(body["type"], format!("urn:ycd:problem:{code}"));
    assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()));
    (status, code)
}

#[test]
fn whatever_is_wrong_with_a_request_is_answered_as_a_problem() {
    let world = World::new();
    let raw = Raw::new();
    let login = world.url("/api/v1/login");
    let send = |body: &str, media_type: &str| {
        let request =
            raw.http().post(&login).header("Idempotency-Key", "k1").header("content-type", media_type);
        problem(request.body(body.to_owned()).send().unwrap())
    };
    assert_eq!(send("{\"phone\":", "application/json"), (400, "request.malformed".into()));
    assert_eq!(send("\u{0}\u{1}", "application/json"), (400, "request.malformed".into()));
    assert_eq!(send("{}", "application/json"), (422, "request.invalid".into()));
    assert_eq!(send("[]", "application/json; charset=utf-8"), (422, "request.invalid".into()));
    let unknown = json!({ "phone": PHONE, "code": "000000", "admin": true }).to_string();
    assert_eq!(send(&unknown, "application/json"), (422, "request.invalid".into()));
    assert_eq!(send("phone=1", "application/x-www-form-urlencoded"), (415, "request.media_type".into()));
    let large = format!("\"{}\"", "x".repeat(300 * 1024));
    assert_eq!(send(&large, "application/json"), (413, "request.too_large".into()));

    let get = |path: &str| problem(raw.http().get(world.url(path)).send().unwrap());
    assert_eq!(get("/api/v1/nothing"), (404, "request.no_route".into()));
    assert_eq!(get("/"), (404, "request.no_route".into()));
    assert_eq!(get("/api/v1/login"), (405, "request.method_not_allowed".into()));
    let patch = raw.http().patch(world.url("/api/v1/orders")).send().unwrap();
    assert_eq!(problem(patch), (405, "request.method_not_allowed".into()));
}

#[test]
fn wrong_parameters_are_answered_as_a_problem() {
    let world = World::new();
    let raw = Raw::new();
    let session = world.session(PHONE);
    for path in ["?page=0", "?page=x", "?page_size=101", "?state=lost", "?created_from=yesterday"] {
        let url = world.url(&format!("/api/v1/orders{path}"));
        let response = raw.http().get(url).bearer_auth(session.reveal()).send().unwrap();
        assert_eq!(problem(response), (400, "request.bad_parameter".into()), "{path}");
    }
    let response =
        raw.http().get(world.url("/api/v1/me")).header("authorization", "Basic eA==").send().unwrap();
    assert_eq!(problem(response), (401, "auth.required".into()));
    let response = raw.http().get(world.url("/api/v1/me")).bearer_auth("0123").send().unwrap();
    assert_eq!(problem(response), (401, "auth.session_expired".into()));
}

#[test]
fn bytes_that_are_no_http_do_no_harm() {
    let world = World::new();
    let mut stream = TcpStream::connect(world.address).unwrap();
    stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"));
    assert!(world.client().project().is_ok());
}

#[test]
fn whatever_changes_something_needs_an_idempotency_key() {
    let world = World::new();
    let raw = Raw::new();
    let url = world.url("/api/v1/sms/codes");
    let body = json!({ "purpose": "login", "phone": PHONE });
    let bare = raw.http().post(&url).json(&body).send().unwrap();
    assert_eq!(problem(bare), (400, "idempotency.key_missing".into()));
    for key in ["", "with blank", &"k".repeat(65)] {
        let (status, answer) = raw.post(&url, None, key, body.clone());
        assert_eq!((status, answer["code"].as_str()), (400, Some("idempotency.key_missing")), "{key:?}");
    }
    assert_eq!(raw.post(&url, None, &"k".repeat(64), body).0, 201);
}

#[test]
fn a_repeat_has_the_same_answer_and_no_second_effect() {
    let world = World::new();
    let raw = Raw::new();
    world.certificate("A1", PHONE, 20);
    let session = world.session(PHONE);
    let url = world.url("/api/v1/orders");
    let first = raw.post(&url, Some(&session), "k1", renewal_json("A1"));
    assert_eq!(first.0, 201);
    assert_eq!(raw.post(&url, Some(&session), "k1", renewal_json("A1")), first);
    let client = world.client().with_session(session);
    assert_eq!(client.orders(&OrderQuery::default()).unwrap().page.total, 1);
}

#[test]
fn a_repeated_login_has_the_same_session() {
    let world = World::new();
    let raw = Raw::new();
    let code = json!({ "purpose": "login", "phone": PHONE });
    raw.post(&world.url("/api/v1/sms/codes"), None, "k1", code);
    let login = json!({ "phone": PHONE, "code": world.newest_code(PHONE) });
    let first = raw.post(&world.url("/api/v1/login"), None, "k2", login.clone());
    assert_eq!(first.0, 200);
    assert_eq!(raw.post(&world.url("/api/v1/login"), None, "k2", login.clone()), first);
    world.advance(time::Duration::minutes(11));
    let late = raw.post(&world.url("/api/v1/login"), None, "k2", login);
    assert_eq!(late.1["code"], "sms.code_expired");
}

#[test]
fn a_repeated_wrong_code_costs_one_try() {
    let world = World::new();
    let raw = Raw::new();
    let code = json!({ "purpose": "login", "phone": PHONE });
    raw.post(&world.url("/api/v1/sms/codes"), None, "k1", code);
    let wrong = json!({ "phone": PHONE, "code": "not it" });
    let first = raw.post(&world.url("/api/v1/login"), None, "k2", wrong.clone());
    assert_eq!(first.1["tries_left"], 4);
    assert_eq!(raw.post(&world.url("/api/v1/login"), None, "k2", wrong.clone()), first);
    assert_eq!(raw.post(&world.url("/api/v1/login"), None, "k3", wrong).1["tries_left"], 3);
}

#[test]
fn a_key_used_for_another_request_is_refused_and_anothers_key_is_free() {
    let world = World::new();
    let raw = Raw::new();
    world.certificate("A1", PHONE, 20);
    world.certificate("B1", OTHER_PHONE, 20);
    let session = world.session(PHONE);
    let url = world.url("/api/v1/orders");
    assert_eq!(raw.post(&url, Some(&session), "k1", renewal_json("A1")).0, 201);
    let (status, answer) = raw.post(&url, Some(&session), "k1", renewal_json("A2"));
    assert_eq!((status, answer["code"].as_str()), (422, Some("idempotency.key_reused")));
    let other_path =
        raw.post(&world.url("/api/v1/sms/codes"), Some(&session), "k1", json!({ "purpose": "login" }));
    assert_eq!(other_path.1["code"], "idempotency.key_reused");
    let stranger = world.session(OTHER_PHONE);
    assert_eq!(raw.post(&url, Some(&stranger), "k1", renewal_json("B1")).0, 201);
}

#[test]
fn the_same_request_sent_twice_at_once_is_done_once() {
    let world = World::new();
    world.certificate("A1", PHONE, 20);
    let session = world.session(PHONE);
    let url = world.url("/api/v1/orders");
    let answers: Vec<_> = std::thread::scope(|scope| {
        let send = || Raw::new().post(&url, Some(&session), "k1", renewal_json("A1"));
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(send)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers[0].0, 201);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[test]
fn the_description_is_openapi_3_1_and_names_every_route() {
    let world = World::new();
    let text = Raw::new().http().get(world.url("/api/openapi.json")).send().unwrap().text().unwrap();
    let description: Value = serde_json::from_str(&text).unwrap();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths = description["paths"].as_object().unwrap();
    for (path, method) in [
        ("/project", "get"),
        ("/products", "get"),
        ("/sms/codes", "post"),
        ("/sms/step-ups", "post"),
        ("/login", "post"),
        ("/logout", "post"),
        ("/me", "get"),
        ("/certificates", "get"),
        ("/certificates/{serial}", "get"),
        ("/orders", "get"),
        ("/orders", "post"),
        ("/orders/{order}", "get"),
        ("/orders/{order}", "delete"),
        ("/orders/{order}/form", "put"),
        ("/orders/{order}/mode", "post"),
        ("/orders/{order}/confirm", "post"),
        ("/orders/{order}/edit", "post"),
        ("/orders/{order}/cancel", "post"),
        ("/orders/{order}/refund", "post"),
        ("/operator/login", "post"),
        ("/operator/orders", "get"),
        ("/operator/orders/{order}", "get"),
        ("/operator/orders/{order}/transfers", "post"),
        ("/operator/orders/{order}/approve", "post"),
        ("/operator/orders/{order}/reject", "post"),
        ("/operator/orders/{order}/events", "post"),
        ("/operator/certificates/{serial}/revoke", "post"),
        ("/operator/sms-outbox", "get"),
        ("/operator/audit", "get"),
        ("/driver-reports", "post"),
        ("/operator/driver-reports", "get"),
        ("/health", "get"),
    ] {
        assert!(paths[&format!("/api/v1{path}")][method].is_object(), "{method} {path}");
    }
    assert_every_reference_leads_somewhere(&description, &description);
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            let has_key = operation["parameters"]
                .as_array()
                .is_some_and(|parameters| parameters.iter().any(|each| each["name"] == "Idempotency-Key"));
            assert_eq!(has_key, method != "get", "{method} {path}");
        }
    }
}

fn assert_every_reference_leads_somewhere(value: &Value, whole: &Value) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(whole.pointer(pointer).is_some(), "{reference}");
            }
            members.values().for_each(|member| assert_every_reference_leads_somewhere(member, whole));
        }
        Value::Array(items) => {
            items.iter().for_each(|item| assert_every_reference_leads_somewhere(item, whole))
        }
        _ => {}
    }
}

#[test]
fn after_a_restart_sessions_and_stored_answers_are_still_there() {
    let mut world = World::new();
    let raw = Raw::new();
    world.certificate("A1", PHONE, 20);
    let session = world.session(PHONE);
    let first = raw.post(&world.url("/api/v1/orders"), Some(&session), "k1", renewal_json("A1"));
    world.stop();
    assert_eq!(world.client().project().unwrap_err().code(), "portal.unreachable");
    world.start();
    assert_eq!(raw.post(&world.url("/api/v1/orders"), Some(&session), "k1", renewal_json("A1")), first);
    assert_eq!(world.client().with_session(session).me().unwrap().phone, PHONE);
}
