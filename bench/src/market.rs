//! An installation in this process: users with keys, money and slots, and the product's own dispatcher in front.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use audit::{Source, Verdict};
use roborent::base::call::{Call, Credentials, Dispatcher};
use roborent::base::config::Config;
use roborent::base::idempotency::IdempotencyKey;
use roborent::base::limit::Limit;
use roborent::base::operation::Operation;
use roborent::base::{Context, Usdt, UserId};
use roborent::ledger::{AccountId, Transaction, TransactionKind};
use roborent::migrations::MIGRATIONS;
use roborent::users::ApiKey;
use roborent::{ledger, start};
use serde_json::{Value, json};
use store::{EngineSettings, Migration, Settings, Store};
use uuid::Uuid;

use crate::settle::{self, Settle, Shape};
use crate::time::now;
use crate::{Fallible, figures};

/// Money from outside, without the chain that it comes from.
pub fn deposit(cx: &mut Context<'_, '_>, user: UserId, reference: Uuid, amount: Usdt) -> roborent::base::Result<()> {
    let transaction = Transaction::new(TransactionKind::Deposit, reference).post(AccountId::ONCHAIN, AccountId::available(user), amount);
    ledger::record(cx, &transaction)
}

const SLOTS_EACH: usize = 64;
const MONEY: Usdt = Usdt::from_micro(10_000_000_000_000);
/// On, but out of the way.
pub const LIMIT: Limit = Limit::per_minute(100_000_000);
/// The checks of which account may pay which, by kind of transaction, and of the chain: what `settle` books has no kind yet,
/// and what the payers have came from no chain.
const LEFT_OUT: [&str; 3] = ["M9", "C2", "C5"];

pub struct Market {
    dispatcher: Arc<Dispatcher>,
    operation: Arc<Operation>,
    payers: Vec<Payer>,
    engine: EngineSettings,
    calls: AtomicU64,
}

struct Payer {
    credentials: Credentials,
    slots: Vec<Uuid>,
}

impl Market {
    /// Opens an empty database and fills it: each client pays from an account of its own.
    pub async fn open(engine: EngineSettings, data_dir: &Path, batch_max: usize, clients: usize) -> Fallible<Self> {
        let mut config = Config::default();
        config.installation.data_dir = data_dir.to_owned();
        (config.limits.read, config.limits.register) = (LIMIT, LIMIT);
        let migrations = [MIGRATIONS, &[Migration { number: own_step(), name: "bench", sql: settle::TABLES }]].concat();
        let settings = Settings { engine: engine.clone(), queue_max: config.database.queue_max, batch_max };
        let store = Store::open(&settings, &migrations, roborent::base::clock::machine_now().as_milliseconds())?;
        let misfits = store::verify(&engine, settle::STATEMENTS)?;
        if let Some(misfit) = misfits.first() {
            return Err(misfit.as_str().into());
        }
        let dispatcher = start::dispatcher(store, Arc::new(config)).await?;
        let mut market =
            Self { dispatcher, operation: Arc::new(settle::operation()), payers: Vec::new(), engine, calls: AtomicU64::new(0) };
        for _ in 0..clients {
            let payer = market.add_payer().await?;
            market.payers.push(payer);
        }
        Ok(market)
    }

    async fn add_payer(&self) -> Fallible<Payer> {
        let (key, payer) = register(&self.dispatcher).await?;
        let ((_, worker), (_, referrer)) = (register(&self.dispatcher).await?, register(&self.dispatcher).await?);
        let slots = self.dispatcher.system(move |cx| {
            let reference = cx.new_id();
            deposit(cx, payer, reference, MONEY)?;
            (0..SLOTS_EACH).map(|_| settle::add_slot(cx, payer, worker, referrer)).collect()
        });
        Ok(Payer { credentials: Credentials { key: Some(key), token: None }, slots: slots.await? })
    }

    pub fn clients(&self) -> usize {
        self.payers.len()
    }

    /// One call, as a door would make it.
    pub async fn settle(&self, client: usize, turn: usize, shape: Shape) -> Fallible<()> {
        let payer = &self.payers[client];
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let call = Call {
            operation: Arc::clone(&self.operation),
            credentials: payer.credentials.clone(),
            client: Uuid::nil(),
            idempotency_key: Some(IdempotencyKey::parse(&format!("settle-{number:016}"))?),
            input: Ok(serde_json::to_value(Settle { slot_id: payer.slots[turn % payer.slots.len()], shape })?),
        };
        self.dispatcher.call(call).await.result?;
        Ok(())
    }

    /// Runs the sealing job to its end; answers how long that took.
    pub async fn seal(&self) -> Fallible<Duration> {
        let started = now();
        while self.dispatcher.system(ledger::seal::seal).await?.more {}
        Ok(started.elapsed())
    }

    /// Closes the database and makes sure that everything that was answered has happened, and nothing else.
    pub async fn close_and_verify(self) -> Fallible<()> {
        let calls = i64::try_from(self.calls.into_inner())?;
        let (events, moves) = self.dispatcher.look(settle::happened).await?;
        if (events, moves) != (calls, calls) {
            return Err(format!("{calls} calls succeeded, but there are {events} events and {moves} moves").into());
        }
        self.dispatcher.system(|cx| settle::forget_tables(cx, own_step())).await?;
        self.dispatcher.store.close();
        let source = match self.engine {
            EngineSettings::Sqlite { path, .. } => Source::Sqlite(path),
            EngineSettings::Postgres { url, .. } => Source::Postgres(url),
        };
        let report = audit::audit(&source, &audit::Options::default())?;
        if report.checks.iter().any(|check| check.verdict == Verdict::Fail && !LEFT_OUT.contains(&check.id)) {
            return Err(format!("the audit is red:\n{report}").into());
        }
        let passed = report.checks.iter().filter(|check| check.verdict == Verdict::Ok).count();
        figures::say(&format!(
            "  verified: {calls} commands, each there once; {passed} checks of the audit passed in {} ms",
            report.elapsed.as_millis()
        ));
        Ok(())
    }
}

/// A bot: the hash of its key, and who it is.
pub async fn register(dispatcher: &Arc<Dispatcher>) -> Fallible<([u8; 32], UserId)> {
    let config = &dispatcher.config;
    let operation = start::operations(config).into_iter().find(|o| o.name == "register_agent").ok_or("no operation register_agent")?;
    let call = Call { operation, credentials: Credentials::default(), client: Uuid::nil(), idempotency_key: None, input: Ok(json!({})) };
    let answer: Value = serde_json::from_slice(&dispatcher.call(call).await.result?.body)?;
    let key = answer["api_key"].as_str().ok_or("no api_key in the answer")?;
    Ok((ApiKey::parse(key, config.installation.network)?.hash(), serde_json::from_value(answer["user_id"].clone())?))
}

fn own_step() -> i64 {
    MIGRATIONS.last().map_or(1, |last| last.number + 1)
}
