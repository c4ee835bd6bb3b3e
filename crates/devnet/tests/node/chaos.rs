//! A watcher and a payer that keep the rules, among liars and forks: the watcher's book is the chain's, and no debt is paid
//! twice. Each run has a seed; a failure names it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use devnet::{Devnet, Kind, Rule};
use serde_json::{Value, json};
use tron::node::{Lookup, Pool};
use tron::{Address, BlockId, Contract, RefBlock, SignedTransaction, Transaction};

use crate::support::{devnet, fund, key, order, pool, usdt};

/// xorshift: the same numbers for the same seed on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// One amount owed, with every attempt that was ever signed for it; only the last may be alive.
#[derive(Default)]
struct Debt {
    attempts: Vec<SignedTransaction>,
    paid: bool,
}

struct Player {
    devnet: Devnet,
    pool: Pool,
    dice: Dice,
    quorum: usize,
    cursor: Option<(u64, BlockId, i64)>,
    /// Transfers by the id of their transaction and their place in its log.
    book: BTreeMap<(String, usize), (Address, i64)>,
    /// Ids of all transactions in solid blocks.
    seen: BTreeSet<String>,
    debts: Vec<Debt>,
}

impl Player {
    /// Books solid blocks, one after the other, each complete and on top of the one before.
    async fn watch(&mut self) {
        let floor = self.cursor.map_or(0, |(number, ..)| number);
        let Ok(tip) = self.pool.solid_tip(floor).await else { return };
        for number in floor + 1..=tip.number() {
            let below = self.cursor.map(|(_, id, _)| id);
            let Ok(block) = self.pool.solid_block(number, below).await else { return };
            for transaction in &block.transactions {
                self.seen.insert(transaction.txid.to_string());
                for (at, transfer) in transaction.transfers() {
                    self.book.insert((transaction.txid.to_string(), at), (transfer.to, transfer.units.to_i64().unwrap()));
                }
            }
            self.cursor = Some((number, block.header.id, block.header.timestamp_ms));
        }
    }

    /// Sends what is owed again and again; signs anew only after the last attempt is proven dead.
    async fn pay(&mut self) {
        for at in 0..self.debts.len() {
            if self.debts[at].paid {
                continue;
            }
            match self.debts[at].attempts.last().cloned() {
                Some(last) if self.seen.contains(&last.txid().to_string()) => self.debts[at].paid = true,
                Some(last) => {
                    let over = self.cursor.is_some_and(|(.., time)| time >= last.transaction().expiration_ms);
                    if over && matches!(self.pool.solid_transaction(last.txid(), 2).await, Lookup::Absent { .. }) {
                        self.sign(at).await;
                    } else {
                        self.pool.broadcast(&last).await;
                    }
                }
                None => self.sign(at).await,
            }
        }
    }

    async fn sign(&mut self, at: usize) {
        let Some((_, id, time)) = self.cursor else { return };
        let to = key(100 + u8::try_from(at).unwrap()).address();
        let draft = Transaction {
            reference: RefBlock::of(&id),
            expiration_ms: time + 20_000,
            timestamp_ms: time + i64::try_from(at).unwrap(),
            fee_limit_sun: 30_000_000,
            contract: Contract::TokenTransfer { owner: key(1).address(), token: usdt(&self.devnet), to, units: 1_000_000 },
        };
        let signed = draft.sign(&key(1)).unwrap();
        self.debts[at].attempts.push(signed.clone());
        self.pool.broadcast(&signed).await;
    }

