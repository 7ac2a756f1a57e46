//! The client against whatever may stand where the portal should.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use ycd_portal_api::{
    ApiError, Client, RetryPolicy, SessionToken,
    wire::login::{Login, Purpose, RequestCode, Session},
};

/// What one connection is answered with.
enum Answer {
    Bytes(Vec<u8>),
    /// Accepted and never answered.
    Silence,
}

/// A server that gives these answers, one a connection, and the requests it got: head lines, joined.
fn server(answers: Vec<Answer>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        let mut silent = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = sender.send(read_request(&stream));
            match answer {
                Answer::Bytes(bytes) => {
                    let _ = stream.write_all(&bytes);
                }
                Answer::Silence => silent.push(stream),
            }
        }
        // Whoever was not answered waits until the test is over.
        loop {
            thread::park();
        }
    });
    (address, requests)
}

fn read_request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() <= 2 {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    head
}

fn http(status: &str, media_type: &str, body: &str) -> Answer {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n");
    Answer::Bytes(format!("{head}connection: close\r\n\r\n{body}").into_bytes())
}

fn problem(status: u16, code: &str) -> Answer {
    let body = format!(r#"{{"type":"urn:x","title":"x","status":{status},"code":"{code}"}}"#);
    http(&format!("{status} X"), "application/problem+json", &body)
}

fn client(address: &str, retries: u32) -> Client {
    let retry_policy = RetryPolicy {
        connect: Duration::from_secs(5),
        answer: Duration::from_millis(500),
        retries,
        pause: Duration::from_millis(1),
    };
    Client::new(address, retry_policy).unwrap()
}

#[track_caller]
fn code(answer: Answer) -> String {
    let (address, _requests) = server(vec![answer]);
    client(&address, 0).products().unwrap_err().code().to_owned()
}

#[test]
fn an_answer_that_is_not_the_portals_is_a_bad_answer() {
    assert_eq!(code(http("200 OK", "text/html", "<html>Login</html>")), "portal.bad_answer");
    assert_eq!(code(http("200 OK", "text/html", "[]")), "portal.bad_answer");
    assert_eq!(code(http("200 OK", "application/json", "{\"half")), "portal.bad_answer");
    assert_eq!(code(http("200 OK", "application/json", "{\"other\":1}")), "portal.bad_answer");
    assert_eq!(code(http("302 Found", "text/html", "")), "portal.bad_answer");
    assert_eq!(code(http("404 Not Found", "text/html", "nothing here")), "portal.bad_answer");
    assert_eq!(code(http("400 Bad", "application/problem+json", "{}")), "portal.bad_answer");
}

#[test]
fn an_answer_without_end_is_given_up() {
    let endless = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999999999\r\n\r\n[";
    assert_eq!(code(Answer::Bytes(endless.to_vec())), "portal.bad_answer");
}

#[test]
fn a_portal_that_is_away_slow_or_cut_off_is_told_apart() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let error = client(&format!("http://{closed}"), 0).products().unwrap_err();
    assert_eq!((error.code(), error.is_passing()), ("portal.unreachable", true));
    assert_eq!(code(Answer::Silence), "portal.timeout");
    assert_eq!(code(Answer::Bytes(Vec::new())), "portal.cut");
    let half = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n[";
    assert_eq!(code(Answer::Bytes(half.to_vec())), "portal.cut");
}

#[test]
fn a_lost_answer_is_asked_for_again_with_the_same_key() {
    let sent = r#"{"phone":"138****0000","valid_for":60,"next_after":60}"#;
    let (address, requests) = server(vec![
        Answer::Bytes(Vec::new()),
        problem(503, "portal.busy"),
        http("201 Created", "application/json", sent),
    ]);
    let request = RequestCode { purpose: Purpose::Login, phone: Some("13800000000".into()), order: None };
    client(&address, 2).request_code(&request).unwrap();
    let keys: Vec<_> = requests.iter().take(3).map(|head| key(&head)).collect();
    assert!(keys[0].len() == 32 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[test]
fn two_calls_have_two_keys() {
    let session = r#"{"session_token":"t","expires_at":"2026-01-01T00:00:00Z"}"#;
    let answer = || http("200 OK", "application/json", session);
    let (address, requests) = server(vec![answer(), answer()]);
    let client = client(&address, 0);
    let login = Login { phone: "13800000000".into(), code: "000000".into() };
    client.login(&login).unwrap();
    client.login(&login).unwrap();
    let keys: Vec<_> = requests.iter().take(2).map(|head| key(&head)).collect();
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn a_refusal_is_not_repeated() {
    let (address, requests) = server(vec![problem(409, "order.already_open"), problem(500, "x")]);
    let error = client(&address, 3).products().unwrap_err();
    assert_eq!(error.code(), "order.already_open");
    assert_eq!(requests.try_iter().count(), 1);
}

#[test]
fn tries_come_to_an_end() {
    let (address, requests) = server((0..6).map(|_| problem(503, "portal.busy")).collect());
    let error = client(&address, 2).products().unwrap_err();
    assert!(matches!(error, ApiError::Refused(_)) && error.is_passing());
    assert_eq!(requests.try_iter().count(), 3);
}

#[test]
fn only_this_machine_is_spoken_to_without_tls() {
    for address in ["http://example.cn", "ftp://127.0.0.1", "127.0.0.1:80", "http://127.0.0.1.example.cn", ""]
    {
        let error = Client::new(address, RetryPolicy::default()).unwrap_err();
        assert_eq!(error.code(), "portal.address", "{address}");
    }
    for address in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://example.cn"] {
        Client::new(address, RetryPolicy::default()).unwrap();
    }
}

#[test]
fn a_server_that_speaks_no_tls_is_not_trusted() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut hello = [0; 4096];
        let _ = stream.read(&mut hello);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let error = client(&address, 0).products().unwrap_err();
    assert_eq!(error.code(), "portal.tls", "{error}");
}

#[test]
fn a_session_token_is_not_printed() {
    let session: Session =
        serde_json::from_str(r#"{"session_token":"s3cret","expires_at":"2026-01-01T00:00:00Z"}"#).unwrap();
    let client = client("http://127.0.0.1:1", 0).with_session(SessionToken::new("s3cret".into()));
    assert!(!format!("{session:?} {client:?}").contains("s3cret"));
}

/// The idempotency key in a request's head.
fn key(head: &str) -> String {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("idempotency-key:"));
    line.unwrap().split(':').nth(1).unwrap().trim().to_owned()
}

#[test]
fn what_is_shown_of_an_address_is_where_the_portal_is_and_no_more() {
    let client =
        Client::new("https://somebody:secret@portal.example:8443/path?of=x#y", RetryPolicy::default())
            .unwrap();
    assert_eq!(client.address(), "https://portal.example:8443");
}
