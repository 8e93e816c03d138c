//! The `ferrospice` program: everything is in the library's `cli`.
#![deny(unsafe_code)]

fn main() -> std::process::ExitCode {
    ferrospice::cli::main()
}
