//! An installation in this process with many open tasks, as many people might have published them, and a bot that searches.

use std::path::Path;
use std::sync::Arc;

use roborent::base::call::{Call, Credentials, Dispatcher};
use roborent::base::config::Config;
use roborent::base::operation::Operation;
use roborent::base::{Context, Result, Span, Ts, Usdt, UserId};
use roborent::migrations::MIGRATIONS;
use roborent::start;
use roborent::tasks::task::TaskId;
use serde_json::{Value, json};
use store::{BATCH_MAX, EngineSettings, Settings, Store};
use uuid::Uuid;

use crate::Fallible;
use crate::market::{LIMIT, register};

pub const CATEGORIES: [&str; 16] = [
    "social",
    "research",
    "data_labeling",
    "writing",
    "testing",
    "content",
    "data_entry",
    "survey",
    "translation",
    "design",
    "coding",
    "photo_video",
    "transcription",
    "verification",
    "physical",
    "agent_service",
];
/// How often a word of a rank occurs falls with the rank.
const WORD_BITS: u64 = 15;
const TAG_BITS: u64 = 9;
const CREATORS: usize = 200;
const TOGETHER: u64 = 1_000;
const TRIED: usize = 100;

type NewTask = (TaskId, UserId, String, String, Option<i64>, Usdt, i64, Ts, Ts);

store::statements! {
    ADD_TASK: NewTask => () =
        "insert into tasks (id, creator_id, status, closed_by, category, worker_type, min_rating, reward, fee_bp, commission_bp, slots_total, \
                slots_live, slots_filled, slots_refunded, rejections, deadline_minutes, review_hours, max_resubmissions, \
                proof_url, proof_text, terms_version, listed, published_at, expires_at) \
         values ($1, $2, 'open', '', $3, $4, $5, $6, 1000, 2000, $7, 0, 0, 0, 0, 60, 48, 1, 'optional', 'optional', 1, true, $8, $9)";
    ADD_TEXTS: (TaskId, String, String, String) => () =
        "insert into task_texts (task_id, title, description, tags) values ($1, $2, $3, $4)";
}

/// Numbers that look random and are the same in every run.
#[derive(Clone, Copy)]
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    /// A rank below 2 to the power of `bits`; each half of the ranks comes as often as the half before it.
    fn rank(&mut self, bits: u64) -> u64 {
        let bits = self.below(bits + 1);
        self.below(1 << bits)
    }

    pub fn category(&mut self) -> &'static str {
        let rank = self.rank(4);
        CATEGORIES[usize::try_from(rank).unwrap_or(0)]
    }

    fn words(&mut self, count: u64) -> String {
        (0..count).map(|_| format!("w{}", self.rank(WORD_BITS))).collect::<Vec<_>>().join(" ")
    }
}

/// The installation.
pub struct Hall {
    pub dispatcher: Arc<Dispatcher>,
    operations: Vec<Arc<Operation>>,
    searcher: Credentials,
    pub creator: (Credentials, UserId),
}

