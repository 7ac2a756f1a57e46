//! Reading tokens, in a thread with driver hosts of its own.

use std::{
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use time::{Duration, OffsetDateTime};
use ycd_pki::{Certificate, CertificateInfo, CertificateState};
use ycd_token::{Contents, KeyPairState, TokenAccess as _, TokenError, TokenId, TokenSet};

use super::{News, OnToken};
use crate::{
    context::Context,
    view::{CertificateOnToken, OnTokenState, PairOnToken},
};

pub(super) enum Task {
    List {
        events: u32,
    },
    Read(TokenId),
    /// Ends the hosts: whoever works on a token is alone with it.
    Rest {
        rested: Sender<()>,
    },
    /// Other drivers are installed than before.
    StartAnew,
    /// All that was given before is done.
    Done(Option<Sender<()>>),
}

pub(super) struct Reader(Sender<Task>);

impl Reader {
    /// Ends when the hub does.
    pub fn start(shared: Arc<Context>, news: Sender<News>) -> Self {
        let (give, tasks) = mpsc::channel();
        thread::spawn(move || run(&shared, &tasks, &news));
        Self(give)
    }

    pub fn give(&self, task: Task) {
        let _ = self.0.send(task);
    }
}

fn run(shared: &Context, tasks: &Receiver<Task>, news: &Sender<News>) {
    let mut hosts: Option<TokenSet> = None;
    let open = || TokenSet::open(&shared.drivers, shared.host_exe.as_deref());
    while let Ok(task) = tasks.recv() {
        let tell = match task {
            Task::List { events } => {
                let listed = hosts.get_or_insert_with(open).list();
                News::Listed { tokens: listed.unwrap_or_default(), events }
            }
            Task::Read(token) => {
                let outcome = read(hosts.get_or_insert_with(open), &token, shared.clock.now());
                News::Read { token, outcome }
            }
            Task::Rest { rested } => {
                hosts = None;
                let _ = rested.send(());
                continue;
            }
            Task::StartAnew => {
                hosts = None;
                continue;
            }
            Task::Done(done) => {
                drop(done);
                continue;
            }
        };
        if news.send(tell).is_err() {
            break;
        }
    }
}

fn read(hosts: &mut TokenSet, token: &TokenId, now: OffsetDateTime) -> Result<OnToken, TokenError> {
    // A token that has just come is known to its module once it was listed.
    let contents = match hosts.read(token) {
        Err(TokenError::Removed | TokenError::NotFound { .. }) => {
            hosts.list()?;
            hosts.read(token)?
        }
        outcome => outcome?,
    };
    Ok(on_token(&contents, now))
}

fn on_token(contents: &Contents, now: OffsetDateTime) -> OnToken {
    let mut certificates = Vec::new();
    let mut bare = 0;
    for container in &contents.containers {
        let pair = match container.pair {
            KeyPairState::Complete | KeyPairState::PrivateHidden => PairOnToken::There,
            KeyPairState::Orphaned => PairOnToken::Orphaned,
            KeyPairState::Nothing => PairOnToken::None,
        };
        if container.certificates.is_empty() && pair != PairOnToken::None {
            bare += 1;
        }
        for der in &container.certificates {
            // What does not read as a certificate is none of ours.
            if let Ok(certificate) = Certificate::from_der(der) {
                certificates.push((shown(&certificate, pair, now), der.clone()));
            }
        }
    }
    certificates.sort_by_key(|(shown, _)| std::cmp::Reverse((shown.not_before, shown.not_after)));
    OnToken { certificates, pairs_without_certificate: bare, free_pairs: contents.free_containers }
}

/// A machine's clock may be behind the authority's: what was issued a moment ago is not told to be still to come.
const CLOCK_TOLERANCE: Duration = Duration::minutes(15);

fn shown(certificate: &Certificate, pair: PairOnToken, now: OffsetDateTime) -> CertificateOnToken {
    let begins = certificate.not_before();
    let now = if begins > now && begins - now <= CLOCK_TOLERANCE { begins } else { now };
    let info = CertificateInfo::of(certificate, now);
    CertificateOnToken {
        serial: info.serial,
        holder: info.holder,
        organization: info.organization,
        issuer: info.issuer,
        subject: info.subject,
        not_before: info.not_before.into(),
        not_after: info.not_after.into(),
        days_left: info.days_left,
        state: match info.state {
            CertificateState::NotYetValid => OnTokenState::NotYetValid,
            CertificateState::Valid => OnTokenState::Valid,
            CertificateState::ExpiringSoon => OnTokenState::ExpiringSoon,
            CertificateState::Expired => OnTokenState::Expired,
        },
        pair,
        fingerprint: info.fingerprint,
    }
}
