//! The line: one check stream for the questions of all callers, by number. They share frames and wake-ups, which a call
//! for each of them would not.
//!
//! The line is opened in the background when a question finds none. Until it is there, and whenever it is lost, a
//! question is asked by a call of its own; it changes nothing, so it may be asked twice. What nobody answers in time is
//! not answered (R121).

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use jmap_proto::authorization::{
    CheckRequest, CheckResponse, CheckStreamRequest, CheckStreamResponse, NumberedAnswer,
    NumberedCheck, check_service_client::CheckServiceClient, check_stream_request,
    check_stream_response, numbered_answer::Outcome,
};
use jmap_service::{call::Deadline, client::Outgoing};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{sleep, timeout_at},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use tracing::debug;

use crate::Authorization;

/// Most questions on their way to the line; whoever comes then waits.
const WAITING: usize = 256;
/// How long a line may live; authorization may end it before.
const LIFE: Duration = Duration::from_hours(1);
/// Between the end of a line and the next try.
const PAUSE: Duration = Duration::from_millis(500);
/// The same, where authorization is too old to know of lines.
const LONG_PAUSE: Duration = Duration::from_mins(1);

type Answer = Result<CheckResponse, Status>;

/// The line to authorization, if there is one at the moment.
#[derive(Debug, Default)]
pub(crate) struct Line {
    current: ArcSwapOption<Open>,
    is_opening: AtomicBool,
}

/// A line that is open.
#[derive(Debug)]
struct Open {
    questions: mpsc::Sender<CheckStreamRequest>,
    asked: Asked,
    /// Tells the listener that the line is of no more use.
    hung_up: Notify,
}

/// The questions that wait for their answers; none once the line has ended.
#[derive(Debug)]
struct Asked {
    next: AtomicU64,
    waiting: Mutex<Option<HashMap<u64, oneshot::Sender<Answer>>>>,
}

/// A question's place among those that wait, given up with it.
struct Place<'a> {
    asked: &'a Asked,
    sequence: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.asked.take(self.sequence);
    }
}

impl Asked {
    fn new() -> Self {
        Self {
            next: AtomicU64::new(1),
            waiting: Mutex::new(Some(HashMap::new())),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Option<HashMap<u64, oneshot::Sender<Answer>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, unless the line has ended.
    fn place(&self) -> Option<(Place<'_>, oneshot::Receiver<Answer>)> {
        let (reply, answer) = oneshot::channel();
        let sequence = self.next.fetch_add(1, Ordering::Relaxed);
        self.waiting().as_mut()?.insert(sequence, reply);
        let place = Place {
            asked: self,
            sequence,
        };
        Some((place, answer))
    }

    fn take(&self, sequence: u64) -> Option<oneshot::Sender<Answer>> {
        self.waiting().as_mut()?.remove(&sequence)
    }

    /// Whoever waits is told that nothing comes any more.
    fn end(&self) {
        *self.waiting() = None;
    }

    fn hear(&self, message: CheckStreamResponse) {
        // Permits are short, and waited for: there is nothing to be done about one that is recalled.
        let Some(check_stream_response::Message::Answer(answer)) = message.message else {
            return;
        };
        let NumberedAnswer { sequence, outcome } = answer;
        let answer = match outcome {
            Some(Outcome::Response(response)) => Ok(response),
            Some(Outcome::ErrorCode(code)) => Err(Status::new(Code::from(code), "on the line")),
            None => Err(Status::internal("an answer without an outcome")),
        };
        if let Some(reply) = self.take(sequence) {
            // Nobody may wait for it any more.
            let _ = reply.send(answer);
        }
    }
}

impl Open {
    /// Asks, and waits until the deadline; `None` when the line ended meanwhile.
    async fn ask(&self, request: CheckRequest, deadline: Deadline) -> Option<Answer> {
        let (place, answer) = self.asked.place()?;
        let question = CheckStreamRequest {
            message: Some(check_stream_request::Message::Check(NumberedCheck {
                sequence: place.sequence,
                request: Some(request),
            })),
        };
        let asking = async {
            self.questions.send(question).await.ok()?;
            answer.await.ok()
        };
        match timeout_at(deadline.0, asking).await {
            Ok(answer) => answer,
            Err(_elapsed) => Some(Err(Status::deadline_exceeded(
                "authorization did not answer in time",
            ))),
        }
    }
}

impl Line {
    /// The answer to a question; `None` when it has to be asked by a call of its own.
    pub(crate) async fn ask(
        &self,
        authorization: &Authorization,
        request: &CheckRequest,
        deadline: Deadline,
    ) -> Option<Answer> {
        let Some(open) = self.current.load_full() else {
            self.open(authorization);
            return None;
        };
        match open.ask(request.clone(), deadline).await {
            Some(Err(status)) if status.code() == Code::Unauthenticated => {
                // The session that opened it is over; a call of one's own gets another.
                open.hung_up.notify_one();
                None
            }
            answer => answer,
        }
    }

    /// Opens the line in the background, unless somebody is at it.
    fn open(&self, authorization: &Authorization) {
        if !self.is_opening.swap(true, Ordering::AcqRel) {
            tokio::spawn(keep(authorization.clone()));
        }
    }
}

/// Opens a line, listens until it ends, and lets some time pass before the next.
async fn keep(authorization: Authorization) {
    let line = authorization.line();
    let ended = match open(&authorization).await {
        Ok((open, answers)) => {
            let open = Arc::new(open);
            line.current.store(Some(Arc::clone(&open)));
            let ended = listen(&open, answers).await;
            line.current.store(None);
            open.asked.end();
            ended
        }
        Err(status) => status,
    };
    let (code, message) = (ended.code(), ended.message());
    debug!(?code, message, "there is no line to authorization");
    sleep(if code == Code::Unimplemented {
        LONG_PAUSE
    } else {
        PAUSE
    })
    .await;
    line.is_opening.store(false, Ordering::Release);
}

async fn open(
    authorization: &Authorization,
) -> Result<(Open, Streaming<CheckStreamResponse>), Status> {
    let token = authorization.token().await?;
    let (questions, receiver) = mpsc::channel(WAITING);
    let outgoing = Outgoing::unprompted(LIFE);
    let request = outgoing.request(ReceiverStream::new(receiver), Some(token.secret()))?;
    let mut client = CheckServiceClient::new(authorization.channel());
    let answers = client.check_stream(request).await?.into_inner();
    let open = Open {
        questions,
        asked: Asked::new(),
        hung_up: Notify::new(),
    };
    Ok((open, answers))
}

/// Hands out answers until the line ends; why it did.
async fn listen(open: &Open, mut answers: Streaming<CheckStreamResponse>) -> Status {
    loop {
        let message = tokio::select! {
            message = answers.message() => message,
            () = open.hung_up.notified() => return Status::unauthenticated("the session is over"),
        };
        match message {
            Ok(Some(message)) => open.asked.hear(message),
            Ok(None) => return Status::unavailable("it was ended"),
            Err(status) => return status,
        }
    }
}
