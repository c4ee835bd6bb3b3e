//! A small market that lives for a few hundred transactions and keeps its own books.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

pub const ONCHAIN: Uuid = Uuid::from_u128(0x7000_8000_0000_0000_0001);
pub const PLATFORM_FEES: Uuid = Uuid::from_u128(0x7000_8000_0000_0000_0002);
pub const OPERATOR_CAPITAL: Uuid = Uuid::from_u128(0x7000_8000_0000_0000_0003);
const USDT: i64 = 1_000_000;

/// `SplitMix64`: the same seed, the same market.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).expect("low is at most high");
        low + i64::try_from(self.next() % span).expect("fits")
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.next() % from.len() as u64).expect("fits")]
    }

    fn id(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.next(), self.next())
    }
}

pub struct Account {
    pub owner: Uuid,
    pub kind: &'static str,
    pub reference: Uuid,
    pub balance: i64,
    /// Transaction, amount, balance after.
    pub entries: Vec<(Uuid, i64, i64)>,
}

pub struct Transaction {
    pub id: Uuid,
    pub kind: &'static str,
    pub reference: Uuid,
    pub at: i64,
    pub actor: Uuid,
    pub postings: Vec<(Uuid, Uuid, i64)>,
}

pub struct Market {
    dice: Dice,
    pub users: Vec<Uuid>,
    pub accounts: BTreeMap<Uuid, Account>,
    pub transactions: Vec<Transaction>,
    /// Hash of each sealed transaction, in the order of the transactions.
    pub seals: Vec<[u8; 32]>,
}

impl Market {
    /// A market with eight users; about two thirds of its life are sealed.
    pub fn healthy(seed: u64) -> Self {
        let mut market =
            Self { dice: Dice(seed), users: Vec::new(), accounts: BTreeMap::new(), transactions: Vec::new(), seals: Vec::new() };
        for (id, kind) in [(ONCHAIN, "onchain"), (PLATFORM_FEES, "platform_fees"), (OPERATOR_CAPITAL, "operator_capital")] {
            market.open(id, Uuid::nil(), kind, Uuid::nil());
        }
        market.live();
        let sealed = market.transactions.len() * 2 / 3;
        for n in 0..sealed {
            market.seal(n);
        }
        market
    }

    fn live(&mut self) {
        // Money between the operator and the chain comes first and is sealed: while it waits for its seal nothing else
        // in the books repeats its amount, so that no auditor could miss it.
        self.event("float_in", Uuid::nil(), vec![(ONCHAIN, OPERATOR_CAPITAL, 500 * USDT)]);
        self.event("float_out", Uuid::nil(), vec![(OPERATOR_CAPITAL, ONCHAIN, 20 * USDT)]);
        for _ in 0..8 {
            let user = self.dice.id();
            self.users.push(user);
            self.open(user, user, "user_available", user);
            let amount = self.dice.between(100, 900) * USDT;
            self.event("deposit", Uuid::nil(), vec![(ONCHAIN, user, amount)]);
        }
        self.settlement_without_net_fee();
        for _ in 0..50 {
            self.task();
            self.tip();
            self.withdrawal();
        }
    }

    fn open(&mut self, id: Uuid, owner: Uuid, kind: &'static str, reference: Uuid) {
        let account = Account { owner, kind, reference, balance: 0, entries: Vec::new() };
        assert!(self.accounts.insert(id, account).is_none(), "ids are distinct");
    }

    fn event(&mut self, kind: &'static str, actor: Uuid, postings: Vec<(Uuid, Uuid, i64)>) {
        let reference = self.dice.id();
        self.record(kind, reference, actor, postings);
    }

    fn record(&mut self, kind: &'static str, reference: Uuid, actor: Uuid, postings: Vec<(Uuid, Uuid, i64)>) {
        let id = self.dice.id();
        let at = 1_779_530_400_000 + i64::try_from(self.transactions.len()).expect("few") * 1000;
        for (from, to, amount) in &postings {
            self.book(*from, id, -amount);
            self.book(*to, id, *amount);
        }
        self.transactions.push(Transaction { id, kind, reference, at, actor, postings });
    }

    fn book(&mut self, account: Uuid, transaction: Uuid, amount: i64) {
        let account = self.accounts.get_mut(&account).expect("an open account");
        match account.kind {
            "user_available" => account.add(transaction, amount),
            "task_escrow" | "withdrawal_hold" => account.balance += amount,
            _ => {} // follows with the seal
        }
    }

    fn seal(&mut self, n: usize) {
        let before = self.seals.last().copied().unwrap_or_default();
        let transaction = &self.transactions[n];
        let mut hash = Sha256::new();
        hash.update(before);
        hash.update(transaction.bytes());
        self.seals.push(hash.finalize().into());
        for platform in [ONCHAIN, PLATFORM_FEES, OPERATOR_CAPITAL] {
            let gained: i64 = transaction.postings.iter().filter(|p| p.1 == platform).map(|p| p.2).sum();
            let lost: i64 = transaction.postings.iter().filter(|p| p.0 == platform).map(|p| p.2).sum();
            if gained != lost {
                let account = self.accounts.get_mut(&platform).expect("opened first");
                account.add(transaction.id, gained - lost);
            }
        }
    }

