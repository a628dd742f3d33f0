//! Tests of the database, in a file and on a server.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod commits;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod history;
#[cfg(test)]
mod moving;
#[cfg(test)]
mod past;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod sql;
#[cfg(test)]
mod support;
