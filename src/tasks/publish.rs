//! A creator publishes a task: the rewards of all slots go into its escrow in the same step.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error::internal;
use crate::base::hundredths::Hundredths;
use crate::base::{Context, Error, Result, Span, Ts, Usdt, UserId};
use crate::ledger::record::short_of;
use crate::ledger::{self, AccountKind, Balance, NewAccount, Transaction, TransactionKind};
use crate::tasks::content::check_content;
use crate::tasks::links::http_link;
use crate::tasks::review_window::review_hours;
use crate::tasks::settlement::{escrow, net};
use crate::tasks::store::{self, Texts};
use crate::tasks::task::{ClosedBy, Task, TaskId, TaskStatus, Wanted, WorkerType};
use crate::tasks::{TaskRefusal, category, extend, search, terms};
use crate::wallet::balance::BalanceView;
use crate::wallet::deposit_address;
use crate::wallet::spend_cap;

/// The most slots of one task.
pub(super) const SLOTS_MAX: i64 = 10_000;
const DEADLINE_MINUTES: i64 = 1_440;
const RESUBMISSIONS: i64 = 1;

/// The task.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishTask {
    /// 3 to 120 characters.
    #[garde(length(chars, min = 3, max = 120), custom(visible))]
    title: String,
    /// What is to be done, and what a good proof looks like; 10 to 10,000 characters.
    #[garde(length(chars, min = 10, max = 10_000), custom(visible))]
    description: String,
    /// One of the list at `/api/v1/categories`.
    #[garde(length(bytes, max = 40))]
    #[schemars(schema_with = "category::ids")]
    category: String,
    /// What a worker's slot costs you, at least 0.05; the platform keeps its fee of it.
    #[garde(skip)]
    reward_usd: Usdt,
    /// How many workers, 1 to 10,000.
    #[garde(range(min = 1, max = 10_000))]
    slots: i64,
    /// Where the work is to be done, http or https.
    #[garde(inner(length(bytes, max = 2000)))]
    #[schemars(length(max = 2000))]
    target_url: Option<String>,
    /// Up to 10 words of a-z, 0-9, `-` and `_`.
    #[serde(default)]
    #[garde(length(max = 10), inner(length(bytes, min = 1, max = 40), custom(tag_form)))]
    #[schemars(length(max = 10), inner(length(min = 1, max = 40)))]
    tags: Vec<String>,
    /// Who may work: `any` (when left out), `human` or `bot`.
    #[garde(skip)]
    worker_type: Option<WorkerType>,
    /// From acceptance to proof, 5 to 43,200 minutes; 1,440 when left out.
    #[garde(inner(range(min = 5, max = 43_200)))]
    #[schemars(range(min = 5, max = 43_200))]
    deadline_minutes: Option<i64>,
    /// Takes workers before this time, at most 180 days from now; 30 days when left out.
    #[garde(skip)]
    expires_at: Option<Ts>,
    /// The least average rating of a worker, 1 to 5; workers without ratings do not have it.
    #[garde(inner(custom(rating_form)))]
    min_rating: Option<Hundredths>,
    /// How often you may ask a worker for changes, 0 to 5; 1 when left out.
    #[garde(inner(range(min = 0, max = 5)))]
    #[schemars(range(min = 0, max = 5))]
    max_resubmissions: Option<i64>,
    /// What a proof consists of.
    #[garde(dive)]
    #[serde(default)]
    proof: ProofRule,
    /// Only tell what it would cost; nothing is published.
    #[garde(skip)]
    #[serde(default)]
    dry_run: bool,
}

/// What a proof consists of. One part at least is in each.
#[derive(Debug, Default, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProofRule {
    /// An address: `optional` (when left out), `required` or `none`.
    #[garde(skip)]
    url: Option<Wanted>,
    /// A text: `optional` (when left out), `required` or `none`.
    #[garde(skip)]
    text: Option<Wanted>,
}

/// The answer: the published task, or what it would cost.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("type" = "object"))]
pub enum Publication {
    /// It is there.
    Published(Box<Published>),
    /// It would be there.
    Quote(Box<Quote>),
}

