//! The end: running calls finish, new ones do not begin.

use tonic::Request;

use crate::fixture::{PATIENCE, Settings, start, unary};

#[tokio::test]
async fn draining_lets_a_running_call_finish() {
    let running = start(Settings::default()).await;
    let call = tokio::spawn(unary(
        running.channel(),
        "/test.v1.Test/Wait",
        Request::new(String::new()),
    ));
    running.gate.arrived.notified().await;
    running.stop.cancel();
    // The listener is gone once connecting fails; the call still runs then.
    while tokio::net::TcpStream::connect(running.address)
        .await
        .is_ok()
    {
        tokio::task::yield_now().await;
    }
    assert!(!running.served.is_finished());
    running.gate.open.notify_one();
    assert_eq!(call.await.unwrap().unwrap().get_ref(), "done");
    tokio::time::timeout(PATIENCE, running.served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}
