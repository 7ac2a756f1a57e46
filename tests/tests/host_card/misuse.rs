//! Every call that goes to the card, struck in every way that cards, readers and their service have, at the commands
//! that it sends: the call ends within its deadline with the right error or *Unknown*, the host is replaced where it is
//! stuck or gone and kept where it is not, another token on another reader goes on working, the PIN that is in force is
//! one of the two, the call works again once the card does, and no process is left.
//!
//! In short form each call is struck at its last command, in fewer ways. `cargo xtask exhaustive` strikes at each.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use ycd_softkey::{
    admin,
    card::{self, Runner},
};
use ycd_tests::{
    card::{Card, Reset},
    pcscd::{Pcscd, in_own_process},
};
use ycd_token::{Pin, SoLogin, TokenAccess, TokenError, Unlocker};

use super::{
    meddler::{How, Meddler, Spoil, When},
    setup::{Workstation, comes, wait},
};

/// Of every call, milliseconds.
const DEADLINE_MS: u32 = 800;
/// What a call may take beyond its deadline: for killing and burying the host, on a machine that is busy.
const GRACE: Duration = Duration::from_millis(1500);

/// Asked before the neighbour's, by whoever asks them one after the other.
const ANOTHER_READER: usize = 0;
const READER: usize = 2;
const NEIGHBOURS_READER: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Challenge,
    Unblock,
    Install,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Challenge => "unlock_challenge",
            Self::Unblock => "unblock",
            Self::Install => "install_unblock_key",
        }
    }

    /// INS and occurrence of what it sends to its card; the last one does the work.
    fn commands(self) -> &'static [(u8, u32)] {
        match self {
            Self::Challenge => &[(SELECT, 1), (GET_DATA, 1), (GET_CHALLENGE, 1)],
            Self::Unblock => &[(SELECT, 1), (RESET_RETRY, 1)],
            Self::Install => &[(SELECT, 1), (GET_DATA, 1), (SELECT, 2), (VERIFY, 1), (PUT_DATA, 1)],
        }
    }

    /// Otherwise nothing is lost by it, and no error says *Unknown*.
    fn changes_card(self) -> bool {
        self != Self::Challenge
    }
}

const SELECT: u8 = 0xA4;
const GET_DATA: u8 = 0xCA;
const GET_CHALLENGE: u8 = 0x84;
const RESET_RETRY: u8 = 0x2C;
const VERIFY: u8 = 0x20;
const PUT_DATA: u8 = 0xDA;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The host's process dies.
    Crash(When),
    Hang(When),
    Slow,
    TooSlow,
    /// The n-th of the status words.
    Says(usize, When),
    /// The n-th of the wrong lengths.
    Length(usize),
    Pulled(When),
    ServiceKilled(When),
    /// Before the call the card goes, and another one comes that does not answer to being powered.
    Mute,
}

/// What a card may say out of place: failures, problems, success without having done anything, numbers of nobody.
const WORDS: [u16; 14] = [
    0x6F00, 0x9000, 0x6982, 0x63C2, 0x6985, 0x6A80, 0x6988, 0x6581, 0x6983, 0x6A82, 0x6D00, 0x9001, 0x63C0,
    0x0000,
];

type Spoilt = fn(&[u8]) -> Vec<u8>;

/// Responses with too little or too much in them, from the right one. One without any byte is none to the reader.
const LENGTHS: [Spoilt; 6] = [
    |right| right[right.len() - 2..right.len() - 1].to_vec(),
    |right| right[1..].to_vec(),
    |right| [&[0x55], right].concat(),
    |right| right[right.len() - 2..].to_vec(),
    |_| [&[0x55; 300][..], &[0x90, 0x00]].concat(),
    |_| [&[0x55; 60_000][..], &[0x90, 0x00]].concat(),
];

