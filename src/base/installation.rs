//! What this installation is: a database belongs to one network for ever, and the sandbox remembers its moved clock.

use std::path::Path;

use crate::base::clock::Span;
use crate::base::config::Network;
use crate::base::context::Context;
use crate::base::error::{Result, internal};
use crate::base::store;

const NETWORK: &str = "network";
const CLOCK_AHEAD_MS: &str = "clock_ahead_ms";

/// Binds a fresh database to `network`; answers the network it already belongs to otherwise.
pub fn bind_network(cx: &mut Context<'_, '_>, network: Network) -> Result<Option<String>> {
    bind(cx, NETWORK, network.name())
}

/// The network that the database belongs to, when it is another than `network`. Writes nothing.
pub fn other_network(cx: &mut Context<'_, '_>, network: Network) -> Result<Option<String>> {
    Ok(store::fact(cx, NETWORK)?.filter(|bound| bound != network.name()))
}

/// Binds the database to a value for ever; answers the one that it is bound to when that is another.
pub fn bind(cx: &mut Context<'_, '_>, key: &str, value: &str) -> Result<Option<String>> {
    match store::fact(cx, key)? {
        Some(bound) => Ok((bound != value).then_some(bound)),
        None => store::save_fact(cx, key, value).map(|()| None),
    }
}

/// How far ahead of the machine the sandbox clock was left.
pub fn clock_ahead(cx: &mut Context<'_, '_>) -> Result<Span> {
    match store::fact(cx, CLOCK_AHEAD_MS)? {
        Some(text) => text.parse().map(Span::milliseconds).map_err(|_| internal("the sandbox clock is not a number")),
        None => Ok(Span::milliseconds(0)),
    }
}

/// Remembers how far ahead of the machine the sandbox clock is.
pub fn save_clock_ahead(cx: &mut Context<'_, '_>, ahead: Span) -> Result<()> {
    store::save_fact(cx, CLOCK_AHEAD_MS, &ahead.as_milliseconds().to_string())
}

/// Makes the data folder, for its owner only: it holds the hashes of passwords and the secret.
pub fn make_data_dir(dir: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}
