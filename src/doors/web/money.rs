//! The wallet: what one has, what came in, what goes out.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse as _;
use axum::routing::get;
use serde_json::{Value, json};

use crate::base::{Address, Result, Usdt};
use crate::doors::App;
use crate::doors::web::Shown;
use crate::doors::web::chrome::{Chrome, show, show_again};
use crate::doors::web::form::Form;
use crate::doors::web::mine::cursor;
use crate::doors::web::pieces::{self, Field, Qr};
use crate::doors::web::refused::{Refused, to};
use crate::doors::web::second_factor::{asks_for_a_code, needs_fresh_second_factor, step_up_before};
use crate::doors::web::shown::{Balance, Deposit, DepositAddress, Deposits, List, Transaction, Withdrawal, WithdrawalDetail};
use crate::doors::web::tasks::{Confirm, unknown_id};
use crate::doors::web::visitor::Member;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/wallet", get(wallet))
        .route("/wallet/history", get(history))
        .route("/wallet/history.csv", get(statement))
        .route("/wallet/deposit", get(deposit))
        .route("/wallet/withdraw", get(withdraw).post(withdrawn))
        .route("/wallet/withdrawals/{id}", get(withdrawal))
        .route("/wallet/withdrawals/{id}/cancel", get(cancel).post(cancelled))
}

#[derive(Template)]
#[template(path = "web/wallet.html")]
struct Wallet {
    chrome: Chrome,
    balance: Balance,
    lines: Vec<Transaction>,
    withdrawals: Vec<Withdrawal>,
    pending: Usdt,
    advises_second_factor: bool,
}

async fn wallet(member: Member) -> Shown {
    let balance = member.ask("get_balance", json!({})).await?;
    let lines: List<Transaction> = member.ask("get_transactions", json!({ "limit": 10 })).await?;
    let withdrawals = withdrawals(&member).await?;
    let pending = deposits(&member).await?.map_or(Usdt::ZERO, |deposits| deposits.pending_deposits);
    let advises_second_factor = member.me.factors.iter().all(|factor| factor.verified_at.is_none());
    let chrome = Chrome::new(&member, "wallet", "Wallet");
    Ok(show(&Wallet { chrome, balance, lines: lines.items, withdrawals, pending, advises_second_factor }))
}

async fn withdrawals(member: &Member) -> Result<Vec<Withdrawal>> {
    match member.operation("get_withdrawals") {
        Some(_) => Ok(member.ask::<List<Withdrawal>>("get_withdrawals", json!({ "limit": 5 })).await?.items),
        None => Ok(Vec::new()),
    }
}

async fn deposits(member: &Member) -> Result<Option<Deposits>> {
    match member.operation("get_deposits") {
        Some(_) => member.ask("get_deposits", json!({ "limit": 20 })).await.map(Some),
        None => Ok(None),
    }
}

#[derive(Template)]
#[template(path = "web/history.html")]
struct History {
    chrome: Chrome,
    lines: Vec<Transaction>,
    older: Option<String>,
    kind: String,
    kinds: Vec<&'static str>,
}

async fn history(member: Member) -> Shown {
    let kind = member.query("kind");
    let kinds: Vec<&str> = crate::ledger::TransactionKind::ALL.iter().map(|kind| kind.name()).collect();
    let mut input = cursor(&member);
    if kinds.contains(&kind.as_str()) {
        input["kind"] = kind.clone().into();
    }
    let lines: List<Transaction> = member.ask("get_transactions", input).await?;
    Ok(show(&History { chrome: Chrome::new(&member, "wallet", "History"), lines: lines.items, older: lines.next_cursor, kind, kinds }))
}

/// The statement of the API, as a file.
async fn statement(member: Member) -> Shown {
    let body = member.call("get_statement", json!({}), "").await?;
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"roborent-statement.csv\""),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, body).into_response())
}

#[derive(Template)]
#[template(path = "web/deposit.html")]
struct DepositPage {
    chrome: Chrome,
    to: DepositAddress,
    qr: Qr,
    deposits: Vec<Deposit>,
    pending: Usdt,
}

async fn deposit(member: Member) -> Shown {
    if member.operation("create_deposit").is_none() {
        return Err(Refused::NotFound);
    }
    let to: DepositAddress = member.ask("create_deposit", json!({})).await?;
    let known = deposits(&member).await?;
    let (pending, deposits) = known.map_or((Usdt::ZERO, Vec::new()), |known| (known.pending_deposits, known.items));
    let qr = Qr::of(&to.address)?;
    Ok(show(&DepositPage { chrome: Chrome::new(&member, "wallet", "Deposit USDT"), to, qr, deposits, pending }))
}

#[derive(Template)]
#[template(path = "web/withdraw.html")]
struct WithdrawPage {
    chrome: Chrome,
    form: Form,
    fields: Vec<Field>,
    key: String,
    fee: Usdt,
    /// What will happen, when both fields are right: the last page before it does.
    exactly: Option<(Usdt, Usdt, String)>,
}

