//! The chain beside a market: blocks, deposits, what was ordered there and what became of it.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::market::{Dice, Market, OPERATOR_CAPITAL, USDT};

/// Blocks of this chain are a minute apart, and a transaction lives for three.
const BLOCK_MS: i64 = 60_000;
const LIVES_MS: i64 = 3 * BLOCK_MS;
/// What lay in the hot wallet at the first start is booked under this.
const OPENING: Uuid = Uuid::from_u128(0x6f70_656e_696e_8000_8000_0000_0000_0001);

pub type Address = [u8; 21];
pub type Hash = [u8; 32];

pub struct Block {
    pub number: i64,
    pub hash: Hash,
    pub parent: Hash,
    pub at: i64,
}

pub struct Deposit {
    pub id: Uuid,
    pub txid: Hash,
    pub log_index: i64,
    pub block: i64,
    /// The index of its address.
    pub home: usize,
    pub amount: i64,
    pub is_credited: bool,
    pub at: i64,
}

pub struct Order {
    pub id: Uuid,
    pub kind: &'static str,
    pub owner: Address,
    pub recipient: Address,
    pub amount: i64,
    pub failures: i64,
    pub steps: Vec<&'static str>,
    pub attempts: Vec<Attempt>,
    pub at: i64,
}

pub struct Attempt {
    pub txid: Hash,
    pub signed: Vec<u8>,
    pub ref_number: i64,
    pub expires_at: i64,
    pub state: &'static str,
    pub sends: i64,
    pub block: Option<i64>,
    /// Number, id and time of the block that proves that it is dead.
    pub proof: Option<(i64, Hash, i64)>,
}