impl Kind {
    fn all() -> Vec<Self> {
        use When::{After, Before};
        let both: [fn(When) -> Self; 4] = [Self::Crash, Self::Hang, Self::Pulled, Self::ServiceKilled];
        let mut kinds = vec![Self::Slow, Self::TooSlow, Self::Mute];
        kinds.extend(both.iter().flat_map(|kind| [kind(Before), kind(After)]));
        kinds.extend((0..WORDS.len()).flat_map(|at| [Self::Says(at, Before), Self::Says(at, After)]));
        kinds.extend((0..LENGTHS.len()).map(Self::Length));
        kinds
    }

    /// A few, of which those that take long are spread over the operations.
    fn short(operation: Operation) -> Vec<Self> {
        use When::{After, Before};
        let mut kinds = vec![
            Self::Crash(After),
            Self::Hang(Before),
            Self::Pulled(After),
            Self::Slow,
            Self::Says(0, Before),
            Self::Says(0, After),
            Self::Says(1, Before),
            Self::Length(0),
            Self::Length(2),
        ];
        kinds.push(match operation {
            Operation::Challenge => Self::Mute,
            Operation::Unblock => Self::ServiceKilled(After),
            Operation::Install => Self::TooSlow,
        });
        kinds
    }

    /// Whether the host is gone afterwards.
    fn stops_the_host(self) -> bool {
        matches!(self, Self::Crash(_) | Self::Hang(_) | Self::TooSlow)
    }

    /// Whether the call may be said to be done though the card says that it did nothing, or did nothing and says that
    /// it did: nobody can know.
    fn lies(self) -> bool {
        match self {
            Self::Says(at, When::Before) => WORDS[at] == 0x9000,
            Self::Says(_, When::After) | Self::Length(_) => true,
            _ => false,
        }
    }
}

#[derive(Debug)]
struct Cell {
    operation: Operation,
    command: (u8, u32),
    kind: Kind,
}

impl Cell {
    fn does_the_work(&self) -> bool {
        self.operation.commands().last() == Some(&self.command)
    }

    fn allows(&self, outcome: &Result<(), TokenError>) -> bool {
        let operation = self.operation.name().to_owned();
        let error = match outcome {
            Ok(()) => return self.kind == Kind::Slow || self.kind.lies(),
            Err(error) => error,
        };
        let unknown = *error == TokenError::Unknown { operation: operation.clone() };
        let from_the_client = matches!(
            error,
            TokenError::HostDied { .. } | TokenError::HostTimeout { .. } | TokenError::HostStart { .. }
        );
        // Where nothing was sent that could change the card, the host knows that it is as it was.
        let may_be_unknown = self.operation.changes_card() && self.does_the_work();
        match self.kind {
            Kind::Slow => false,
            Kind::Crash(_) if self.operation.changes_card() => unknown,
            Kind::Crash(_) => *error == TokenError::HostDied { operation },
            Kind::Hang(_) | Kind::TooSlow if self.operation.changes_card() => unknown,
            Kind::Hang(_) | Kind::TooSlow => {
                *error == TokenError::HostTimeout { operation, seconds: DEADLINE_MS.div_ceil(1000) }
            }
            Kind::Mute => matches!(error, TokenError::Removed | TokenError::CardMissing),
            Kind::Pulled(_) | Kind::ServiceKilled(_) if may_be_unknown => unknown,
            Kind::Pulled(_) | Kind::ServiceKilled(_) => {
                matches!(error, TokenError::Removed | TokenError::CardMissing)
            }
            Kind::Says(..) | Kind::Length(_) => !from_the_client && (may_be_unknown || !unknown),
        }
    }
}

/// A token whose card goes through a meddler, and a neighbour whose card does not.
struct Scene {
    pcscd: Arc<Mutex<Pcscd>>,
    meddler: Meddler,
    own: Workstation,
    neighbour: Workstation,
    /// They serve the cards for as long as they live.
    _runners: [Runner; 2],
    /// Of the token's host, for whoever kills it.
    process: Arc<AtomicU32>,
    /// In force before the cell, and set by it.
    pins: [String; 2],
    /// Versions of the unblock key, likewise.
    versions: [u32; 2],
}

