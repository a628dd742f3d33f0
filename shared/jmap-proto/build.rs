//! Compiles the contract in `proto/` with protox, so that no protoc need be installed.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

const ROOT: &str = "../../proto";

/// The messages with passwords, keys or tokens of sessions: `secret.rs` prints them without.
const SECRET: [&str; 8] = [
    "SignInRequest",
    "PasswordCredential",
    "Tokens",
    "RefreshSessionRequest",
    "CreateUserRequest",
    "SetPasswordRequest",
    "CreateServiceAccountResponse",
    "RotateServiceKeyResponse",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={ROOT}");
    let files = contract_files()?;
    let descriptors = protox::compile(&files, [ROOT])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".")
        .skip_debug(SECRET.map(|message| format!(".jmap.authorization.v1.{message}")))
        .compile_fds(descriptors)?;
    Ok(())
}

/// Every `.proto` file of the contract, in a stable order.
fn contract_files() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for area in ["type", "authorization", "layerdata"] {
        for entry in fs::read_dir(PathBuf::from(ROOT).join("jmap").join(area).join("v1"))? {
            files.push(entry?.path());
        }
    }
    files.sort();
    Ok(files)
}
