//! What admins decide: a page that says what will happen and asks why, then the operation.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use serde_json::Value;

use crate::doors::App;
use crate::doors::web::Shown;
use crate::doors::web::chrome::{Chrome, show, show_again};
use crate::doors::web::form::Form;
use crate::doors::web::pieces::Field;
use crate::doors::web::refused::{Refused, to};
use crate::doors::web::second_factor::{asks_for_a_code, needs_fresh_second_factor, step_up_before};
use crate::doors::web::tasks::Confirm;
use crate::doors::web::visitor::Admin;

/// One decision: its operation, the field that the id goes to, title, what happens, the other fields, where it leads back.
struct Act {
    name: &'static str,
    operation: &'static str,
    /// What the name says beside the operation.
    flag: Option<(&'static str, bool)>,
    id: &'static str,
    title: &'static str,
    happens: &'static str,
    fields: &'static [&'static str],
    back: &'static str,
    /// Moves money or lets it move.
    is_money: bool,
}

const fn decision(operation: &'static str, id: &'static str, title: &'static str, happens: &'static str, back: &'static str) -> Act {
    Act { name: operation, operation, flag: None, id, title, happens, fields: &["reason"], back, is_money: false }
}

const ACTS: &[Act] = &[
    decision(
        "admin_suspend_user",
        "user_id",
        "Suspend this user?",
        "All sessions end, and the user can only read. Open tasks are closed, withdrawals that wait go to review. What was earned stays.",
        "/admin/users",
    ),
    decision("admin_restore_user", "user_id", "Restore this user?", "The user may act again at once.", "/admin/users"),
    Act {
        flag: Some(("flagged", true)),
        ..decision(
            "admin_flag_user",
            "user_id",
            "Flag this user?",
            "Each withdrawal of the user is looked at by an admin from now on.",
            "/admin/users",
        )
    },
    Act {
        name: "admin_unflag_user",
        flag: Some(("flagged", false)),
        ..decision("admin_flag_user", "user_id", "Take the flag away?", "Withdrawals go out by the usual rules again.", "/admin/users")
    },
    decision(
        "admin_suspend_task",
        "task_id",
        "Suspend this task?",
        "It takes no more workers, free slots are refunded at once. Proofs already handed in are settled as usual.",
        "/admin/reports",
    ),
    decision("admin_settle_reports", "task_id", "Put these reports away?", "The task stays as it is.", "/admin/reports"),
    Act {
        fields: &["decision", "percent", "reason"],
        is_money: true,
        ..decision(
            "admin_decide_dispute",
            "acceptance_id",
            "Decide this dispute",
            "Pay: the worker gets the reward less the fee. Refund: the creator gets it back. Split: the worker gets the given percent of the reward, less the fee on it, the creator the rest. Both sides see the reason. This is final.",
            "/admin/disputes",
        )
    },
    Act {
        fields: &["name", "pattern", "reason"],
        ..decision(
            "admin_add_content_rule",
            "",
            "Add a content rule",
            "Runs of words, with | between alternatives; * is any word, or any ending of one. New tasks that hold one are refused.",
            "/admin/rules",
        )
    },
    Act {
        fields: &[],
        ..decision(
            "admin_remove_content_rule",
            "rule_id",
            "Remove this rule?",
            "Tasks that it blocked may be published from now on.",
            "/admin/rules",
        )
    },
    Act {
        is_money: true,
        ..decision(
            "admin_approve_withdrawal",
            "withdrawal_id",
            "Approve this withdrawal?",
            "It goes out with the next payouts. A large one needs a second admin. Nobody decides about his own.",
            "/admin/withdrawals",
        )
    },
    Act {
        is_money: true,
        ..decision(
            "admin_reject_withdrawal",
            "withdrawal_id",
            "Reject this withdrawal?",
            "The whole amount goes back to the user, who sees the reason.",
            "/admin/withdrawals",
        )
    },
    Act {
        is_money: true,
        ..decision(
            "admin_freeze_payouts",
            "",
            "Freeze all payouts?",
            "Nothing is sent until somebody unfreezes. What users may do otherwise stays.",
            "/admin/gateway",
        )
    },
    Act {
        is_money: true,
        ..decision(
            "admin_unfreeze_payouts",
            "freeze",
            "Unfreeze payouts?",
            "What waits is sent again by the usual rules.",
            "/admin/gateway",
        )
    },
    Act {
        is_money: true,
        ..decision(
            "admin_retry_order",
            "order_id",
            "Try this payout again?",
            "A new transfer is made after it is certain that the old one is dead.",
            "/admin/gateway",
        )
    },
    Act {
        is_money: true,
        ..decision(
            "admin_refund_order",
            "order_id",
            "Refund this payout?",
            "The user gets the amount back. Only when nothing was sent, or with a proof that the transfer is dead.",
            "/admin/gateway",
        )
    },
    Act {
        fields: &["txid", "reason"],
        is_money: true,
        ..decision(
            "admin_confirm_order",
            "order_id",
            "Confirm this payout?",
            "It counts as done by the transaction that you name.",
            "/admin/gateway",
        )
    },
];

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/admin/act/{operation}", get(ask).post(act))
}

