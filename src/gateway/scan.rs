//! Reads solid blocks into the database, one after the other without a gap: deposits, capital of the operator, and what
//! became of our own transactions. Everything of a block and the cursor move together.

use std::collections::{HashMap, HashSet};

use tron::BlockId;
use tron::abi::TransferEvent;
use tron::node::{Block, BlockTransaction, Outcome};

use crate::base::error::internal;
use crate::base::{Address, Context, Result, Ts, Usdt};
use crate::events::{self, Event};
use crate::gateway::freeze::{self, FreezeReason};
use crate::gateway::lease::{self, Token};
use crate::gateway::order::{Attempt, AttemptState};
use crate::gateway::outgoing::store::Outgoing;
use crate::gateway::sieve::Batch;
use crate::gateway::store::{self, Cursor, Holder};
use crate::gateway::{GatewayRefusal, float, outcome, outgoing};
use crate::wallet::custody::Custody;
use crate::wallet::deposit::{self, Arrival};

/// TAPOS reaches 65,536 blocks back; so far we have to know what was there.
const BLOCKS_KEPT: i64 = 70_000;
const PRUNED_EVERY: i64 = 1_000;

/// What the operation has at hand while it goes through blocks.
struct Scan {
    custody: Custody,
    /// Which of the addresses in these blocks are deposit addresses.
    holders: HashMap<Address, Holder>,
    live: HashMap<[u8; 32], Attempt>,
    cursor: Cursor,
    moved: HashMap<Address, i64>,
    told: Vec<Event>,
}

/// A transfer of USDT in a log.
struct Transfer {
    log_index: i64,
    from: Address,
    to: Address,
    event: TransferEvent,
    amount: Option<Usdt>,
}

/// Addresses given away while blocks went through the sieve; more than that is a sieve of long ago.
const YOUNG_MAX: i64 = 10_000;

/// Reads the blocks of `batch`. Those that were read before are left out. Answers the number of the cursor.
///
/// # Errors
/// `internal` when a block is missing between the cursor and the first of them.
pub fn record_blocks(cx: &mut Context<'_, '_>, token: Token, batch: &Batch) -> Result<i64> {
    lease::require(cx, token)?;
    let cursor = store::cursor_locked(cx)?.ok_or_else(|| internal("the chain has no beginning yet"))?;
    let custody = Custody::current(cx)?;
    let holders = holders_of(cx, batch)?;
    let mut scan = Scan::new(cx, custody, holders, cursor)?;
    for block in &batch.blocks {
        let number = i64::try_from(block.header.number()).map_err(internal)?;
        if number <= scan.cursor.number {
            continue;
        }
        if number != scan.cursor.number + 1 {
            return Err(internal(format!("block {number} after block {}", scan.cursor.number)));
        }
        if block.header.parent != BlockId::from_bytes(scan.cursor.hash) {
            let detail =
                format!("block {number} stands on {}, and {} was solid", block.header.parent, tron::hex::encode(&scan.cursor.hash));
            freeze::freeze(cx, FreezeReason::BrokenChain, &detail)?;
            break;
        }
        if block.header.timestamp_ms <= scan.cursor.at.as_milliseconds() {
            let detail = format!("block {number} is not younger than the one before it");
            freeze::freeze(cx, FreezeReason::BrokenChain, &detail)?;
            break;
        }
        scan.read(cx, block, number)?;
    }
    scan.finish(cx)
}

/// Reads old blocks again, for what was missed: transfers to addresses that were not ours when their block was read, and
/// transactions of ours that are still waited for. The cursor stays where it is, what is known is not counted twice. Answers
/// how many deposits are new.
///
/// It takes no token, so that it works beside the gateway that holds the lease. Nothing is signed here, and nothing is
/// believed that was read earlier: each deposit is looked for by its place on the chain, an attempt that lives was never read,
/// and the locked row of the cursor makes this and the gateway at work follow one another.
pub fn rescan(cx: &mut Context<'_, '_>, blocks: &[Block]) -> Result<usize> {
    let cursor = store::cursor_locked(cx)?.ok_or(GatewayRefusal::NotBegun)?;
    let custody = Custody::current(cx)?;
    let holders = holders_in(cx, &custody, blocks)?.into_iter().map(|holder| (holder.address, holder)).collect();
    let mut scan = Scan::new(cx, custody, holders, cursor)?;
    let mut found = 0;
    for block in blocks {
        let number = i64::try_from(block.header.number()).map_err(internal)?;
        let known = store::block_hash(cx, number)?.is_none_or(|hash| BlockId::from_bytes(hash) == block.header.id);
        if number > scan.cursor.number || !known {
            return Err(internal(format!("block {number} is not the one that was read")));
        }
        for transaction in &block.transactions {
            if scan.live.contains_key(transaction.txid.as_bytes()) {
                scan.read_transaction(cx, transaction, number)?;
            } else {
                found += scan.read_missed_deposits(cx, transaction, number)?;
            }
        }
    }
    scan.finish(cx)?;
    Ok(found)
}

