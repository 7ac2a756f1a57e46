//! A stage for the pages: a portal, tokens, an operator and a phone, moved by calls over HTTP, so that a browser's test
//! can be everybody who is not at the window. Loopback only, with a token.
//!
//! `POST /` takes one [`Do`] as JSON and answers with what came of it.

mod reader;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde::Deserialize;
use serde_json::{Value, json};
use time::Duration as Span;
use ycd_assistant::data_dir::{DataDir, PathOverrides};
use ycd_pki::{Certificate, unlock::UnlockMethod};
use ycd_portal_api::wire::{
    form::SaveForm,
    login::{Purpose, RequestCode},
    operator::RecordTransfer,
    orders::{ConfirmOrder, CreateOrder, OrderKind, PaymentMethod, Reason},
};
use ycd_softkey::{admin, fault::Fault};
use ycd_token::{Pin, TokenAccess as _, TokenError, TokenId};

use self::reader::Reader;
use crate::world::{IssuedToken, Maker, PHONE, Phone, World, filled_in, open_tokens, program};

/// What may be asked of the stage.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Do {
    /// A token that was personalized some days ago; not inserted.
    Token {
        #[serde(default)]
        company: Option<String>,
        #[serde(default)]
        phone: Option<String>,
        #[serde(default)]
        age_days: Option<i64>,
        /// Key pairs that fit.
        #[serde(default)]
        containers: Option<u32>,
    },
    Insert {
        serial: String,
    },
    Pull {
        serial: String,
    },
    /// An order for a renewal, as far as it goes.
    Order {
        certificate: String,
        phone: String,
        until: Until,
    },
    Approve {
        order: String,
    },
    Reject {
        order: String,
        reason: String,
    },
    Paid {
        order: String,
    },
    /// The newest code that came to a phone and was not read yet.
    Code {
        phone: String,
    },
    /// The portal's time moves.
    Time {
        seconds: i64,
    },
    Portal {
        up: bool,
    },
    /// Whether an operator approves unlocks.
    Approval {
        needed: bool,
    },
    /// Wrong PINs: so many, or until the token is locked.
    WrongPins {
        serial: String,
        #[serde(default)]
        times: Option<u32>,
    },
    Revoke {
        certificate: String,
    },
    /// What the token's state file holds of tries and pairs.
    State {
        serial: String,
    },
    /// A card reader, which assistants have from their next start.
    Reader,
    /// A card that is none of the software tokens, by its ATR in hexadecimal.
    InsertCard {
        atr: String,
    },
    PullCard,
    Fault {
        #[serde(default)]
        serial: Option<String>,
        fault: Fault,
    },
    ClearFaults,
    /// Starts an assistant on a data folder of this name, set up with the portal; again after [`Do::Kill`].
    Assistant {
        name: String,
        /// Leave it as it comes from the installer: no portal.
        #[serde(default)]
        bare: bool,
    },
    /// Ends an assistant at once, as a crash would.
    Kill {
        name: String,
    },
    /// Texts in an assistant's data folder, and all that it has printed: to look for secrets.
    Traces {
        name: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    Draft,
    /// Handed in, to be paid.
    HandedIn,
    /// Paid, to be reviewed.
    Paid,
    Approved,
}

pub struct Stage {
    world: World,
    /// The portal's root, which an assistant is set up with whether the portal is up or not.
    anchors: Vec<Certificate>,
    pages: PathBuf,
    assistants: BTreeMap<String, Child>,
    phones: BTreeMap<String, Phone>,
    reader: Option<Reader>,
}

type Answer = Result<Value, String>;

impl Stage {
    /// `pages`: the built pages. Codes may follow each other each second, so that the portal's clock and the machine's
    /// stay together.
    pub fn new(pages: PathBuf) -> Self {
        let mut world = World::new();
        world.configure(|config| config.sms.next_after = 1);
        let anchors = world.anchors();
        Self { world, anchors, pages, assistants: BTreeMap::new(), phones: BTreeMap::new(), reader: None }
    }

