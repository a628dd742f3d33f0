//! The record as a stream. Each part is read when the one before it has been taken, so a slow reader holds up nothing
//! and nothing is kept for it; the caller's right is judged again each time, also while there is nothing new.

use std::{future::ready, sync::Arc, time::Duration};

use authorization_core::{
    audit::{AuditPart, AuditPortion, Order},
    ports::{Platform, PolicyStore},
};
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use jmap_proto::authorization as pb;
use tokio::time::sleep;
use tonic::Status;

use super::{Follow, Followed, show};
use crate::{context::Context, status::Rejection};

/// Most records of one part.
const PART: usize = 100;
/// Between two looks for what is new, and for whether the caller still may see it.
const PAUSE: Duration = Duration::from_millis(500);

type Records = BoxStream<'static, Result<pb::StreamAuditRecordsResponse, Status>>;

/// The records behind a number. The first part is made at once, so that a refusal is the answer to the call.
pub(super) async fn records<S: PolicyStore, P: Platform>(
    context: Arc<Context<S, P>>,
    followed: Followed,
    after: i64,
) -> Result<Records, Rejection> {
    let place = match followed.follow {
        Follow::ToTheEnd => None,
        Follow::On => Some(context.watching()?),
    };
    let ended = context.end_of_stream(followed.deadline);
    let first = part(&context, &followed, after).await?;
    let first_response = response(&context, &first);
    let state = (context, followed, first, place);
    let rest = stream::try_unfold(state, |(context, followed, before, place)| async move {
        let Some(part) = next(&context, &followed, before).await? else {
            return Ok(None);
        };
        let response = response(&context, &part);
        Ok::<_, Status>(Some((response, (context, followed, part, place))))
    });
    let all = stream::once(ready(Ok(first_response))).chain(rest);
    Ok(all.take_until(Box::pin(ended)).boxed())
}

/// The part after another; waits for one if that is wanted, and is nothing at the end.
async fn next<S: PolicyStore, P: Platform>(
    context: &Context<S, P>,
    followed: &Followed,
    before: AuditPart,
) -> Result<Option<AuditPart>, Rejection> {
    let mut before = before;
    loop {
        if before.is_last {
            match followed.follow {
                Follow::ToTheEnd => return Ok(None),
                Follow::On => sleep(PAUSE).await,
            }
        }
        let part = part(context, followed, before.looked_at).await?;
        if part.looked_at > before.looked_at {
            return Ok(Some(part));
        }
        before = part;
    }
}

async fn part<S: PolicyStore, P: Platform>(
    context: &Context<S, P>,
    followed: &Followed,
    after: i64,
) -> Result<AuditPart, Rejection> {
    let portion = AuditPortion {
        after: Some(after),
        order: Order::OldestFirst,
        limit: PART,
    };
    let authority = &context.authority;
    let part = authority.audit_part(&followed.caller, &followed.asked, portion);
    Ok(part.await?)
}

fn response<S: PolicyStore, P: Platform>(
    context: &Context<S, P>,
    part: &AuditPart,
) -> pb::StreamAuditRecordsResponse {
    pb::StreamAuditRecordsResponse {
        records: show::records(&context.authority.snapshot(), &part.records),
        looked_at_record_id: part.looked_at,
    }
}