impl Scene {
    fn new() -> Self {
        let pcscd = Pcscd::start(6);
        let workstation = || Workstation::new(pcscd.environment(), Some(10_000));
        let (mut own, mut neighbour) = (workstation(), workstation());
        let meddler = Meddler::new(pcscd.ports()[READER]);
        let serve = |workstation: &Workstation, reader: &str| {
            card::start(workstation.folder.path(), &workstation.serial, reader, |_| ()).unwrap()
        };
        let runners = [
            serve(&own, &meddler.address),
            serve(&neighbour, &format!("127.0.0.1:{}", pcscd.ports()[NEIGHBOURS_READER])),
        ];
        wait(READER, true);
        wait(NEIGHBOURS_READER, true);
        for workstation in [&mut own, &mut neighbour] {
            workstation.personalization();
            workstation.host.install_unblock_key(&workstation.token).unwrap();
            workstation.host.unlock_end(&workstation.token).unwrap();
        }
        // From here on with the short deadline.
        own.hurry(pcscd.environment(), DEADLINE_MS);
        let pins = ["12345678".to_owned(), String::new()];
        Self {
            pcscd: Arc::new(Mutex::new(pcscd)),
            meddler,
            own,
            neighbour,
            _runners: runners,
            process: Arc::default(),
            pins,
            versions: [1, 1],
        }
    }

    /// Everything up to the call itself.
    fn prepare(&mut self, operation: Operation, number: u32) {
        self.pins[1] = format!("{:06}", 200_000 + number);
        self.versions[1] = self.versions[0];
        match operation {
            Operation::Challenge => drop(self.own.begin()),
            Operation::Unblock => {
                let one_time = self.own.begin();
                self.own.answered(&one_time);
            }
            Operation::Install => {
                self.versions[1] = number + 1;
                self.own.open_personalization(self.versions[1]);
                let token = self.own.token.clone();
                self.own.host.so_login(&token, &SoLogin::Next, &[]).unwrap();
            }
        }
    }

    fn perform(&mut self, operation: Operation) -> Result<(), TokenError> {
        let token = self.own.token.clone();
        match operation {
            Operation::Challenge => self.own.host.unlock_challenge(&token).map(drop),
            Operation::Unblock => self.own.host.unblock(&token, &Pin::new(&self.pins[1])),
            Operation::Install => self.own.host.install_unblock_key(&token),
        }
    }

    fn spoil(&self, cell: &Cell) -> Option<Spoil> {
        let deadline = Duration::from_millis(DEADLINE_MS.into());
        let (when, how) = match cell.kind {
            Kind::Mute => return None,
            Kind::Crash(when) => {
                let process = self.process.clone();
                (when, How::Act(Arc::new(move || kill(process.load(Ordering::SeqCst)))))
            }
            Kind::Hang(when) => (when, How::Silence),
            Kind::Slow => (When::After, How::Later(deadline / 8)),
            Kind::TooSlow => (When::After, How::Later(2 * deadline)),
            Kind::Says(at, when) => {
                let word = WORDS[at].to_be_bytes();
                // With the data where there were some: only the word is another one.
                let says = move |right: &[u8]| [&right[..right.len().saturating_sub(2)], &word].concat();
                (when, How::Answer(Arc::new(says)))
            }
            Kind::Length(at) => (When::After, How::Answer(Arc::new(LENGTHS[at]))),
            Kind::Pulled(when) => {
                let (folder, serial) = (self.own.folder.path().to_owned(), self.own.serial.clone());
                (when, How::Act(Arc::new(move || admin::remove(&folder, &serial).unwrap())))
            }
            Kind::ServiceKilled(when) => {
                let pcscd = self.pcscd.clone();
                (when, How::Act(Arc::new(move || lock(&pcscd).kill())))
            }
        };
        Some(Spoil { instruction: cell.command.0, occurrence: cell.command.1, when, how })
    }

