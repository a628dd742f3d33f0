//! Kinds of failure: what the driver's errors mean to a store.

use sqlx::{
    Error,
    error::DatabaseError,
    postgres::{PgDatabaseError, PgSeverity},
};

/// What went wrong, as far as it makes a difference to what is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A constraint says no: the change was decided on a state that is not the stored one.
    Conflict,
    /// Transactions got in each other's way, and this one was ended; the same work may be tried again at once.
    Contended,
    /// A lock was not free in time; the same work may be tried again.
    LockTimeout,
    /// The statement took too long, or was cancelled.
    StatementTimeout,
    /// The database has no room left; it can still be read.
    DiskFull,
    /// What is stored cannot be read.
    Corrupt,
    /// The database cannot be reached, is starting or stopping, or is out of connections or memory.
    Unavailable,
    /// A statement that this database does not accept: a mistake of ours, a missing right, a foreign schema.
    Unexpected,
}

/// Says what an error of the driver means.
#[must_use]
pub fn classify(error: &Error) -> Failure {
    if let Some(answer) = error.as_database_error() {
        return of_code(&code(answer));
    }
    // The driver may add kinds of errors, so these are lists of what is known.
    let is_unreadable = matches!(
        error,
        Error::ColumnDecode { .. } | Error::Decode(_) | Error::TypeNotFound { .. }
    );
    let is_cut_off = matches!(
        error,
        Error::Io(_)
            | Error::Tls(_)
            | Error::Protocol(_)
            | Error::PoolTimedOut
            | Error::PoolClosed
            | Error::WorkerCrashed
            | Error::BeginFailed
    );
    match (is_unreadable, is_cut_off) {
        (true, _) => Failure::Corrupt,
        (false, true) => Failure::Unavailable,
        (false, false) => Failure::Unexpected,
    }
}

/// Whether a COMMIT that failed like this may nevertheless have happened.
///
/// Only an ERROR that the database itself answered is a no; when the session ends with it (FATAL), or no answer came,
/// the transaction may have been committed before.
#[must_use]
pub fn is_outcome_unknown(error: &Error) -> bool {
    let answer = error
        .as_database_error()
        .and_then(|answer| answer.try_downcast_ref::<PgDatabaseError>());
    answer.is_none_or(|answer| !matches!(answer.severity(), PgSeverity::Error))
}

fn code(answer: &dyn DatabaseError) -> String {
    answer.code().unwrap_or_default().into_owned()
}

/// The codes are listed in PostgreSQL's appendix A; the first two characters are the class.
fn of_code(code: &str) -> Failure {
    match code {
        "40001" | "40P01" => Failure::Contended,
        "55P03" => Failure::LockTimeout,
        "57014" => Failure::StatementTimeout,
        "53100" => Failure::DiskFull,
        "XX001" | "XX002" => Failure::Corrupt,
        // A server that has become a replica.
        "25006" => Failure::Unavailable,
        _ => match code.get(..2) {
            Some("23") => Failure::Conflict,
            Some("08" | "53" | "57" | "58") => Failure::Unavailable,
            _ => Failure::Unexpected,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_the_manual_says() {
        for (code, failure) in [
            ("23505", Failure::Conflict),
            ("23503", Failure::Conflict),
            ("40001", Failure::Contended),
            ("40P01", Failure::Contended),
            ("55P03", Failure::LockTimeout),
            ("57014", Failure::StatementTimeout),
            ("53100", Failure::DiskFull),
            ("53300", Failure::Unavailable),
            ("57P01", Failure::Unavailable),
            ("57P03", Failure::Unavailable),
            ("08006", Failure::Unavailable),
            ("58030", Failure::Unavailable),
            ("XX001", Failure::Corrupt),
            ("42501", Failure::Unexpected),
            ("", Failure::Unexpected),
        ] {
            assert_eq!(of_code(code), failure, "{code}");
        }
    }

    #[test]
    fn without_an_answer_nobody_knows_whether_it_was_committed() {
        let cut = Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert!(is_outcome_unknown(&cut));
        assert_eq!(classify(&cut), Failure::Unavailable);
        assert_eq!(classify(&Error::PoolTimedOut), Failure::Unavailable);
    }
}