    /// Something happens to the chain, to a provider, or to time.
    fn disturb(&mut self) {
        let code = ["NOT_ENOUGH_EFFECTIVE_CONNECTION", "SERVER_BUSY", "DUP_TRANSACTION_ERROR", "CONTRACT_EXE_ERROR", "TAPOS_ERROR"]
            [usize::try_from(self.dice.roll(5)).unwrap()];
        let kind = match self.dice.roll(24) {
            // An invented id is found out by a second opinion only.
            18 if self.quorum == 2 => Kind::OtherId,
            19 => Kind::WrongParent,
            20 | 21 => return drop(order(&self.devnet, "hold", &json!({ "holding": true }))),
            22 => return drop(order(&self.devnet, "hold", &json!({ "holding": false }))),
            0 => Kind::EmptyInfos,
            1 => Kind::DropOneInfo,
            2 => Kind::InfosOfAnotherBlock,
            3 => Kind::Stale { blocks: 1 + self.dice.roll(4) },
            4 => Kind::Future { blocks: 1 + self.dice.roll(9) },
            5 => Kind::Status { code: 503 },
            6 => Kind::Html,
            7 => Kind::Truncated,
            8 => Kind::HangUp,
            9 => Kind::AcceptThenTimeout,
            10 => Kind::AcceptThenDrop,
            11 => Kind::Refuse { code: code.into() },
            12 => Kind::AcceptThenRefuse { code: code.into() },
            13 => Kind::LiteNode,
            14 | 15 => return drop(self.devnet.request(0, "/devnet/reorg", br#"{"depth":2}"#)),
            16 => return drop(self.devnet.request(0, "/devnet/reorg", br#"{"depth":1,"drop":true}"#)),
            _ => return drop(order(&self.devnet, "time", &json!({ "advance_ms": self.dice.roll(30_000) }))),
        };
        let provider = usize::try_from(self.dice.roll(2)).unwrap();
        self.devnet.set_faults(vec![Rule { provider: Some(provider), endpoint: None, times: Some(1 + self.dice.roll(6)), kind }]);
    }
}

async fn play(seed: u64) -> Player {
    let devnet = devnet();
    fund(&devnet, &key(1));
    let quorum = if seed.is_multiple_of(2) { 2 } else { 1 };
    let pool = pool(&devnet, 2, quorum);
    let dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut player = Player { devnet, pool, dice, quorum, cursor: None, book: BTreeMap::new(), seen: BTreeSet::new(), debts: Vec::new() };
    for round in 0..40 {
        if round % 8 == 0 {
            player.debts.push(Debt::default());
        }
        player.disturb();
        player.watch().await;
        player.pay().await;
        player.devnet.mine(player.dice.roll(3)).unwrap();
    }
    // Quiet returns; everything that is owed gets paid.
    player.devnet.set_faults(Vec::new());
    order(&player.devnet, "hold", &json!({ "holding": false }));
    for _ in 0..6 {
        order(&player.devnet, "time", &json!({ "advance_ms": 21_000 }));
        for _ in 0..3 {
            player.devnet.mine(2).unwrap();
            player.watch().await;
            player.pay().await;
        }
    }
    player
}

#[tokio::test]
async fn the_book_is_the_chains_and_each_debt_is_paid_once() {
    let mut attempts = 0;
    for seed in 1..=24 {
        let player = play(seed).await;
        let truth = order(&player.devnet, "truth", &json!({}));
        let solid = |transfer: &&Value| transfer["solid"] == true;
        let transfers: Vec<&Value> = truth["transfers"].as_array().unwrap().iter().filter(solid).collect();
        let expected: BTreeMap<(String, usize), (Address, i64)> = transfers
            .iter()
            .map(|transfer| {
                let text = |name: &str| transfer[name].as_str().unwrap().to_owned();
                let place = (text("txid"), usize::try_from(transfer["log_index"].as_u64().unwrap()).unwrap());
                (place, (text("to").parse().unwrap(), text("units").parse().unwrap()))
            })
            .collect();
        assert_eq!(player.book, expected, "seed {seed}");

        let mut received: HashMap<&str, u32> = HashMap::new();
        for transfer in &transfers {
            *received.entry(transfer["to"].as_str().unwrap()).or_default() += 1;
        }
        for (at, debt) in player.debts.iter().enumerate() {
            let to = key(100 + u8::try_from(at).unwrap()).address().to_string();
            assert_eq!((debt.paid, received.get(to.as_str())), (true, Some(&1)), "seed {seed}, debt {at}");
            attempts += debt.attempts.len();
        }
    }
    assert!(attempts > 24 * 5 + 20, "{attempts} attempts: nothing ever expired, so nothing was shown");
}
