//! Publishing a task in four steps. Each is a plain form that carries what was typed before; nothing is stored until the
//! last one. The quote is the operation itself, asked what would happen.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use crate::base::Result;
use crate::doors::App;
use crate::doors::web::Shown;
use crate::doors::web::chrome::{Chrome, show, show_again};
use crate::doors::web::form::Form;
use crate::doors::web::pieces::{self, Field};
use crate::doors::web::refused::to;
use crate::doors::web::shown::Quote;
use crate::doors::web::tasks::categories;
use crate::doors::web::visitor::Member;

const WHAT: &[&str] = &["title", "description", "category", "target_url", "tags"];
const PROOF: &[&str] = &["proof", "proof_url", "proof_text", "max_resubmissions"];
const SLOTS: &[&str] = &["reward_usd", "slots", "deadline_minutes", "worker_type", "expires_at", "min_rating"];
const STEPS: [&[&str]; 3] = [WHAT, PROOF, SLOTS];

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/publish", get(begin).post(step)).route("/publish/quote", post(quote_only))
}

#[derive(Template)]
#[template(path = "web/publish.html")]
struct Wizard {
    chrome: Chrome,
    step: usize,
    form: Form,
    fields: Vec<Field>,
    /// What was typed on the other steps.
    carried: Vec<(&'static str, String)>,
    quote: Option<Quote>,
    description: String,
    key: String,
}

#[derive(Template)]
#[template(path = "web/pieces/quote.html")]
struct QuoteOnly {
    quote: Option<Quote>,
}

async fn begin(member: Member) -> Shown {
    let mut form = Form::default();
    for (name, value) in
        [("slots", "1"), ("deadline_minutes", "1440"), ("proof_url", "optional"), ("proof_text", "optional"), ("max_resubmissions", "1")]
    {
        form.set(name, value);
    }
    Ok(show(&wizard(&member, 1, form, None).await?))
}

async fn step(member: Member, mut form: Form) -> Shown {
    let at: usize = form.get("step").parse().unwrap_or(1).clamp(1, 4);
    if form.get("go") == "back" {
        return Ok(show(&wizard(&member, at.saturating_sub(1).max(1), form, None).await?));
    }
    if form.get("go") == "recalculate" {
        let quote = quote(&member, &mut form).await?;
        form.forget_errors_but(STEPS.get(at - 1).copied().unwrap_or_default());
        return Ok(show(&wizard(&member, at, form, quote).await?));
    }
    if at == 4 {
        return publish(member, form).await;
    }
    let quote = quote(&member, &mut form).await?;
    form.forget_errors_but(STEPS[at - 1]);
    if form.has_errors() {
        return Ok(show_again(&wizard(&member, at, form, quote).await?));
    }
    Ok(show(&wizard(&member, at + 1, form, quote).await?))
}

async fn publish(member: Member, mut form: Form) -> Shown {
    let input = input(&mut form, false);
    if form.get("agree") != "yes" {
        form.wrong("agree", "Say that you have read it.");
    }
    if !form.has_errors() {
        match member.act::<Value>("publish_task", input, form.get("key")).await {
            Ok(made) => {
                let id = made["task_id"].as_str().unwrap_or_default().to_owned();
                return Ok(to(&format!("/published/{id}?done=published")));
            }
            Err(error) if error.status() < 429 && error.status() != 401 => form.refuse(&error),
            Err(error) => return Err(error.into()),
        }
    }
    // Back to the step on which something is wrong.
    let at = STEPS.iter().position(|names| form.has_error_in(names)).map_or(4, |step| step + 1);
    let quote = if at > 2 { quote(&member, &mut form.clone()).await? } else { None };
    Ok(show_again(&wizard(&member, at, form, quote).await?))
}

async fn quote_only(member: Member, mut form: Form) -> Shown {
    Ok(show(&QuoteOnly { quote: quote(&member, &mut form).await? }))
}

/// What it would cost. What is wrong with the form is noted in it.
async fn quote(member: &Member, form: &mut Form) -> Result<Option<Quote>> {
    let input = input(form, true);
    match member.ask("publish_task", input).await {
        Ok(quote) => Ok(Some(quote)),
        Err(error) if error.status() < 429 && error.status() != 401 => {
            form.refuse(&error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The input of the operation, with what the later steps will ask filled in as long as it is only tried.
fn input(form: &mut Form, dry: bool) -> Value {
    let mut input = form.texts(&["title", "description", "category", "target_url", "reward_usd", "worker_type", "expires_at"]);
    for name in ["slots", "deadline_minutes", "max_resubmissions"] {
        form.integer(name, &mut input);
    }
    let tags: Vec<&str> = form.get("tags").split([',', ' ']).map(str::trim).filter(|tag| !tag.is_empty()).collect();
    input.insert("tags".into(), tags.iter().map(|tag| tag.to_lowercase()).collect());
    input.insert("proof".into(), proof(form));
    if let Some(Value::String(day)) = input.get("expires_at").cloned() {
        input.insert("expires_at".into(), format!("{day}T23:59:59Z").into());
    }
    if dry {
        input.insert("dry_run".into(), true.into());
        if form.get("step") != "3" && form.get("step") != "4" {
            input.entry("reward_usd").or_insert_with(|| json!(1));
            input.entry("slots").or_insert_with(|| json!(1));
        }
    }
    Value::Object(input)
}

fn proof(form: &Form) -> Value {
    let parts = [("url", form.get("proof_url")), ("text", form.get("proof_text"))];
    let given: Map<String, Value> =
        parts.iter().filter(|(_, wanted)| !wanted.is_empty()).map(|(part, wanted)| ((*part).to_owned(), (*wanted).into())).collect();
    given.into()
}

async fn wizard(member: &Member, step: usize, mut form: Form, quote: Option<Quote>) -> Result<Wizard> {
    let quote = if quote.is_none() && step >= 3 { self::quote(member, &mut form.clone()).await? } else { quote };
    form.set("step", step.to_string());
    let fields = match step {
        1 => what(member, &form).await?,
        2 => proof_fields(&form),
        3 => slots(&form),
        _ => vec![form.field("agree", "I have read this and agree.", "checkbox")],
    };
    let others = STEPS.iter().enumerate().filter(|(at, _)| at + 1 != step).flat_map(|(_, names)| names.iter());
    let carried = others.map(|name| (*name, form.raw(name).to_owned())).filter(|(_, value)| !value.is_empty()).collect();
    let description = form.get("description").to_owned();
    let key = if form.get("key").is_empty() { member.fresh_key() } else { form.get("key").to_owned() };
    let chrome = Chrome::new(member, "publish", "Publish a task");
    Ok(Wizard { chrome, step, form, fields, carried, quote, description, key })
}

async fn what(member: &Member, form: &Form) -> Result<Vec<Field>> {
    let choices = categories(member).await?.into_iter().map(|one| (one.id, one.label));
    Ok(vec![
        form.field("title", "Title", "text").first().hint("In a line, so that a worker knows at once what it is about."),
        form.field("description", "What is to be done", "textarea").hint("Each step, and what a good result looks like."),
        form.field("category", "Category", "select").options(choices),
        form.field("target_url", "Where", "url").optional().hint("The address of the page or account that it is about."),
        form.field("tags", "Tags", "text").optional().hint("Up to ten words, separated by commas."),
    ])
}

fn proof_fields(form: &Form) -> Vec<Field> {
    let wanted = [("optional", "May be given"), ("required", "Must be given"), ("none", "Not wanted")];
    vec![
        form.field("proof_url", "An address as proof", "select").options(wanted),
        form.field("proof_text", "A text as proof", "select").options(wanted),
        form.field("max_resubmissions", "How often you may ask for changes", "select")
            .options((0..=5).map(|n| (n.to_string(), n.to_string()))),
    ]
}

fn slots(form: &Form) -> Vec<Field> {
    let deadlines =
        [("60", "1 hour"), ("360", "6 hours"), ("1440", "1 day"), ("4320", "3 days"), ("10080", "7 days"), ("43200", "30 days")];
    let workers = [("any", "People and bots"), ("human", "People only"), ("bot", "Bots only")];
    vec![
        form.field("reward_usd", "Reward for each worker, in USDT", "text").keys("decimal").first(),
        form.field("slots", "How many workers", "text").keys("numeric"),
        form.field("deadline_minutes", "Time from accepting to handing in", "select").options(deadlines),
        form.field("worker_type", "Who may work", "select").options(workers),
        form.field("expires_at", "Takes workers until the end of", "date").optional().hint("30 days from now when left empty."),
    ]
}
