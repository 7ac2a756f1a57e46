//! What a screen asks of the portal: set-up, session, certificates, orders. Rules are the portal's; here calls are
//! passed on, with the session of whoever is logged in.

use ycd_flows::renewal::fix_mode_by_token;
use ycd_flows::{FlowError, messages::Language};
use ycd_pki::{Certificate, CertificateInfo};
use ycd_portal_api::{
    Client,
    problem::kinds,
    wire::{
        Page,
        attempts::Mode,
        catalogue::{Product, Project},
        certificates::{CertificateQuery, CertificateView},
        form::SaveForm,
        login::{CodeSent, Login, Purpose, RequestCode},
        masked_phone,
        orders::{ConfirmOrder, CreateOrder, OrderList, OrderQuery, OrderView, PaymentMethod, Reason},
    },
};
use ycd_token::TokenSet;

use crate::{
    Assistant,
    data_dir::{DataDirError, Role},
    error::{AssistantError, Result},
    view::{AnchorView, Done, Event, FreeCapacityView, PortalSetup, Secret, SessionView, TextFile},
};

/// In the data folder: the project as it was last heard, so that prices and hotline are there without the network.
pub(crate) const PROJECT: &str = "project.json";

impl Assistant {
    fn client(&self) -> Result<Client> {
        Ok(self.shared.data_dir.client_as(Role::Applicant)?)
    }

    /// Calls the portal as whoever is logged in. A session that the portal no longer takes is forgotten.
    fn ask<T>(
        &self,
        call: impl FnOnce(&Client) -> std::result::Result<T, ycd_portal_api::ApiError>,
    ) -> Result<T> {
        call(&self.client()?).map_err(|error| {
            if error.is_any(&[kinds::SESSION_EXPIRED, kinds::AUTH_REQUIRED])
                && self.shared.data_dir.forget_session(Role::Applicant).is_ok()
            {
                self.shared.events.tell(&Event::Session { session: None });
            }
            error.into()
        })
    }

    pub(crate) fn project(&self) -> Result<Project> {
        let project = self.shared.data_dir.client()?.project()?;
        // A hint for the next start.
        if let Err(error) = self.shared.data_dir.keep_json(PROJECT, &project) {
            tracing::warn!(%error, "the project is not kept");
        }
        Ok(project)
    }

    pub(crate) fn products(&self) -> Result<Vec<Product>> {
        Ok(self.shared.data_dir.client()?.products()?)
    }

    pub(crate) fn portal_setup(&self) -> Result<PortalSetup> {
        let data_dir = &self.shared.data_dir;
        let url = match data_dir.portal() {
            Ok(url) => Some(url),
            Err(DataDirError::NoPortal) => None,
            Err(error) => return Err(error.into()),
        };
        let now = self.shared.clock.now();
        let anchors = data_dir.anchors()?;
        let infos = anchors.iter().map(|anchor| CertificateInfo::of(anchor, now));
        let shown = |info: CertificateInfo| AnchorView {
            subject: info.subject,
            not_after: info.not_after.into(),
            fingerprint: info.fingerprint,
        };
        let name = data_dir.pinned()?.map(|pinned| pinned.name);
        Ok(PortalSetup { url, name, anchors: infos.map(shown).collect() })
    }

    pub(crate) fn use_portal(&self, url: String, anchors: Vec<String>) -> Result<PortalSetup> {
        let mut roots = Vec::new();
        for text in &anchors {
            roots.extend(Certificate::all_from_pem(text)?);
        }
        if roots.is_empty() {
            return Err(AssistantError::NoAnchor);
        }
        self.shared.data_dir.use_portal(url.trim(), &roots)?;
        self.shared.events.tell(&Event::Session { session: self.session()? });
        self.portal_setup()
    }

