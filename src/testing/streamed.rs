//! A stream of server-sent events, as a test reads it.

use axum::body::Body;
use hyper::body::Body as _;
use serde_json::Value;

/// A stream of events, open.
pub struct Streamed(pub(super) Body);

impl Streamed {
    /// What comes next; nothing at its end.
    pub async fn next(&mut self) -> Option<String> {
        let frame = std::future::poll_fn(|cx| std::pin::Pin::new(&mut self.0).poll_frame(cx)).await?;
        let bytes = frame.expect("a stream does not fail").into_data().expect("no trailers");
        Some(String::from_utf8(bytes.to_vec()).expect("text"))
    }

    /// The numbers and names of the events that come next, up to `count` of them.
    pub async fn events(&mut self, count: usize) -> Vec<(i64, String)> {
        let mut events = Vec::new();
        while events.len() < count {
            let Some(text) = self.next().await else { break };
            let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
            events.extend(data.map(|data| {
                let event: Value = serde_json::from_str(data).expect("JSON");
                (event["seq"].as_i64().expect("a number"), event["event"].as_str().expect("a name").to_owned())
            }));
        }
        events
    }
}
