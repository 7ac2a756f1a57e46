//! The commands of a screen, each named once. From this list come the call by name, for whatever carries it (the
//! window's IPC, HTTP in development), and the contract that the pages' types are generated from.
//!
//! What a command does stands in a method of [`Assistant`] of the same name.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use ycd_portal_api::wire::{
    Page,
    catalogue::{Product, Project},
    certificates::{CertificateQuery, CertificateView},
    drivers::ReportReceived,
    form::SaveForm,
    login::CodeSent,
    orders::{CreateOrder, OrderList, OrderQuery, OrderView},
};

use crate::{
    Assistant,
    described::{Command, command},
    error::{AssistantError, Result},
    settings::Settings,
    view::{
        Answer, CurrentJob, Diagnosis, Done, Failure, FreeCapacityView, JobView, PortalSetup, Secret,
        SessionView, StartView, TextFile, TokensView, Unfinished,
    },
};

macro_rules! commands {
    ($( $(#[doc = $doc:literal])+ fn $name:ident($($arg:ident: $type:ty),*) -> $out:ty; )+) => {
        #[expect(non_camel_case_types, reason = "each is named after its command")]
        mod arguments {
            use super::*;
            $(
                #[derive(Deserialize, ToSchema)]
                #[serde(deny_unknown_fields)]
                pub struct $name { $(pub $arg: $type),* }
            )+
        }

        #[expect(non_camel_case_types, dead_code, reason = "only their descriptions are used")]
        mod described {
            use super::*;
            $(
                #[derive(ToSchema)]
                pub struct $name { pub arguments: arguments::$name, pub result: $out }
            )+
        }

        /// Every command's name.
        pub const NAMES: &[&str] = &[$(stringify!($name)),+];

        /// Every command, as the contract tells it.
        pub(crate) fn all() -> Vec<Command> {
            vec![$(command::<described::$name>(stringify!($name), concat!($($doc),+))),+]
        }

        fn dispatch(assistant: &Assistant, name: &str, given: Value) -> Result<Value> {
            match name {
                $(
                    stringify!($name) => {
                        let arguments::$name { $($arg),* } =
                            serde_json::from_value(given).map_err(AssistantError::arguments)?;
                        let out: $out = assistant.$name($($arg),*)?;
                        serde_json::to_value(out).map_err(AssistantError::arguments)
                    }
                )+
                _ => Err(AssistantError::UnknownCommand { name: name.to_owned() }),
            }
        }
    };
}

commands! {
    /// All that a first page needs; asks nothing over the network.
    fn start() -> StartView;
    /// The project, as the portal tells it now.
    fn project() -> Project;
    /// What can be ordered, with prices.
    fn products() -> Vec<Product>;
    /// Keeps settings; gives them as kept.
    fn change_settings(settings: Settings) -> Settings;
    /// For administrators: sets this machine up with a portal, and with the roots (PEM texts) that it trusts.
    fn use_portal(url: String, anchors: Vec<String>) -> PortalSetup;

    /// Has a login code sent.
    fn login_code(phone: String) -> CodeSent;
    /// Logs in.
    fn login(phone: String, code: Secret) -> SessionView;
    /// Logs out, here and at the portal.
    fn logout() -> Done;

    /// 我的证书.
    fn certificates(query: CertificateQuery) -> Page<CertificateView>;
    /// One of them.
    fn certificate(serial: String) -> CertificateView;
    /// 我的订单.
    fn orders(query: OrderQuery) -> OrderList;
    /// One of them.
    fn order(no: String) -> OrderView;
    /// A new order, as a draft filled in from last time.
    fn create_order(order: CreateOrder) -> OrderView;
    /// Keeps a form as typed; where it is said to be complete, what is wrong with it is refused.
    fn save_form(no: String, form: SaveForm) -> OrderView;
    /// Before payment: what the free capacity on the inserted token means for the old key pair. `agrees` is the
    /// person's yes.
    fn fix_mode(no: String, agrees: bool) -> FreeCapacityView;
    /// Has a code sent for handing an order in.
    fn order_code(no: String) -> CodeSent;
    /// Hands an order in.
    fn confirm_order(no: String, agreement: bool, code: Secret) -> OrderView;
    /// Takes an order back, to be changed.
    fn edit_order(no: String) -> OrderView;
    /// Cancels an order that was not paid.
    fn cancel_order(no: String) -> OrderView;
    /// Deletes a draft.
    fn delete_order(no: String) -> Done;
    /// Asks for the money back.
    fn request_refund(no: String, reason: String) -> OrderView;

    /// Looks at the tokens again.
    fn refresh_tokens() -> TokensView;
    /// The public certificate on a token, as PEM.
    fn export_certificate(token_id: String, serial: String) -> TextFile;

    /// Writes, or goes on writing, the certificate of an order. `remove_old`: the person agreed on this page that the
    /// old key pair goes once the new one is proven.
    fn start_renewal(no: String, remove_old: bool) -> JobView;
    /// Gives the open attempt of an order up: a new certificate that was not confirmed is revoked, the old one stays,
    /// and the order can be begun again as often as attempts are left.
    fn give_up(no: String) -> JobView;
    /// A new PIN for a locked or forgotten one; for the one token that is in, or the one named.
    fn start_unlock(token_id: Option<String>, no: Option<String>) -> JobView;
    /// Another PIN in the place of a known one.
    fn start_pin_change(token_id: String) -> JobView;
    /// The work under way, or the one that ended last and was not put away.
    fn job() -> CurrentJob;
    /// Answers a job's question.
    fn answer(job: u32, question: u32, answer: Answer) -> Done;
    /// Ends a job before its next step; what changes the token is seen to its end.
    fn stop_job(job: u32) -> Done;
    /// Puts away a job that has ended.
    fn dismiss_job(job: u32) -> Done;
    /// Work that was broken off on this machine.
    fn unfinished() -> Unfinished;
    /// Tells of it no more, by the person's wish. Nothing else changes: the order stands, and the work can be gone on
    /// with.
    fn forget_unfinished(no: String) -> Unfinished;

    /// Looks at all that this machine needs to work with a token. Takes some seconds.
    fn diagnose() -> Diagnosis;
    /// The diagnosis as a text without secrets and without anything personal.
    fn diagnosis_file() -> TextFile;
    /// What can be told of a token that nobody knows, with a draft of a driver profile.
    fn unknown_token() -> TextFile;
    /// Sends it to the portal, without what could tell of the user; gives the number that the hotline finds it by.
    fn send_unknown_token() -> ReportReceived;
}

impl Assistant {
    /// A command by name, with its arguments as a JSON object. Blocks until it is done.
    ///
    /// # Errors
    /// In the words of the language in use.
    pub fn call(&self, name: &str, arguments: Value) -> Result<Value, Failure> {
        // A list would be taken for the arguments in their order.
        let outcome = if arguments.is_object() {
            dispatch(self, name, arguments)
        } else {
            Err(AssistantError::Arguments { detail: "an object is wanted".to_owned() })
        };
        outcome.map_err(|error| error.tell(self.language()))
    }
}
