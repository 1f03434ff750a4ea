//! The example models: each is sound, its facts are what [`facts`] generates, and its tour (commands, and what they print)
//! goes as it is written down. `make demo` shows the same tours.
//!
//! A tour is a text: `# ` begins a line of story, `$ ` a command for bash, and what follows is what it prints on stdout.
//! Ids of profiles and times after the facts, which are of 2025 and before, stand there as `…`; columns are two spaces apart.
//! Run with `UPDATE_GOLDEN=1` to write down what is generated and printed, and then read the difference.

mod facts;

use std::path::Path;
use std::process::Command;

use regex::Regex;

use super::harness::{Server, Setup, repository, run};

/// Takes the tour of an example.
fn tour(name: &str) {
    let directory = repository("examples").join(name);
    let server = Setup::default().model(&directory.join("model.toml")).start();
    expect(&directory.join("facts.ndjson"), &facts::of(name));
    let told = std::fs::read_to_string(directory.join("tour.txt")).unwrap();
    expect(&directory.join("tour.txt"), &take(&server, &told));
}

/// Holds what came out against the file, or writes it down.
fn expect(file: &Path, came_out: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(file, came_out).unwrap();
    }
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    let differs = expected.lines().zip(came_out.lines()).position(|(expected, came)| expected != came);
    let line = differs.map_or(0, |line| line + 1);
    assert!(
        expected == came_out,
        "{} is otherwise from line {line} on (0: longer or shorter):\n{came_out}",
        file.display()
    );
}

/// The tour with what its commands print now.
fn take(server: &Server, told: &str) -> String {
    let mut taken = String::new();
    for line in told.lines() {
        if line.starts_with('#') {
            taken.push_str(&format!("{line}\n"));
        } else if let Some(command) = line.strip_prefix("$ ") {
            taken.push_str(&format!("{line}\n{}\n", plain(&print(server, command))));
        }
    }
    taken
}

/// What a command prints, and its exit code if it is not 0.
fn print(server: &Server, command: &str) -> String {
    let kith = server.kith(&[]);
    let binaries = Path::new(kith.get_program()).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["-c", command]).current_dir(repository("")).env("PATH", path);
    for (name, value) in kith.get_envs() {
        match value {
            Some(value) => bash.env(name, value),
            None => bash.env_remove(name),
        };
    }
    let output = run(bash, "");
    let code = output.status.code().filter(|code| *code != 0);
    let exit = code.map(|code| format!("(exit code {code})\n")).unwrap_or_default();
    format!("{}{exit}", String::from_utf8(output.stdout).unwrap())
}

/// The text without what is different in every run.
fn plain(text: &str) -> String {
    let replace =
        |text: String, pattern: &str, by: &str| Regex::new(pattern).unwrap().replace_all(&text, by).into_owned();
    let text = replace(text.to_owned(), "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "…");
    let text = replace(text, r"20(2[6-9]|[3-9]\d)-\d\d-\d\dT[\d:.]+Z", "…");
    let text = replace(text, "──+", "──");
    let text = replace(text, "(?m) +$", "");
    let text = replace(text, "(?m)(\\S) {3,}", "$1  ");
    // A blank line would end what is printed.
    text.lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_newsletter_of_a_shop() {
    tour("newsletter");
}

#[test]
fn accounts_of_a_software_company() {
    tour("b2b");
}

#[test]
fn a_travel_agency() {
    tour("travel");
}

#[test]
fn a_tour_that_goes_otherwise_is_noticed() {
    let server = Setup::default().model(&repository("examples/newsletter/model.toml")).start();
    let told = "# Nobody is known yet.\n$ kith lookup user_id:joe --view newsletter\nkey  user_id:joe\n\n";
    assert_ne!(take(&server, told), told);
}