    pub(crate) fn session(&self) -> Result<Option<SessionView>> {
        match self.shared.data_dir.session_phone(Role::Applicant) {
            Ok(phone) => Ok(phone.map(|phone| SessionView { phone })),
            Err(DataDirError::NoPortal) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn login_code(&self, phone: String) -> Result<CodeSent> {
        let request = RequestCode { purpose: Purpose::Login, phone: Some(digits(&phone)), order: None };
        Ok(self.shared.data_dir.client()?.request_code(&request)?)
    }

    pub(crate) fn login(&self, phone: String, code: Secret) -> Result<SessionView> {
        let phone = digits(&phone);
        let login = Login { phone: phone.clone(), code: code.expose().trim().to_owned() };
        let session = self.shared.data_dir.client()?.login(&login)?;
        let view = SessionView { phone: masked_phone(&phone) };
        self.shared.data_dir.keep_session(Role::Applicant, session, Some(view.phone.clone()))?;
        self.shared.events.tell(&Event::Session { session: Some(view.clone()) });
        Ok(view)
    }

    /// Forgotten here whatever the portal says: a portal that is away keeps nobody logged in on a shared machine.
    pub(crate) fn logout(&self) -> Result<Done> {
        let told = self.client().and_then(|client| Ok(client.logout()?));
        self.shared.data_dir.forget_session(Role::Applicant)?;
        self.shared.events.tell(&Event::Session { session: None });
        match told {
            Err(AssistantError::Api(error)) if !error.is_passing() && error.problem().is_none() => {
                Err(error.into())
            }
            _ => Ok(Done {}),
        }
    }

    pub(crate) fn certificates(&self, query: CertificateQuery) -> Result<Page<CertificateView>> {
        self.ask(|client| client.certificates(&query))
    }

    pub(crate) fn certificate(&self, serial: String) -> Result<CertificateView> {
        self.ask(|client| client.certificate(&serial))
    }

    pub(crate) fn orders(&self, query: OrderQuery) -> Result<OrderList> {
        self.ask(|client| client.orders(&query))
    }

    pub(crate) fn order(&self, no: String) -> Result<OrderView> {
        self.ask(|client| client.order(&no))
    }

    pub(crate) fn create_order(&self, order: CreateOrder) -> Result<OrderView> {
        self.ask(|client| client.create_order(&order))
    }

    pub(crate) fn save_form(&self, no: String, form: SaveForm) -> Result<OrderView> {
        self.ask(|client| client.save_form(&no, &form))
    }

    /// Step 0 of a renewal.
    pub(crate) fn fix_mode(&self, no: String, agrees: bool) -> Result<FreeCapacityView> {
        let client = self.client()?;
        let mut tokens = TokenSet::open(&self.shared.drivers, self.shared.host_exe.as_deref());
        match fix_mode_by_token(&client, &mut tokens, &no, |_| agrees) {
            Ok(mode) => Ok(FreeCapacityView { mode, must_agree: false }),
            Err(FlowError::Stopped { .. }) => {
                Ok(FreeCapacityView { mode: Some(Mode::Replace), must_agree: true })
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn order_code(&self, no: String) -> Result<CodeSent> {
        let request = RequestCode { purpose: Purpose::OrderConfirm, phone: None, order: Some(no) };
        self.ask(|client| client.request_code(&request))
    }

    pub(crate) fn confirm_order(&self, no: String, agreement: bool, code: Secret) -> Result<OrderView> {
        let confirmation = ConfirmOrder {
            agreement,
            code: code.expose().trim().to_owned(),
            payment_method: PaymentMethod::BankTransfer,
        };
        self.ask(|client| client.confirm_order(&no, &confirmation))
    }

    pub(crate) fn edit_order(&self, no: String) -> Result<OrderView> {
        self.ask(|client| client.edit_order(&no))
    }

    pub(crate) fn cancel_order(&self, no: String) -> Result<OrderView> {
        self.ask(|client| client.cancel_order(&no))
    }

    pub(crate) fn delete_order(&self, no: String) -> Result<Done> {
        self.ask(|client| client.delete_order(&no)).map(|()| Done {})
    }

    pub(crate) fn request_refund(&self, no: String, reason: String) -> Result<OrderView> {
        self.ask(|client| client.request_refund(&no, &Reason { reason }))
    }

    pub(crate) fn refresh_tokens(&self) -> Result<crate::view::TokensView> {
        self.tokens.handle().look();
        Ok(self.tokens.view())
    }

    pub(crate) fn export_certificate(&self, token_id: String, serial: String) -> Result<TextFile> {
        let der = self.tokens.handle().certificate(&token_id, &serial)?;
        let certificate = Certificate::from_der(&der)?;
        let word = match self.language() {
            Language::Zh => "证书",
            Language::En => "certificate",
        };
        let tail = &serial[serial.len().saturating_sub(8)..];
        Ok(TextFile { name: format!("{word}-{tail}.pem"), text: certificate.to_pem()? })
    }
}

/// A phone number as people type or paste it.
fn digits(phone: &str) -> String {
    phone.chars().filter(|c| !c.is_whitespace() && *c != '-').collect()
}
