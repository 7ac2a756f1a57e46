//! Step 10: what is superseded goes if the person agreed, the certificate is registered, the work is done.

use ycd_pki::cert::{Certificate, CertificateInfo};
use ycd_portal_api::wire::{
    Bytes,
    attempts::{AttemptView, Mode},
};
use ycd_token::{ContainerHandle, Contents, Spki, TokenInfo};

use super::{Event, Renewal, Renewed, Step, check, has_pair};
use crate::{
    session::{
        error::{FlowError, Result},
        passes::Pass,
    },
    store::StoreError,
};

impl Renewal<'_> {
    /// Step 10: the old key pair goes only if the person agreed to it on this page; in mode *same key pair*, to which
    /// the person agreed with the order, its old certificate goes.
    pub(super) fn remove_superseded(
        &mut self,
        token: &TokenInfo,
        view: &AttemptView,
        contents: &Contents,
        new: &Spki,
    ) -> Result<()> {
        let old_der = &view.old_certificate.0;
        let old = Spki(check::public_key(old_der)?);
        let holds = |spki: &Spki, der: &[u8]| {
            contents.with_key(spki).is_some_and(|c| c.certificates.iter().any(|have| have == der))
        };
        let new_is_there = has_pair(contents, new)
            && view.certificate.as_ref().is_some_and(|new_der| holds(new, &new_der.0));
        if !new_is_there {
            return Ok(());
        }
        if view.mode == Mode::SameKeyPair {
            if holds(&old, old_der) {
                self.begins(Step::RemoveSuperseded)?;
                self.on_token(Step::RemoveSuperseded, |tokens| {
                    tokens.remove_certificate(&token.token_id, old_der)
                })?;
            }
        } else if self.options.remove_old_pair && old != *new && contents.with_key(&old).is_some() {
            self.begins(Step::RemoveSuperseded)?;
            self.on_token(Step::RemoveSuperseded, |tokens| {
                tokens.destroy(&token.token_id, &ContainerHandle::PublicKey(old))
            })?;
        }
        Ok(())
    }

    /// Step 10, where the system has a store of certificates and the token model says how they are registered there.
    /// The portal has the confirmation, so nothing that fails here is more than told, and a wish to stop has nothing
    /// left to stop.
    fn register(&mut self, token: &TokenInfo, view: &AttemptView, new_der: &[u8]) {
        let Some(store) = self.store.filter(|store| store.says(token).is_some()) else { return };
        let _ = self.prompter.tell(&Event::begins(Step::Register));
        let read = self.tokens.read(&token.token_id).map_err(StoreError::from);
        let outcome = read.and_then(|contents| {
            let parse = |der: &[u8]| Certificate::from_der(der).map_err(|_| StoreError::NotOnToken);
            store.register(token, &contents, &parse(new_der)?, &[parse(&view.old_certificate.0)?])
        });
        let event = match outcome {
            Ok(registered) => Event::Registered(registered),
            Err(error) => Event::NotRegistered { code: error.code().to_owned(), detail: error.to_string() },
        };
        let _ = self.prompter.tell(&event);
    }

    pub(super) fn has_to_remove_superseded(&self, view: &AttemptView, contents: &Contents) -> bool {
        let Ok(old) = check::public_key(&view.old_certificate.0) else { return false };
        let old = contents.with_key(&Spki(old));
        match view.mode {
            Mode::SameKeyPair => old.is_some_and(|c| c.certificates.contains(&view.old_certificate.0)),
            Mode::SideBySide | Mode::Replace => self.options.remove_old_pair && old.is_some(),
        }
    }

    /// Step 10. The certificate is registered; journal: *done*.
    pub(super) fn finish(&mut self, token: &TokenInfo, view: &AttemptView) -> Result<Pass<Renewed>> {
        let Some(new) = &view.certificate else {
            return Err(FlowError::OrderNotReady { state: view.public_status.name().to_owned() });
        };
        self.register(token, view, &new.0);
        self.record(token, view, Step::Done)?;
        let now = view.portal_time.0;
        let info = |der: &Bytes| {
            check::parse(&der.0).map(|certificate| Box::new(CertificateInfo::of(&certificate, now)))
        };
        let event = Event::Finished { old: info(&view.old_certificate)?, new: info(new)? };
        // The work is done; a wish to stop has nothing left to stop.
        let _ = self.prompter.tell(&event);
        Ok(Pass::Ended(Renewed {
            order: view.order.clone(),
            token: token.token_id.clone(),
            old: view.old_certificate.0.clone(),
            new: new.0.clone(),
            chain: view.chain.iter().map(|c| c.0.clone()).collect(),
        }))
    }
}
