//! The laws on who may use what, read off `src/`.
//!
//! Each law names paths or words, and the modules that may use them; a module stands for all that is in it. Tests
//! inside `src/` are exempt: they may look wherever they like.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use regex::Regex;

use self::source::Source;
use super::harness::repository;

/// Modules of the crate's root, and those that each may use. The floors, and the two ends of the wire beside them.
const FLOORS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("codec", &["domain"]),
    ("shards", &[]),
    ("store", &["domain", "codec", "shards"]),
    ("engine", &["domain", "codec", "store"]),
    ("proto", &[]),
    ("server", &["domain", "engine", "proto", "shards"]),
    ("config", &["engine", "server"]),
    ("intake", &["proto"]),
    ("client", &["config", "proto"]),
    ("cli", &["client", "config", "domain", "engine", "intake", "proto", "server"]),
];

/// Something that only some modules may use.
struct Law {
    uses: &'static [&'static str],
    may: &'static [&'static str],
}

/// Paths that only some modules may name, whole or as the beginning of a longer one.
const PATHS: &[Law] = &[
    Law {
        uses: &["tonic", "tonic_health", "tonic_prost", "tonic_reflection", "tonic_types", "prost", "prost_reflect"],
        may: &["proto", "server", "client"],
    },
    // Those who make facts fill fields of these types.
    Law { uses: &["prost_types"], may: &["proto", "server", "client", "intake", "cli::bench::facts"] },
    Law { uses: &["axum"], may: &["server::http"] },
    Law { uses: &["rocksdb"], may: &["store"] },
    Law { uses: &["zstd_safe"], may: &["store::pack"] },
    Law { uses: &["nix"], may: &["server::grpc::lookup::patience"] },
    Law { uses: &["bincode"], may: &["codec::record"] },
    Law { uses: &["cel", "chrono"], may: &["domain::segment"] },
    Law {
        uses: &["serde", "serde_json", "toml"],
        may: &["codec::record", "config", "domain::model", "intake", "client::json", "cli"],
    },
    Law {
        uses: &[
            "std::fs",
            "std::net",
            "std::thread",
            "std::time",
            "std::env",
            "std::process",
            "tokio",
            "rand",
            "futures",
        ],
        may: &["store", "engine", "config", "intake", "client", "server", "cli", "main"],
    },
];

/// Words that only some modules may have, wherever they stand.
const WORDS: &[Law] = &[
    Law { uses: &["async", "await", "SystemTime"], may: &["store", "engine", "client", "server", "cli"] },
    Law {
        uses: &[
            "lookup_service_client",
            "write_service_client",
            "profile_service_client",
            "identity_service_client",
            "privacy_service_client",
            "segment_service_client",
            "model_service_client",
            "admin_service_client",
        ],
        may: &["client"],
    },
    Law {
        uses: &[
            "lookup_service_server",
            "write_service_server",
            "profile_service_server",
            "identity_service_server",
            "privacy_service_server",
            "segment_service_server",
            "model_service_server",
            "admin_service_server",
        ],
        may: &["server"],
    },
];

/// Where the time comes from.
const CLOCKS: &[Law] = &[Law { uses: &["SystemTime::now", "Timestamp::now", "Zoned::now"], may: &["server::clock"] }];

/// Every breach of a law in one file.
fn breaches(module: &str, text: &str) -> Vec<String> {
    let source = Source::read(module, text);
    let mut breaches = Vec::new();
    let (floor, _) = module.split_once("::").unwrap_or((module, ""));
    let below = FLOORS.iter().find(|(name, _)| *name == floor).map(|(_, below)| *below);
    for path in &source.paths {
        let used = path.strip_prefix("crate::").map(|path| path.split("::").next().unwrap_or(path));
        if let (Some(below), Some(used)) = (below, used)
            && used != floor
            && !below.contains(&used)
        {
            breaches.push(format!("{module} uses {path}, and {floor} may use {below:?}"));
        }
        let broken = PATHS.iter().filter(|law| law.uses.iter().any(|used| starts_with(path, used)));
        let clocks = CLOCKS.iter().filter(|law| law.uses.iter().any(|used| path.ends_with(used)));
        let broken = broken.chain(clocks).filter(|law| !law.permits(module));
        breaches.extend(broken.map(|law| format!("{module} uses {path}, which is for {:?}", law.may)));
    }
    let broken = WORDS.iter().filter(|law| !law.permits(module)).flat_map(|law| law.uses);
    breaches.extend(broken.filter(|word| source.has_word(word)).map(|word| format!("{module} has the word {word}")));
    breaches
}

impl Law {
    fn permits(&self, module: &str) -> bool {
        self.may.iter().any(|permitted| starts_with(module, permitted))
    }
}

