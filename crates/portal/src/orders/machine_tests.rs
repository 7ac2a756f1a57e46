use std::collections::HashSet;

use ycd_portal_api::wire::orders::PublicStatus;

use super::*;

const ACTORS: [ActorKind; 3] = [ActorKind::Applicant, ActorKind::Operator, ActorKind::System];

/// The whole table, as it stands, for people: one line per status and event.
#[test]
fn the_whole_table_is_as_written_down() {
    let mut table = String::new();
    for internal_status in InternalStatus::ALL {
        for event in Event::ALL {
            let outcome =
                next(internal_status, event).map_or_else(TransitionProblem::name, InternalStatus::name);
            let sign = if next(internal_status, event).is_ok() { "->" } else { "✗" };
            table.push_str(&format!("{} + {} {sign} {outcome}\n", internal_status.name(), event.name()));
        }
    }
    println!("{table}");
    assert_eq!(table.lines().count(), InternalStatus::ALL.len() * Event::ALL.len());
    assert_eq!(table, include_str!("machine_table.txt"));
}

#[test]
fn every_stage_but_the_draft_is_reached_and_every_event_can_happen() {
    let mut reached = HashSet::from([InternalStatus::Draft]);
    let mut happened = HashSet::new();
    let mut waiting = vec![InternalStatus::Draft];
    while let Some(internal_status) = waiting.pop() {
        for event in Event::ALL {
            if let Ok(to) = next(internal_status, event) {
                happened.insert(event);
                if reached.insert(to) {
                    waiting.push(to);
                }
            }
        }
    }
    assert_eq!(reached.len(), InternalStatus::ALL.len());
    assert_eq!(happened.len(), Event::ALL.len());
}

#[test]
fn every_open_order_can_come_to_an_end_and_an_ended_one_only_to_a_refund() {
    for internal_status in InternalStatus::ALL {
        let mut seen = HashSet::from([internal_status]);
        let mut waiting = vec![internal_status];
        while let Some(at) = waiting.pop() {
            for to in Event::ALL.into_iter().filter_map(|event| next(at, event).ok()) {
                assert!(at.open() || !to.open(), "{at:?} is reopened as {to:?}");
                if seen.insert(to) {
                    waiting.push(to);
                }
            }
        }
        assert!(seen.iter().any(|internal_status| !internal_status.open()), "{internal_status:?} never ends");
    }
}

#[test]
fn every_event_has_someone_who_may_cause_it_and_others_are_refused() {
    for event in Event::ALL {
        let allowed = ACTORS.into_iter().filter(|actor| may_cause(event, *actor)).count();
        assert!((1..=2).contains(&allowed), "{event:?}");
        for internal_status in InternalStatus::ALL {
            for actor in ACTORS.into_iter().filter(|actor| !may_cause(event, *actor)) {
                let refused = OrderKind::ALL.map(|kind| decide(kind, internal_status, event, actor));
                assert_eq!(refused, [Err(TransitionProblem::NotYours); OrderKind::ALL.len()]);
            }
        }
    }
}

#[test]
fn nothing_is_paid_twice() {
    for kind in OrderKind::ALL {
        let known = || Event::ALL.into_iter().filter(|event| concerns(*event, kind));
        for internal_status in InternalStatus::ALL {
            let Some(Ok(paid)) = known()
                .find(|event| *event == Event::PaymentReceived)
                .map(|event| next(internal_status, event))
            else {
                continue;
            };
            let mut seen = HashSet::from([paid]);
            let mut waiting = vec![paid];
            while let Some(at) = waiting.pop() {
                assert!(
                    next(at, Event::PaymentReceived).is_err(),
                    "{kind:?}: {internal_status:?}, then {at:?}"
                );
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
    let mut reached = HashSet::from([InternalStatus::Draft]);
    let mut waiting = vec![InternalStatus::Draft];
    while let Some(internal_status) = waiting.pop() {
        for actor in ACTORS {
            for to in Event::ALL
                .into_iter()
                .filter_map(|event| decide(OrderKind::Unlock, internal_status, event, actor).ok())
            {
                if reached.insert(to) {
                    waiting.push(to);
                }
            }
        }
    }
    let expected = [
        InternalStatus::Draft,
        InternalStatus::AwaitingReview,
        InternalStatus::Rejected,
        InternalStatus::AwaitingUnlock,
        InternalStatus::Completed,
        InternalStatus::Cancelled,
        InternalStatus::Lapsed,
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
    assert_eq!(
        InternalStatus::ALL.map(InternalStatus::name).into_iter().collect::<HashSet<_>>().len(),
        InternalStatus::ALL.len()
    );
    assert_eq!(Event::ALL.map(Event::name).into_iter().collect::<HashSet<_>>().len(), Event::ALL.len());
}

#[test]
fn every_tab_is_shown_by_some_stage() {
    let shown: HashSet<_> = InternalStatus::ALL.into_iter().filter_map(InternalStatus::shown).collect();
    assert_eq!(shown.len(), PublicStatus::ALL.len());
}
