//! An installation in this process with many deposit addresses, and its gateway over the node that `node.rs` is.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use audit::{Source, Verdict};
use roborent::base::call::{Call, Credentials, Dispatcher};
use roborent::base::config::Config;
use roborent::base::idempotency::IdempotencyKey;
use roborent::base::operation::Operation;
use roborent::base::{Address, Context, Result, Ts, Usdt, UserId};
use roborent::gateway::runner::{Gateway, Keys, over_network};
use roborent::migrations::MIGRATIONS;
use roborent::start;
use serde_json::json;
use store::{BATCH_MAX, EngineSettings, Settings, Store};
use tron::node::{Node, Pool, Provider};
use uuid::Uuid;

use crate::market::{LIMIT, deposit, register};
use crate::template::{DEPOSIT, TEMPLATES, deposit_address};
use crate::{Fallible, figures};

/// Rows written together.
const TOGETHER: u64 = 10_000;
/// Checks that cannot hold where most addresses were given to nobody.
pub const OF_ADDRESSES: &[&str] = &["C2a"];
/// And where what is paid out came from no chain.
pub const OF_PAYOUTS: &[&str] = &["C2", "C5"];

store::statements! {
    ADD_ADDRESS: (i64, Address, UserId, Ts) => () =
        "insert into deposit_addresses (idx, address, user_id, units, created_at) values ($1, $2, $3, 0, $4)";
    COUNT_ADDRESSES: (i64,) => () = "update deposit_address_counter set next = $1";
    DEPOSITS: () => (i64, Usdt) = "select count(*), cast(coalesce(sum(amount), 0) as bigint) from deposits where status = 'credited'";
    READ: () => (i64,) = "select number from chain_cursor";
    LET_OUT: (Ts,) => () = "update withdrawals set cleared_at = $1 where status = 'queued' and cleared_at is null";
    SIGNED: () => (i64,) = "select count(distinct order_id) from attempts where state = 'live'";
}

pub struct Treasury {
    pub dispatcher: Arc<Dispatcher>,
    pub gateway: Arc<Gateway>,
    withdraw: Arc<Operation>,
    engine: EngineSettings,
    first: i64,
}

impl Treasury {
    /// An empty database on `dir` that begins at the newest block of the node, with so many deposit addresses.
    pub async fn open(dir: &Path, node: SocketAddr, addresses: u64) -> Fallible<Self> {
        let mut config = Config::default();
        config.installation.data_dir = dir.to_owned();
        (config.limits.read, config.limits.register, config.limits.withdraw) = (LIMIT, LIMIT, LIMIT);
        // What is paid in stays where it is.
        config.chain.sweep_min = Usdt::from_micro(1_000_000_000_000);
        start::complete(&mut config)?;
        let engine = EngineSettings::sqlite(dir.join(start::DATABASE_FILE));
        let settings = Settings { engine: engine.clone(), queue_max: config.database.queue_max, batch_max: BATCH_MAX };
        let store = Store::open(&settings, MIGRATIONS, roborent::base::clock::machine_now().as_milliseconds())?;
        if let Some(misfit) = store::verify(&engine, STATEMENTS)?.first() {
            return Err(misfit.as_str().into());
        }
        let withdraw = start::operations(&config).into_iter().find(|o| o.name == "create_withdrawal").ok_or("no create_withdrawal")?;
        let dispatcher = start::dispatcher(store, Arc::new(config)).await?;
        let url = format!("http://{node}");
        let provider = Provider { name: "bench".into(), full_url: url.clone(), solid_url: url, api_key: None };
        let pool = Pool::new(vec![Node::new(provider, over_network()?)], 1);
        let (keys, books) = (Keys::load(&dispatcher.config)?, start::books(engine.clone(), &dispatcher.config));
        let gateway = Arc::new(Gateway::new(Arc::clone(&dispatcher), pool, keys, books, None, true)?);
        gateway.prepare().await.map_err(|why| format!("the gateway does not begin: {why:?}"))?;
        let first = dispatcher.look(read).await?;
        let treasury = Self { dispatcher, gateway, withdraw, engine, first };
        treasury.give_addresses(addresses).await?;
        Ok(treasury)
    }

