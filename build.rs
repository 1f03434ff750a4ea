//! Compiles `proto/kith/v1` to Rust and nothing else. `protox` parses the files, so no `protoc` is needed. The server of
//! `LookupService` is made once more, with lookups that are bytes on their way in and out: see `server::wire`.

use std::error::Error;
use std::path::PathBuf;

use prost::Message as _;
use tonic_build::manual;

const PROTOS: [&str; 9] = ["common", "lookup", "write", "profile", "identity", "segment", "model", "privacy", "admin"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = PROTOS.map(|name| format!("proto/kith/v1/{name}.proto"));
    let descriptors = protox::compile(files, ["proto"])?;

    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("kith.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().btree_map(".").bytes(".").compile_fds(descriptors)?;
    manual::Builder::new().build_client(false).compile(&[lookup_service()]);
    Ok(())
}

fn lookup_service() -> manual::Service {
    let method = |name, route| {
        let method = manual::Method::builder().name(name).route_name(route);
        method.output_type("crate::server::wire::Encoded")
    };
    // What is asked over and over is not decoded.
    let lookup = |name, route| {
        let method = method(name, route).input_type("crate::server::wire::Undecoded");
        method.codec_path("crate::server::wire::BytesCodec")
    };
    let write = method("write_and_lookup", "WriteAndLookup").input_type("crate::proto::v1::WriteAndLookupRequest");
    let write = write.codec_path("crate::server::wire::EncodedCodec");
    let served = manual::Method::builder().name("get_served").route_name("GetServed");
    let served = served.input_type("crate::proto::v1::GetServedRequest");
    let served = served.output_type("crate::proto::v1::GetServedResponse").codec_path("tonic_prost::ProstCodec");
    manual::Service::builder()
        .name("LookupService")
        .package("kith.v1")
        .method(lookup("lookup", "Lookup").build())
        .method(lookup("batch_lookup", "BatchLookup").build())
        .method(lookup("stream_lookup", "StreamLookup").client_streaming().server_streaming().build())
        .method(served.build())
        .method(write.build())
        .build()
}