    /// Commissions that eat the whole fee: the platform's account is touched but has no entry.
    fn settlement_without_net_fee(&mut self) {
        let (creator, worker) = (self.users[0], self.users[1]);
        let task = self.dice.id();
        self.open(task, creator, "task_escrow", task);
        self.record("publish", task, creator, vec![(creator, task, 100)]);
        let legs =
            vec![(task, worker, 90), (task, PLATFORM_FEES, 10), (PLATFORM_FEES, self.users[2], 5), (PLATFORM_FEES, self.users[3], 5)];
        self.event("settlement", creator, legs);
    }

    fn task(&mut self) {
        let users = self.users.clone();
        let creator = self.dice.pick(&users);
        let (slots, reward) = (self.dice.between(1, 4), self.dice.pick(&[5, 99_999, USDT, 2 * USDT + 1]));
        if self.accounts[&creator].balance < slots * reward {
            return;
        }
        let task = self.dice.id();
        self.open(task, creator, "task_escrow", task);
        self.record("publish", task, creator, vec![(creator, task, slots * reward)]);
        for _ in 0..slots {
            match self.dice.between(0, 9) {
                0 => {} // stays in escrow
                1 => self.event("refund", Uuid::nil(), vec![(task, creator, reward)]),
                2 => self.event("close", creator, vec![(task, creator, reward)]),
                _ => self.settle(task, creator, reward),
            }
        }
    }

    fn settle(&mut self, task: Uuid, creator: Uuid, reward: i64) {
        let users = self.users.clone();
        let fee = reward / 10;
        let mut legs = vec![(task, self.dice.pick(&users), reward - fee)];
        if fee > 0 {
            legs.push((task, PLATFORM_FEES, fee));
        }
        for _ in 0..self.dice.between(0, 2) {
            if fee / 5 > 0 {
                legs.push((PLATFORM_FEES, self.dice.pick(&users), fee / 5));
            }
        }
        self.event("settlement", creator, legs);
    }

    fn tip(&mut self) {
        let users = self.users.clone();
        let (from, to, amount) = (self.dice.pick(&users), self.dice.pick(&users), self.dice.between(1, USDT));
        if from != to && self.accounts[&from].balance >= amount {
            self.event("tip", from, vec![(from, to, amount)]);
        }
    }

    fn withdrawal(&mut self) {
        let users = self.users.clone();
        let (user, amount) = (self.dice.pick(&users), self.dice.between(20, 30) * USDT);
        if self.accounts[&user].balance < amount || self.dice.between(0, 1) == 0 {
            return;
        }
        let hold = self.dice.id();
        self.open(hold, user, "withdrawal_hold", hold);
        self.record("withdraw", hold, user, vec![(user, hold, amount)]);
        let fee = 1_500_000;
        match self.dice.between(0, 3) {
            0 => {} // still queued
            1 => self.record("release", hold, Uuid::nil(), vec![(hold, user, amount)]),
            _ => self.record("payout", hold, Uuid::nil(), vec![(hold, ONCHAIN, amount - fee), (hold, PLATFORM_FEES, fee)]),
        }
    }

    /// What the auditor has to print.
    pub fn digest(&self) -> String {
        let mut in_id_order: Vec<&Transaction> = self.transactions.iter().collect();
        in_id_order.sort_by_key(|transaction| transaction.id);
        let mut hash = Sha256::new();
        for transaction in in_id_order {
            hash.update(transaction.bytes());
        }
        hash.finalize().iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
    }

    /// Money owed to users.
    pub fn liabilities(&self) -> i64 {
        let kinds = ["user_available", "task_escrow", "withdrawal_hold"];
        self.accounts.values().filter(|account| kinds.contains(&account.kind)).map(|account| account.balance).sum()
    }

    /// The platform's fees, sealed or not.
    pub fn revenue(&self) -> i64 {
        let legs = self.transactions.iter().flat_map(|transaction| &transaction.postings);
        legs.map(|(from, to, amount)| i64::from(*to == PLATFORM_FEES) * amount - i64::from(*from == PLATFORM_FEES) * amount).sum()
    }
}

impl Account {
    fn add(&mut self, transaction: Uuid, amount: i64) {
        self.balance += amount;
        self.entries.push((transaction, amount, self.balance));
    }
}

impl Transaction {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.id.as_bytes().to_vec();
        bytes.extend(self.kind.bytes());
        bytes.push(0);
        bytes.extend(self.reference.as_bytes());
        bytes.extend(self.at.to_be_bytes());
        bytes.extend(self.actor.as_bytes());
        bytes.extend(u32::try_from(self.postings.len()).expect("few").to_be_bytes());
        for ((from, to, amount), n) in self.postings.iter().zip(1i64..) {
            bytes.extend(n.to_be_bytes());
            bytes.extend(from.as_bytes());
            bytes.extend(to.as_bytes());
            bytes.extend(amount.to_be_bytes());
        }
        bytes
    }
}