/// Everything that USDT moved from or to, as often as it did.
pub(super) fn ends(custody: &Custody, blocks: &[Block]) -> impl Iterator<Item = Address> {
    let transactions = blocks.iter().flat_map(|block| &block.transactions);
    transactions.flat_map(|transaction| transfers(custody, transaction)).flat_map(|transfer| [transfer.from, transfer.to])
}

/// The deposit addresses that USDT moved from or to: suspects that are, and those that are younger than the sieve.
fn holders_of(cx: &mut Context<'_, '_>, batch: &Batch) -> Result<HashMap<Address, Holder>> {
    let mut found = store::holders(cx, &batch.suspects)?;
    let young = store::holders_from(cx, batch.sieved_to, YOUNG_MAX)?;
    if i64::try_from(young.len()).is_ok_and(|young| young == YOUNG_MAX) {
        return Err(internal("too many deposit addresses are new since the blocks were looked through"));
    }
    found.extend(young);
    Ok(found.into_iter().map(|holder| (holder.address, holder)).collect())
}

/// The same without a sieve.
fn holders_in(cx: &mut Context<'_, '_>, custody: &Custody, blocks: &[Block]) -> Result<Vec<Holder>> {
    let distinct: HashSet<Address> = ends(custody, blocks).collect();
    let mut addresses: Vec<Address> = distinct.into_iter().collect();
    addresses.sort_unstable();
    store::holders(cx, &addresses)
}

/// The transfers of our token, without those of nothing.
fn transfers(custody: &Custody, transaction: &BlockTransaction) -> impl Iterator<Item = Transfer> {
    let ours = transaction.transfers().filter(|(_, event)| Address(event.contract) == custody.contract && !event.units.is_zero());
    ours.filter_map(|(at, event)| {
        let log_index = i64::try_from(at).ok()?;
        let amount = event.units.to_i64().map(Usdt::from_micro);
        Some(Transfer { log_index, from: Address(event.from), to: Address(event.to), event, amount })
    })
}

fn arrival(transaction: &BlockTransaction, block: i64, transfer: &Transfer, holder: &Holder) -> Arrival {
    Arrival {
        txid: *transaction.txid.as_bytes(),
        log_index: transfer.log_index,
        block,
        sender: transfer.from,
        address: transfer.to,
        user: holder.user_id,
        amount: transfer.amount,
        raw_amount: transfer.event.units.to_hex(),
    }
}

impl Scan {
    fn new(cx: &mut Context<'_, '_>, custody: Custody, holders: HashMap<Address, Holder>, cursor: Cursor) -> Result<Self> {
        let live = store::live_attempts(cx)?.into_iter().map(|attempt| (attempt.txid, attempt)).collect();
        Ok(Self { custody, holders, live, cursor, moved: HashMap::new(), told: Vec::new() })
    }

    /// Writes what was counted; answers the number of the cursor.
    fn finish(self, cx: &mut Context<'_, '_>) -> Result<i64> {
        for (address, units) in &self.moved {
            store::add_to_holder(cx, *address, *units)?;
        }
        store::save_cursor(cx, &self.cursor)?;
        events::emit(cx, &self.told)?;
        Ok(self.cursor.number)
    }

    fn read(&mut self, cx: &mut Context<'_, '_>, block: &Block, number: i64) -> Result<()> {
        let (id, at) = (*block.header.id.as_bytes(), Ts::from_milliseconds(block.header.timestamp_ms));
        store::insert_block(cx, number, id, *block.header.parent.as_bytes(), at)?;
        for transaction in &block.transactions {
            self.read_transaction(cx, transaction, number)?;
        }
        self.cursor.number = number;
        self.cursor.hash = id;
        self.cursor.at = at;
        if number % PRUNED_EVERY == 0 {
            store::forget_blocks(cx, number - BLOCKS_KEPT)?;
        }
        Ok(())
    }

    /// Deposits of a transaction that was read before. Whoever did not see one arrive has not counted it either.
    fn read_missed_deposits(&mut self, cx: &mut Context<'_, '_>, transaction: &BlockTransaction, number: i64) -> Result<usize> {
        let (transfers, mut found): (Vec<Transfer>, usize) = (transfers(&self.custody, transaction).collect(), 0);
        for transfer in transfers {
            let Some(holder) = self.holders.get(&transfer.to) else { continue };
            if deposit::arrive(cx, &arrival(transaction, number, &transfer, holder), &mut self.told)? {
                self.count(transfer.to, transfer.amount.unwrap_or_default())?;
                found += 1;
            }
        }
        Ok(found)
    }

