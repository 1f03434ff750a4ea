//! Compiles `proto/kith/v1` to Rust and nothing else. `protox` parses the files, so no `protoc` is needed.

use std::error::Error;
use std::path::PathBuf;

use prost::Message as _;

const PROTOS: [&str; 9] = ["common", "lookup", "write", "profile", "identity", "segment", "model", "privacy", "admin"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = PROTOS.map(|name| format!("proto/kith/v1/{name}.proto"));
    let descriptors = protox::compile(files, ["proto"])?;

    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("kith.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().btree_map(".").bytes(".").compile_fds(descriptors)?;
    Ok(())
}