fn fee(member: &Member) -> Usdt {
    member.app.dispatcher.config.withdrawals.fee
}

fn withdraw_page(member: &Member, form: Form, exactly: Option<(Usdt, Usdt, String)>) -> WithdrawPage {
    let fee = fee(member);
    let fields = vec![
        form.field("amount", "Amount in USDT", "text")
            .keys("decimal")
            .first()
            .hint(format!("{} USDT are available. The fee of {fee} USDT is part of the amount.", member.available)),
        form.field("address", "Your TRON address", "text").autocomplete("off").hint("TRC-20. It begins with T and has 34 characters."),
    ];
    let key = if form.get("key").is_empty() { member.fresh_key() } else { form.get("key").to_owned() };
    WithdrawPage { chrome: Chrome::new(member, "wallet", "Withdraw USDT"), form, fields, key, fee, exactly }
}

async fn withdraw(member: Member) -> Shown {
    if member.operation("create_withdrawal").is_none() {
        return Err(Refused::NotFound);
    }
    // Before anything is typed, so that nothing is lost on the way.
    needs_fresh_second_factor(&member)?;
    Ok(show(&withdraw_page(&member, Form::default(), None)))
}

/// First shows exactly what will happen, then does it: the second form carries the same key, so it has one effect.
async fn withdrawn(member: Member, mut form: Form) -> Shown {
    let amount: Option<Usdt> = serde_json::from_value(form.get("amount").replace(',', ".").into()).ok();
    let Some(amount) = amount.filter(|amount| *amount > fee(&member)) else {
        form.wrong("amount", "Write an amount such as 25 or 25.50.");
        return Ok(show_again(&withdraw_page(&member, form, None)));
    };
    if form.get("sure") != "yes" {
        let address = form.get("address").to_owned();
        let least = member.app.dispatcher.config.withdrawals.min;
        if amount < least {
            form.wrong("amount", format!("A withdrawal is at least {least} USDT."));
        } else if amount > member.available {
            form.wrong("amount", format!("{} USDT are available.", member.available));
        }
        if serde_json::from_value::<Address>(address.clone().into()).is_err() {
            form.wrong("address", "This is not a TRON address: one begins with T and has 34 characters. Copy it once more.");
        }
        if form.has_errors() {
            return Ok(show_again(&withdraw_page(&member, form, None)));
        }
        let net = amount.checked_sub(fee(&member)).unwrap_or(Usdt::ZERO);
        return Ok(show(&withdraw_page(&member, form, Some((amount, net, address)))));
    }
    let input = json!({ "amount": amount, "address": form.get("address"), "currency": "USDT" });
    match member.act::<Value>("create_withdrawal", input, form.get("key")).await {
        Ok(made) => Ok(to(&format!("/wallet/withdrawals/{}", made["withdrawal_id"].as_str().unwrap_or_default()))),
        Err(error) if asks_for_a_code(&member, &error) => Err(step_up_before("/wallet/withdraw")),
        Err(error) if error.status() < 429 && error.status() != 401 => {
            form.refuse(&error);
            Ok(show_again(&withdraw_page(&member, form, None)))
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "web/withdrawal.html")]
struct WithdrawalPage {
    chrome: Chrome,
    detail: WithdrawalDetail,
}

impl WithdrawalPage {
    fn may_cancel(&self) -> bool {
        matches!(self.detail.withdrawal.status.as_str(), "queued" | "in_review")
    }
}

async fn withdrawal(member: Member, Path(id): Path<String>) -> Shown {
    if member.operation("get_withdrawal").is_none() {
        return Err(Refused::NotFound);
    }
    let detail: WithdrawalDetail = member.ask("get_withdrawal", json!({ "withdrawal_id": id })).await.map_err(unknown_id)?;
    Ok(show(&WithdrawalPage { chrome: Chrome::new(&member, "wallet", "Withdrawal"), detail }))
}

fn cancel_page(member: &Member, id: &str, form: Form) -> Confirm {
    Confirm {
        chrome: Chrome::new(member, "wallet", "Take this withdrawal back?"),
        lines: vec!["The whole amount is available again at once. This is possible until the transfer is signed.".into()],
        fields: Vec::new(),
        form,
        hidden: vec![("key".into(), member.fresh_key())],
        button: "Take it back",
        is_danger: true,
        back: format!("/wallet/withdrawals/{id}"),
    }
}

async fn cancel(member: Member, Path(id): Path<String>) -> Shown {
    Ok(show(&cancel_page(&member, &id, Form::default())))
}

async fn cancelled(member: Member, Path(id): Path<String>, mut form: Form) -> Shown {
    match member.act::<Value>("cancel_withdrawal", json!({ "withdrawal_id": id }), form.get("key")).await {
        Ok(_) => Ok(to(&format!("/wallet/withdrawals/{id}?done=withdrawal-cancelled"))),
        Err(error) if error.status() == 409 => {
            form.refuse(&error);
            Ok(show_again(&cancel_page(&member, &id, form)))
        }
        Err(error) => Err(error.into()),
    }
}
