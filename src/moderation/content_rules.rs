//! What tasks must not ask for: the list that admins edit.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::error::Refusal;
use crate::base::{Context, Result, Ts};
use crate::moderation::{ModerationRefusal, store};
use crate::users::admin_action::{self, Action};

const RULES_MAX: usize = 500;

/// Nothing to say.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListRules {}

/// The rules in force.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContentRules {
    /// In the order in which they are tried.
    items: Vec<ContentRule>,
}

/// One rule.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContentRule {
    /// For its removal.
    rule_id: Uuid,
    /// What a creator is told.
    name: String,
    /// Runs of words, `|` between alternatives; `*` is any word, or any ending of one.
    pattern: String,
    /// When it was made.
    created_at: Ts,
}

/// The rule to make.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddRule {
    /// What a creator is told, 3 to 80 characters.
    #[garde(length(chars, min = 3, max = 80))]
    #[schemars(length(min = 3, max = 80))]
    name: String,
    /// Runs of words, `|` between alternatives; `*` is any word, or any ending of one.
    #[garde(length(chars, min = 3, max = 2000), custom(blocks_something_only))]
    #[schemars(length(min = 3, max = 2000))]
    pattern: String,
    /// Kept in the audit log.
    #[garde(length(chars, min = 3, max = 2000))]
    #[schemars(length(min = 3, max = 2000))]
    reason: String,
}

/// Which rule.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhichRule {
    /// From the list.
    #[garde(skip)]
    rule_id: Uuid,
}

/// The rule is gone.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RemovedRule {
    /// Which.
    rule_id: Uuid,
}

pub(super) fn list_rules(cx: &mut Context<'_, '_>, _: &ListRules) -> Result<ContentRules> {
    let item = |row: store::RuleRow| ContentRule { rule_id: row.id, name: row.name, pattern: row.pattern, created_at: row.at };
    Ok(ContentRules { items: store::rules(cx)?.into_iter().map(item).collect() })
}

pub(super) fn add_rule(cx: &mut Context<'_, '_>, input: &AddRule) -> Result<ContentRule> {
    if store::rules(cx)?.len() >= RULES_MAX {
        return Err(ModerationRefusal::TooManyRules { most: RULES_MAX }.into());
    }
    let row = store::RuleRow { id: cx.new_id(), name: input.name.trim().to_owned(), pattern: input.pattern.trim().to_owned(), at: cx.now };
    store::insert_rule(cx, &row)?;
    admin_action::record(cx, Action { name: "add_content_rule", subject: row.id, reason: &input.reason, before: "", after: &row.pattern })?;
    Ok(ContentRule { rule_id: row.id, name: row.name, pattern: row.pattern, created_at: row.at })
}

pub(super) fn remove_rule(cx: &mut Context<'_, '_>, input: &WhichRule) -> Result<RemovedRule> {
    let rule = store::rules(cx)?.into_iter().find(|rule| rule.id == input.rule_id).ok_or(Refusal::NotFound)?;
    store::delete_rule(cx, rule.id)?;
    admin_action::record(
        cx,
        Action { name: "remove_content_rule", subject: rule.id, reason: &rule.name, before: &rule.pattern, after: "" },
    )?;
    Ok(RemovedRule { rule_id: rule.id })
}

/// An alternative of stars alone would block every task.
fn blocks_something_only(pattern: &str, _: &()) -> garde::Result {
    let names_a_word = |alternative: &str| alternative.chars().any(char::is_alphanumeric);
    if pattern.split('|').all(names_a_word) { Ok(()) } else { Err(garde::Error::new("each alternative must name a word")) }
}
