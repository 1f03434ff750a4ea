//! The binary `kith`.

use std::process::ExitCode;

/// Every call allocates small things, which is what mimalloc is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kith::cli::main()
}
