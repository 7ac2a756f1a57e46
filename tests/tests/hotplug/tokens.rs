//! The watcher of tokens: the software token as a card in a virtual reader, seen through PC/SC and by its module.

use std::{
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use ycd_softkey::{
    admin::{self, Kdf, NewToken},
    card::{self, Runner},
    fault::{Action, Fault},
};
use ycd_tests::{
    card::Card,
    pcscd::{Pcscd, in_own_process},
    world::{profile, program},
};
use ycd_token::{
    Drivers, Profile, TokenEvent, TokenId, TokenWatcher,
    profile::Os,
    readers::{CardEvent, ReaderWatch},
};

use crate::{ATR, SOON};

/// A token of a folder of its own, as a card in a reader.
struct Scene {
    pcscd: Pcscd,
    folder: TempDir,
    serial: String,
    _runner: Runner,
    /// What the card tells, and what the reader shows.
    card: Receiver<card::Event>,
    reader: Receiver<CardEvent>,
    _watch: ReaderWatch,
}

impl Scene {
    fn new() -> Self {
        let pcscd = Pcscd::start(2);
        let folder = tempfile::tempdir().unwrap();
        let new = NewToken { kdf: Kdf::WEAK, inserted: false, ..NewToken::default() };
        let serial = admin::create(folder.path(), &new).unwrap().serial_number;
        let reader = format!("127.0.0.1:{}", pcscd.ports()[0]);
        let (tell, card) = channel();
        let tell = move |event| {
            let _ = tell.send(event);
        };
        let _runner = card::start(folder.path(), &serial, &reader, tell).unwrap();
        let (tell, reader) = channel();
        let _watch = ReaderWatch::start(move |event| drop(tell.send(event))).unwrap();
        Self { pcscd, folder, serial, _runner, card, reader, _watch }
    }

    fn watch(&self, profiles: Vec<Profile>) -> TokenWatcher {
        let drivers = Drivers::of(profiles).with_env("YCD_SOFTKEY_DIR", self.folder.path());
        let (name, socket) = self.pcscd.environment();
        TokenWatcher::start(&drivers.with_env(name, socket), Some(&program("ycd-host")))
    }

    fn insert(&self) {
        admin::insert(self.folder.path(), &self.serial).unwrap();
        assert_eq!(self.card.recv_timeout(SOON).unwrap(), card::Event::Connected);
        assert!(matches!(self.shows(), CardEvent::Came { .. }));
    }

    /// What the reader shows next.
    fn shows(&self) -> CardEvent {
        loop {
            match self.reader.recv_timeout(SOON).unwrap() {
                CardEvent::NoService => {}
                event => return event,
            }
        }
    }

    fn pull(&self) {
        admin::remove(self.folder.path(), &self.serial).unwrap();
        assert_eq!(self.card.recv_timeout(SOON).unwrap(), card::Event::Pulled);
        // The virtual reader loses a card that comes before it has missed the one before.
        assert!(matches!(self.shows(), CardEvent::Gone { .. }));
    }

    fn arrives(&self, watcher: &TokenWatcher) {
        let event = watcher.events().recv_timeout(SOON).unwrap();
        assert!(matches!(event, TokenEvent::Arrived(token) if token.token_id == self.token()));
    }

    fn goes(&self, watcher: &TokenWatcher) {
        assert_eq!(watcher.events().recv_timeout(SOON).unwrap(), TokenEvent::Gone(self.token()));
    }

    fn token(&self) -> TokenId {
        TokenId::new("softkey", &self.serial)
    }
}

/// The software token as a token model that is known by its ATR alone.
fn by_card() -> Profile {
    let mut profile = profile("softkey");
    profile.recognition.beyond_pcsc = false;
    profile
}

/// Of the watcher's threads, the hosts, which are processes of this one.
fn children() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let children = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children"));
    let hosts = tasks.flatten().filter_map(|task| children(task).ok());
    let is_host = |pid: &&str| {
        std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("ycd-host"))
    };
    hosts.map(|pids| pids.split_whitespace().filter(is_host).count()).sum()
}

#[test]
fn a_model_that_is_known_by_its_card_is_asked_when_the_card_comes_and_goes() {
    in_own_process("tokens::a_model_that_is_known_by_its_card_is_asked_when_the_card_comes_and_goes", || {
        let scene = Scene::new();
        admin::set_trace(scene.folder.path(), true).unwrap();
        let watcher = scene.watch(vec![by_card()]);
        for _ in 0..2 {
            scene.insert();
            scene.arrives(&watcher);
            scene.pull();
            scene.goes(&watcher);
        }
        let waits = admin::trace(scene.folder.path()).unwrap();
        assert!(waits.iter().all(|(function, _)| function != "C_WaitForSlotEvent"));
        assert!(waits.iter().any(|(function, _)| function == "C_GetSlotList"));
    });
}

