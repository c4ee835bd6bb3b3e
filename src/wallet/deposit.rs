//! Money that comes in: what the solid chain says arrived at a deposit address becomes a deposit, once.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::base::error::Refusal;
use crate::base::page::{self, Page};
use crate::base::{Address, Context, Result, Ts, Usdt, UserId};
use crate::events::{Event, EventKind};
use crate::ledger::{self, AccountId, Transaction, TransactionKind};
use crate::users::store::user;
use crate::users::user::Status;
use crate::wallet::custody::explorer_url;
use crate::wallet::store::{self, DepositRow};

const LIST: &str = "deposits";

crate::words! {
    /// What became of a deposit.
    pub enum DepositStatus {
        /// In the balance.
        Credited = "credited",
        /// Waits until it reaches the minimum together with others.
        BelowMinimum = "below_minimum",
        /// An admin looks at it.
        HeldForReview = "held_for_review",
        /// Its user has left.
        OrphanAddress = "orphan_address",
    }
}

/// A transfer to a deposit address, as the solid chain has it.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The transaction.
    pub txid: [u8; 32],
    /// The position in its log.
    pub log_index: i64,
    /// The number of its block.
    pub block: i64,
    /// Who sent it.
    pub sender: Address,
    /// The deposit address.
    pub address: Address,
    /// Whose address it is.
    pub user: UserId,
    /// How much; nothing where it does not fit into 63 bits.
    pub amount: Option<Usdt>,
    /// How much as the log says, in hex.
    pub raw_amount: String,
}

/// The id of a deposit follows from where it is on the chain, so the same transfer never makes two.
pub fn deposit_id(txid: &[u8; 32], log_index: i64) -> Uuid {
    let mut hash = sha2::Sha256::default();
    sha2::Digest::update(&mut hash, txid);
    sha2::Digest::update(&mut hash, log_index.to_be_bytes());
    let digest: [u8; 32] = sha2::Digest::finalize(hash).into();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(id).into_uuid()
}

/// Writes an arrival down and credits it, with earlier ones that waited for the minimum. Nothing when it is known; answers
/// whether it is new. What is told to the user goes to `told`.
pub fn arrive(cx: &mut Context<'_, '_>, arrival: &Arrival, told: &mut Vec<Event>) -> Result<bool> {
    let id = deposit_id(&arrival.txid, arrival.log_index);
    if store::deposit(cx, id)?.is_some() {
        return Ok(false);
    }
    let is_closed = user(cx, arrival.user)?.is_none_or(|user| user.status == Status::Closed);
    let least = cx.config.chain.deposit_min;
    let (amount, waiting) = match arrival.amount {
        None => (Usdt::ZERO, Vec::new()),
        Some(amount) => (amount, store::deposits_waiting(cx, arrival.user, DepositStatus::BelowMinimum)?),
    };
    let together = waiting.iter().map(|row| row.amount).chain([amount]).sum::<Usdt>();
    let status = match arrival.amount {
        _ if is_closed => DepositStatus::OrphanAddress,
        None => DepositStatus::HeldForReview,
        Some(_) if together < least => DepositStatus::BelowMinimum,
        Some(_) => DepositStatus::Credited,
    };
    store::insert_deposit(cx, id, arrival, amount, status)?;
    if status == DepositStatus::Credited {
        for row in waiting {
            store::credit_deposit(cx, row.id)?;
            credit(cx, arrival.user, row.id, row.amount, &row.txid, told)?;
        }
        credit(cx, arrival.user, id, amount, &arrival.txid, told)?;
    }
    Ok(true)
}

fn credit(cx: &mut Context<'_, '_>, user: UserId, id: Uuid, amount: Usdt, txid: &[u8; 32], told: &mut Vec<Event>) -> Result<()> {
    let transaction = Transaction::new(TransactionKind::Deposit, id).post(AccountId::ONCHAIN, AccountId::available(user), amount);
    ledger::record(cx, &transaction)?;
    told.push(Event::new(user, EventKind::DepositCredited, json!({ "deposit_id": id, "amount": amount, "txid": tron::hex::encode(txid) })));
    Ok(())
}

/// Which part of the list.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetDeposits {
    /// `next_cursor` of the page before.
    #[garde(inner(length(bytes, max = 200)))]
    cursor: Option<String>,
    /// How many, 1 to 200; 50 when left out.
    #[garde(inner(range(min = 1, max = 200)))]
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// Something that arrived.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Deposit")]
pub struct DepositView {
    /// For ever; the reference of its line in the history.
    deposit_id: Uuid,
    /// How much arrived.
    amount: Usdt,
    /// What became of it.
    status: DepositStatus,
    /// The transaction on the chain.
    txid: String,
    /// Where people look at it.
    explorer_url: Option<String>,
    /// Who sent it.
    sender: Address,
    /// The number of its block.
    block: i64,
    /// When it was seen on the solid chain.
    seen_at: Ts,
    /// When it went into the balance.
    credited_at: Option<Ts>,
    #[serde(skip)]
    position: String,
}

/// What arrived, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Deposits {
    /// Seen on the chain and not in the balance yet, because it is below the minimum.
    pending_deposits: Usdt,
    /// A page.
    #[serde(flatten)]
    page: Page<DepositView>,
}

pub(super) fn get_deposits(cx: &mut Context<'_, '_>, input: &GetDeposits) -> Result<Deposits> {
    let user = cx.user_id()?;
    let limit = input.limit.unwrap_or(50);
    let before = match &input.cursor {
        None => (i64::MAX, Uuid::max()),
        Some(cursor) => {
            let position = page::position(LIST, cursor)?;
            let parts = position.split_once(' ').and_then(|(block, id)| Some((block.parse().ok()?, id.parse().ok()?)));
            parts.ok_or(Refusal::StaleCursor)?
        }
    };
    let network = cx.config.installation.network;
    let rows = store::deposits_of(cx, user, before, i64::from(limit) + 1)?;
    let items = rows.iter().map(|row| view(network, row)).collect();
    let page = Page::of(items, limit as usize, |deposit: &DepositView| page::cursor(LIST, &deposit.position));
    let waiting = store::deposits_waiting(cx, user, DepositStatus::BelowMinimum)?;
    Ok(Deposits { pending_deposits: waiting.iter().map(|row| row.amount).sum(), page })
}

fn view(network: crate::base::config::Network, row: &DepositRow) -> DepositView {
    let txid = tron::hex::encode(&row.txid);
    DepositView {
        position: format!("{} {}", row.block, row.id),
        deposit_id: row.id,
        amount: row.amount,
        status: row.status,
        explorer_url: explorer_url(network, &txid),
        txid,
        sender: row.sender,
        block: row.block,
        seen_at: row.seen_at,
        credited_at: row.credited_at,
    }
}
