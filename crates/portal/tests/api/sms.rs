use std::{
    pin::Pin,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use ycd_portal::{
    Config,
    sms::{Message, SendError, SmsProvider},
};
use ycd_portal_api::wire::{login::Login, operator::OutboxQuery};

use crate::world::{PHONE, World, login_code, refused};

/// Hands every message to the test.
struct Phone(Mutex<mpsc::Sender<Message>>);

impl SmsProvider for Phone {
    fn send<'a>(
        &'a self,
        message: &'a Message,
    ) -> Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>> {
        Box::pin(async move {
            self.0.lock().unwrap().send(message.clone()).unwrap();
            Ok(())
        })
    }
}

#[test]
fn with_a_real_provider_messages_are_sent_and_the_outbox_is_closed() {
    let (sender, received) = mpsc::channel();
    let world = World::with_sms(Config::default(), Arc::new(Phone(Mutex::new(sender))));
    let client = world.client();
    client.request_code(&login_code(PHONE)).unwrap();
    let message = received.recv_timeout(Duration::from_secs(20)).unwrap();
    let code = message.code.unwrap();
    assert_eq!(message.phone, PHONE);
    assert!(message.text.contains(&code) && message.text.starts_with("【泸州老窖招采】登录"));
    client.login(&Login { phone: PHONE.into(), code }).unwrap();
    refused(world.operator().sms_outbox(&OutboxQuery::default()), "request.no_route");
}

#[test]
fn a_message_says_what_its_code_is_for_and_codes_are_stored_as_hashes_only() {
    let world = World::new();
    world.client().request_code(&login_code(PHONE)).unwrap();
    let message = world.messages(PHONE).remove(0);
    assert!(message.text.contains("登录验证码") && message.text.contains("60秒"));
    let code = message.code.unwrap();
    let stored: Vec<u8> = world.run(async {
        let mut db = world.portal.db().read().await.unwrap();
        let row = sqlx::query_as::<_, (Vec<u8>,)>("SELECT code FROM sms_codes").fetch_one(&mut *db).await;
        row.unwrap().0
    });
    assert_eq!(stored.len(), 32);
    assert!(!stored.windows(code.len()).any(|window| window == code.as_bytes()));
}
