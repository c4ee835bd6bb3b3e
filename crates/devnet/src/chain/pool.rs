//! Which transactions a node takes, in the order in which java-tron looks (`Wallet.broadcastTransaction`,
//! `Manager.processTransaction`).

use std::sync::Arc;

use super::{Chain, Pending};
use crate::proto::{Action, Envelope, Raw};
use crate::state::{Refusal, State};
use crate::text::{base58, hex, signer};

/// How long an expiration may lie ahead of the head (`Constant.MAXIMUM_TIME_UNTIL_EXPIRATION`).
const EXPIRATION_MS_MAX: i64 = 24 * 60 * 60 * 1_000;
/// How many blocks back a transaction may refer (`RecentBlockStore`).
const RECENT_BLOCKS: u64 = 65_536;
/// How long transactions live that a node makes (`Constant.TRANSACTION_DEFAULT_EXPIRATION_TIME`).
const NODE_MADE_MS: i64 = 60_000;
const TRANSACTION_BYTES_MAX: usize = 500 * 1_024;

impl Chain {
    /// A transaction as a node makes it: on the newest solid block, for a minute.
    pub(crate) fn draft(&self, action: Action, fee_limit: i64, permission_id: i32) -> Raw {
        let reference = &self.blocks[usize::try_from(self.solid).expect("a block in memory")].id;
        Raw {
            ref_block_bytes: reference[6..8].to_vec(),
            ref_block_hash: reference[8..16].to_vec(),
            expiration: self.head().timestamp_ms + NODE_MADE_MS,
            data: Vec::new(),
            contract: vec![action.into_contract(permission_id)],
            timestamp: self.clock.now_ms(),
            fee_limit,
        }
    }

    /// Notes an id without looking at the transaction, as nodes with `trxCacheEnable` do; `true` if it was noted before.
    pub(crate) fn note(&mut self, txid: [u8; 32]) -> bool {
        !self.noted.insert(txid)
    }

    /// Takes a transaction into the pool, or says why not.
    pub(crate) fn submit(&mut self, envelope: Envelope) -> Result<(), Refusal> {
        self.drop_old();
        let (expiration, head_ms) = (envelope.raw.expiration, self.head().timestamp_ms);
        let expired = || {
            let message = format!("Transaction expired: its expiration is {expiration}, the time of this chain is {head_ms}");
            Refusal::new("TRANSACTION_EXPIRATION_ERROR", message)
        };
        if expiration < head_ms + self.rules.slot_ms {
            return Err(expired());
        }
        check_signature(&envelope)?;
        self.check_reference(&envelope.raw)?;
        if envelope.bytes.len() > TRANSACTION_BYTES_MAX {
            return Err(Refusal::new("TOO_BIG_TRANSACTION_ERROR", "Too big transaction"));
        }
        if expiration <= head_ms || expiration > head_ms + EXPIRATION_MS_MAX {
            return Err(expired());
        }
        if self.knows(&envelope.txid) {
            return Err(Refusal::new("DUP_TRANSACTION_ERROR", "Dup transaction."));
        }
        let (now_ms, price) = (self.clock.now_ms(), self.energy_price);
        let mut ahead = self.ahead.take().unwrap_or_else(|| self.with_pool());
        let outcome = ahead.execute(&envelope, now_ms.max(head_ms + 1), price);
        self.ahead = Some(ahead);
        outcome?;
        self.pool.push(Pending { envelope: Arc::new(envelope), since_ms: now_ms });
        Ok(())
    }

    fn with_pool(&self) -> State {
        let mut state = self.state.clone();
        for pending in &self.pool {
            // One that no longer fits is left out of the next block, too.
            drop(state.execute(&pending.envelope, self.head().timestamp_ms + 1, self.energy_price));
        }
        state
    }

    fn check_reference(&self, raw: &Raw) -> Result<(), Refusal> {
        let refused = || Refusal::new("TAPOS_ERROR", "Tapos check error.");
        let bytes: [u8; 2] = raw.ref_block_bytes.as_slice().try_into().map_err(|_| refused())?;
        let head = self.head().number;
        let back = head.wrapping_sub(u64::from(u16::from_be_bytes(bytes))) % RECENT_BLOCKS;
        let block = head.checked_sub(back).and_then(|number| self.block(number)).ok_or_else(refused)?;
        if block.id[8..16] == raw.ref_block_hash { Ok(()) } else { Err(refused()) }
    }

    /// Nodes forget what waits too long (`node.pendingTransactionTimeout`).
    pub(super) fn drop_old(&mut self) {
        let (now_ms, keeps_ms) = (self.clock.now_ms(), self.rules.pool_keeps_ms);
        let before = self.pool.len();
        if !self.holding {
            self.pool.retain(|pending| now_ms - pending.since_ms <= keeps_ms);
        }
        if self.pool.len() != before {
            self.ahead = None;
        }
    }
}

fn check_signature(envelope: &Envelope) -> Result<(), Refusal> {
    let refused = |why: String| Refusal::new("SIGERROR", format!("Validate signature error: {why}"));
    let [signature] = envelope.signatures.as_slice() else {
        return Err(refused("miss sig or contract".into()));
    };
    match signer(&envelope.txid, signature) {
        None => Err(refused("the signature cannot be read".into())),
        Some(signer) if signer == envelope.owner => Ok(()),
        Some(signer) => {
            let (txid, signer) = (hex(&envelope.txid), base58(&signer));
            Err(refused(format!("{txid} is signed by {signer} but it is not contained of permission.")))
        }
    }
}
