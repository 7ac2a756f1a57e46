use std::fs;

use time::Duration;
use ycd_portal::{Config, config::SmsRules};
use ycd_portal_api::wire::{
    login::{Login, Purpose, RequestCode, RequestStepUp},
    orders::OrderQuery,
};

use crate::world::{OTHER_PHONE, PHONE, World, login_code, order_code, refused};

fn login(code: &str) -> Login {
    Login { phone: PHONE.into(), code: code.into() }
}

/// Six digits that are not the code.
fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

#[test]
fn a_code_has_six_digits_and_lives_for_a_minute() {
    let world = World::new();
    let client = world.client();
    let sent = client.request_code(&login_code(PHONE)).unwrap();
    assert_eq!((sent.phone.as_str(), sent.valid_for), ("138****0000", 60));
    let code = world.newest_code(PHONE);
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()));
    world.advance(Duration::seconds(61));
    refused(client.login(&login(&code)), "sms.code_expired");
}

#[test]
fn a_code_is_good_once() {
    let world = World::new();
    let client = world.client();
    client.request_code(&login_code(PHONE)).unwrap();
    let code = world.newest_code(PHONE);
    world.advance(Duration::seconds(50));
    client.login(&login(&code)).unwrap();
    refused(client.login(&login(&code)), "sms.code_expired");
}

#[test]
fn a_code_is_good_for_its_phone_only() {
    let world = World::new();
    let client = world.client();
    client.request_code(&login_code(PHONE)).unwrap();
    client.request_code(&login_code(OTHER_PHONE)).unwrap();
    let code = world.newest_code(PHONE);
    if code != world.newest_code(OTHER_PHONE) {
        refused(client.login(&Login { phone: OTHER_PHONE.into(), code }), "sms.code_wrong");
    }
}

#[test]
fn five_wrong_tries_use_a_code_up_and_each_says_how_many_are_left() {
    let world = World::new();
    let client = world.client();
    client.request_code(&login_code(PHONE)).unwrap();
    let code = world.newest_code(PHONE);
    for left in (1..5).rev() {
        let problem = refused(client.login(&login(&wrong(&code))), "sms.code_wrong");
        assert_eq!(problem.extra["tries_left"], left);
    }
    refused(client.login(&login(&wrong(&code))), "sms.code_exhausted");
    refused(client.login(&login(&code)), "sms.code_exhausted");
}

#[test]
fn another_code_comes_after_a_minute_and_the_first_is_void() {
    let world = World::new();
    let client = world.client();
    client.request_code(&login_code(PHONE)).unwrap();
    let first = world.newest_code(PHONE);
    let problem = refused(client.request_code(&login_code(PHONE)), "sms.too_soon");
    assert!((1..=60).contains(&problem.extra["retry_after"].as_u64().unwrap()));
    world.advance(Duration::seconds(60));
    client.request_code(&login_code(PHONE)).unwrap();
    if first != world.newest_code(PHONE) {
        refused(client.login(&login(&first)), "sms.code_wrong");
    }
}

#[test]
fn codes_are_limited_per_phone_and_per_address() {
    let sms = SmsRules { per_phone_and_hour: 2, per_address_and_hour: 3, ..SmsRules::default() };
    let world = World::with(Config { sms, ..Config::default() });
    let client = world.client();
    for _ in 0..2 {
        client.request_code(&login_code(PHONE)).unwrap();
        world.advance(Duration::minutes(2));
    }
    refused(client.request_code(&login_code(PHONE)), "sms.limit");
    client.request_code(&login_code(OTHER_PHONE)).unwrap();
    refused(client.request_code(&login_code("13700000000")), "sms.limit");
    world.advance(Duration::hours(1));
    client.request_code(&login_code(PHONE)).unwrap();
}

#[test]
fn only_mobile_numbers_get_codes() {
    let world = World::new();
    for phone in ["12345678901", "1380000000", "", "138000000000", "１３８００００００００"] {
        refused(world.client().request_code(&login_code(phone)), "sms.phone_invalid");
    }
    world.client().request_code(&login_code("+86 139-0000-0000")).unwrap();
}

#[test]
fn a_code_of_one_purpose_is_worth_nothing_for_another() {
    let world = World::new();
    let client = world.login(PHONE);
    world.certificate("A1", PHONE, 20);
    let no = world.draft(&client, "A1").summary.no;
    client.request_code(&order_code(&no, Purpose::Abandon)).unwrap();
    let code = world.newest_code(PHONE);
    let confirm = crate::world::confirmation(&code);
    refused(client.confirm_order(&no, &confirm), "sms.code_expired");
    let request = |purpose| RequestStepUp { purpose, order: no.clone(), code: code.clone() };
    refused(client.step_up(&request(Purpose::Replace)), "sms.code_expired");
    client.step_up(&request(Purpose::Abandon)).unwrap();
}

#[test]
fn codes_for_an_order_go_to_its_owner_alone() {
    let world = World::new();
    let client = world.login(PHONE);
    world.certificate("A1", PHONE, 20);
    let no = world.draft(&client, "A1").summary.no;
    refused(world.client().request_code(&order_code(&no, Purpose::Abandon)), "auth.required");
    let stranger = world.login(OTHER_PHONE);
    refused(stranger.request_code(&order_code(&no, Purpose::Abandon)), "order.not_found");
    let diverted =
        RequestCode { purpose: Purpose::Abandon, phone: Some(OTHER_PHONE.into()), order: Some(no.clone()) };
    refused(client.request_code(&diverted), "request.invalid");
}

#[test]
fn a_session_lives_for_twelve_hours_without_use_and_longer_with_it() {
    let world = World::new();
    let client = world.login(PHONE);
    for _ in 0..3 {
        world.advance(Duration::hours(8));
        assert_eq!(client.me().unwrap().phone, PHONE);
    }
    world.advance(Duration::hours(13));
    refused(client.me(), "auth.session_expired");
}

#[test]
fn logging_out_ends_the_session() {
    let world = World::new();
    let client = world.login(PHONE);
    client.logout().unwrap();
    refused(client.me(), "auth.session_expired");
    refused(client.logout(), "auth.session_expired");
}

#[test]
fn without_a_session_nothing_personal_is_shown() {
    let world = World::new();
    let client = world.client();
    refused(client.me(), "auth.required");
    refused(client.orders(&OrderQuery::default()), "auth.required");
    let problem = refused(client.certificate("A1"), "auth.required");
    assert_eq!(problem.status, 401);
}

#[test]
fn no_session_token_lies_in_the_portals_files() {
    let mut world = World::new();
    let session = world.session(PHONE);
    world.stop();
    let mut waiting = vec![world.folder().to_owned()];
    let mut read = 0;
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let content = fs::read(path).unwrap();
        read += content.len();
        let session_token = session.reveal().as_bytes();
        assert!(!content.windows(session_token.len()).any(|window| window == session_token));
    }
    assert!(read > 0);
}