fn find(admin: &Admin, operation: &str) -> Result<&'static Act, Refused> {
    ACTS.iter().find(|act| act.name == operation && admin.operation(act.operation).is_some()).ok_or(Refused::NotFound)
}

fn field(form: &Form, name: &str) -> Option<Field> {
    Some(match name {
        "reason" => form.field("reason", "Why, for the audit log", "textarea"),
        "decision" => form.field("decision", "Decision", "select").options([
            ("pay", "Pay the worker"),
            ("refund", "Refund the creator"),
            ("split", "Split"),
        ]),
        "percent" => form.field("percent", "Percent for the worker, of a split", "text").optional().keys("numeric"),
        "name" => form.field("name", "Name, as creators are told", "text"),
        "pattern" => form.field("pattern", "Pattern", "text"),
        "txid" => form.field("txid", "Transaction", "text"),
        _ => return None,
    })
}

fn page(admin: &Admin, act: &Act, id: &str, form: Form) -> Confirm {
    let fields = act.fields.iter().filter_map(|name| field(&form, name)).collect();
    let key = if form.get("key").is_empty() { admin.fresh_key() } else { form.get("key").to_owned() };
    Confirm {
        chrome: Chrome::new(admin, "admin", act.title),
        lines: vec![act.happens.to_owned()],
        fields,
        form,
        hidden: vec![("id".into(), id.to_owned()), ("key".into(), key)],
        button: "Decide",
        is_danger: false,
        back: act.back.to_owned(),
    }
}

async fn ask(admin: Admin, Path(operation): Path<String>) -> Shown {
    let act = find(&admin, &operation)?;
    if act.is_money {
        needs_fresh_second_factor(&admin)?;
    }
    Ok(show(&page(&admin, act, &admin.query("id"), Form::default())))
}

async fn act(admin: Admin, Path(operation): Path<String>, mut form: Form) -> Shown {
    let act = find(&admin, &operation)?;
    let texts: Vec<&str> = act.fields.iter().copied().filter(|name| *name != "percent").collect();
    let mut input = form.texts(&texts);
    if act.fields.contains(&"percent") {
        form.integer("percent", &mut input);
    }
    if let Some((name, value)) = act.flag {
        input.insert(name.to_owned(), value.into());
    }
    let id = form.get("id").to_owned();
    if !act.id.is_empty() {
        input.insert(act.id.to_owned(), id.clone().into());
    }
    if !form.has_errors() {
        match admin.act::<Value>(act.operation, Value::Object(input), form.get("key")).await {
            Ok(_) => return Ok(to(&format!("{}?done=decided", act.back))),
            Err(error) if asks_for_a_code(&admin, &error) => {
                let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
                return Err(step_up_before(&format!("/admin/act/{}?id={id}", act.name)));
            }
            Err(error) if error.status() < 429 && !matches!(error.status(), 401 | 404) => form.refuse(&error),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(show_again(&page(&admin, act, &id, form)))
}
