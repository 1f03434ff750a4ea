use std::io::Write as _;

use super::*;
use crate::config::{Durability, LogFormat};

/// The configuration of a file, variables and flags.
fn load(file: &str, variables: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Result<Config, Error> {
    let mut named = tempfile::NamedTempFile::new().unwrap();
    named.write_all(file.as_bytes()).unwrap();
    Config::load(Layers {
        file: Some(named.path().into()),
        environment: variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        flags: flags.iter().map(|(key, value)| (*key, (*value).into())).collect(),
    })
}

fn problem(result: Result<Config, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn nothing_said_means_loopback_and_sync() {
    let config = load("", &[], &[]).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.listen.to_string(), "127.0.0.1:7600");
    assert_eq!(config.durability, Durability::Sync);
    assert_eq!(config.limits.max_message_bytes, 4 << 20);
}

#[test]
fn the_environment_beats_the_file_and_a_flag_beats_both() {
    let file = "listen = \"127.0.0.1:1\"\ncache_mib = 1\n[limits]\nwrite_queue = 1\nmax_in_flight = 7";
    let variables = [("KITH_LISTEN", "127.0.0.1:2"), ("KITH_LIMITS__WRITE_QUEUE", "2"), ("KITH_CACHE_MIB", "2")];
    let config = load(file, &variables, &[("listen", "127.0.0.1:3"), ("log.format", "text")]).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.cache_mib, 2);
    assert_eq!((config.limits.write_queue, config.limits.max_in_flight), (2, 7));
    assert_eq!(config.log.format, LogFormat::Text);
}

#[test]
fn an_unknown_key_is_refused_with_its_name_and_origin() {
    let in_file = problem(load("[limits]\nmax_conections = 5", &[], &[]));
    assert!(in_file.contains("max_conections") && in_file.contains("limits") && in_file.contains("in /"), "{in_file}");

    let in_environment = problem(load("", &[("KITH_LIMITS__COLOUR", "red")], &[]));
    assert!(in_environment.contains("in KITH_LIMITS__COLOUR: unknown field `colour`"), "{in_environment}");

    let at_the_top = problem(load("", &[("KITH_COLOUR", "red")], &[]));
    assert!(at_the_top.contains("in KITH_COLOUR: unknown field `colour`"), "{at_the_top}");
}

#[test]
fn a_bad_value_is_refused_with_its_key_and_origin() {
    let port = problem(load("listen = \"nowhere\"", &[], &[]));
    assert!(port.contains("listen"), "{port}");
    let flag = problem(load("", &[], &[("durability", "maybe")]));
    assert!(flag.contains("in --durability") && flag.contains("interval(MS)"), "{flag}");
    let number = problem(load("", &[("KITH_CACHE_MIB", "much")], &[]));
    assert!(number.contains("in KITH_CACHE_MIB") && number.contains("cache_mib"), "{number}");
}

#[test]
fn the_secret_is_shown_nowhere() {
    let config = load("", &[("KITH_API_KEY", "hunter2")], &[]).unwrap();
    assert_eq!(config.api_key.as_ref().unwrap().expose(), "hunter2");
    let printed = toml::to_string(&config).unwrap();
    assert!(printed.contains("api_key = \"(hidden)\""), "{printed}");
    assert!(!printed.contains("hunter2"));
    assert!(!format!("{config:?}").contains("hunter2"));

    let unclosed = problem(load("api_key = \"hunter2", &[], &[]));
    assert!(unclosed.contains(":1: ") && !unclosed.contains("hunter2"), "{unclosed}");
}

#[test]
fn the_printed_configuration_can_be_read_back() {
    let file = "model = \"m.toml\"\n[workspaces.shop]\nmodel = \"s.toml\"\n[tls]\ncert = \"c\"\nkey = \"k\"";
    let config = load(file, &[], &[]).unwrap();
    assert_eq!(load(&toml::to_string(&config).unwrap(), &[], &[]).unwrap(), config);
}

#[test]
fn halves_that_do_not_fit_are_refused() {
    assert!(problem(load("[tls]\ncert = \"c\"", &[], &[])).contains("tls.key"));
    assert!(load("[tls]\ncert = \"c\"", &[("KITH_TLS__KEY", "k")], &[]).is_ok());
    assert!(problem(load("model = \"a\"\n[workspaces.default]\nmodel = \"b\"", &[], &[])).contains("model"));
    assert!(problem(load("[workspaces.\"A B\"]", &[], &[])).contains("workspace"));
    assert!(problem(load("cores = 0", &[], &[])).contains("cores"));
}

#[test]
fn a_file_that_is_named_must_exist() {
    let layers = Layers { file: Some("/nonexistent/kith.toml".into()), ..Layers::default() };
    assert!(problem(Config::load(layers)).contains("/nonexistent/kith.toml"));
}

#[test]
fn the_default_workspace_is_always_there() {
    let config = load("model = \"m.toml\"\n[workspaces.shop]\nmodel = \"s.toml\"", &[], &[]).unwrap();
    let models: Vec<_> =
        config.models().into_iter().map(|(name, path)| (name, path.unwrap().to_str().unwrap())).collect();
    assert_eq!(models, [("default", "m.toml"), ("shop", "s.toml")]);
}