    fn read_transaction(&mut self, cx: &mut Context<'_, '_>, transaction: &BlockTransaction, number: i64) -> Result<()> {
        if !self.concerns_us(transaction) {
            return Ok(());
        }
        let txid = *transaction.txid.as_bytes();
        let transfers: Vec<Transfer> = transfers(&self.custody, transaction).collect();
        for transfer in &transfers {
            self.read_transfer(cx, transaction, number, transfer)?;
        }
        let live = self.live.remove(&txid);
        let by_us = self.owner_is_ours(transaction) || transfers.iter().any(|t| self.is_ours(t.from));
        if live.is_none() && !by_us {
            return Ok(());
        }
        let known = match live {
            Some(attempt) => {
                let moved: Vec<_> = transfers.iter().map(|t| (t.from, t.to, t.amount)).collect();
                outcome::decide(cx, attempt, transaction, &moved, number, &mut self.told)?;
                true
            }
            None => store::attempt(cx, txid)?.is_some_and(|attempt| attempt.state != AttemptState::Dead),
        };
        self.note_outgoing(cx, transaction, number, &transfers, known)
    }

    /// Hardly any does: the rest is not looked at twice.
    fn concerns_us(&self, transaction: &BlockTransaction) -> bool {
        let mut transfers = transfers(&self.custody, transaction);
        self.owner_is_ours(transaction)
            || self.live.contains_key(transaction.txid.as_bytes())
            || transfers.any(|transfer| self.is_ours(transfer.from) || self.is_ours(transfer.to))
    }

    fn owner_is_ours(&self, transaction: &BlockTransaction) -> bool {
        transaction.owner.is_some_and(|owner| self.is_ours(Address(owner)))
    }

    /// Where money came from and went to, as far as these places are ours.
    fn read_transfer(&mut self, cx: &mut Context<'_, '_>, transaction: &BlockTransaction, number: i64, transfer: &Transfer) -> Result<()> {
        if let Some(amount) = transfer.amount {
            self.count(transfer.from, amount.negated())?;
            self.count(transfer.to, amount)?;
        }
        if let Some(holder) = self.holders.get(&transfer.to) {
            return deposit::arrive(cx, &arrival(transaction, number, transfer, holder), &mut self.told).map(drop);
        }
        let is_capital = self.is_wallet(transfer.to) && !self.is_ours(transfer.from);
        match transfer.amount {
            Some(amount) if is_capital => float::book_in(cx, deposit::deposit_id(transaction.txid.as_bytes(), transfer.log_index), amount),
            _ => Ok(()),
        }
    }

    fn count(&mut self, address: Address, change: Usdt) -> Result<()> {
        let add = |total: i64| total.checked_add(change.micro()).ok_or_else(|| internal("more USDT than there are"));
        if address == self.custody.hot {
            self.cursor.hot = add(self.cursor.hot)?;
        } else if Some(address) == self.custody.cold {
            self.cursor.cold = add(self.cursor.cold)?;
        } else if self.holders.contains_key(&address) {
            let moved = self.moved.entry(address).or_default();
            *moved = add(*moved)?;
        } else {
            return Ok(());
        }
        self.cursor.total = add(self.cursor.total)?;
        Ok(())
    }

    /// Something left one of our addresses; when no attempt of ours did it, everything stops.
    fn note_outgoing(
        &mut self,
        cx: &mut Context<'_, '_>,
        transaction: &BlockTransaction,
        block: i64,
        transfers: &[Transfer],
        known: bool,
    ) -> Result<()> {
        let (txid, outcome) = (*transaction.txid.as_bytes(), words_of(&transaction.outcome));
        let owner = transaction.owner.map(Address);
        let mut rows: Vec<Outgoing> = transfers
            .iter()
            .filter(|transfer| known || self.is_ours(transfer.from))
            .map(|t| {
                let amount = t.amount.unwrap_or_default().micro();
                Outgoing {
                    txid,
                    log_index: t.log_index,
                    block,
                    owner: t.from,
                    recipient: Some(t.to),
                    amount,
                    outcome: outcome.clone(),
                    known,
                }
            })
            .collect();
        if rows.is_empty() {
            let owner = owner.unwrap_or(self.custody.hot);
            rows.push(Outgoing { txid, log_index: -1, block, owner, recipient: None, amount: 0, outcome, known });
        }
        outgoing::store::insert(cx, &rows)?;
        if !known {
            let detail = format!("transaction {} in block {block} left our wallets without an order", transaction.txid);
            tracing::error!(detail, "an unknown payment");
            freeze::freeze(cx, FreezeReason::UnknownPayment, &detail)?;
        }
        Ok(())
    }

    fn is_wallet(&self, address: Address) -> bool {
        address == self.custody.hot || Some(address) == self.custody.cold
    }

    /// Payouts leave the hot wallet, sweeps the deposit addresses. Nothing leaves the cold one by itself.
    fn is_ours(&self, address: Address) -> bool {
        self.is_wallet(address) || self.holders.contains_key(&address)
    }
}

fn words_of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Success => "SUCCESS".to_owned(),
        Outcome::Failed(why) => why.clone(),
    }
}
