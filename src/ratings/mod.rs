//! Stars, once from each side after a slot was paid.

mod list_ratings;
mod rate;
pub(crate) mod store;

use serde_json::json;

use crate::base::context::Scope;
use crate::base::operation::{Access, Method, Operation, command, query};

crate::refusals! {
    /// What this room refuses.
    pub enum RatingRefusal {
        AlreadyRated = 409 "already_rated": "You have rated this slot already." => "A rating stays as it is.";
    }
}

/// What this room offers.
pub fn operations() -> Vec<Operation> {
    vec![
        command("rate_acceptance", Method::Post, "/api/v1/agent/acceptances/{acceptance_id}/rate", Access::User(Scope::Read), rate::rate)
            .creates()
            .example(json!({ "stars": 5, "comment": "Quick and careful." }))
            .about("Rate the other side of a slot that was paid, once."),
        query("list_ratings", Method::Get, "/api/v1/users/{user}/ratings", Access::Open, list_ratings::list_ratings)
            .about("The newest ratings of a user, by id or username, with what was said."),
    ]
}
