//! The devnet without a socket.

use std::sync::Arc;

use devnet::Manner;
use tron::node::{Reply, Request, Transport, TransportFailure};

use crate::base::call::Dispatcher;
use crate::gateway::runner::Devnet;

/// A chain in memory, without a socket, in the time of the application, and the way there.
pub(super) fn in_memory(dispatcher: &Arc<Dispatcher>) -> (devnet::Devnet, Devnet) {
    const LAG: u64 = 2;
    let time = Arc::clone(dispatcher);
    let clock = devnet::Clock::given(move || time.clock.now().as_milliseconds());
    let node = devnet::Devnet::open(devnet::Settings { solid_lag: LAG, ..devnet::Settings::new(clock) }).expect("in memory");
    let chain = node.clone();
    let transport: Transport = Arc::new(move |request: Request| {
        let answer = chain.request(0, request.url.trim_start_matches("devnet:"), request.body.as_bytes());
        Box::pin(std::future::ready(match answer.manner {
            Manner::Whole | Manner::Slow(_) => {
                Ok(Reply { status: answer.status, retry_after_seconds: None, body: answer.body.into_bytes() })
            }
            Manner::HangUp => Err(TransportFailure::Broken("it hung up".into())),
            Manner::Never => Err(TransportFailure::Timeout),
        }))
    });
    (node, Devnet { transport, url: "devnet:".into(), lag: LAG })
}