/// The task is open.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Published {
    /// For ever.
    task_id: TaskId,
    /// Always `open`.
    status: TaskStatus,
    /// All slots.
    slots_total: i64,
    /// Paid ones: none yet.
    slots_filled: i64,
    /// Free ones.
    slots_remaining: i64,
    /// What a slot costs you.
    reward_usd: Usdt,
    /// What a worker gets of it.
    reward_net_usd: Usdt,
    /// What was put into escrow.
    escrow_usd: Usdt,
    /// How long you have for a verdict on a proof.
    review_window_hours: i64,
    /// Takes workers before then.
    expires_at: Ts,
    /// What you agreed to.
    terms: terms::Terms,
    /// Your money afterwards.
    balance_after: BalanceView,
}

/// What publishing would mean.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Quote {
    /// Always true: nothing was published.
    dry_run: bool,
    /// What would be put into escrow.
    escrow_usd: Usdt,
    /// What the platform keeps of it when every slot is paid.
    fee_usd: Usdt,
    /// What a worker gets for a slot.
    reward_net_usd: Usdt,
    /// How long you would have for a verdict on a proof.
    review_window_hours: i64,
    /// What you may spend in this hour; null without a cap.
    spend_cap_left_usd: Option<Usdt>,
    /// Your money afterwards; as it is now when publishing would be refused.
    balance_after: BalanceView,
    /// What you would agree to.
    terms: terms::Terms,
    /// Why publishing would be refused, if it would.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// Why publishing would be refused.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "QuoteProblem")]
pub struct Problem {
    /// Stable, for programs.
    code: &'static str,
    /// What is wrong.
    detail: String,
    /// How much money is missing, when that is what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_usd: Option<Usdt>,
}

pub(super) fn reads_first(cx: &mut Context<'_, '_>, _: &PublishTask, creator: UserId) {
    store::announce_content_rules(cx);
    spend_cap::announce(cx, creator);
    ledger::announce_balance(cx, creator);
    ledger::announce(cx, ledger::AccountId::available(creator));
}

pub(super) fn publish_task(cx: &mut Context<'_, '_>, input: &PublishTask) -> Result<Publication> {
    let creator = cx.user_id()?;
    let (task, texts) = draft(cx, creator, input)?;
    check_content(cx, &[&texts.title, &texts.description])?;
    let cost = task.escrow().ok_or_else(|| internal("the escrow was checked and does not fit"))?;
    let allowance = spend_cap::allowance(cx)?;
    let balance = ledger::balance_of(cx, creator)?;
    if input.dry_run {
        return Ok(Publication::Quote(Box::new(quote(&task, cost, allowance.left(), balance)?)));
    }
    allowance.check(cost)?;
    let account = NewAccount { id: escrow(task.id), owner: creator, kind: AccountKind::TaskEscrow };
    let transaction = Transaction::new(TransactionKind::Publish, task.id.0).open(account);
    ledger::record(cx, &transaction.post(ledger::AccountId::available(creator), account.id, cost))
        .map_err(|error| deposit_address::tell(cx, error))?;
    store::insert_task(cx, &task, &texts)?;
    search::index(cx, &task, &texts)?;
    allowance.count(cx, cost)?;
    let mut after = balance;
    after.hold(cost)?;
    Ok(Publication::Published(Box::new(Published {
        task_id: task.id,
        status: task.status,
        slots_total: task.slots_total,
        slots_filled: 0,
        slots_remaining: task.slots_free(),
        reward_usd: task.reward,
        reward_net_usd: net(&task),
        escrow_usd: cost,
        review_window_hours: task.review_hours,
        expires_at: task.expires_at,
        terms: terms::current(),
        balance_after: after.into(),
    })))
}

