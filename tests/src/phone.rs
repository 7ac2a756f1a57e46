//! The phone of an applicant.

use std::{thread, time::Duration};

use ycd_portal_api::{
    Client,
    wire::operator::{OutboxQuery, SmsMessage},
};

/// What a person reads on their phone: the portal's outbox, which stands in for the SMS gateway.
#[derive(Debug)]
pub struct Phone {
    operator: Client,
    number: String,
    read_up_to: i64,
}

impl Phone {
    pub fn of(operator: Client, number: &str) -> Self {
        Self { operator, number: number.to_owned(), read_up_to: 0 }
    }

    /// What came until now is not looked at again.
    pub fn skip(&mut self) {
        self.read_up_to = self.messages().first().map_or(0, |message| message.id);
    }

    /// Waits for the next code.
    pub fn next_code(&mut self) -> String {
        for _ in 0..500 {
            let fresh = self.messages().into_iter().filter(|message| message.id > self.read_up_to);
            if let Some((id, code)) = fresh.filter_map(|m| m.code.map(|code| (m.id, code))).next() {
                self.read_up_to = id;
                return code;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("no code came to {}", self.number);
    }

    fn messages(&self) -> Vec<SmsMessage> {
        let query = OutboxQuery { phone: Some(self.number.clone()), ..OutboxQuery::default() };
        self.operator.sms_outbox(&query).expect("the outbox").items
    }
}