    fn strike(&mut self, cell: &Cell, number: u32) -> Result<(), String> {
        self.prepare(cell.operation, number);
        let process = self.own.host.process_id().ok_or("no host")?;
        self.process.store(process, Ordering::SeqCst);
        let spoil = self.spoil(cell);
        let is_mute = spoil.is_none();
        let mute = is_mute.then(|| self.in_place_of_the_card());
        if let Some(spoil) = spoil {
            self.meddler.arm(spoil);
        }
        let begun = Instant::now();
        let outcome = self.perform(cell.operation);
        let took = begun.elapsed();
        let struck = self.meddler.disarm() || is_mute;

        if !struck {
            return Err(format!("the command was not sent: {outcome:?}"));
        }
        if took > Duration::from_millis(DEADLINE_MS.into()) + GRACE {
            return Err(format!("took {took:?}: {outcome:?}"));
        }
        if !cell.allows(&outcome) {
            return Err(format!("{outcome:?}"));
        }
        let after = self.own.host.process_id();
        if cell.kind.stops_the_host() != after.is_none() {
            return Err(format!("the host was {process} and is {after:?}: {outcome:?}"));
        }
        if after.is_some_and(|after| after != process) {
            return Err("the host is another one".into());
        }
        // While the card is still stuck, mute or gone.
        let is_service_there = !matches!(cell.kind, Kind::ServiceKilled(_));
        self.neighbour_works(is_service_there)?;
        drop(mute);
        self.recover(cell);
        if !is_service_there {
            self.neighbour_works(true)?;
        }
        self.judge(cell, &outcome)?;
        if matches!(cell.kind, Kind::Says(..) | Kind::Length(_) | Kind::Slow) {
            // Nothing is gone; the next cell works on the same card.
            return Ok(());
        }
        // The call works again, by the same host or the new one.
        self.prepare(cell.operation, number + 1);
        self.perform(cell.operation).map_err(|error| format!("and then: {error:?}"))?;
        self.judge(cell, &Ok(()))
    }

    /// After a cell that failed: the next ones are not to fail by it.
    fn start_over(&mut self) {
        self.meddler.cut();
        self.own.host.rest();
        lock(&self.pcscd).restart();
        put_in_again(&self.own, READER);
        put_in_again(&self.neighbour, NEIGHBOURS_READER);
        self.neighbour.host.rest();
    }

    /// A mute one in another reader.
    fn in_place_of_the_card(&self) -> Card {
        admin::remove(self.own.folder.path(), &self.own.serial).unwrap();
        wait(READER, false);
        Card::mute(lock(&self.pcscd).ports()[ANOTHER_READER], Reset::Empty)
    }

    /// The card and the service are as before.
    fn recover(&mut self, cell: &Cell) {
        match cell.kind {
            Kind::Says(..) | Kind::Length(_) | Kind::Slow => return,
            Kind::ServiceKilled(_) => {
                self.meddler.cut();
                lock(&self.pcscd).restart();
                put_in_again(&self.neighbour, NEIGHBOURS_READER);
            }
            _ => self.meddler.cut(),
        }
        // Written down by the runner too, once it sees that the reader has closed.
        put_in_again(&self.own, READER);
    }

    /// What is on the token now is what the outcome says, or one of two where it is unknown.
    fn judge(&mut self, cell: &Cell, outcome: &Result<(), TokenError>) -> Result<(), String> {
        let token = self.own.token.clone();
        // A host that had a session is told once that the token was out.
        let _ = self.own.host.read(&token);
        let mut works = |pin: &str| match self.own.host.login(&token, &Pin::new(pin)) {
            Ok(()) => Ok(true),
            Err(TokenError::PinIncorrect { .. }) => Ok(false),
            Err(error) => Err(format!("login: {error:?}")),
        };
        let new_pin = cell.operation == Operation::Unblock && works(&self.pins[1])?;
        if !new_pin && !works(&self.pins[0])? {
            return Err("neither PIN works".into());
        }
        let on_token = admin::list(self.own.folder.path()).unwrap()[0].unblock_key.unwrap_or(0);
        if !self.versions.contains(&on_token) {
            return Err(format!("unblock key {on_token} of {:?}", self.versions));
        }
        let is_done = match cell.operation {
            Operation::Challenge => true,
            Operation::Unblock => new_pin,
            Operation::Install => on_token == self.versions[1],
        };
        if new_pin {
            self.pins.swap(0, 1);
        }
        self.versions = [on_token; 2];
        match outcome {
            _ if cell.operation == Operation::Challenge || cell.kind.lies() => Ok(()),
            Ok(()) if !is_done => Err("a wrong success".into()),
            Err(TokenError::Unknown { .. }) => Ok(()),
            Err(error) if is_done => Err(format!("done, but {error:?}")),
            _ => Ok(()),
        }
    }

