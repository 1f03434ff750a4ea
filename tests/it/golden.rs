//! Golden scripts: stories about customers in plain text, each run on the engine and through gRPC, with one expected
//! result for both.
//!
//! A script is a list of steps, each followed by `---`, what it answers, and a blank line:
//!
//! ```text
//! identify m1 {anonymous_id:a1, email:joe@example.com}@1 first_name="Joe"
//! track    m2 {user_id:u1}@2 "Order Completed" total=12.5
//! group    m3 {user_id:u1}@3 account_id:acme as admin plan="gold"
//! leave    m9 {user_id:u1}@9 account_id:acme
//! alias    m4 {user_id:new}@4 user_id:old
//! hush     m10 {user_id:u1}@10 weddings in email until 99 because "a cause"
//! lift     m11 {user_id:u1}@11 weddings in email
//! grant    m12 {user_id:u1, email:joe@example.com}@12 marketing in email
//! deny     m13 {user_id:u1, email:joe@example.com}@13 marketing in email for email:joe@example.com
//! lookup   {user_id:u1} first_name orders.count
//! lookup account {account_id:acme} members
//! view     newsletter {user_id:u1}
//! view     review {user_id:u1} about boots socks
//! view     newsletter {user_id:u1} send s1
//! served   s1 {user_id:u1}
//! write-and-view newsletter identify m1 {user_id:u1}@1 first_name="Joe"
//! lookup   {user_id:u1} first_name ?marketing/email
//! profile  {user_id:u1}
//! members  {account_id:acme}
//! segment  vip
//! consents {user_id:u1}
//! keep-apart m5 {email:work@x.org, email:home@x.org} same_human
//! unlink   m6 {user_id:u1, anonymous_id:a1}
//! undo     m7 P2
//! release  m8 {device_id:d1}
//! model-diff  limits.toml
//! model-apply limits.toml
//! erase    m9 {user_id:u1} suppress
//! repeat 1000 identify m# {anonymous_id:a#}@#
//! ```
//!
//! A script may begin with the line `model FILE`, of `tests/golden/models`; otherwise its model is that of the harness.
//! `@n` is n seconds after 1970, and `@+n` n seconds after the step is taken: later than every correction so far; `@-n` is n seconds before it.
//! Profiles are called P1, P2, … in the order in which a script first meets them, and asked for as `profile_id:P1`. Run with `UPDATE_GOLDEN=1` to write
//! down what is answered, and then read the difference.

mod doors;
mod models;
mod segments;
mod step;
mod tell;
mod views;

use std::collections::BTreeMap;
use std::path::PathBuf;

use doors::{EngineDoor, GrpcDoor};
use step::Step;

use crate::harness::{MODEL, repository};

/// What the line begins with that names a script's model.
const MODEL_LINE: &str = "model ";

/// Calls profiles by their place in the story instead of by their ids.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    /// The key with the id of the profile that the script calls so: `profile_id:P1`.
    fn key(&self, key: &str) -> String {
        let id = key.strip_prefix("profile_id:").map(|name| format!("profile_id:{}", self.id(name)));
        id.unwrap_or_else(|| key.to_owned())
    }

    fn of(&mut self, id: &str) -> String {
        if id.is_empty() {
            return "nobody".to_owned();
        }
        let next = format!("P{}", self.0.len() + 1);
        self.0.entry(id.to_owned()).or_insert(next).clone()
    }

    /// The id of the profile that the script calls so; a made up one if there is none.
    fn id(&self, name: &str) -> String {
        let known = self.0.iter().find(|(_, known)| *known == name).map(|(id, _)| id.clone());
        known.unwrap_or_else(|| "00000000-0000-7000-8000-000000000000".to_owned())
    }
}

/// One way into kith. Both ways answer a step in the same words.
trait Door {
    fn take(&mut self, step: &Step, names: &mut Names) -> String;
}

fn is_step(line: &&str) -> bool {
    !line.is_empty() && !line.starts_with('#') && !line.starts_with(MODEL_LINE)
}

fn run(door: &mut dyn Door, script: &str) -> String {
    let mut names = Names::default();
    let mut played = String::new();
    for block in script.split("\n\n").filter(|block| !block.trim().is_empty()) {
        let (told, _) = block.split_once("\n---").unwrap_or((block.trim_end(), ""));
        let mut answers = Vec::new();
        for line in told.lines().filter(is_step) {
            answers.push(take(door, line, &mut names));
        }
        let answers: String = answers.iter().filter(|answer| !answer.is_empty()).map(String::as_str).collect();
        let rule = if answers.is_empty() { "" } else { "\n---\n" };
        played.push_str(&format!("{}{rule}{}\n\n", told.trim_start_matches('\n'), answers.trim_end()));
    }
    format!("{}\n", played.trim_end())
}

/// Takes the step of a line; of `repeat N step` each of the N, where `#` is its number, and tells the last.
fn take(door: &mut dyn Door, line: &str, names: &mut Names) -> String {
    let Some((times, step)) = line.strip_prefix("repeat ").and_then(|rest| rest.split_once(' ')) else {
        return door.take(&Step::parse(line), names);
    };
    let times: u32 = times.parse().expect("how often");
    let mut last = String::new();
    for number in 1..=times {
        last = door.take(&Step::parse(&step.replace('#', &number.to_string())), names);
    }
    last
}

/// The model that a script is told under.
fn model(script: &str) -> String {
    let named = script.lines().find_map(|line| line.strip_prefix(MODEL_LINE));
    named.map_or_else(|| MODEL.to_owned(), models::read)
}

#[test]
fn every_story_has_one_ending_through_both_doors() {
    let files = std::fs::read_dir(repository("tests/golden")).unwrap().map(|entry| entry.unwrap().path());
    let mut scripts: Vec<PathBuf> = files.filter(|path| path.is_file()).collect();
    scripts.sort();
    assert!(scripts.len() >= 10, "the scripts are gone");
    for path in scripts {
        let script = std::fs::read_to_string(&path).unwrap();
        let model = model(&script);
        let through_engine = run(&mut EngineDoor::open(&model), &script);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &through_engine).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        assert_eq!(through_engine, expected, "{} on the engine", path.display());
        assert_eq!(run(&mut GrpcDoor::open(&model), &script), expected, "{} through gRPC", path.display());
    }
}

#[test]
fn a_wrong_ending_is_noticed() {
    let script = "identify m1 {user_id:u1}@1\n---\nlanded person P1\n  created user_id:u1 P2\n";
    assert_ne!(run(&mut EngineDoor::open(MODEL), script), script);
}