    /// Does what is asked.
    ///
    /// # Errors
    /// What went wrong, for whoever wrote the test.
    pub fn act(&mut self, what: Do) -> Answer {
        let done = Ok(json!({}));
        match what {
            Do::Token { company, phone, age_days, containers } => {
                Ok(self.token(company, phone, age_days, containers))
            }
            Do::Insert { serial } => {
                self.world.insert(&serial);
                done
            }
            Do::Pull { serial } => {
                self.world.pull(&serial);
                done
            }
            Do::Order { certificate, phone, until } => self.order(certificate, &phone, until),
            Do::Approve { order } => {
                self.world.operator().approve(&order).map_err(|e| e.to_string())?;
                done
            }
            Do::Reject { order, reason } => {
                self.world.operator().reject(&order, &Reason { reason }).map_err(|e| e.to_string())?;
                done
            }
            Do::Paid { order } => {
                self.pay(&order)?;
                done
            }
            Do::Code { phone } => {
                let world = &self.world;
                // Of a phone that was never looked at the newest message counts.
                let phone = self.phones.entry(phone.clone()).or_insert_with(|| world.unread_phone(&phone));
                Ok(json!({ "code": phone.next_code() }))
            }
            Do::Time { seconds } => {
                self.world.time_passes(Span::seconds(seconds));
                done
            }
            Do::Portal { up: true } => {
                self.world.start_portal();
                // Phones read where the portal is now.
                let numbers: Vec<String> = std::mem::take(&mut self.phones).into_keys().collect();
                for number in numbers {
                    self.phone(&number);
                }
                done
            }
            Do::Portal { up: false } => {
                self.world.stop_portal();
                done
            }
            Do::Approval { needed } => {
                self.world.configure(|config| config.project.unlock_approval = needed);
                done
            }
            Do::WrongPins { serial, times } => self.wrong_pins(&serial, times),
            Do::Revoke { certificate } => {
                let reason = Reason { reason: "遗失".to_owned() };
                let operator = self.world.operator();
                operator.revoke_certificate(&certificate, &reason).map_err(|e| e.to_string())?;
                done
            }
            Do::State { serial } => {
                let tokens = admin::list(self.world.softkey_dir()).map_err(|e| e.to_string())?;
                let token = tokens.into_iter().find(|token| token.serial_number == serial);
                Ok(json!(token.ok_or("no such key")?))
            }
            Do::Reader => {
                self.reader = Some(Reader::new()?);
                done
            }
            Do::InsertCard { atr } => {
                let atr = hex::decode(atr.replace(' ', "")).map_err(|e| e.to_string())?;
                self.reader.as_mut().ok_or("no reader")?.insert(&atr);
                done
            }
            Do::PullCard => {
                self.reader.as_mut().ok_or("no reader")?.empty();
                done
            }
            Do::Fault { serial, fault } => {
                let softkey_dir = self.world.softkey_dir();
                admin::set_fault(softkey_dir, serial.as_deref(), &fault).map_err(|e| e.to_string())?;
                done
            }
            Do::ClearFaults => {
                admin::clear_fault(self.world.softkey_dir()).map_err(|e| e.to_string())?;
                done
            }
            Do::Assistant { name, bare } => self.assistant(&name, bare),
            Do::Kill { name } => {
                let mut child = self.assistants.remove(&name).ok_or("no such assistant")?;
                child.kill().and_then(|()| child.wait()).map_err(|e| e.to_string())?;
                done
            }
            Do::Traces { name } => Ok(json!({ "traces": self.traces(&name)? })),
        }
    }

    fn token(
        &mut self,
        company: Option<String>,
        phone: Option<String>,
        age_days: Option<i64>,
        containers: Option<u32>,
    ) -> Value {
        let default = Maker::default();
        let maker = Maker {
            // A test's names live as long as the test.
            company: company.map_or(default.company, |name| name.leak()),
            phone: phone.map_or(PHONE, |phone| phone.leak()),
            age_days: age_days.unwrap_or(default.age_days),
            containers,
            method: Some(UnlockMethod::SoPin),
        };
        let IssuedToken { serial_number, token_id, certificate, phone } = self.world.issued_token(&maker);
        // From now on its codes are waited for.
        self.phone(&phone);
        json!({
            "serial": serial_number,
            "token_id": token_id,
            "tail": token_id.tail(),
            "certificate": certificate,
            "phone": phone,
            "company": maker.company,
        })
    }

    fn phone(&mut self, number: &str) -> &mut Phone {
        let world = &self.world;
        self.phones.entry(number.to_owned()).or_insert_with(|| world.phone(number))
    }

    fn order(&mut self, certificate: String, phone: &str, until: Until) -> Answer {
        let printed = |error: ycd_portal_api::ApiError| error.to_string();
        let applicant = self.world.direct().with_session(self.world.session(phone));
        let held = applicant.certificate(&certificate).map_err(printed)?;
        let expired = held.days_left < 0;
        let kind = if expired { OrderKind::ExpiredPurchase } else { OrderKind::Renewal };
        let create = CreateOrder { kind, certificate, validity_years: 1, product: None };
        let created = applicant.create_order(&create).map_err(printed)?;
        let no = created.summary.no;
        if until == Until::Draft {
            return Ok(json!({ "order": no }));
        }
        let form = filled_in(created.form.form, phone);
        applicant.save_form(&no, &SaveForm { form, complete: true }).map_err(printed)?;
        let request = RequestCode { purpose: Purpose::OrderConfirm, phone: None, order: Some(no.clone()) };
        let code = self.world.code_sent_to(phone, || drop(applicant.request_code(&request)));
        let payment_method = PaymentMethod::BankTransfer;
        applicant
            .confirm_order(&no, &ConfirmOrder { agreement: true, code, payment_method })
            .map_err(printed)?;
        if until >= Until::Paid {
            self.pay(&no)?;
        }
        if until == Until::Approved {
            self.world.operator().approve(&no).map_err(printed)?;
        }
        // Codes that were sent for this are read.
        self.phones.remove(phone);
        self.phone(phone);
        Ok(json!({ "order": no }))
    }

