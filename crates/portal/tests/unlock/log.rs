use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};
use ycd_portal_api::wire::unlock::UnlockMethod;

use crate::world::{PHONE, World};

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
fn no_so_pin_token_or_phone_comes_into_the_log() {
    let log = Log::default();
    let filter = EnvFilter::new("ycd_portal=trace,ycd_portal_api=trace,sqlx=debug,axum=trace");
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(log.clone()).init();

    let world = World::new();
    let token = world.personalized("softkey:logged", UnlockMethod::SoPin);
    let applicant = world.open(&token);
    let release = applicant.release(&token);
    let pins = release.so_pins();
    applicant.liveness(1).unwrap();
    applicant.unlocked(&token, &release.claim(2)).unwrap();

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains(&format!("/api/v1/unlock/orders/{}/unlocked", applicant.no)), "nothing was logged");
    for secret in [pins.current.expose(), pins.next.expose(), &applicant.ticket, PHONE] {
        assert!(!log.contains(secret), "a secret is in the log");
    }
}
