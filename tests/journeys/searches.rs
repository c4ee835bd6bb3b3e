//! Random searches among random tasks: both engines answer the same, and what a plain look at the tasks says.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config as Cases, TestRunner};
use roborent::base::Span;
use roborent::testing::{Engine, TestApp};
use serde_json::{Value, json};

use crate::market::publish;
use crate::search::{all, no_limits, other};

const CATEGORIES: [&str; 3] = ["social", "data_entry", "other"];
const WORDS: [&str; 5] = ["apple", "Straße", "ÄPFEL", "x1", "東京"];
const TAGS: [&str; 3] = ["apple", "de-en", "x_1"];
const WORKERS: [&str; 3] = ["any", "bot", "human"];
const SORTS: [&str; 3] = ["newest", "reward", "expiring"];

#[derive(Clone, Debug)]
struct Task {
    own: bool,
    category: usize,
    half_dollars: u32,
    words: Vec<usize>,
    tags: Vec<usize>,
    worker: usize,
    days: i64,
    pause: i64,
}

#[derive(Clone, Debug)]
struct Search {
    category: Option<usize>,
    least: Option<u32>,
    most: Option<u32>,
    words: Vec<usize>,
    tags: Vec<usize>,
    worker: Option<usize>,
    sort: usize,
    limit: u32,
}

fn some(of: usize, at_most: usize) -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0..of, 0..=at_most)
}

fn tasks() -> impl Strategy<Value = Vec<Task>> {
    let parts = (proptest::bool::weighted(0.1), 0_usize..3, 1_u32..5, some(5, 4), some(3, 2), 0_usize..3, 1_i64..4, 0_i64..2);
    let task = parts.prop_map(|(own, category, half_dollars, words, tags, worker, days, pause)| Task {
        own,
        category,
        half_dollars,
        words,
        tags,
        worker,
        days,
        pause,
    });
    proptest::collection::vec(task, 10..50)
}

fn searches() -> impl Strategy<Value = Vec<Search>> {
    use proptest::option::weighted;
    let parts = (
        weighted(0.5, 0_usize..3),
        weighted(0.4, 1_u32..3),
        weighted(0.4, 3_u32..5),
        some(5, 2),
        some(3, 1),
        weighted(0.2, 0_usize..3),
        0_usize..3,
        1_u32..9,
    );
    let search = parts.prop_map(|(category, least, most, words, tags, worker, sort, limit)| Search {
        category,
        least,
        most,
        words,
        tags,
        worker,
        sort,
        limit,
    });
    proptest::collection::vec(search, 60)
}

fn named<'n>(names: &[&'n str], numbers: &[usize]) -> Vec<&'n str> {
    numbers.iter().map(|number| names[*number]).collect()
}

impl Task {
    fn body(&self, app: &TestApp) -> Value {
        other(&json!({
            "title": format!("Do: {}!", named(&WORDS, &self.words).join(",")), "description": "What has to be done.",
            "category": CATEGORIES[self.category], "reward_usd": format!("{}.{}", self.half_dollars / 2, self.half_dollars % 2 * 5),
            "tags": named(&TAGS, &self.tags), "worker_type": WORKERS[self.worker], "expires_at": app.now().plus(Span::days(self.days)),
        }))
    }

    /// All that stands somewhere in it, in lower case.
    fn says(&self, word: usize) -> bool {
        let in_tags = match WORDS[word] {
            "apple" => self.tags.contains(&0),
            _ => false,
        };
        self.words.contains(&word) || in_tags
    }
}

impl Search {
    fn body(&self) -> Value {
        let dollars = |half: u32| format!("{}.{}", half / 2, half % 2 * 5);
        let mut body = json!({ "sort": SORTS[self.sort], "limit": self.limit, "tags": named(&TAGS, &self.tags) });
        let words = named(&WORDS, &self.words).join(" / ");
        let fields = [
            ("category", self.category.map(|category| CATEGORIES[category].to_owned())),
            ("min_reward", self.least.map(dollars)),
            ("max_reward", self.most.map(dollars)),
            ("worker_type", self.worker.map(|worker| WORKERS[worker].to_owned())),
            ("q", Some(words.to_lowercase()).filter(|words| !words.is_empty())),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                body[name] = json!(value);
            }
        }
        body
    }

    fn takes(&self, task: &Task) -> bool {
        !task.own
            && task.worker != 2
            && self.category.is_none_or(|category| category == task.category)
            && self.least.is_none_or(|least| task.half_dollars >= least)
            && self.most.is_none_or(|most| task.half_dollars <= most)
            && self.worker.is_none_or(|worker| worker == task.worker)
            && self.words.iter().all(|word| task.says(*word))
            && self.tags.iter().all(|tag| task.tags.contains(tag))
    }

    /// What a plain look finds among tasks in the order of publishing, as (task, id, expiry).
    fn expected(&self, published: &[(&Task, String, i64)]) -> Vec<String> {
        let mut found: Vec<_> = published.iter().enumerate().filter(|(_, (task, ..))| self.takes(task)).collect();
        found.sort_by_key(|(n, (task, _, expiry))| {
            let last = -i64::try_from(*n).unwrap();
            match SORTS[self.sort] {
                "newest" => (last, 0),
                "reward" => (-i64::from(task.half_dollars), last),
                _ => (*expiry, -last),
            }
        });
        found.into_iter().map(|(_, (_, id, _))| id.clone()).collect()
    }
}

async fn play(app: &TestApp, tasks: &[Task], searches: &[Search]) -> Vec<Vec<String>> {
    let (creator, worker) = (app.rich_bot(1_000).await, app.rich_bot(1_000).await);
    let mut published = Vec::new();
    for task in tasks {
        let id = publish(app, if task.own { &worker } else { &creator }, &task.body(app)).await;
        published.push((task, id, app.now().plus(Span::days(task.days)).as_milliseconds()));
        app.advance(Span::milliseconds(task.pause));
    }
    let mut answers = Vec::new();
    for search in searches {
        let found = all(app, &worker, &search.body()).await;
        assert_eq!(found, search.expected(&published), "{search:?} among {tasks:#?}");
        answers.push(found);
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_find_what_a_plain_look_finds() {
    let mut runner = TestRunner::new(Cases::default());
    for _ in 0..4 {
        let tasks = tasks().new_tree(&mut runner).unwrap().current();
        let searches = searches().new_tree(&mut runner).unwrap().current();
        let lite = TestApp::start_with(Engine::Sqlite, no_limits).await.unwrap();
        let Some(postgres) = TestApp::start_with(Engine::Postgres, no_limits).await else { return };
        let answers = (play(&lite, &tasks, &searches).await, play(&postgres, &tasks, &searches).await);
        assert_eq!(answers.0, answers.1, "{searches:?} among {tasks:#?}");
        lite.finish().await;
        postgres.finish().await;
    }
}
