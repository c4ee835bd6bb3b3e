//! The table of ratings.

use crate::base::{Context, Result, Ts, UserId};
use crate::tasks::acceptance::AcceptanceId;

::store::statements! {
    HAS_RATED: (AcceptanceId, UserId) => (i64,) = "select stars from ratings where acceptance_id = $1 and rater_id = $2";
    INSERT_RATING: (AcceptanceId, UserId, UserId, i64, String, Ts) => () =
        "insert into ratings (acceptance_id, rater_id, rated_id, stars, comment, at) values ($1, $2, $3, $4, $5, $6)";
}

pub(super) fn has_rated(cx: &mut Context<'_, '_>, acceptance: AcceptanceId, rater: UserId) -> Result<bool> {
    Ok(cx.tx.maybe(&HAS_RATED, (acceptance, rater))?.is_some())
}

/// Writes a rating of the first user about the second.
pub(super) fn insert_rating(
    cx: &mut Context<'_, '_>,
    acceptance: AcceptanceId,
    (from, to): (UserId, UserId),
    stars: i64,
    comment: &str,
) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&INSERT_RATING, (acceptance, from, to, stars, comment, now))?)
}
