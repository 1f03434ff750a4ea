//! The checker itself, over histories made up for it.

use super::checker::{History, Seen, SeenWho, Shown, Step, Who, Wrong};

/// What a key shows that has this number.
fn shown(number: u64) -> Shown {
    Shown { who: Who::Profile(0), number: Some(number), hushed: false, denied: false }
}

fn seen(number: u64) -> Seen {
    Seen { who: SeenWho::Profile("p".to_owned()), number: Some(Some(number)), hushed: false, denied: None }
}

/// Two keys; the first gets the numbers 1 and 3, the second 2 and 4. So much is sent, and so much done.
fn history(sent: Step, done: Step) -> History {
    let mut history = History::new(2);
    history.new_profile();
    for step in 1..=sent {
        let key = usize::from(step % 2 == 0);
        assert_eq!(history.send([(key, shown(step))]), step);
    }
    history.done(done);
    history
}

fn wrong(history: &mut History, known: Step, answers: &[(usize, Seen)]) -> Option<Wrong> {
    history.judge(known, answers).err().map(|violation| violation.wrong)
}

#[test]
fn a_stale_read_is_found() {
    let mut history = history(4, 3);
    assert_eq!(wrong(&mut history, 3, &[(0, seen(3))]), None);
    assert_eq!(wrong(&mut history, 3, &[(0, seen(1))]), Some(Wrong::Stale));
    assert_eq!(wrong(&mut history, 1, &[(0, seen(1))]), None, "it began before");
}

#[test]
fn a_write_under_way_may_be_seen_or_not() {
    for number in [1, 3] {
        assert_eq!(wrong(&mut history(3, 1), 1, &[(0, seen(number))]), None);
    }
}

#[test]
fn an_inversion_is_found() {
    let mut history = history(3, 1);
    assert_eq!(wrong(&mut history, 1, &[(0, seen(3))]), None);
    let known = history.known();
    assert_eq!((known, wrong(&mut history, known, &[(0, seen(1))])), (3, Some(Wrong::Stale)));
    assert_eq!(wrong(&mut history, known, &[(1, Seen { number: None, ..seen(0) })]), None);
}

#[test]
fn an_inversion_over_two_keys_is_found() {
    let mut history = history(4, 1);
    assert_eq!(wrong(&mut history, 1, &[(1, seen(4))]), None);
    let known = history.known();
    assert_eq!(wrong(&mut history, known, &[(0, seen(1))]), Some(Wrong::Stale), "3 came before 4");
}

#[test]
fn a_read_from_the_future_is_found() {
    let mut history = history(2, 2);
    assert_eq!(wrong(&mut history, 2, &[(0, seen(3))]), Some(Wrong::Never));
    history.send([(0, shown(3))]);
    assert_eq!(wrong(&mut history, 2, &[(0, seen(3))]), None);
}

#[test]
fn a_batch_of_two_minds_is_found() {
    for (first, second, expected) in [(1, 2, None), (3, 2, None), (3, 4, None), (1, 4, Some(Wrong::NeverAtOnce))] {
        let answers = [(0, seen(first)), (1, seen(second))];
        assert_eq!(wrong(&mut history(4, 2), 2, &answers), expected, "{first} and {second}");
    }
}

#[test]
fn what_comes_back_may_be_of_before_or_of_now_and_nothing_else() {
    let mut history = History::new(1);
    let profile = history.new_profile();
    assert!(history.told(profile, "p") && !history.told(profile, "q"));
    let erased = Shown { who: Who::Erased, ..Shown::NOTHING };
    for state in [shown(1), erased, shown(3), erased] {
        history.send([(0, state)]);
    }
    let gone = Seen { who: SeenWho::Erased, number: Some(None), hushed: false, denied: None };
    assert_eq!(wrong(&mut history, 1, std::slice::from_ref(&(0, gone.clone()))), None);
    assert_eq!(history.known(), 2, "of two steps after which it is so it may have been the first");
    assert_eq!(wrong(&mut history, 2, &[(0, seen(1))]), Some(Wrong::Stale));
    assert_eq!(wrong(&mut history, 2, &[(0, Seen { who: SeenWho::Nobody, ..gone })]), Some(Wrong::Stale));
    for strange in [
        Seen { who: SeenWho::Profile("q".to_owned()), ..seen(3) },
        Seen { hushed: true, ..seen(3) },
        Seen { denied: Some(true), ..seen(3) },
        Seen { number: Some(None), ..seen(3) },
    ] {
        assert_eq!(wrong(&mut history, 2, &[(0, strange)]), Some(Wrong::Never));
    }
}
