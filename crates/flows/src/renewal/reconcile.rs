//! Step 2: from what the portal says and what is on the token, where the work goes on. Pure: no clock, no journal.

use ycd_portal_api::wire::{
    Bytes,
    attempts::{AttemptState, AttemptView, Mode},
    orders::PublicStatus,
};
use ycd_token::{Container, ContainerHandle, Contents, KeyPairState, Spki};

use crate::session::error::OperatorReason;

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Clear a container away, then start again: an orphaned pair, the pair of an attempt given up, or the old pair
    /// where its key has agreed to be replaced.
    Destroy(ContainerHandle),
    /// Mode *replace*: there is no free capacity, and the old key has not yet agreed.
    AgreeToReplace,
    /// 3
    Generate,
    /// 4
    Sign(Spki),
    /// 7: the certificate is issued; it may or may not be on the token.
    Write(Spki),
    /// 10: the order is complete.
    RemoveSuperseded(Spki),
    /// 11: the pair that the attempt is bound to is gone.
    GiveUp,
    Operator(OperatorReason),
    /// The order is closed, or an operator's.
    Over,
}

/// `contents` must have been read by a logged-in user: before login nobody can tell an orphaned pair from a complete
/// one.
pub fn reconcile(view: &AttemptView, contents: &Contents) -> Next {
    let complete = |spki: &Spki| contents.with_key(spki).is_some_and(|c| c.pair == KeyPairState::Complete);
    let bound = view.public_key.as_ref().map(|token| Spki(token.0.clone()));
    let old = ycd_pki::cert::Certificate::from_der(&view.old_certificate.0)
        .ok()
        .map(|c| Spki(c.spki_der().to_vec()));

    if view.public_status == PublicStatus::Completed {
        return match bound.or(old) {
            Some(spki) => Next::RemoveSuperseded(spki),
            None => Next::Over,
        };
    }
    if view.public_status != PublicStatus::AwaitingRenewal || view.state == AttemptState::Closed {
        return Next::Over;
    }

    if view.mode != Mode::SameKeyPair
        && let Some(leftover) = contents.containers.iter().find(|c| is_leftover(c, view, contents))
    {
        return Next::Destroy(leftover.handle.clone());
    }

    // Destroying the old pair was cut off: what is left of it takes the free capacity of one, and is of no use.
    let agreed = view.mode == Mode::Replace && view.replace_agreed;
    let remains = |spki: &Spki| contents.with_key(spki).is_some_and(|c| c.pair == KeyPairState::Orphaned);
    if let Some(old) = old.as_ref().filter(|spki| agreed && remains(spki)) {
        return Next::Destroy(ContainerHandle::PublicKey(old.clone()));
    }

    // The pair the attempt is bound to decides, even if another pair bears the CKA_ID.
    let mine = if view.mode == Mode::SameKeyPair { old.clone() } else { bound.clone() };
    if let Some(mine) = mine.filter(|spki| complete(spki)) {
        let is_extra = |c: &&Container| {
            contents.keeps_ids
                && c.id == view.cka_id.0
                && c.pair == KeyPairState::Complete
                && c.certificates.is_empty()
                && c.spki.as_ref() != Some(&mine)
        };
        if let Some(extra) =
            contents.containers.iter().find(is_extra).filter(|_| view.mode != Mode::SameKeyPair)
        {
            return Next::Destroy(extra.handle.clone());
        }
        return if view.state == AttemptState::Issued { Next::Write(mine) } else { Next::Sign(mine) };
    }
    if view.mode == Mode::SameKeyPair {
        return Next::Operator(OperatorReason::OldKeyGone);
    }
    if bound.is_some() {
        return Next::GiveUp;
    }

    let candidates: Vec<&Container> = contents
        .containers
        .iter()
        .filter(|c| c.pair == KeyPairState::Complete && is_new(c, view, contents))
        .collect();
    match candidates.as_slice() {
        [] => {}
        [one] => {
            if let Some(spki) = &one.spki {
                return Next::Sign(spki.clone());
            }
        }
        // The driver of an assistant that was killed may finish its pair after the next one has begun: all with the
        // CKA_ID are the order's own, and one is enough.
        [.., extra] if contents.keeps_ids => return Next::Destroy(extra.handle.clone()),
        _ => return Next::Operator(OperatorReason::SeveralCandidates),
    }

    let old_is_here = old.as_ref().is_some_and(complete);
    if !old_is_here && !view.replace_agreed {
        return Next::Operator(OperatorReason::OldKeyGone);
    }
    match old.filter(|_| old_is_here) {
        Some(old) if view.mode == Mode::Replace && contents.free_containers == Some(0) => {
            if view.replace_agreed {
                Next::Destroy(ContainerHandle::PublicKey(old))
            } else {
                Next::AgreeToReplace
            }
        }
        _ => Next::Generate,
    }
}

/// Made for the open attempt. A token that keeps no CKA_ID shows it only by not having been there before the order.
fn is_new(container: &Container, view: &AttemptView, contents: &Contents) -> bool {
    if contents.keeps_ids { container.id == view.cka_id.0 } else { is_outside_inventory(container, view) }
}

/// Made by this order for an attempt that was given up, or only half made. What was there before the order, and does
/// not bear one of its CKA_IDs, is never a leftover.
fn is_leftover(container: &Container, view: &AttemptView, contents: &Contents) -> bool {
    let is = |known: &Option<Bytes>| match (known, &container.spki) {
        (Some(known), Some(spki)) => known.0 == spki.0,
        _ => false,
    };
    let is_open_attempts = contents.keeps_ids && container.id == view.cka_id.0;
    let is_abandoned_attempts =
        contents.keeps_ids && view.abandoned.iter().any(|a| a.cka_id.0 == container.id);
    let dead = is_abandoned_attempts || view.abandoned.iter().any(|a| is(&a.public_key));
    let outside = is_outside_inventory(container, view);
    let ours = is_open_attempts || is_abandoned_attempts || outside && (dead || !contents.keeps_ids);
    let half = container.pair == KeyPairState::Orphaned && container.certificates.is_empty();
    ours && (half || dead && !is(&view.public_key))
}

fn is_outside_inventory(container: &Container, view: &AttemptView) -> bool {
    container.spki.as_ref().is_some_and(|spki| view.inventory.iter().all(|known| known.0 != spki.0))
}

#[cfg(test)]
mod tests;
