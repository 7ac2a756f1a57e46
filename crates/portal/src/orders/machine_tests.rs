use std::collections::HashSet;

use ycd_portal_api::wire::orders::OrderState;

use super::*;

const ACTORS: [ActorKind; 3] = [ActorKind::Applicant, ActorKind::Operator, ActorKind::System];

/// The whole table, as it stands, for people: one line per stage and event.
#[test]
fn the_whole_table_is_as_written_down() {
    let mut table = String::new();
    for stage in Stage::ALL {
        for event in Event::ALL {
            let outcome = next(stage, event).map_or_else(Refusal::name, Stage::name);
            let sign = if next(stage, event).is_ok() { "->" } else { "✗" };
            table.push_str(&format!("{} + {} {sign} {outcome}\n", stage.name(), event.name()));
        }
    }
    println!("{table}");
    assert_eq!(table.lines().count(), Stage::ALL.len() * Event::ALL.len());
    assert_eq!(table, include_str!("machine_table.txt"));
}

#[test]
fn every_stage_but_the_draft_is_reached_and_every_event_can_happen() {
    let mut reached = HashSet::from([Stage::Draft]);
    let mut happened = HashSet::new();
    let mut waiting = vec![Stage::Draft];
    while let Some(stage) = waiting.pop() {
        for event in Event::ALL {
            if let Ok(to) = next(stage, event) {
                happened.insert(event);
                if reached.insert(to) {
                    waiting.push(to);
                }
            }
        }
    }
    assert_eq!(reached.len(), Stage::ALL.len());
    assert_eq!(happened.len(), Event::ALL.len());
}

#[test]
fn every_open_order_can_come_to_an_end_and_an_ended_one_only_to_a_refund() {
    for stage in Stage::ALL {
        let mut seen = HashSet::from([stage]);
        let mut waiting = vec![stage];
        while let Some(at) = waiting.pop() {
            for to in Event::ALL.into_iter().filter_map(|event| next(at, event).ok()) {
                assert!(at.open() || !to.open(), "{at:?} is reopened as {to:?}");
                if seen.insert(to) {
                    waiting.push(to);
                }
            }
        }
        assert!(seen.iter().any(|stage| !stage.open()), "{stage:?} never ends");
    }
}

#[test]
fn every_event_has_someone_who_may_cause_it_and_others_are_refused() {
    for event in Event::ALL {
        let allowed = ACTORS.into_iter().filter(|actor| may_cause(event, *actor)).count();
        assert!((1..=2).contains(&allowed), "{event:?}");
        for stage in Stage::ALL {
            for actor in ACTORS.into_iter().filter(|actor| !may_cause(event, *actor)) {
                let refused = OrderKind::ALL.map(|kind| decide(kind, stage, event, actor));
                assert_eq!(refused, [Err(Refusal::NotYours); OrderKind::ALL.len()]);
            }
        }
    }
}

#[test]
fn nothing_is_paid_twice() {
    for kind in OrderKind::ALL {
        let known = || Event::ALL.into_iter().filter(|event| concerns(*event, kind));
        for stage in Stage::ALL {
            let Some(Ok(paid)) =
                known().find(|event| *event == Event::PaymentReceived).map(|event| next(stage, event))
            else {
                continue;
            };
            let mut seen = HashSet::from([paid]);
            let mut waiting = vec![paid];
            while let Some(at) = waiting.pop() {
                assert!(next(at, Event::PaymentReceived).is_err(), "{kind:?}: {stage:?}, then {at:?}");
                for to in known().filter_map(|event| next(at, event).ok()) {
                    if seen.insert(to) {
                        waiting.push(to);
                    }
                }
            }
        }
    }
}

#[test]
fn an_unlock_costs_nothing_and_ends_with_a_new_pin_called_off_or_too_late() {
    let mut reached = HashSet::from([Stage::Draft]);
    let mut waiting = vec![Stage::Draft];
    while let Some(stage) = waiting.pop() {
        for actor in ACTORS {
            for to in
                Event::ALL.into_iter().filter_map(|event| decide(OrderKind::Unlock, stage, event, actor).ok())
            {
                if reached.insert(to) {
                    waiting.push(to);
                }
            }
        }
    }
    let expected = [
        Stage::Draft,
        Stage::AwaitingReview,
        Stage::Rejected,
        Stage::AwaitingUnlock,
        Stage::Completed,
        Stage::Cancelled,
        Stage::Lapsed,
    ];
    assert_eq!(reached, HashSet::from(expected));
}

#[test]
fn every_kind_of_order_can_be_called_off_by_its_own_event_only() {
    for kind in OrderKind::ALL {
        assert!(concerns(cancellation(kind), kind) && concerns(approval(kind), kind));
        assert!(
            [Event::Cancel, Event::WithdrawUnlock].into_iter().filter(|e| concerns(*e, kind)).count() == 1
        );
    }
}

#[test]
fn each_name_is_its_own() {
    assert_eq!(Stage::ALL.map(Stage::name).into_iter().collect::<HashSet<_>>().len(), Stage::ALL.len());
    assert_eq!(Event::ALL.map(Event::name).into_iter().collect::<HashSet<_>>().len(), Event::ALL.len());
}

#[test]
fn every_tab_is_shown_by_some_stage() {
    let shown: HashSet<_> = Stage::ALL.into_iter().filter_map(Stage::shown).collect();
    assert_eq!(shown.len(), OrderState::ALL.len());
}