    fn pay(&self, order: &str) -> Result<(), String> {
        let operator = self.world.operator();
        let view = operator.operator_order(order).map_err(|e| e.to_string())?;
        let transfer = RecordTransfer {
            reference: format!("T{}", &order[order.len().saturating_sub(12)..]),
            amount: view.order.summary.amount,
        };
        operator.record_transfer(order, &transfer).map(drop).map_err(|e| e.to_string())
    }

    fn wrong_pins(&self, serial: &str, times: Option<u32>) -> Answer {
        let mut tokens = open_tokens(&self.world.softkey_dir());
        let token = TokenId::new("softkey", serial);
        tokens.list().map_err(|e| e.to_string())?;
        for _ in 0..times.unwrap_or(20) {
            match tokens.login(&token, &Pin::new("00000001")) {
                Err(TokenError::PinIncorrect { .. }) => {}
                Err(TokenError::PinLocked) => return Ok(json!({ "locked": true })),
                Ok(()) => return Err("the wrong PIN is right".to_owned()),
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(json!({ "locked": false }))
    }

    fn data_dir(&self, name: &str) -> PathBuf {
        self.world.path().join("assistants").join(name)
    }

    fn assistant(&mut self, name: &str, bare: bool) -> Answer {
        let data_dir = self.data_dir(name);
        std::fs::create_dir_all(&data_dir).map_err(|e| e.to_string())?;
        if !bare && !data_dir.join("config.toml").exists() {
            let path_overrides =
                PathOverrides { data_dir: Some(data_dir.clone()), ..PathOverrides::default() };
            DataDir::at(path_overrides)
                .use_portal(&self.world.proxy.url(), &self.anchors)
                .map_err(|e| e.to_string())?;
        }
        let printed = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(data_dir.join("said.log"))
            .map_err(|e| e.to_string())?;
        let mut child = Command::new(program("ycd-dev"))
            .arg("--data-dir")
            .arg(&data_dir)
            .arg("--softkeys")
            .arg(self.world.softkey_dir())
            .arg("--pages")
            .arg(&self.pages)
            .env("XDG_RUNTIME_DIR", self.world.path())
            .env("RUST_LOG", "trace")
            .envs(self.reader.as_ref().map(Reader::environment))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(printed)
            .spawn()
            .map_err(|e| e.to_string())?;
        let mut line = String::new();
        let out = child.stdout.take().ok_or("no standard output")?;
        BufReader::new(out).read_line(&mut line).map_err(|e| e.to_string())?;
        if let Some(mut before) = self.assistants.insert(name.to_owned(), child) {
            let _ = before.kill();
            let _ = before.wait();
        }
        let printed: Value = serde_json::from_str(&line).map_err(|e| format!("{e}: {line}"))?;
        Ok(json!({ "url": printed["url"], "home": data_dir }))
    }

    fn traces(&self, name: &str) -> Result<String, String> {
        let mut text = String::new();
        read_all(&self.data_dir(name), &mut text).map_err(|e| e.to_string())?;
        Ok(text)
    }
}

/// Everything in a folder, as text; what is no text as what of it is.
fn read_all(folder: &Path, text: &mut String) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read_all(&path, text)?;
        } else {
            text.push_str(&String::from_utf8_lossy(&std::fs::read(&path)?));
            text.push('\n');
        }
    }
    Ok(())
}

impl Drop for Stage {
    fn drop(&mut self) {
        for child in self.assistants.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[derive(Clone)]
struct Served {
    stage: Arc<Mutex<Stage>>,
    access_token: Arc<str>,
}

/// Serves until the process ends.
///
/// # Errors
/// The port cannot be had.
pub async fn serve(
    stage: Arc<Mutex<Stage>>,
    access_token: &str,
    tell: impl FnOnce(&str),
) -> std::io::Result<()> {
    let served = Served { stage, access_token: access_token.into() };
    let app = Router::new().route("/", post(asked)).with_state(served);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    tell(&format!("http://{}", listener.local_addr()?));
    axum::serve(listener, app).await
}

async fn asked(
    State(served): State<Served>,
    headers: HeaderMap,
    Json(what): Json<Value>,
) -> (StatusCode, Json<Value>) {
    if headers.get("x-access-token").and_then(|access_token| access_token.to_str().ok())
        != Some(&*served.access_token)
    {
        return (StatusCode::FORBIDDEN, Json(json!({})));
    }
    let acted = tokio::task::spawn_blocking(move || {
        let what = serde_json::from_value(what).map_err(|error| error.to_string())?;
        served.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner).act(what)
    });
    match acted.await {
        Ok(Ok(answer)) => (StatusCode::OK, Json(answer)),
        Ok(Err(error)) => (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "error": error }))),
        Err(panicked) => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "error": panicked.to_string() }))),
    }
}
