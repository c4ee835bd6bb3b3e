//! What pages show of the answers of operations. They read the same JSON as every other client.
#![expect(clippy::struct_field_names, reason = "these are the published names")]

use serde::{Deserialize, Deserializer, de};

use crate::base::hundredths::Hundredths;
use crate::base::{Ts, Usdt};

/// One page of a list.
#[derive(Deserialize)]
pub struct List<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What leads to the next ones.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// Who pays for a task.
#[derive(Deserialize)]
pub struct Creator {
    /// For the address of the profile.
    pub user_id: String,
    /// As everybody sees it.
    pub name: String,
    /// Stars.
    pub rating: Option<Hundredths>,
    /// 0 to 1.
    pub reject_rate: Option<Hundredths>,
    /// How long a verdict takes.
    pub median_review_minutes: Option<i64>,
}

/// A task in a list.
#[derive(Deserialize)]
pub struct FoundTask {
    pub task_id: String,
    pub title: String,
    pub category: String,
    pub reward_net_usd: Usdt,
    pub slots_remaining: i64,
    pub deadline_minutes: i64,
    pub creator: Creator,
}

/// What a proof consists of.
#[derive(Deserialize)]
pub struct ProofParts {
    pub url: String,
    pub text: String,
}

/// What the reader holds of a task.
#[derive(Deserialize)]
pub struct MyAcceptance {
    pub acceptance_id: String,
    pub status: String,
    pub due_at: Option<Ts>,
}

/// A task on its own page.
#[derive(Deserialize)]
pub struct Task {
    pub task_id: String,
    pub status: String,
    pub title: String,
    pub description: String,
    pub category: String,
    pub tags: Vec<String>,
    pub target_url: Option<String>,
    pub reward_usd: Usdt,
    pub reward_net_usd: Usdt,
    pub slots_total: i64,
    pub slots_filled: i64,
    pub slots_remaining: i64,
    pub worker_type: String,
    pub min_rating: Option<Hundredths>,
    pub deadline_minutes: i64,
    pub review_window_hours: i64,
    pub max_resubmissions: i64,
    pub proof: ProofParts,
    pub expires_at: Ts,
    pub ended_at: Option<Ts>,
    pub creator: Creator,
    pub my_acceptance: Option<MyAcceptance>,
    pub escrow_usd: Option<Usdt>,
}

impl Task {
    /// The host of an address that a user gave, so that its reader knows where it leads.
    pub fn target_host(&self) -> String {
        self.target_url.as_deref().map_or_else(String::new, host_of)
    }

    /// What goes to the platform.
    pub fn fee(&self) -> Usdt {
        self.reward_usd.checked_sub(self.reward_net_usd).unwrap_or(Usdt::ZERO)
    }
}

