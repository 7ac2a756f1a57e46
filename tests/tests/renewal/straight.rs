use ycd_flows::renewal::Step;
use ycd_tests::{
    prompter::Scripted,
    world::{PIN, World},
};

use super::ended_well;

#[test]
fn a_paid_and_approved_order_ends_with_the_certificate_on_the_token() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let mut prompter = Scripted::with_pin(PIN);
    let renewed = machine.renew(&world.applicant(&token.phone), &mut prompter, &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
    let heard = prompter.heard.lock().unwrap().clone();
    assert_eq!(
        heard.steps(),
        [
            Step::FindToken,
            Step::Open,
            Step::Pin,
            Step::Generate,
            Step::Sign,
            Step::Issue,
            Step::Write,
            Step::Confirm
        ]
    );
    assert_eq!(heard.pins.len(), 1);
    assert_eq!(machine.journal.unfinished().unwrap(), []);
}

#[test]
fn renewing_again_gives_the_same_answer_and_asks_for_no_pin() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let first = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    machine.tokens.rest();
    let mut prompter = Scripted::with_pin(PIN);
    let again = machine.renew(&portal, &mut prompter, &order).unwrap();
    assert_eq!(first.new, again.new);
    assert_eq!(prompter.heard.lock().unwrap().pins, []);
    ended_well(&world, &mut machine, &token, &order, &again);
}

#[test]
fn the_old_pair_goes_only_if_the_person_agreed() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let options = ycd_flows::renewal::Options { remove_old_pair: true, ..Default::default() };
    let portal = world.applicant(&token.phone);
    let renewed = machine.renew_with(&portal, &mut Scripted::with_pin(PIN), &order, options).unwrap();
    let contents = machine.contents(&token.token_id);
    assert_eq!(contents.containers.len(), 1);
    assert_eq!(contents.containers[0].certificates, [renewed.new]);
}

#[test]
fn the_journal_of_a_renewal_holds_no_secret() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    let session = world.session(&token.phone);
    for entry in std::fs::read_dir(&machine.data_dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for secret in [PIN, session.reveal()] {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{} holds a secret", path.display());
            }
        }
    }
}
