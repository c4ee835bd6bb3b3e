//! A form as it was sent: its fields, what is wrong with them, and how both are shown again.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::Response;
use axum::response::IntoResponse as _;
use serde_json::{Map, Number, Value};

use crate::base::Error;
use crate::doors::App;
use crate::doors::request::read_body;
use crate::doors::web::pieces::Field;
use crate::doors::web::refused::Refused;

/// What was typed, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Form {
    values: BTreeMap<String, Vec<String>>,
    errors: BTreeMap<String, String>,
    /// What is wrong with the form as a whole.
    pub problem: String,
}

impl FromRequest<Arc<App>> for Form {
    type Rejection = Response<Body>;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let (parts, body) = request.into_parts();
        let bytes = read_body(&parts.headers, body, app.dispatcher.config.server.body_bytes_max).await;
        Ok(Self::parse(&bytes.map_err(|error| Refused::from(error).into_response())?))
    }
}

impl Form {
    /// From `application/x-www-form-urlencoded`, which is also how a query is written.
    pub fn parse(text: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in url::form_urlencoded::parse(text) {
            form.values.entry(name.into_owned()).or_default().push(value.replace("\r\n", "\n"));
        }
        form
    }

    /// What was typed, without spaces around it.
    pub fn get(&self, name: &str) -> &str {
        self.values.get(name).and_then(|values| values.last()).map_or("", |value| value.trim())
    }

    /// What was typed, as it was typed: a password.
    pub fn raw(&self, name: &str) -> &str {
        self.values.get(name).and_then(|values| values.last()).map_or("", String::as_str)
    }

    /// Whether a field of this name was sent, filled in or not.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Every value of a name.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.values.get(name).cloned().unwrap_or_default()
    }

    /// Whether anything was sent: a form that was not shows its own choices.
    pub fn is_sent(&self) -> bool {
        !self.values.is_empty()
    }

    /// Whether this one of the values of a name was chosen.
    pub fn chose(&self, name: &str, value: &str) -> bool {
        self.values.get(name).is_some_and(|values| values.iter().any(|one| one == value))
    }

    /// Puts a value into the form.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_owned(), vec![value.into()]);
    }

    /// Says what is wrong with a field.
    pub fn wrong(&mut self, name: &str, why: impl Into<String>) {
        self.errors.entry(name.to_owned()).or_insert_with(|| why.into());
    }

    /// Whether something is wrong.
    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty() || !self.problem.is_empty()
    }

    /// Whether something is wrong with one of these.
    pub fn has_error_in(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.errors.contains_key(*name))
    }

    /// Keeps what is wrong with these only.
    pub fn forget_errors_but(&mut self, names: &[&str]) {
        self.errors.retain(|name, _| names.contains(&name.as_str()));
        self.problem.clear();
    }

    /// What is wrong, for the summary above the form.
    pub fn summary(&self) -> Vec<(&str, &str)> {
        self.errors.iter().map(|(name, why)| (name.as_str(), why.as_str())).collect()
    }

    /// Puts a refusal of an operation beside its field, or above the form.
    pub fn refuse(&mut self, error: &Error) {
        match field_of(error) {
            Some(field) => {
                let why = in_words(error);
                self.wrong(&field, why);
            }
            None => self.problem = in_words(error),
        }
    }

    /// The given texts as an input, without empty ones.
    pub fn texts(&self, names: &[&str]) -> Map<String, Value> {
        names.iter().filter(|name| !self.get(name).is_empty()).map(|name| ((*name).to_owned(), self.get(name).into())).collect()
    }

    /// Adds a whole number to an input, if one was typed.
    pub fn integer(&mut self, name: &str, input: &mut Map<String, Value>) {
        let text = self.get(name).to_owned();
        if text.is_empty() {
            return;
        }
        match text.parse::<i64>() {
            Ok(n) => drop(input.insert(name.to_owned(), Value::Number(Number::from(n)))),
            Err(_) => self.wrong(name, "Write a whole number."),
        }
    }

    /// A field to show.
    pub fn field(&self, name: &'static str, label: &'static str, kind: &'static str) -> Field {
        Field {
            name,
            label,
            kind,
            value: if kind == "password" { String::new() } else { self.raw(name).to_owned() },
            error: self.errors.get(name).cloned().unwrap_or_default(),
            required: true,
            ..Field::default()
        }
    }
}

/// Which field an operation refused, as far as it says.
fn field_of(error: &Error) -> Option<String> {
    let named = || error.detail().split('`').nth(1).map(|path| path.split(['.', '[']).next().unwrap_or(path).to_owned());
    match error.code() {
        "invalid_field" | "invalid_url" | "unknown_field" | "proof_missing" | "proof_not_wanted" => named(),
        "reward_too_low" => Some("reward_usd".into()),
        "escrow_too_large" => Some("slots".into()),
        "unknown_category" => Some("category".into()),
        "expiry_out_of_bounds" => Some("expires_at".into()),
        "no_proof" => Some("proof_url".into()),
        "username_taken" | "username_fixed" => Some("username".into()),
        "weak_password" | "same_password" => Some("password".into()),
        "email_taken" | "invalid_email" => Some("email".into()),
        "unknown_referral_code" => Some("referral_code".into()),
        "amount_below_minimum" | "amount_above_maximum" => Some("amount".into()),
        "address_refused" => Some("address".into()),
        "second_factor_wrong" | "second_factor_expired" => Some("code".into()),
        _ => None,
    }
}

/// What is wrong, for somebody who has never seen an API.
pub fn in_words(error: &Error) -> String {
    if error.code() != "invalid_field" {
        return match error.code() {
            "insufficient_funds" => format!("{} Put money into your wallet first.", error.detail()),
            "spend_cap_exceeded" | "rate_limited" | "busy" => format!("{} Try again later.", error.detail()),
            _ => error.detail().to_owned(),
        };
    }
    let why = error.detail().rsplit("`: ").next().unwrap_or_default().trim_end_matches('.');
    let number = |text: &str| text.rsplit(' ').next().unwrap_or_default().to_owned();
    if why == "it is required" || why.starts_with("invalid type: null") {
        "Fill this in.".into()
    } else if why.starts_with("length is lower than") {
        format!("Write at least {} characters.", number(why))
    } else if why.starts_with("length is greater than") {
        format!("Write at most {} characters.", number(why))
    } else if why.starts_with("lower than") {
        format!("At least {}.", number(why))
    } else if why.starts_with("greater than") {
        format!("At most {}.", number(why))
    } else {
        let mut letters = why.chars();
        let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
        format!("{first}{}.", letters.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Refusal;

    #[test]
    fn what_is_wrong_stands_beside_its_field_in_words() {
        let mut form = Form::parse(b"title=ab&tags=a&tags=b&description=one%0D%0Atwo");
        form.refuse(&Refusal::InvalidField { field: "title".into(), why: "length is lower than 3".into() }.into());
        form.refuse(&Refusal::InvalidField { field: "slots".into(), why: "greater than 10000".into() }.into());
        form.refuse(&Refusal::InvalidField { field: "reason".into(), why: "it is required".into() }.into());
        form.refuse(&Refusal::UserSuspended.into());
        assert_eq!(form.summary(), [("reason", "Fill this in."), ("slots", "At most 10000."), ("title", "Write at least 3 characters.")]);
        assert!(form.problem.contains("suspended"));
        assert_eq!((form.get("title"), form.all("tags").len(), form.get("description")), ("ab", 2, "one\ntwo"));
    }
}
