use clap::CommandFactory as _;

use super::*;

fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("kith").chain(arguments.iter().copied()))
}

#[test]
fn the_arguments_are_sound() {
    Cli::command().debug_assert();
}

#[test]
fn the_commands_of_the_manual_are_read() {
    let lines = [
        "serve --listen 127.0.0.1:0 --data d --durability interval(5) --log-format json",
        "lookup user_id:1 --fields a,b --json",
        "lookup user_id:1 email:j@x.de --same --server http://h:1",
        "lookup --batch -",
        "lookup user_id:1 --purpose marketing --channel email",
        "write -",
        "import a.csv --mapping m.toml --rejects r.csv",
        "profile user_id:1 --kind account",
        "members account_id:acme --limit 5 --kind account",
        "consents user_id:1 --limit 5",
        "events user_id:1 --limit 5",
        "explain user_id:1 email:j@x.de --kind person",
        "apart user_id:1 email:j@x.de --json",
        "simulate -",
        "merges",
        "merges user_id:1 --limit 5",
        "largest --by growth",
        "undo 0190 --dry-run",
        "unlink user_id:1 email:j@x.de --source ops --message-id m1",
        "keep-apart user_id:1 email:j@x.de --same-human",
        "release device_id:d1",
        "erase user_id:1 --suppress --yes --kind person --message-id m1",
        "erase user_id:1 --dry-run",
        "stats --json",
        "model check m.toml",
        "key create --name n --scopes read,write --workspace shop --data d",
        "key --data d list",
        "key revoke k1",
        "config",
        "completions zsh",
    ];
    for line in lines {
        let arguments: Vec<_> = line.split(' ').collect();
        assert!(parse(&arguments).is_ok(), "{line}: {}", parse(&arguments).unwrap_err());
    }
}

#[test]
fn arguments_that_make_no_sense_are_usage_errors() {
    let lines = [
        "",
        "lookup",
        "lookup a:b --same --batch f",
        "lookup a:b --channel email",
        "events a:b --limit 0",
        "explain a:b",
        "largest --by luck",
        "erase",
        "key create --name n",
        "shout",
    ];
    for line in lines {
        let arguments: Vec<_> = line.split_terminator(' ').collect();
        assert_eq!(parse(&arguments).unwrap_err().exit_code(), 2, "{line}");
    }
}

#[test]
fn a_key_on_the_command_line_is_not_shown() {
    let cli = parse(&["stats", "--api-key", "hunter2"]).unwrap();
    assert!(!format!("{cli:?}").contains("hunter2"));
}
