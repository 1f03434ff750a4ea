//! The binary `kith`.

use std::process::ExitCode;

/// Every call allocates small things; mimalloc measures better at that than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kith::cli::main()
}
