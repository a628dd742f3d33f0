//! Bad moments of PostgreSQL, whichever engine the other tests run on: after each of them nothing that was acknowledged
//! is lost, nothing was done twice, nothing is half-done, and the services answer again without a restart.

mod crowded;
mod full;
mod killed;
mod migrating;
mod moving;
mod ways;