#[test]
fn a_token_that_three_sources_know_is_told_once() {
    in_own_process("tokens::a_token_that_three_sources_know_is_told_once", || {
        let scene = Scene::new();
        let mut other = by_card();
        other.name = "softkey-again".into();
        let mut polled = by_card();
        polled.name = "softkey-polled".into();
        polled.quirks.poll_ms = Some(500);
        let watcher = scene.watch(vec![profile("softkey"), other, polled]);
        for _ in 0..2 {
            scene.insert();
            scene.arrives(&watcher);
            scene.pull();
            scene.goes(&watcher);
        }
    });
}

#[test]
fn a_card_that_nobody_claims_makes_every_module_look_that_cannot_wait() {
    in_own_process("tokens::a_card_that_nobody_claims_makes_every_module_look_that_cannot_wait", || {
        let pcscd = Pcscd::start(2);
        let folder = tempfile::tempdir().unwrap();
        let new = NewToken { kdf: Kdf::WEAK, inserted: false, ..NewToken::default() };
        let serial = admin::create(folder.path(), &new).unwrap().serial_number;
        // CKR_FUNCTION_NOT_SUPPORTED
        let cannot = Fault::at("C_WaitForSlotEvent", Action::Code(0x54)).always();
        admin::set_fault(folder.path(), None, &cannot).unwrap();
        let drivers = Drivers::of(vec![profile("softkey")]).with_env("YCD_SOFTKEY_DIR", folder.path());
        let watcher = TokenWatcher::start(&drivers, Some(&program("ycd-host")));
        let (tell, reader) = channel();
        let _watch = ReaderWatch::start(move |event| drop(tell.send(event))).unwrap();
        admin::insert(folder.path(), &serial).unwrap();
        let card = Card::bare(pcscd.ports()[0], &ATR);
        // Pulled before it was seen it would be no event at all.
        assert!(matches!(reader.recv_timeout(SOON).unwrap(), CardEvent::Came { .. }));
        assert!(matches!(watcher.events().recv_timeout(SOON).unwrap(), TokenEvent::Arrived(_)));
        admin::remove(folder.path(), &serial).unwrap();
        card.pull();
        assert!(matches!(watcher.events().recv_timeout(SOON).unwrap(), TokenEvent::Gone(_)));
    });
}

#[test]
fn a_token_goes_with_the_service_and_comes_again_with_it() {
    in_own_process("tokens::a_token_goes_with_the_service_and_comes_again_with_it", || {
        let mut scene = Scene::new();
        let watcher = scene.watch(vec![by_card()]);
        scene.insert();
        scene.arrives(&watcher);
        scene.pcscd.kill();
        assert_eq!(scene.card.recv_timeout(SOON).unwrap(), card::Event::ReaderClosed);
        assert!(matches!(scene.shows(), CardEvent::Gone { .. }));
        scene.goes(&watcher);
        scene.pcscd.restart();
        scene.insert();
        scene.arrives(&watcher);
    });
}

#[test]
fn a_watcher_that_is_dropped_ends_threads_and_hosts_at_once() {
    in_own_process("tokens::a_watcher_that_is_dropped_ends_threads_and_hosts_at_once", || {
        let scene = Scene::new();
        let mut waiting = profile("softkey");
        waiting.name = "softkey-waiting".into();
        let watcher = scene.watch(vec![by_card(), waiting]);
        scene.insert();
        scene.arrives(&watcher);
        // Both hosts have begun: each has listed its keys before it is asked to.
        while children() < 2 {
            std::thread::yield_now();
        }
        let begun = Instant::now();
        drop(watcher);
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert_eq!(children(), 0);
    });
}

#[test]
fn a_token_without_its_driver_is_told_and_goes_on_by_itself_once_the_driver_is_installed() {
    let test =
        "tokens::a_token_without_its_driver_is_told_and_goes_on_by_itself_once_the_driver_is_installed";
    in_own_process(test, || {
        let scene = Scene::new();
        let installed = tempfile::tempdir().unwrap();
        let mut model = by_card();
        model.modules.retain(|locations| locations.os == Os::Linux);
        let beside = program("ycd-host").with_file_name(&model.modules[0].files[0]);
        model.modules[0].directories = vec![installed.path().display().to_string()];
        let watcher = scene.watch(vec![model]);
        let told = || watcher.events().recv_timeout(SOON).unwrap();
        // Twice: what was pulled is missed no more.
        for _ in 0..2 {
            scene.insert();
            assert_eq!(told(), TokenEvent::DriversMissing(vec!["softkey".to_owned()]));
            scene.pull();
            assert_eq!(told(), TokenEvent::DriversMissing(Vec::new()));
        }
        scene.insert();
        assert_eq!(told(), TokenEvent::DriversMissing(vec!["softkey".to_owned()]));
        // As an installer does: written beside, then in its place at once.
        let (new, place) = (installed.path().join("new"), installed.path().join(beside.file_name().unwrap()));
        std::fs::copy(&beside, &new).unwrap();
        std::fs::rename(&new, &place).unwrap();
        assert_eq!(told(), TokenEvent::DriversMissing(Vec::new()));
        scene.arrives(&watcher);
        scene.pull();
        scene.goes(&watcher);
        scene.insert();
        scene.arrives(&watcher);
    });
}