/// The task that the input describes, within the rules.
fn draft(cx: &mut Context<'_, '_>, creator_id: UserId, input: &PublishTask) -> Result<(Task, Texts)> {
    let market = &cx.config.market;
    if !category::exists(&input.category) {
        return Err(TaskRefusal::UnknownCategory { category: input.category.clone() }.into());
    }
    if input.reward_usd < market.reward_min {
        return Err(TaskRefusal::RewardTooLow { least: market.reward_min }.into());
    }
    if input.reward_usd.times(input.slots).is_none_or(|whole| whole > market.escrow_max) {
        return Err(TaskRefusal::EscrowTooLarge { most: market.escrow_max, slots: SLOTS_MAX }.into());
    }
    let (proof_url, proof_text) = (input.proof.url.unwrap_or(Wanted::Optional), input.proof.text.unwrap_or(Wanted::Optional));
    if (proof_url, proof_text) == (Wanted::None, Wanted::None) {
        return Err(TaskRefusal::NoProof.into());
    }
    let expires_at = match input.expires_at {
        Some(at) => extend::expiry(cx, at)?,
        None => cx.now.plus(Span::days(i64::from(market.task_days_default))),
    };
    let target_url = input.target_url.as_deref().map(|url| http_link("target_url", url.trim())).transpose()?;
    let mut tags: Vec<String> = input.tags.iter().map(|tag| tag.to_lowercase()).collect();
    tags.sort_unstable();
    tags.dedup();
    let texts = Texts {
        title: input.title.trim().to_owned(),
        description: input.description.trim().to_owned(),
        target_url,
        tags: serde_json::to_string(&tags).map_err(internal)?,
    };
    let task = Task {
        id: TaskId(cx.new_ordered_id()),
        creator_id,
        status: TaskStatus::Open,
        closed_by: ClosedBy::Nobody,
        category: input.category.clone(),
        worker_type: input.worker_type.unwrap_or(WorkerType::Any),
        min_rating: input.min_rating,
        reward: input.reward_usd,
        fee_bp: i64::from(market.fee_basis_points),
        commission_bp: i64::from(market.commission_basis_points),
        slots_total: input.slots,
        slots_live: 0,
        slots_filled: 0,
        slots_refunded: 0,
        rejections: 0,
        deadline_minutes: input.deadline_minutes.unwrap_or(DEADLINE_MINUTES),
        review_hours: review_hours(input.reward_usd),
        max_resubmissions: input.max_resubmissions.unwrap_or(RESUBMISSIONS),
        proof_url,
        proof_text,
        terms_version: terms::VERSION,
        listed: true,
        published_at: cx.now,
        expires_at,
        ended_at: None,
    };
    Ok((task, texts))
}

fn quote(task: &Task, cost: Usdt, left: Option<Usdt>, balance: Balance) -> Result<Quote> {
    let (mut after, missing) = (balance, cost.checked_sub(balance.available).filter(|missing| *missing > Usdt::ZERO));
    let refused: Option<Error> = match (left, missing) {
        (Some(left), _) if cost > left => Some(spend_cap::exceeded(left)),
        (_, Some(missing)) => Some(short_of(missing)),
        (_, None) => None,
    };
    if refused.is_none() {
        after.hold(cost)?;
    }
    let net = net(task);
    let fee =
        task.reward.checked_sub(net).and_then(|fee| fee.times(task.slots_total)).ok_or_else(|| internal("a fee that does not fit"))?;
    Ok(Quote {
        dry_run: true,
        escrow_usd: cost,
        fee_usd: fee,
        reward_net_usd: net,
        review_window_hours: task.review_hours,
        spend_cap_left_usd: left,
        balance_after: after.into(),
        terms: terms::current(),
        problem: refused.map(|error| Problem { code: error.code(), detail: error.detail().to_owned(), missing_usd: missing }),
    })
}

fn visible(text: &str, _: &()) -> garde::Result {
    let shown = text.trim().chars().filter(|c| !c.is_control()).count();
    if shown >= 3 { Ok(()) } else { Err(garde::Error::new("must have at least 3 visible characters")) }
}

fn tag_form(tag: &str, _: &()) -> garde::Result {
    let fits = tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if fits { Ok(()) } else { Err(garde::Error::new("must be made of a-z, 0-9, - and _")) }
}

fn rating_form(rating: &Hundredths, _: &()) -> garde::Result {
    if (100..=500).contains(&rating.0) { Ok(()) } else { Err(garde::Error::new("must be from 1 to 5")) }
}