/// Transaction, log index, block, owner, recipient, amount, outcome.
pub type Outgoing = (Hash, i64, i64, Address, Option<Address>, i64, &'static str);

/// With dice of its own: what happens here does not change the market.
pub struct Chain {
    pub dice: Dice,
    pub blocks: Vec<Block>,
    pub hot_address: Address,
    pub hot: i64,
    /// Address, user, and what lies there.
    pub addresses: Vec<(Address, Uuid, i64)>,
    pub deposits: Vec<Deposit>,
    pub orders: Vec<Order>,
    pub outgoing: Vec<Outgoing>,
    /// Orders that an admin confirmed by a transaction that was not signed here.
    pub adopted: Vec<Uuid>,
}

impl Chain {
    pub fn new(seed: u64) -> Self {
        let mut chain = Self {
            dice: Dice(!seed),
            blocks: Vec::new(),
            hot_address: [0; 21],
            hot: 0,
            addresses: Vec::new(),
            deposits: Vec::new(),
            orders: Vec::new(),
            outgoing: Vec::new(),
            adopted: Vec::new(),
        };
        chain.hot_address = chain.address();
        chain.read_block(61_234_567);
        chain
    }

    pub fn hash(&mut self) -> Hash {
        let mut hash = [0; 32];
        hash[..16].copy_from_slice(self.dice.id().as_bytes());
        hash[16..].copy_from_slice(self.dice.id().as_bytes());
        hash
    }

    pub fn address(&mut self) -> Address {
        let mut address = [0x41; 21];
        address[1..].copy_from_slice(&self.hash()[..20]);
        address
    }

    fn read_block(&mut self, number: i64) {
        let mut hash = self.hash();
        hash[..8].copy_from_slice(&number.to_be_bytes());
        let (parent, at) = self.blocks.last().map_or(([9; 32], 1_779_000_000_000), |last| (last.hash, last.at + BLOCK_MS));
        self.blocks.push(Block { number, hash, parent, at });
    }

    pub fn tip(&self) -> &Block {
        self.blocks.last().expect("it begins with one")
    }

    /// The number of one block more.
    pub fn next_block(&mut self) -> i64 {
        let number = self.tip().number + 1;
        self.read_block(number);
        number
    }

    pub fn total(&self) -> i64 {
        self.hot + self.addresses.iter().map(|(_, _, units)| units).sum::<i64>()
    }

    pub fn order(&mut self, id: Uuid, kind: &'static str, owner: Address, recipient: Address, amount: i64, at: i64) -> usize {
        let (failures, steps, attempts) = (0, vec!["approved"], Vec::new());
        self.orders.push(Order { id, kind, owner, recipient, amount, failures, steps, attempts, at });
        self.orders.len() - 1
    }

    /// Signs an attempt; it lives.
    pub fn sign(&mut self, order: usize) {
        let raw = self.hash();
        let (ref_number, expires_at) = (self.tip().number, self.tip().at + LIVES_MS);
        let signed = [&[0x0a, 32], &raw[..], &[0x12, 65], &[5; 65]].concat();
        let order = &mut self.orders[order];
        let txid = Sha256::digest(raw).into();
        order.attempts.push(Attempt { txid, signed, ref_number, expires_at, state: "live", sends: 0, block: None, proof: None });
        order.steps.push("signed");
    }

    pub fn send(&mut self, order: usize) {
        let order = &mut self.orders[order];
        order.attempts.last_mut().expect("signed").sends += 1;
        order.steps.push("in_flight");
    }

    /// It gets into a block, and does what it should or fails.
    pub fn include(&mut self, order: usize, succeeds: bool) {
        let block = self.next_block();
        let order = &mut self.orders[order];
        let (owner, recipient, amount) = (order.owner, order.recipient, order.amount);
        let attempt = order.attempts.last_mut().expect("signed");
        (attempt.state, attempt.block) = (if succeeds { "confirmed" } else { "failed" }, Some(block));
        let txid = attempt.txid;
        order.failures += i64::from(!succeeds);
        order.steps.push(match (succeeds, order.failures) {
            (true, _) => "confirmed",
            (false, 1) => "approved",
            (false, _) => "refunded",
        });
        let is_token = order.kind != "top_up";
        if succeeds && is_token {
            self.outgoing.push((txid, 3, block, owner, Some(recipient), amount, "SUCCESS"));
            self.transfer(owner, recipient, amount);
        } else {
            self.outgoing.push((txid, -1, block, owner, None, 0, if succeeds { "SUCCESS" } else { "OUT_OF_ENERGY" }));
        }
    }

    /// Time passes until no block takes it any more.
    pub fn bury(&mut self, order: usize, state: &'static str) {
        let expires_at = self.orders[order].attempts.last().expect("signed").expires_at;
        while self.tip().at < expires_at {
            self.next_block();
        }
        let (number, hash, at) = (self.tip().number, self.tip().hash, self.tip().at);
        let order = &mut self.orders[order];
        let attempt = order.attempts.last_mut().expect("signed");
        (attempt.state, attempt.proof) = ("dead", Some((number, hash, at)));
        order.steps.push(state);
    }

    /// An admin confirms an order by a transaction of before a backup.
    pub fn adopt(&mut self, order: usize) -> Hash {
        let (txid, block) = (self.hash(), self.next_block());
        let Order { id, owner, recipient, amount, .. } = self.orders[order];
        self.outgoing.push((txid, 0, block, owner, Some(recipient), amount, "SUCCESS"));
        self.transfer(owner, recipient, amount);
        self.orders[order].steps.push("confirmed");
        self.adopted.push(id);
        txid
    }

    fn transfer(&mut self, from: Address, to: Address, amount: i64) {
        for (address, change) in [(from, -amount), (to, amount)] {
            if address == self.hot_address {
                self.hot += change;
            } else if let Some((_, _, units)) = self.addresses.iter_mut().find(|(known, _, _)| *known == address) {
                *units += change;
            }
        }
    }
}

impl Market {
    /// What lies in the hot wallet is the operator's; he takes a part of it out.
    pub fn capital(&mut self) {
        let (_, out) = (self.dice.id(), 20 * USDT);
        self.record("float_in", OPENING, Uuid::nil(), vec![(crate::market::ONCHAIN, OPERATOR_CAPITAL, 500 * USDT)]);
        self.chain.hot = 500 * USDT;
        let id = self.dice.id();
        let (hot, to) = (self.chain.hot_address, self.chain.address());
        let order = self.chain.order(id, "float_out", hot, to, out, self.now);
        self.chain.sign(order);
        self.chain.send(order);
        self.chain.include(order, true);
        self.record("float_out", id, Uuid::nil(), vec![(OPERATOR_CAPITAL, crate::market::ONCHAIN, out)]);
    }

    /// Something arrives at the address of a user, and is credited if it is enough.
    pub fn deposit(&mut self, user: Uuid, amount: i64) {
        let known = self.chain.addresses.iter().position(|(_, owner, _)| *owner == user);
        let home = known.unwrap_or_else(|| {
            let address = self.chain.address();
            self.chain.addresses.push((address, user, 0));
            self.chain.addresses.len() - 1
        });
        let (txid, log_index, block) = (self.chain.hash(), self.chain.dice.between(0, 9), self.chain.next_block());
        let hash = Sha256::new().chain_update(txid).chain_update(log_index.to_be_bytes()).finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        id[6] = id[6] & 0x0f | 0x80;
        id[8] = id[8] & 0x3f | 0x80;
        let (id, is_credited, at) = (Uuid::from_bytes(id), amount >= USDT, self.now);
        self.chain.addresses[home].2 += amount;
        self.chain.deposits.push(Deposit { id, txid, log_index, block, home, amount, is_credited, at });
        if is_credited {
            self.record("deposit", id, Uuid::nil(), vec![(crate::market::ONCHAIN, user, amount)]);
            let (txid, amount) = (hex(&txid), number(amount));
            self.tell_money(user, "deposit_credited", format!(r#"{{"deposit_id":"{id}","amount":{amount},"txid":"{txid}"}}"#));
        }
    }

    /// Brings what lies at an address to the hot wallet.
    pub fn sweep(&mut self, home: usize) {
        let (address, _, units) = self.chain.addresses[home];
        let (hot, now) = (self.chain.hot_address, self.now);
        for (kind, owner, recipient, amount) in [("top_up", hot, address, 30 * USDT), ("sweep", address, hot, units)] {
            let id = self.chain.dice.id();
            let order = self.chain.order(id, kind, owner, recipient, amount, now);
            self.chain.sign(order);
            self.chain.send(order);
            self.chain.include(order, true);
        }
    }

    pub fn tell_money(&mut self, user: Uuid, kind: &'static str, data: String) {
        let id = self.chain.dice.id();
        self.work.events.push((id, user, kind, data, self.now));
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// USDT as a JSON number.
pub fn number(micro: i64) -> String {
    format!("{}.{:06}", micro / USDT, micro % USDT)
}
