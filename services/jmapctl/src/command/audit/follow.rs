//! The record as it grows: a line for each record, until somebody interrupts it or stops reading.

use std::io::{Write, stdout};

use jmap_proto::authorization::{AuditFilter, StreamAuditRecordsRequest};

use super::view::RecordView;
use crate::{
    client::each,
    command::Context,
    error::{Failure, Kind},
    output::{Format, Report, View, comma_separated_row},
};

pub(super) async fn follow(
    context: &Context,
    filter: AuditFilter,
    csv: bool,
) -> Result<Report, Failure> {
    let client = &context.client;
    let message = StreamAuditRecordsRequest {
        filter: Some(filter),
        after_record_id: 0,
        from_now: true,
        follow: true,
    };
    each!(
        client,
        client.audit(),
        stream_audit_records,
        message,
        |part| {
            for record in part.records.into_iter().map(RecordView::from) {
                let line = line(&record, context.format, csv)?;
                // Whoever has seen enough stops reading.
                if writeln!(stdout().lock(), "{}", line.trim_end()).is_err() {
                    return Ok(Report::silent());
                }
            }
        }
    );
    Ok(Report::silent())
}

fn line(record: &RecordView, format: Format, csv: bool) -> Result<String, Failure> {
    match format {
        _ if csv => comma_separated_row(&record.cells()),
        Format::People => Ok(record.cells().join("  ")),
        Format::Programs => serde_json::to_string(record).map_err(|error| {
            Failure::new(Kind::Failed, format!("cannot show the record: {error}"))
        }),
    }
}
