//! One side rates the other.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::base::error::Refusal;
use crate::base::{Context, Result, UserId};
use crate::events::{self, Event, EventKind};
use crate::ratings::{RatingRefusal, store};
use crate::tasks::acceptance::AcceptanceId;
use crate::tasks::{check_content, paid_slot};
use crate::users::reputation::{Tally, tally};

/// Which slot, and how it went.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// A slot that was paid, of a task of yours or worked on by you.
    #[garde(skip)]
    acceptance_id: AcceptanceId,
    /// 1 to 5.
    #[garde(range(min = 1, max = 5))]
    stars: i64,
    /// In words, up to 1000 characters. Everybody may read it on the profile of the other side.
    #[garde(inner(length(chars, max = 1000)))]
    #[schemars(length(max = 1000))]
    comment: Option<String>,
}

/// The rating stands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Rated {
    /// Which slot.
    acceptance_id: AcceptanceId,
    /// Who was rated.
    user_id: UserId,
    /// How many stars.
    stars: i64,
}

pub(super) fn rate(cx: &mut Context<'_, '_>, input: &Rate) -> Result<Rated> {
    let me = cx.user_id()?;
    let (creator, worker) = paid_slot(cx, input.acceptance_id)?;
    let other = match me {
        me if me == creator => worker,
        me if me == worker => creator,
        _ => return Err(Refusal::NotFound.into()),
    };
    if store::has_rated(cx, input.acceptance_id, me)? {
        return Err(RatingRefusal::AlreadyRated.into());
    }
    let comment = input.comment.as_deref().unwrap_or_default();
    if !comment.is_empty() {
        check_content(cx, &[comment])?;
    }
    store::insert_rating(cx, input.acceptance_id, (me, other), input.stars, comment)?;
    tally(cx, &[(other, Tally::Rating, input.stars)])?;
    let data = json!({ "acceptance_id": input.acceptance_id, "from": me, "stars": input.stars, "comment": comment });
    events::emit(cx, &[Event::new(other, EventKind::RatingReceived, data)])?;
    Ok(Rated { acceptance_id: input.acceptance_id, user_id: other, stars: input.stars })
}
