//! A small market that lives for a few hundred transactions and keeps its own books.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::chain::Chain;
use crate::withdrawals::Withdrawal;
use crate::work::Work;

pub const ONCHAIN: Uuid = Uuid::from_u128(0x7000_8000_0000_0000_0001);
pub const PLATFORM_FEES: Uuid = Uuid::from_u128(0x7000_8000_0000_0000_0002);
pub const OPERATOR_CAPITAL: Uuid = Uuid::from_u128(0x7000_8000_0000_0000_0003);
pub const USDT: i64 = 1_000_000;

/// Which of the others brought a user, when he registered, and the instant twelve months later.
const REGISTRATIONS: [(Option<usize>, i64, i64); 8] = [
    (Some(3), 1_749_945_600_000, 1_781_481_600_000), // 2025-06-15
    (Some(2), 1_756_684_799_999, 1_788_220_799_999), // the last instant of 2025-08-31
    (None, 1_709_208_000_000, 1_740_744_000_000),    // 2024-02-29, and so until a 28th
    (Some(0), 1_777_593_600_000, 1_809_129_600_000), // 2026-05-01
    (Some(3), 1_772_258_400_000, 1_803_794_400_000), // 2026-02-28
    (Some(1), 1_767_139_200_000, 1_798_675_200_000), // 2025-12-31
    (None, 1_779_235_200_000, 1_810_771_200_000),    // 2026-05-20
    (Some(5), 1_677_628_800_000, 1_709_251_200_000), // 2023-03-01
];

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

    pub fn id(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.next(), self.next())
    }
}

/// Who takes part, who brought him, since when, and until when that earns a commission.
#[derive(Clone, Copy)]
pub struct User {
    pub id: Uuid,
    pub referrer: Option<Uuid>,
    pub since: i64,
    pub earns_until: i64,
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
    pub dice: Dice,
    pub now: i64,
    pub users: Vec<User>,
    pub work: Work,
    pub chain: Chain,
    pub withdrawals: Vec<Withdrawal>,
    pub accounts: BTreeMap<Uuid, Account>,
    pub transactions: Vec<Transaction>,
    /// Hash of each sealed transaction, in the order of the transactions.
    pub seals: Vec<[u8; 32]>,
}

impl Market {
    /// A market with eight users; about two thirds of its life are sealed.
    pub fn healthy(seed: u64) -> Self {
        let mut market = Self {
            dice: Dice(seed),
            now: 1_779_530_400_000,
            users: Vec::new(),
            work: Work::default(),
            chain: Chain::new(seed),
            withdrawals: Vec::new(),
            accounts: BTreeMap::new(),
            transactions: Vec::new(),
            seals: Vec::new(),
        };
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
        self.capital();
        let ids: [Uuid; 8] = std::array::from_fn(|_| self.dice.id());
        for (id, (referrer, since, earns_until)) in ids.into_iter().zip(REGISTRATIONS) {
            self.users.push(User { id, referrer: referrer.map(|n| ids[n]), since, earns_until });
            self.open(id, id, "user_available", id);
            let amount = self.dice.between(100, 900) * USDT;
            self.deposit(id, amount);
        }
        for home in 0..5 {
            self.sweep(home);
        }
        for n in [1, 2, 6] {
            self.deposit(ids[n], 700_000);
        }
        self.settlement_without_net_fee();
        for _ in 0..60 {
            self.task();
            self.withdrawal();
        }
        self.all_withdrawals();
    }

    pub fn open(&mut self, id: Uuid, owner: Uuid, kind: &'static str, reference: Uuid) {
        let account = Account { owner, kind, reference, balance: 0, entries: Vec::new() };
        assert!(self.accounts.insert(id, account).is_none(), "ids are distinct");
    }

    pub fn record(&mut self, kind: &'static str, reference: Uuid, actor: Uuid, postings: Vec<(Uuid, Uuid, i64)>) {
        let id = self.dice.id();
        let at = self.now;
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

    fn withdrawal(&mut self) {
        self.now += 1000;
        let users = self.users.clone();
        let (user, amount) = (self.dice.pick(&users).id, self.dice.between(20, 30) * USDT);
        if self.accounts[&user].balance < amount || self.dice.between(0, 1) == 0 {
            return;
        }
        let way = self.dice.between(0, 3);
        let how = self.chain.dice.between(0, 6);
        self.take_out(user, amount, (way, how));
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