impl Hall {
    /// Opens an empty database and fills it. The tasks are put there without the money that belongs to them.
    pub async fn open(engine: EngineSettings, data_dir: &Path, tasks: u64) -> Fallible<Self> {
        let mut config = Config::default();
        config.installation.data_dir = data_dir.to_owned();
        let limits = &mut config.limits;
        for limit in [&mut limits.read, &mut limits.register, &mut limits.accept, &mut limits.publish] {
            *limit = LIMIT;
        }
        let settings = Settings { engine: engine.clone(), queue_max: config.database.queue_max, batch_max: BATCH_MAX };
        let store = Store::open(&settings, MIGRATIONS, roborent::base::clock::machine_now().as_milliseconds())?;
        if let Some(misfit) = store::verify(&engine, STATEMENTS)?.first() {
            return Err(misfit.as_str().into());
        }
        let operations = start::operations(&config);
        let dispatcher = start::dispatcher(store, Arc::new(config)).await?;
        let mut creators = Vec::new();
        let mut keys = Vec::new();
        for _ in 0..CREATORS {
            let (key, user) = register(&dispatcher).await?;
            creators.push(user);
            keys.push(key);
        }
        let (searcher, _) = register(&dispatcher).await?;
        let credentials = |key| Credentials { key: Some(key), token: None };
        let hall = Self { dispatcher, operations, searcher: credentials(searcher), creator: (credentials(keys[0]), creators[0]) };
        let creators = Arc::new(creators);
        for start in (0..tasks).step_by(usize::try_from(TOGETHER)?) {
            let creators = Arc::clone(&creators);
            hall.dispatcher
                .system(move |cx| (start..tasks.min(start + TOGETHER)).try_for_each(|n| add_task(cx, &creators, n, tasks)))
                .await?;
        }
        start::index_tasks(&hall.dispatcher).await?;
        let newest = hall.search(&json!({ "limit": 50 })).await?;
        let next = hall.search(&json!({ "limit": 50, "cursor": newest["next_cursor"] })).await?;
        for task in [newest, next].iter().flat_map(|page| page["items"].as_array().cloned().unwrap_or_default()).take(TRIED).step_by(2) {
            hall.call("accept_task", &hall.searcher, &json!({ "task_id": task["task_id"] })).await?;
        }
        Ok(hall)
    }

    pub async fn search(&self, wanted: &Value) -> Fallible<Value> {
        self.call("search_tasks", &self.searcher, wanted).await
    }

    pub async fn call(&self, name: &str, credentials: &Credentials, input: &Value) -> Fallible<Value> {
        let operation = self.operations.iter().find(|operation| operation.name == name).ok_or("no such operation")?;
        let call = Call {
            operation: Arc::clone(operation),
            credentials: credentials.clone(),
            client: Uuid::nil(),
            idempotency_key: None,
            input: Ok(input.clone()),
        };
        Ok(serde_json::from_slice(&self.dispatcher.call(call).await.result?.body)?)
    }
}

/// The texts of a task, as a call would bring them.
pub fn texts(dice: &mut Dice) -> (String, String, Vec<String>) {
    let tags = dice.below(4);
    let words = 10 + dice.below(80);
    (dice.words(6), dice.words(words), (0..tags).map(|_| format!("t{}", dice.rank(TAG_BITS))).collect())
}

/// The task with a number, of which the last one is published now.
fn add_task(cx: &mut Context<'_, '_>, creators: &[UserId], n: u64, all: u64) -> Result<()> {
    const SECONDS_APART: i64 = 5;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (n + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9));
    let age = Span::seconds(i64::try_from(all - n).unwrap_or(0) * SECONDS_APART);
    let published_at = cx.now.minus(age);
    let mut tail = [0; 10];
    tail[3..7].copy_from_slice(&u32::try_from(n).unwrap_or(0).to_be_bytes());
    let milliseconds = u64::try_from(published_at.as_milliseconds()).unwrap_or(0);
    let id = TaskId(uuid::Builder::from_unix_timestamp_millis(milliseconds, &tail).into_uuid());
    let creator = creators[usize::try_from(dice.below(creators.len() as u64)).unwrap_or(0)];
    let worker_type =
        ["any", "any", "any", "any", "any", "any", "any", "any", "bot", "human"][usize::try_from(dice.below(10)).unwrap_or(0)];
    let min_rating = (dice.below(10) == 0).then_some(400);
    let doublings = dice.below(11);
    let reward = Usdt::from_micro(i64::try_from((50_000 + dice.below(50_000)) << doublings).unwrap_or(50_000) / 10_000 * 10_000);
    let slots = i64::try_from(1 + dice.below(20)).unwrap_or(1);
    let expires_at = cx.now.plus(Span::seconds(i64::try_from(3_600 + dice.below(60 * 86_400)).unwrap_or(3_600)));
    let category = dice.category();
    cx.tx.write(&ADD_TASK, (id, creator, category, worker_type, min_rating, reward, slots, published_at, expires_at))?;
    let (title, description, tags) = texts(&mut dice);
    cx.tx.write(&ADD_TEXTS, (id, title, description, json!(tags).to_string()))?;
    Ok(())
}
