use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};
use ycd_portal_api::wire::{
    login::{Purpose, RequestStepUp},
    orders::OrderQuery,
};

use crate::world::{COMPANY, PHONE, World, order_code};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn no_secret_and_no_personal_data_come_into_the_log() {
    let log = Log::default();
    let filter = EnvFilter::new("ycd_portal=trace,ycd_portal_api=trace,sqlx=trace,axum=trace,tower=trace");
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(log.clone()).init();

    let world = World::new();
    let session = world.session(PHONE);
    let client = world.client().with_session(session.clone());
    let no = world.awaiting_review(&client, "A1");
    client.request_code(&order_code(&no, Purpose::Abandon)).unwrap();
    let code = world.newest_code(PHONE);
    let step_up =
        client.step_up(&RequestStepUp { purpose: Purpose::Abandon, order: no.clone(), code }).unwrap();
    client.orders(&OrderQuery { company: Some(COMPANY.into()), ..OrderQuery::default() }).unwrap();

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains(&format!("/api/v1/orders/{no}/confirm")) && log.contains("status=200"), "{log}");
    for secret in
        [session.reveal(), &step_up.step_up, &world.operator_password, PHONE, COMPANY, "11010519491231002X"]
    {
        assert!(!log.contains(secret), "{secret}");
    }
}
