//! The recognisers that need no network, against the suite.

use crate::suite::{Kind, every_check};
use samvad::speech::FixedRecognizer;
use std::time::Duration;

#[tokio::test]
async fn the_embedded_recogniser_conforms() {
    let recognizer = crate::child::recognizer();
    every_check(&recognizer, Kind::Grammar).await;
    assert_eq!(recognizer.waiting(), 0);
    assert_eq!(recognizer.child_starts(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_fixed_recogniser_conforms() {
    every_check(&FixedRecognizer::new(Duration::from_millis(60)), Kind::ByRote).await;
}