    /// The first ones belong to bots, the rest to nobody.
    async fn give_addresses(&self, addresses: u64) -> Fallible<()> {
        let mut bots = Vec::new();
        for _ in 0..TEMPLATES {
            bots.push(register(&self.dispatcher).await?.1);
        }
        let bots = Arc::new(bots);
        for first in (0..addresses).step_by(usize::try_from(TOGETHER)?) {
            let bots = Arc::clone(&bots);
            let work = move |cx: &mut Context<'_, '_>| add_addresses(cx, first..addresses.min(first + TOGETHER), &bots);
            self.dispatcher.system(work).await?;
        }
        Ok(())
    }

    /// How far the chain was read.
    pub async fn read(&self) -> Fallible<i64> {
        Ok(self.dispatcher.look(read).await?)
    }

    /// Withdrawals of a bot that has the money, all let out.
    pub async fn queue_payouts(&self, count: u64, amount: Usdt) -> Fallible<()> {
        let (key, bot) = register(&self.dispatcher).await?;
        let all = Usdt::from_micro(amount.micro() * i64::try_from(count)?);
        let paid = move |cx: &mut Context<'_, '_>| {
            let reference = cx.new_id();
            deposit(cx, bot, reference, all)
        };
        self.dispatcher.system(paid).await?;
        for n in 0..count {
            let address = Address(tron::Address::from_evm(deposit_address(1_000_000_000 + n)));
            let call = Call {
                operation: Arc::clone(&self.withdraw),
                credentials: Credentials { key: Some(key), token: None },
                client: Uuid::nil(),
                idempotency_key: Some(IdempotencyKey::parse(&format!("payout-{n:016}"))?),
                input: Ok(json!({ "amount": amount, "address": address })),
            };
            self.dispatcher.call(call).await.result?;
        }
        self.dispatcher.system(let_out).await?;
        Ok(())
    }

    /// How many payouts have their signed transaction stored.
    pub async fn signed(&self) -> Fallible<u64> {
        Ok(u64::try_from(self.dispatcher.look(|cx| Ok(cx.tx.one(&SIGNED, ())?.0)).await?)?)
    }

    /// Closes the database and makes sure that every block paid in once, and that the books are
    /// right, but for the checks that are `left_out`.
    pub async fn close_and_verify(self, left_out: &[&str]) -> Fallible<()> {
        let blocks = self.read().await? - self.first;
        let (count, sum) = self.dispatcher.look(|cx| Ok(cx.tx.one(&DEPOSITS, ())?)).await?;
        if (count, sum) != (blocks, Usdt::from_micro(blocks * i64::try_from(DEPOSIT)?)) {
            return Err(format!("{blocks} blocks were read, but there are {count} deposits of {sum} USDT").into());
        }
        let signed = self.signed().await?;
        self.dispatcher.store.close();
        let EngineSettings::Sqlite { path, .. } = self.engine else { return Err("not on SQLite".into()) };
        let report = audit::audit(&Source::Sqlite(path), &audit::Options::default())?;
        if report.checks.iter().any(|check| check.verdict == Verdict::Fail && !left_out.contains(&check.id)) {
            return Err(format!("the audit is red:\n{report}").into());
        }
        figures::say(&format!("  verified: {blocks} blocks without a gap, each deposit credited once; {signed} payouts signed, each once"));
        Ok(())
    }
}

fn read(cx: &mut Context<'_, '_>) -> Result<i64> {
    Ok(cx.tx.one(&READ, ())?.0)
}

fn let_out(cx: &mut Context<'_, '_>) -> Result<()> {
    let now = cx.now;
    cx.tx.change(&LET_OUT, (now,))?;
    Ok(())
}

fn add_addresses(cx: &mut Context<'_, '_>, indexes: std::ops::Range<u64>, bots: &[UserId]) -> Result<()> {
    let now = cx.now;
    let end = i64::try_from(indexes.end).unwrap_or(i64::MAX);
    for index in indexes {
        let address = Address(tron::Address::from_evm(deposit_address(index)));
        let user = usize::try_from(index).ok().and_then(|n| bots.get(n).copied()).unwrap_or(UserId(cx.new_id()));
        cx.tx.write(&ADD_ADDRESS, (i64::try_from(index).unwrap_or(i64::MAX), address, user, now))?;
    }
    cx.tx.write(&COUNT_ADDRESSES, (end,))?;
    Ok(())
}
