//! An applicant's machine: own journal, own locks, own driver hosts.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use serde::{Deserialize, Serialize};
use ycd_flows::{
    FlowError, UnlockError,
    clock::SystemClock,
    journal::Journal,
    lock::TokenLocks,
    renewal::{Options, Renewal, Renewed},
    trust::PinnedPortal,
    unlock::{self, Outcome, Unlock},
};
use ycd_pki::Certificate;
use ycd_portal_api::{
    Client,
    wire::{attempts::AttemptView, login::SessionToken},
};
use ycd_token::{Drivers, Pin, Profile, TokenAccess as _, TokenId, TokenSet, Unlocker};

use super::{IssuedToken, PIN, World, hurried};
use crate::prompter::{Scripted, UnlockScript};
use crate::user_store::RecordedStore;

/// A renewal for a process of its own (`ycd-renew-once`).
#[derive(Serialize, Deserialize)]
pub struct Task {
    portal: String,
    session: SessionToken,
    pub order: String,
    pub pin: String,
    data_dir: PathBuf,
    softkey_dir: PathBuf,
    /// PEM.
    anchors: String,
    /// The process ends itself right after this many journal records.
    pub abort_after: u32,
}

impl Task {
    pub fn new(world: &World, data_dir: &str, token: &IssuedToken, order: &str, abort_after: u32) -> Self {
        Self {
            portal: world.proxy.url(),
            session: world.session(&token.phone),
            order: order.to_owned(),
            pin: PIN.to_owned(),
            data_dir: world.path().join(data_dir),
            softkey_dir: world.softkey_dir(),
            anchors: world.direct().trust_anchors().expect("the anchors"),
            abort_after,
        }
    }

    /// Runs it to its end, one way or the other.
    pub fn run(&self) -> ExitStatus {
        let mut child = Command::new(program("ycd-renew-once"))
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the process starts");
        let input = child.stdin.take().expect("its standard input is a pipe");
        serde_json::to_writer(input, self).expect("the task is handed over");
        child.wait().expect("the process ends")
    }

    pub fn portal(&self) -> Client {
        let portal = Client::new(&self.portal, hurried()).expect("a loopback address");
        portal.with_session(self.session.clone())
    }
}

/// An applicant's machine.
pub struct Machine {
    pub journal: Journal,
    pub locks: TokenLocks,
    pub tokens: TokenSet,
    pub anchors: Vec<Certificate>,
    pub trust: PinnedPortal,
    pub data_dir: PathBuf,
    /// The user's certificate store, where this machine is to have one.
    pub store: Option<RecordedStore>,
}

impl Machine {
    pub(super) fn at(
        data_dir: PathBuf,
        tokens: TokenSet,
        anchors: Vec<Certificate>,
        trust: PinnedPortal,
    ) -> Self {
        std::fs::create_dir_all(&data_dir).expect("a folder");
        Self {
            journal: Journal::open(&data_dir.join("journal.sqlite")).expect("a journal"),
            locks: TokenLocks::in_folder(&data_dir.join("locks")).expect("a folder for locks"),
            tokens,
            anchors,
            trust,
            data_dir,
            store: None,
        }
    }

    pub fn of_task(task: &Task) -> Self {
        let anchors = Certificate::all_from_pem(&task.anchors).expect("certificates");
        let trust = trust_of(&task.portal());
        let anchors = anchors.into_iter().take(1).collect();
        Self::at(task.data_dir.clone(), open_tokens(&task.softkey_dir), anchors, trust)
    }

    /// Renews, or goes on, with this person in front of the machine.
    pub fn renew(
        &mut self,
        portal: &Client,
        prompter: &mut Scripted,
        order: &str,
    ) -> Result<Renewed, FlowError> {
        self.renew_with(portal, prompter, order, Options::default())
    }