/// True for `a::b` and `a`, not for `ab` and `a`.
fn starts_with(path: &str, beginning: &str) -> bool {
    path.strip_prefix(beginning).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The files below `directory` with the module that each is.
fn modules(directory: &Path, parent: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let module = if parent.is_empty() { name.to_owned() } else { format!("{parent}::{name}") };
        if path.is_dir() {
            modules(&path, &module, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(module, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The modules that are there for tests alone.
fn of_tests(found: &BTreeMap<String, String>) -> BTreeSet<String> {
    let declared = Regex::new(r"#\[cfg\(test\)\]\s*(?:pub )?mod (\w+);").unwrap();
    let names = found
        .iter()
        .flat_map(|(module, text)| declared.captures_iter(text).map(move |name| format!("{module}::{}", &name[1])));
    names.collect()
}

#[test]
fn every_module_keeps_to_its_floor() {
    let mut found = BTreeMap::new();
    modules(&repository("src"), "", &mut found);
    for (floor, _) in FLOORS {
        assert!(found.contains_key(*floor), "src/{floor}.rs is not there: the laws are about another crate");
    }
    assert!(found.keys().all(|module| !module.ends_with("::mod")), "a module is foo.rs and foo/, never mod.rs");
    for module in of_tests(&found) {
        found.retain(|name, _| *name != module && !name.starts_with(&format!("{module}::")));
    }
    let breaches: Vec<_> = found.iter().flat_map(|(module, text)| breaches(module, text)).collect();
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

/// Samples that must be found out: the module, what it says, and what the finding names.
const BREACHES: &[(&str, &str, &str)] = &[
    ("domain::fact", "use crate::codec::key::Key;", "crate::codec"),
    ("codec::key", "use crate::{domain::ids, store::{table::Table, view}};", "crate::store"),
    ("store", "fn f() -> crate::engine::Engine { todo!() }", "crate::engine"),
    ("engine::apply", "use super::super::server::Server;", "crate::server"),
    ("engine::lookup", "use super::super::{domain, cli};", "crate::cli"),
    ("server::grpc", "use crate::store::table::Table;", "crate::store"),
    ("server::grpc", "use crate::cli;", "crate::cli"),
    ("client", "use crate::engine::Engine;", "crate::engine"),
    ("intake::csv", "use crate::client::Client;", "crate::client"),
    ("engine", "use tonic::Status;", "tonic::Status"),
    ("cli::lookup", "let code = tonic::Code::Ok;", "tonic::Code"),
    ("engine", "fn f(message: impl prost::Message) {}", "prost::Message"),
    ("domain::value", "use prost_types::{Struct, Value};", "prost_types::Struct"),
    ("server::grpc", "use axum::Router;", "axum::Router"),
    ("engine::state", "pub use rocksdb as database;", "rocksdb"),
    ("codec::key", "bincode::serde::encode_to_vec(x, c)", "bincode"),
    ("store::table", "#[derive(serde::Serialize)]\nstruct X;", "serde::Serialize"),
    ("server::http", "use serde_json::{Value, json};", "serde_json"),
    ("domain::time", "use std::{fmt, time::Duration};", "std::time"),
    ("codec::read", "std::fs::read(path)", "std::fs"),
    ("domain::ids", "use std::{net, thread as t};", "std::thread"),
    ("domain::ids", "let n: u8 = rand::random();", "rand"),
    ("codec::key", "tokio::spawn(f)", "tokio"),
    ("domain", "async fn f() {}", "async"),
    ("codec", "f().await", "await"),
    ("intake", "let now: SystemTime = x;", "SystemTime"),
    ("engine::writer", "let now = std::time::SystemTime::now();", "SystemTime::now"),
    ("server::grpc", "jiff::Timestamp::now()", "Timestamp::now"),
    ("cli::lookup", "use crate::proto::v1::lookup_service_client::LookupServiceClient;", "lookup_service_client"),
    ("client::json", "use crate::proto::v1::write_service_server::WriteService;", "write_service_server"),
    ("domain", "/* one\n*/ use crate::cli; // two", "crate::cli"),
    ("domain", "const A: char = '\"'; use crate::cli; const B: char = '\"';", "crate::cli"),
    ("domain", "const A: &str = r#\"a\"b\"#; use crate::cli; fn f<'a>(_: &'a str) {}", "crate::cli"),
    ("domain", "#[cfg(test)]\nmod tests { fn f() { { } } }\nuse crate::cli;", "crate::cli"),
    ("domain", "#[cfg(test)]\nmod tests;\nuse crate::cli;", "crate::cli"),
];

#[test]
fn every_breach_is_found() {
    for (module, text, named) in BREACHES {
        let found = breaches(module, text);
        assert!(found.iter().any(|breach| breach.contains(named)), "{module}: {text}: {found:?}");
    }
}

/// Samples in which there is nothing to find.
const SOUND: &[(&str, &str)] = &[
    ("domain::fact", "//! Unlike [`crate::engine`], async: use tonic::Status;\n/* tokio::spawn(f).await */"),
    ("domain::fact", "const A: &str = \"use crate::cli; \\\" async\"; const B: &str = r\"tokio::main\";"),
    ("domain::fact", "use super::super::domain::ids;\nuse crate::domain::{self, time::Time};"),
    ("domain::fact", "#[cfg(test)]\nmod tests {\n use std::fs; fn f() { '{'; \"{\"; }\n}\n"),
    ("domain::fact", "use std::collections::BTreeMap; fn f() { randomly::tokio_like() }"),
    ("engine::writer", "use crate::{codec, domain::ids::Seq, store::view}; use tokio::sync::mpsc;"),
    ("server::http", "use axum::Router; async fn f() { g().await }"),
    ("server::clock", "use std::time::SystemTime; fn now() { SystemTime::now(); }"),
    ("codec::record::event", "use bincode::Encode; use serde::Serialize;"),
];

#[test]
fn nothing_is_found_where_nothing_is() {
    for (module, text) in SOUND {
        assert_eq!(breaches(module, text), [""; 0], "{module}: {text}");
    }
}
