//! What the tests of several crates share: worlds, the floors they run on, typed callers, the pair in one process.
//!
//! Everything here fails by panicking: it runs in tests only, and a test that cannot be set up has failed.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "whatever goes wrong here is the failure of a test"
)]

mod caller;
mod executables;
mod home;
mod house;
mod in_memory;
mod pair;
pub mod ready;
mod rules_floor;
mod run;
mod served_floor;
mod stage;
pub mod wire;
pub mod world;

pub use authorization_server::AuditTimes;
pub use caller::{Bearer, Caller, Line, everywhere};
pub use executables::{Executables, Process, program};
pub use home::{Home, Places};
pub use house::{House, PASSWORD};
pub use in_memory::InMemory;
pub use pair::{Pair, Tuning};
pub use rules_floor::RulesFloor;
pub use run::{Explanation, Floor, run};
pub use served_floor::ServedFloor;
pub use stage::Stage;
