//! Whatever bytes somebody sends as a request, to whatever call of the contract: it is answered, or refused with a code and
//! a reason that the contract documents, and never by an error of the service (R120). The calls are read off the
//! descriptor set, so that a new one is reached without anybody thinking of it.
//!
//! CI looks for a moment. For hours: `PROPTEST_CASES=1000000 cargo nextest run -p e2e -E 'test(fuzz)'`.

mod message;
mod target;

use std::{
    env,
    sync::{Arc, LazyLock, Mutex},
};

use jmap_domain::{Epoch, PolicyRevision, PolicyToken};
use jmap_wire::{PageTokenKey, format_policy_token, parse_policy_token};
use proptest::{collection::vec, prelude::*};
use tokio::runtime::Runtime;

use target::{Call, State, Target};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// One pair for many inputs: what one does to it, the next finds.
static TARGET: LazyLock<Mutex<Arc<Target>>> = LazyLock::new(|| Mutex::new(fresh()));

fn fresh() -> Arc<Target> {
    Arc::new(RUNTIME.block_on(Target::start()))
}

fn target() -> Arc<Target> {
    Arc::clone(&TARGET.lock().unwrap())
}

/// As many as CI has time for, or as many as somebody asks for.
fn cases(in_ci: u32) -> ProptestConfig {
    let asked = env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: asked.and_then(|cases| cases.parse().ok()).unwrap_or(in_ci),
        max_shrink_time: 60_000,
        ..ProptestConfig::default()
    }
}

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..most)
}

proptest! {
    #![proptest_config(cases(500))]

    /// R120.
    #[test]
    fn every_request_is_answered_or_refused_with_a_reason(
        method in any::<u16>(),
        caller in any::<u8>(),
        is_raw in prop::bool::weighted(0.2),
        tape in bytes(400),
    ) {
        let target = target();
        let call = Call {
            method: target.method(method),
            caller,
            messages: target.messages(method, is_raw, &tape),
        };
        if RUNTIME.block_on(target.probe(&call)) == State::Spent {
            *TARGET.lock().unwrap() = fresh();
        }
    }

    /// R117: whatever is not a token that this installation issued names nobody.
    #[test]
    fn no_text_is_taken_for_a_token(at in any::<u8>(), with in bytes(64)) {
        let target = target();
        let forged = target.damaged_token(at, &with);
        RUNTIME.block_on(target.refuses_token(&forged));
    }

    #[test]
    fn no_text_is_taken_for_a_page_of_another_list(
        at in any::<u8>(),
        byte in any::<u8>(),
        text in bytes(64),
    ) {
        let (key, query) = (PageTokenKey::derive(b"secret"), b"a list".as_slice());
        let sealed = key.seal(query, b"here");
        let text = String::from_utf8_lossy(&text);
        prop_assert!(text.is_empty() || key.open(query, &text).is_err());
        let mut damaged = sealed.clone().into_bytes();
        let at = usize::from(at) % damaged.len();
        damaged[at] = byte;
        let damaged = String::from_utf8_lossy(&damaged);
        prop_assert!(damaged == sealed || key.open(query, &damaged).is_err());
        prop_assert!(key.open(text.as_bytes(), &sealed).is_err() || text.as_bytes() == query);
    }

    #[test]
    fn a_policy_token_is_what_was_formatted_or_nothing(
        text in "[A-Za-z0-9_-]{0,20}|.{0,20}",
        epoch in any::<u32>(),
        revision in any::<u64>(),
    ) {
        let token = PolicyToken {
            epoch: Epoch(epoch),
            revision: PolicyRevision(revision),
        };
        prop_assert_eq!(parse_policy_token(&format_policy_token(token)), Ok(token));
        if let Ok(token) = parse_policy_token(&text) {
            prop_assert_eq!(format_policy_token(token), text);
        }
    }
}

#[test]
fn every_call_of_the_contract_is_among_the_targets() {
    let calls = target().methods();
    let named = |name: &str| calls.iter().any(|call| call.ends_with(name));
    for call in [
        "/SignIn",
        "/Check",
        "/BatchEditElements",
        "/ReadElements",
        "/ImportElements",
    ] {
        assert!(named(call), "{call} is not in {calls:?}");
    }
    assert!(calls.len() > 60, "{calls:?}");
}
