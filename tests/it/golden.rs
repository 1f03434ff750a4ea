//! Golden scripts: stories about customers in plain text, each run on the engine and through gRPC, with one expected
//! result for both.
//!
//! A script is a list of steps, each followed by `---`, what it answers, and a blank line:
//!
//! ```text
//! identify m1 {anonymous_id:a1, email:joe@example.com}@1 first_name="Joe"
//! track    m2 {user_id:u1}@2 "Order Completed" total=12.5
//! group    m3 {user_id:u1}@3 account_id:acme plan="gold"
//! alias    m4 {user_id:new}@4 user_id:old
//! lookup   {user_id:u1} first_name orders.count
//! profile  {user_id:u1}
//! ```
//!
//! `@n` is n seconds after 1970. Profiles are called P1, P2, … in the order in which a script first meets them. Run
//! with `UPDATE_GOLDEN=1` to write down what is answered, and then read the difference.

mod doors;
mod step;

use std::collections::BTreeMap;
use std::path::PathBuf;

use doors::{EngineDoor, GrpcDoor};
use step::Step;

/// Calls profiles by their place in the story instead of by their ids.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    fn of(&mut self, id: &str) -> String {
        if id.is_empty() {
            return "nobody".to_owned();
        }
        let next = format!("P{}", self.0.len() + 1);
        self.0.entry(id.to_owned()).or_insert(next).clone()
    }
}

/// One way into kith. Both ways answer a step in the same words.
trait Door {
    fn take(&mut self, step: &Step, names: &mut Names) -> String;
}

fn run(door: &mut dyn Door, script: &str) -> String {
    let mut names = Names::default();
    let mut played = String::new();
    for block in script.split("\n\n").filter(|block| !block.trim().is_empty()) {
        let (told, _) = block.split_once("\n---").unwrap_or((block.trim_end(), ""));
        let mut answers = Vec::new();
        for line in told.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            answers.push(door.take(&Step::parse(line), &mut names));
        }
        let answers: String = answers.iter().filter(|answer| !answer.is_empty()).map(String::as_str).collect();
        let rule = if answers.is_empty() { "" } else { "\n---\n" };
        played.push_str(&format!("{}{rule}{}\n\n", told.trim_start_matches('\n'), answers.trim_end()));
    }
    format!("{}\n", played.trim_end())
}

#[test]
fn every_story_has_one_ending_through_both_doors() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut scripts: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.sort();
    assert!(scripts.len() >= 10, "the scripts are gone");
    for path in scripts {
        let script = std::fs::read_to_string(&path).unwrap();
        let through_engine = run(&mut EngineDoor::open(), &script);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &through_engine).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        assert_eq!(through_engine, expected, "{} on the engine", path.display());
        assert_eq!(run(&mut GrpcDoor::open(), &script), expected, "{} through gRPC", path.display());
    }
}

#[test]
fn a_wrong_ending_is_noticed() {
    let script = "identify m1 {user_id:u1}@1\n---\nlanded person P1\n  created user_id:u1 P2\n";
    assert_ne!(run(&mut EngineDoor::open(), script), script);
}
