//! A key of layer-data that is there before the first start, as secrets of a cluster are.

use std::fs;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jmap_proto::authorization as pb;
use tempfile::TempDir;

use crate::running::{config, start};

/// A key as the chart's README makes it: eight bytes with the account's number, and 32 random ones.
fn key_of(account: u8) -> String {
    URL_SAFE_NO_PAD.encode([&[0, 0, 0, 0, 0, 0, 0, account], [7; 32].as_slice()].concat())
}

/// What comes of a first start with that text in the key's file.
async fn first_start_with(text: &str) -> anyhow::Result<String> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("layer-data.key");
    fs::write(&file, text).unwrap();
    let mut running = start(config(folder.path())).await;
    let key = pb::sign_in_request::Credential::ServiceKey(text.trim().to_owned());
    let signed_in = running.sign_in(key).await;
    running.stop().await?;
    assert_eq!(fs::read_to_string(&file).unwrap(), text, "it stays");
    signed_in.map_err(Into::into)
}

#[tokio::test]
async fn a_key_that_is_there_before_the_first_start_becomes_layer_datas() {
    for end_of_line in ["", "\n"] {
        first_start_with(&(key_of(1) + end_of_line)).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_for_another_account_is_refused() {
    let error = first_start_with(&key_of(2)).await.unwrap_err();
    assert!(
        format!("{error:#}").contains("service account 2"),
        "{error:#}"
    );
}

#[tokio::test]
async fn what_is_not_a_key_is_refused() {
    for text in ["", "\n", "secret"] {
        assert!(first_start_with(text).await.is_err(), "{text:?}");
    }
}