    /// Without a service its card is out of its reader, and so may be the token; its host lives.
    fn neighbour_works(&mut self, is_service_there: bool) -> Result<(), String> {
        let workstation = &mut self.neighbour;
        let process = workstation.host.process_id();
        let failed = |error| format!("the neighbour: {error:?}");
        match workstation.host.read(&workstation.token) {
            Err(TokenError::Removed | TokenError::NotFound { .. }) if !is_service_there => {}
            outcome => drop(outcome.map_err(failed)?),
        }
        if is_service_there {
            // Looks for its card among all readers, the stuck one too.
            workstation.begin();
            workstation.host.unlock_challenge(&workstation.token).map_err(failed)?;
        }
        if process.is_none() || workstation.host.process_id() != process {
            return Err("the neighbour's host is another one".into());
        }
        Ok(())
    }
}

macro_rules! misused {
    ($($test:ident: $operation:ident,)*) => {$(
        #[test]
        fn $test() {
            in_own_process(concat!("misuse::", stringify!($test)), || misuse(Operation::$operation));
        }
    )*};
}

misused! {
    a_challenge_misused_in_every_way_ends_in_time_with_the_right_error_and_leaves_nothing_behind: Challenge,
    an_unblock_misused_in_every_way_ends_in_time_with_the_right_error_and_leaves_nothing_behind: Unblock,
    an_unblock_key_misused_in_every_way_ends_in_time_with_the_right_error_and_leaves_nothing_behind: Install,
}

fn misuse(operation: Operation) {
    let exhaustive = std::env::var_os("YCD_EXHAUSTIVE").is_some();
    let mut scene = Scene::new();
    let commands = operation.commands();
    let commands = if exhaustive { commands } else { &commands[commands.len() - 1..] };
    let mut cells = Vec::new();
    for command in commands {
        let kinds = if exhaustive { Kind::all() } else { Kind::short(operation) };
        cells.extend(kinds.into_iter().map(|kind| Cell { operation, command: *command, kind }));
    }
    let mut failures = Vec::new();
    for (number, cell) in (0..).zip(&cells) {
        if let Err(what) = scene.strike(cell, 2 * number + 1) {
            failures.push(format!("{cell:?}: {what}"));
            scene.start_over();
        }
    }
    assert!(failures.is_empty(), "{} of {} cells:\n{}", failures.len(), cells.len(), failures.join("\n"));

    let hosts = [&scene.own, &scene.neighbour].map(|workstation| workstation.host.process_id());
    assert_eq!(children().len(), 1 + hosts.iter().flatten().count(), "{:?}", children());
    scene.own.host.rest();
    scene.neighbour.host.rest();
    // Only the service is left.
    let until = Instant::now() + Duration::from_secs(20);
    while children().len() > 1 {
        assert!(Instant::now() < until, "{:?}", children());
        std::thread::yield_now();
    }
}

/// Out and in. A service that had just found the card gone by a command can overlook one that comes back before it has
/// looked by itself; then once more, as a person would.
fn put_in_again(workstation: &Workstation, reader: usize) {
    let (folder, serial) = (workstation.folder.path(), &workstation.serial);
    for _ in 0..20 {
        admin::remove(folder, serial).unwrap();
        wait(reader, false);
        admin::insert(folder, serial).unwrap();
        if comes(reader, Duration::from_millis(700)) {
            return;
        }
    }
    panic!("the card does not come back");
}

/// This process's own, dead ones that nobody has waited for included.
fn children() -> Vec<String> {
    let me = std::process::id().to_string();
    let stats = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = stats.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    // pid (name) state ppid
    stats
        .filter(|stat| stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)) == Some(&me))
        .collect()
}

fn kill(process: u32) {
    let process = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