    pub fn renew_with(
        &mut self,
        portal: &Client,
        prompter: &mut Scripted,
        order: &str,
        options: Options,
    ) -> Result<Renewed, FlowError> {
        self.renewal(portal, prompter, options).run(order)
    }

    pub fn abandon(
        &mut self,
        portal: &Client,
        prompter: &mut Scripted,
        order: &str,
    ) -> Result<AttemptView, FlowError> {
        self.renewal(portal, prompter, Options::default()).abandon(order)
    }

    fn renewal<'a>(
        &'a mut self,
        portal: &'a Client,
        prompter: &'a mut Scripted,
        options: Options,
    ) -> Renewal<'a> {
        Renewal {
            portal,
            tokens: &mut self.tokens,
            prompter,
            journal: &self.journal,
            locks: &self.locks,
            anchors: &self.anchors,
            trust: Some(&self.trust),
            clock: &SystemClock,
            store: self.store.as_ref().map(RecordedStore::as_the_flow_has_it),
            options,
        }
    }

    /// Unlocks what is inserted, or goes on, with this person in front of the machine.
    pub fn unlock(&mut self, portal: &Client, prompter: &mut UnlockScript) -> Result<Outcome, UnlockError> {
        self.unlock_with(portal, prompter, unlock::Options::default())
    }

    pub fn unlock_with(
        &mut self,
        portal: &Client,
        prompter: &mut UnlockScript,
        options: unlock::Options,
    ) -> Result<Outcome, UnlockError> {
        let flow = Unlock {
            portal,
            trust: &self.trust,
            tokens: &mut self.tokens,
            prompter,
            journal: &self.journal,
            locks: &self.locks,
            clock: &SystemClock,
            options,
        };
        flow.run()
    }

    /// As [`unlock`](Self::unlock), through something that stands before the tokens.
    pub fn unlock_through<'m>(
        &'m mut self,
        portal: &Client,
        prompter: &mut UnlockScript,
        before: impl FnOnce(&'m mut TokenSet) -> Box<dyn Unlocker + 'm>,
    ) -> Result<Outcome, UnlockError> {
        let mut tokens = before(&mut self.tokens);
        let flow = Unlock {
            portal,
            trust: &self.trust,
            tokens: tokens.as_mut(),
            prompter,
            journal: &self.journal,
            locks: &self.locks,
            clock: &SystemClock,
            options: unlock::Options::default(),
        };
        flow.run()
    }

    /// What lies on a token now, seen by a user who is logged in.
    pub fn contents(&mut self, token: &TokenId) -> ycd_token::Contents {
        self.tokens.login(token, &Pin::new(PIN)).expect("the PIN is right");
        let contents = self.tokens.read(token).expect("the token is read");
        self.tokens.logout(token).expect("logged out");
        contents
    }
}

/// The portal's name and tokens, as a machine keeps them when it is set up.
pub fn trust_of(portal: &Client) -> PinnedPortal {
    PinnedPortal::from_wire(&portal.portal_keys().expect("the portal's keys")).expect("SM2 keys")
}

/// An embedded driver profile.
pub fn profile(name: &str) -> Profile {
    Drivers::load(None).expect("the profiles").profile(name).expect("an embedded profile").clone()
}

/// All software tokens of a folder, through module and host.
pub fn open_tokens(folder: &Path) -> TokenSet {
    let drivers = Drivers::load(Some(&folder.join("no-admin-folder-here")))
        .or_else(|_| Drivers::load(None))
        .expect("the profiles")
        .with_env("YCD_SOFTKEY_DIR", folder);
    TokenSet::open(&drivers, Some(&program("ycd-host")))
}

/// A program of this workspace, where cargo puts it.
///
/// # Panics
/// Where it has not been built.
pub fn program(name: &str) -> PathBuf {
    let exe = std::env::current_exe().expect("this program's own path");
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    exe.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file())
        .unwrap_or_else(|| {
            panic!("{name} is not built: cargo build -p ycd-cli -p ycd-token-host -p ycd-softkey")
        })
}