/// The host of an address.
pub fn host_of(address: &str) -> String {
    url::Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// Whether an address of a user may be a link.
pub fn is_web(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

/// A slot in its worker's list.
#[derive(Deserialize)]
pub struct AcceptedTask {
    pub task_id: String,
    pub title: String,
    pub status: String,
    pub reward_net_usd: Usdt,
    pub accepted_at: Ts,
    pub due_at: Option<Ts>,
    pub submission_id: Option<String>,
}

/// A task in its creator's list.
#[derive(Deserialize)]
pub struct PublishedTask {
    pub task_id: String,
    pub title: String,
    pub status: String,
    pub slots_total: i64,
    pub slots_filled: i64,
    pub slots_live: i64,
    pub slots_remaining: i64,
    pub escrow_usd: Option<Usdt>,
}

/// A proof in the list of the task's creator.
#[derive(Deserialize)]
pub struct ReceivedSubmission {
    pub submission_id: String,
    pub worker_name: String,
    pub status: String,
    pub submitted_at: Ts,
    pub auto_approve_at: Option<Ts>,
}

/// A proof that waits for a verdict, with its task.
#[derive(Deserialize)]
pub struct Waiting {
    pub submission_id: String,
    pub title: String,
    pub reward_usd: Usdt,
    pub worker_name: String,
    pub submitted_at: Ts,
    pub auto_approve_at: Option<Ts>,
}

/// A proof on its own page.
#[derive(Deserialize)]
pub struct Submission {
    pub submission_id: String,
    pub acceptance_id: String,
    pub task_id: String,
    pub worker_id: String,
    pub number: i64,
    pub status: String,
    pub proof_url: Option<String>,
    pub proof_text: Option<String>,
    pub submitted_at: Ts,
    pub due_at: Option<Ts>,
    pub auto: bool,
    pub remarks: Vec<Remark>,
}

/// Something that was said about a proof.
#[derive(Deserialize)]
pub struct Remark {
    pub kind: String,
    pub by: String,
    pub code: String,
    pub text: String,
    pub at: Ts,
}

/// Money.
#[derive(Clone, Copy, Deserialize)]
pub struct Balance {
    pub available_balance: Usdt,
    pub held_balance: Usdt,
    pub total_balance: Usdt,
}

/// What publishing would mean.
#[derive(Deserialize)]
pub struct Quote {
    pub escrow_usd: Usdt,
    pub fee_usd: Usdt,
    pub reward_net_usd: Usdt,
    pub review_window_hours: i64,
    pub balance_after: Balance,
    pub terms: Terms,
    #[serde(default)]
    pub problem: Option<QuoteProblem>,
}

/// What a creator agrees to.
#[derive(Deserialize)]
pub struct Terms {
    pub text: String,
}

/// Why publishing would be refused.
#[derive(Deserialize)]
pub struct QuoteProblem {
    pub detail: String,
    #[serde(default)]
    pub missing_usd: Option<Usdt>,
}

/// A category.
#[derive(Deserialize)]
pub struct Category {
    pub id: String,
    pub label: String,
}

/// The rules in numbers.
#[derive(Deserialize)]
pub struct Rules {
    pub fee_percent: Hundredths,
    pub commission_percent: Hundredths,
    pub commission_months: u32,
    pub reward_min_usd: Usdt,
    pub review_windows: Vec<ReviewWindow>,
    pub dispute_within_hours: i64,
    pub dispute_decided_within_days: i64,
    pub terms: Terms,
    pub limits: Vec<RuleLimit>,
}

/// One step of the review windows.
#[derive(Deserialize)]
pub struct ReviewWindow {
    pub reward_from_usd: Usdt,
    pub hours: i64,
}

/// How often something may be done.
#[derive(Deserialize)]
pub struct RuleLimit {
    pub name: String,
    pub limit: String,
}

/// A line of the history.
#[derive(Deserialize)]
pub struct Transaction {
    #[serde(deserialize_with = "signed")]
    pub amount: Usdt,
    pub balance_after: Usdt,
    pub description: String,
    pub created_at: Ts,
}

/// An amount that may be below zero.
fn signed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Usdt, D::Error> {
    let text = serde_json::Number::deserialize(deserializer)?.to_string();
    let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |digits| (true, digits));
    let amount: Usdt = serde_json::from_str(digits).map_err(de::Error::custom)?;
    Ok(if negative { amount.negated() } else { amount })
}

/// An API key.
#[derive(Deserialize)]
pub struct Key {
    pub key_id: String,
    pub key_prefix: String,
    pub name: String,
    pub scopes: Vec<String>,
    pub last_used_at: Option<Ts>,
    pub expires_at: Option<Ts>,
    pub revoked_at: Option<Ts>,
}

/// Who came by a link.
#[derive(Deserialize)]
pub struct Referrals {
    pub code: String,
    pub link: String,
    pub total_earned: Usdt,
    pub items: Vec<Referred>,
    pub next_cursor: Option<String>,
}

/// One of them.
#[derive(Deserialize)]
pub struct Referred {
    pub name: String,
    pub joined_at: Ts,
    pub earning_until: Ts,
    pub commission_earned: Usdt,
}

/// One's own profile.
#[derive(Deserialize)]
pub struct Profile {
    pub username: String,
    pub username_can_change: bool,
    pub display_name: String,
    pub bio: String,
    pub capabilities: Vec<String>,
    pub max_hourly_spend_usd: Option<Usdt>,
}

/// What everybody may see of a user.
#[derive(Deserialize)]
pub struct PublicUser {
    pub name: String,
    pub username: String,
    pub is_bot: bool,
    pub member_since: Ts,
    pub bio: String,
    pub capabilities: Vec<String>,
    pub completed_count: i64,
    pub paid_count: i64,
    pub rating: Option<Hundredths>,
    pub rating_count: i64,
    pub trust_score: i64,
    pub reject_rate: Option<Hundredths>,
    pub median_review_minutes: Option<i64>,
}

/// A deposit.
#[derive(Deserialize)]
pub struct Deposit {
    pub amount: Usdt,
    pub status: String,
    #[serde(default)]
    pub explorer_url: Option<String>,
    pub seen_at: Ts,
}

/// Deposits, and what waits for the minimum.
#[derive(Deserialize)]
pub struct Deposits {
    pub pending_deposits: Usdt,
    pub items: Vec<Deposit>,
}

/// Where to send money.
#[derive(Deserialize)]
pub struct DepositAddress {
    pub address: String,
}

/// A withdrawal.
#[derive(Deserialize)]
pub struct Withdrawal {
    pub withdrawal_id: String,
    pub amount: Usdt,
    pub fee: Usdt,
    pub net_amount: Usdt,
    pub address: String,
    pub status: String,
    #[serde(default)]
    pub txid: Option<String>,
    #[serde(default)]
    pub explorer_url: Option<String>,
    pub created_at: Ts,
}

/// A withdrawal with what became of it.
#[derive(Deserialize)]
pub struct WithdrawalDetail {
    #[serde(flatten)]
    pub withdrawal: Withdrawal,
    #[serde(default)]
    pub timeline: Vec<Step>,
}

/// A step on the way of a withdrawal.
#[derive(Deserialize)]
pub struct Step {
    pub status: String,
    pub at: Ts,
    #[serde(default)]
    pub reason: String,
}
