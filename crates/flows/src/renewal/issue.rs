//! Steps 4 to 9: the old key agrees, the new key requests, the portal issues; the certificate goes onto the token, and
//! the new key confirms it.

use ycd_pki::{authorization::Authorization, sm3::sm3};
use ycd_portal_api::{
    ApiError,
    problem::attempts as problem,
    wire::{
        Bytes,
        attempts::{AttemptState, AttemptView, Confirm, Issue, NoncePurpose, SignedAuthorization},
        login::Purpose,
    },
};
use ycd_token::{Contents, Spki, TokenInfo};

use super::{Event, Renewal, Step, check, generate::Signing, has_pair};
use crate::session::error::{FlowError, OperatorReason, Result};

impl Renewal<'_> {
    /// Steps 4, 5 and 6. The certificate that is issued already, or is issued now. `None` where the portal has moved
    /// on.
    pub(super) fn certificate(
        &mut self,
        token: &TokenInfo,
        view: &AttemptView,
        contents: &Contents,
        next: &Signing,
    ) -> Result<Option<Vec<u8>>> {
        match &view.certificate {
            Some(certificate) if next.is_issued => Ok(Some(certificate.0.clone())),
            _ => self.sign_and_issue(token, view, contents, &next.signer),
        }
    }

    /// Steps 4, 5 and 6. `None` where the portal says that the attempt is bound to another token or no longer open.
    fn sign_and_issue(
        &mut self,
        token: &TokenInfo,
        view: &AttemptView,
        contents: &Contents,
        signer: &Spki,
    ) -> Result<Option<Vec<u8>>> {
        self.begins(Step::Sign)?;
        let authorization = self.old_key_agrees(token, view, contents, signer)?;
        let csr = self
            .on_token(Step::Sign, |tokens| tokens.sign_request(&token.token_id, signer, &view.subject.0))?;
        check::request_is_signed_rightly(&csr, signer)?;
        self.tell(Step::Sign, &Event::Requested { request: csr.clone() })?;

        self.begins(Step::Issue)?;
        // In place of the old key's word on this public key the person's, anew; what is bound already needs neither.
        let step_up = match (&authorization, &view.public_key) {
            (None, None) => Some(self.step_up(Step::Issue, view, Purpose::Replace)?),
            _ => None,
        };
        let issue = Issue { request: Bytes(csr), authorization, step_up };
        match self.portal.issue(&view.order, view.attempt, &issue) {
            Ok(issued) => Ok(Some(issued.certificate.0)),
            Err(error) if moved_on(&error) => Ok(None),
            Err(source) => Err(FlowError::Portal { step: Step::Issue.into(), source }),
        }
    }

    /// Step 4. `None` where the old key pair is gone, and had agreed to be replaced.
    fn old_key_agrees(
        &mut self,
        token: &TokenInfo,
        view: &AttemptView,
        contents: &Contents,
        signer: &Spki,
    ) -> Result<Option<SignedAuthorization>> {
        let old = Spki(check::public_key(&view.old_certificate.0)?);
        if has_pair(contents, &old) {
            let nonce = self.nonce(Step::Sign, view, NoncePurpose::Renew)?;
            let authorization = Authorization::Renew {
                portal: view.portal.clone(),
                order: view.order.clone(),
                attempt: view.attempt,
                token_id: token.token_id.to_string(),
                old_certificate: sm3(&view.old_certificate.0),
                new_public_key: sm3(&signer.0),
                nonce,
            };
            self.sign(Step::Sign, token, &old, &authorization, nonce).map(Some)
        } else if view.replace_agreed {
            Ok(None)
        } else {
            Err(FlowError::OperatorNeeded { reason: OperatorReason::OldKeyGone })
        }
    }

    /// Step 7. `None` where the attempt was given up elsewhere since it was opened here.
    pub(super) fn still_open(
        &mut self,
        token: &TokenInfo,
        opened: &AttemptView,
    ) -> Result<Option<AttemptView>> {
        let view = self.seen_by_portal(&opened.order)?;
        if view.attempt != opened.attempt || view.state == AttemptState::Closed {
            return Ok(None);
        }
        self.record(token, &view, Step::Issue)?;
        Ok(Some(view))
    }

    /// Step 7. What came back is what was ordered; it goes onto the token and is read back.
    pub(super) fn write(
        &mut self,
        token: &TokenInfo,
        view: &AttemptView,
        signer: &Spki,
        certificate: &[u8],
    ) -> Result<()> {
        let chain: Vec<&[u8]> = view.chain.iter().map(|c| c.0.as_slice()).collect();
        check::fits_the_order(certificate, view, signer)?;
        check::is_trusted(certificate, &chain, self.anchors, view.portal_time.0)?;
        self.begins(Step::Write)?;
        self.on_token(Step::Write, |tokens| tokens.write_certificate(&token.token_id, certificate))?;
        self.record(token, view, Step::Write)
    }

    /// Steps 8 and 9. The new key proves that its certificate lies beside it; the portal completes the order. `false`
    /// where the portal has moved on.
    pub(super) fn confirm(
        &mut self,
        token: &TokenInfo,
        view: &AttemptView,
        signer: &Spki,
        certificate: &[u8],
    ) -> Result<bool> {
        self.begins(Step::Confirm)?;
        let serial = check::serial(certificate)?;
        let nonce = self.nonce(Step::Confirm, view, NoncePurpose::Confirm)?;
        let authorization = Authorization::Confirm {
            portal: view.portal.clone(),
            order: view.order.clone(),
            attempt: view.attempt,
            serial,
            nonce,
        };
        let authorization = self.sign(Step::Confirm, token, signer, &authorization, nonce)?;
        match self.portal.confirm(&view.order, view.attempt, &Confirm { authorization }) {
            Ok(_) => {}
            Err(error) if moved_on(&error) => return Ok(false),
            Err(source) => return Err(FlowError::Portal { step: Step::Confirm.into(), source }),
        }
        self.record(token, view, Step::Confirm)?;
        Ok(true)
    }
}

/// Another machine was quicker, or an earlier request arrived late: what the portal says now decides.
fn moved_on(error: &ApiError) -> bool {
    error.is_any(&[problem::KEY_CONFLICT, problem::NOT_OPEN, problem::NOT_ISSUED])
}
