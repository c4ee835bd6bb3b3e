//! A TRON node for development and tests: the HTTP endpoints of java-tron that real clients use, over a chain of its own.
//!
//! It is unforgiving where a real node is (expiry, reference blocks, duplicates, fees, a pool that forgets) and lies on
//! request (`POST /devnet/faults`). Unlike a private java-tron with one witness, its solid block stays behind its head.
//! Its coins are worth nothing and its faucet has no lock.
//!
//! Orders, as `POST /devnet/…` with JSON; amounts are decimals such as `"23.5"`:
//!
//! | order | body | what it does |
//! |---|---|---|
//! | (none), `truth` | | GET: heights and addresses; all balances and token movements |
//! | `faucet` | `address`, `usdt`, `trx` | sends either or both |
//! | `odd` | `kind`, `address`, `usdt`, `other` | `fake`, `four_topics`, `zero`, `failed`, `two_in_one`, `above_i64` |
//! | `mine` | `blocks` = 1 | makes blocks now |
//! | `hold`, `halt` | `holding`, `halted` = true | blocks stay empty; no blocks come by themselves |
//! | `reorg` | `depth`, `drop`, `break_solid` | replaces blocks; their transactions wait again, or are lost |
//! | `time` | `advance_ms` | puts the clock forward, if it is the node's own |
//! | `faults` | `rules`: [[`Rule`]] | replaces the lies; GET lists them |
//! | `energy_price` | `sun` | from the next block on |
//! | `token` | `paused`, `fee_bps`, `issue` (units) | what the owner of the token may do |
//! | `blacklist` | `address`, `on` = true, `destroy` | the same |

mod abi;
mod api;
mod block;
mod chain;
mod clock;
mod contracts;
mod control;
mod faults;
mod journal;
mod node;
mod proto;
mod server;
mod state;
mod text;
mod token;

pub use clock::Clock;
pub use faults::{Kind, Rule};
pub use journal::JournalError;
pub use node::{Answer, ControlError, Devnet, Manner, Settings};
pub use server::{Running, StartError};

/// The address of the token, the same on every chain of this kind.
pub fn usdt_address() -> String {
    text::base58(&contracts::usdt())
}
