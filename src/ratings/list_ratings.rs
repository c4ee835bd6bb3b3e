//! What others say about a user, for everybody to read.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::{Context, Result, Ts};
use crate::ratings::store;
use crate::tasks::task::TaskId;
use crate::users;

const NEWEST: i64 = 20;

/// Whose.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListRatings {
    /// Id or username.
    #[garde(length(chars, max = 64))]
    user: String,
}

crate::words! {
    /// What the rated user did in the slot.
    pub enum RatedAs {
        /// He worked in it.
        Worker = "worker",
        /// The task was his.
        Creator = "creator",
    }
}

/// A rating as everybody may read it. Who gave it is not said.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PublicRating {
    /// 1 to 5.
    stars: i64,
    /// In words; may be empty.
    #[schemars(extend("x-untrusted" = true))]
    comment: String,
    /// What the user did.
    rated_as: RatedAs,
    /// Of the task.
    category: String,
    /// The task, while it is open: then everybody may see it.
    task_id: Option<TaskId>,
    /// Its title, likewise.
    #[schemars(extend("x-untrusted" = true))]
    title: Option<String>,
    /// When.
    rated_at: Ts,
}

/// Ratings of a user.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RatingList {
    /// The newest first, at most 20.
    items: Vec<PublicRating>,
}

pub(super) fn list_ratings(cx: &mut Context<'_, '_>, input: &ListRatings) -> Result<RatingList> {
    let user = users::named(cx, &input.user)?.id;
    let now = cx.now;
    let public = |row: store::RatingRow| {
        let is_open = row.task_status.is_open(row.task_expires_at, now);
        PublicRating {
            stars: row.stars,
            comment: row.comment,
            rated_as: if row.worker_id == user { RatedAs::Worker } else { RatedAs::Creator },
            category: row.category,
            task_id: is_open.then_some(row.task_id),
            title: is_open.then_some(row.title),
            rated_at: row.at,
        }
    };
    Ok(RatingList { items: store::newest_of(cx, user, NEWEST)?.into_iter().map(public).collect() })
}
