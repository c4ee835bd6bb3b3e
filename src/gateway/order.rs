//! An order: something that has to happen on the chain, and the one function that moves it from state to state. Each try
//! is an attempt, a signed transaction; at most one of them lives.

use crate::base::{Address, Context, Result, Ts};
use crate::gateway::store;

crate::id! {
    /// An order; of a payout, the id of its withdrawal.
    OrderId
}

crate::words! {
    /// What an order is for.
    pub enum OrderKind {
        /// Carries a withdrawal out.
        Payout = "payout",
        /// Brings deposits to the hot or the cold wallet.
        Sweep = "sweep",
        /// Gives a deposit address TRX for its sweep; this also brings it into being.
        TopUp = "top_up",
        /// The operator takes money of his own out.
        FloatOut = "float_out",
        /// Play money of the sandbox.
        Faucet = "faucet",
    }
}

crate::words! {
    /// What moves.
    pub enum Asset {
        /// In micro-USDT.
        Usdt = "usdt",
        /// In sun.
        Trx = "trx",
    }
}

crate::words! {
    /// How far an order is.
    pub enum OrderState {
        /// Waits to be signed: for the first time, or again after proof that the last attempt is dead.
        Approved = "approved",
        /// The signed bytes are stored and were not sent yet.
        Signed = "signed",
        /// Sent at least once.
        InFlight = "in_flight",
        /// Final on the solid chain.
        Confirmed = "confirmed",
        /// Failed for good; the withdrawal's money is back.
        Refunded = "refunded",
        /// Not needed any more, or given up; nothing happened on the chain.
        Dropped = "dropped",
        /// Nothing moves until an admin decides.
        NeedsOperator = "needs_operator",
    }
}

crate::words! {
    /// What became of an attempt.
    pub enum AttemptState {
        /// May still get into a block.
        Live = "live",
        /// Did what it should.
        Confirmed = "confirmed",
        /// Is in a solid block and did nothing but cost its fee.
        Failed = "failed",
        /// Can never get into a block; the proof is stored with it.
        Dead = "dead",
    }
}

/// After so many attempts that died an admin looks at it.
pub const ATTEMPTS_MAX: i64 = 5;

impl OrderState {
    /// Nothing more happens to it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Confirmed | Self::Refunded | Self::Dropped)
    }
}

::store::row! {
    /// An order as stored.
    #[derive(Clone, Debug)]
    pub struct Order {
        /// For ever.
        pub id: OrderId,
        /// What it is for.
        pub kind: OrderKind,
        /// What moves.
        pub asset: Asset,
        /// From where; this key signs.
        pub owner: Address,
        /// Where to.
        pub recipient: Address,
        /// How much, in the smallest unit of the asset.
        pub amount: i64,
        /// How far it is.
        pub state: OrderState,
        /// Attempts so far.
        pub attempts: i64,
        /// Those that failed on the chain.
        pub failures: i64,
        /// What an attempt may burn, in sun; 0 = to be estimated.
        pub fee_limit: i64,
        /// What is in its way; may be empty.
        pub problem: String,
        /// When it was made.
        pub created_at: Ts,
        /// It is not signed before.
        pub next_at: Ts,
    }
}

::store::row! {
    /// An attempt as stored.
    #[derive(Clone, Debug)]
    pub struct Attempt {
        /// Its transaction.
        pub txid: [u8; 32],
        /// For which order.
        pub order_id: OrderId,
        /// 1, 2, 3 … of that order.
        pub n: i64,
        /// The bytes that are sent, these and no others.
        pub signed: Vec<u8>,
        /// The solid block it builds on.
        pub ref_number: i64,
        /// No block with a parent of this chain time can take it in.
        pub expires_at: Ts,
        /// What it may burn, in sun.
        pub fee_limit: i64,
        /// What became of it.
        pub state: AttemptState,
        /// How often it was sent.
        pub sends: i64,
        /// When last.
        pub sent_at: Option<Ts>,
        /// What nodes said then.
        pub last_reply: String,
        /// What it burnt, in sun.
        pub fee_paid: i64,
        /// The solid block it ended in.
        pub block: Option<i64>,
    }
}

impl Order {
    /// A new one that waits to be signed.
    pub fn new(id: OrderId, kind: OrderKind, way: (Address, Address), asset: Asset, amount: i64, now: Ts) -> Self {
        Self {
            id,
            kind,
            asset,
            owner: way.0,
            recipient: way.1,
            amount,
            state: OrderState::Approved,
            attempts: 0,
            failures: 0,
            fee_limit: 0,
            problem: String::new(),
            created_at: now,
            next_at: now,
        }
    }
}

/// Writes a new order down.
pub fn open(cx: &mut Context<'_, '_>, order: &Order) -> Result<()> {
    store::insert_order(cx, order)?;
    store::append_step(cx, order)
}

/// Moves it on, with a row that says why.
pub fn move_on(cx: &mut Context<'_, '_>, order: &mut Order, state: OrderState, problem: &str) -> Result<()> {
    order.state = state;
    problem.clone_into(&mut order.problem);
    if state == OrderState::NeedsOperator {
        tracing::error!(order = %order.id, problem, "an order needs an operator");
        metrics::counter!("roborent_gateway_orders_needing_operator_total").increment(1);
    }
    store::save_order(cx, order)?;
    store::append_step(cx, order)
}
