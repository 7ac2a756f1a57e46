//! What the tests of the API need beyond a portal: certificates, orders on their way, requests by hand.

use serde_json::{Value, json};
use time::Duration as Span;
use ycd_portal::certificates::{self, NewCertificate, RecordState};
use ycd_portal_api::{
    ApiError, Client, RetryPolicy,
    wire::{
        catalogue::HolderKind,
        certificates::Holder,
        form::SaveForm,
        login::{Purpose, RequestCode, SessionToken},
        operator::RecordTransfer,
        orders::{ConfirmOrder, CreateOrder, OrderKind, OrderView, PaymentMethod},
    },
};

pub use crate::common::{COMPANY, OTHER_PHONE, PHONE, USCC, World, form, login_code, refused};

impl World {
    pub fn login(&self, phone: &str) -> Client {
        self.client().with_session(self.session(phone))
    }

    /// A company's certificate that ends in so many days.
    pub fn certificate(&self, serial: &str, phone: &str, days_left: i64) {
        let now = self.now();
        let certificate = NewCertificate {
            serial: serial.into(),
            der: format!("certificate {serial}").into_bytes(),
            spki: format!("key {serial}").into_bytes(),
            subject: b"subject".to_vec(),
            token_id: token_id(serial),
            holder: Holder {
                kind: HolderKind::Enterprise,
                name: COMPANY.into(),
                uscc: Some(USCC.into()),
                id_number: None,
                person: Some("王五".into()),
            },
            phone: phone.into(),
            product: "sm2-enterprise".into(),
            state: RecordState::Active,
            not_before: now - Span::days(365 - days_left),
            not_after: now + Span::days(days_left),
        };
        self.run(async {
            let mut tx = self.portal.db().write().await.unwrap();
            certificates::insert(&mut tx, &certificate, now).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    /// A draft with its form filled in.
    pub fn draft(&self, client: &Client, serial: &str) -> OrderView {
        let order = client.create_order(&renewal(serial)).unwrap();
        client.save_form(&order.summary.no, &SaveForm { form: form(), complete: true }).unwrap()
    }

    /// Handed in by SMS code.
    pub fn confirm(&self, client: &Client, no: &str) -> Result<OrderView, ApiError> {
        client.request_code(&order_code(no, Purpose::OrderConfirm)).unwrap();
        let code = self.newest_code(PHONE);
        client.confirm_order(no, &confirmation(&code))
    }

    /// A new order for a new certificate, handed in.
    pub fn awaiting_payment(&self, client: &Client, serial: &str) -> String {
        self.certificate(serial, PHONE, 20);
        let no = self.draft(client, serial).summary.no;
        self.confirm(client, &no).unwrap();
        no
    }

    pub fn awaiting_review(&self, client: &Client, serial: &str) -> String {
        let no = self.awaiting_payment(client, serial);
        self.operator().record_transfer(&no, &transfer(&format!("REF-{serial}"))).unwrap();
        no
    }
}

pub fn token_id(serial: &str) -> String {
    format!("softkey:{serial}")
}

pub fn order_code(no: &str, purpose: Purpose) -> RequestCode {
    RequestCode { purpose, phone: None, order: Some(no.into()) }
}

pub fn renewal(serial: &str) -> CreateOrder {
    CreateOrder { kind: OrderKind::Renewal, certificate: serial.into(), validity_years: 1, product: None }
}

pub fn confirmation(code: &str) -> ConfirmOrder {
    ConfirmOrder { agreement: true, code: code.into(), payment_method: PaymentMethod::BankTransfer }
}

pub fn transfer(reference: &str) -> RecordTransfer {
    RecordTransfer { reference: reference.into(), amount: 40_000 }
}

/// A request by hand, and its answer: status, content type, JSON.
pub struct Raw(reqwest::blocking::Client);

impl Raw {
    pub fn new() -> Self {
        // The client of the API chooses the cryptography of the process.
        let _ = Client::new("http://127.0.0.1:1", RetryPolicy::default());
        Self(reqwest::blocking::Client::builder().no_proxy().build().unwrap())
    }

    pub fn post(&self, url: &str, session: Option<&SessionToken>, key: &str, body: Value) -> (u16, Value) {
        let mut request = self.0.post(url).header("Idempotency-Key", key).json(&body);
        if let Some(session) = session {
            request = request.bearer_auth(session.reveal());
        }
        let response = request.send().unwrap();
        (response.status().as_u16(), response.json().unwrap())
    }

    pub fn http(&self) -> &reqwest::blocking::Client {
        &self.0
    }
}

/// The body of a request for a renewal.
pub fn renewal_json(serial: &str) -> Value {
    json!({ "kind": "renewal", "certificate": serial, "validity_years": 1 })
}
