//! R2: what a user is known for, counted or about to be, is what the paid slots, the verdicts and the ratings tell.

use uuid::Uuid;

use crate::error::AuditError;
use crate::findings::Findings;
use crate::groups::groups;
use crate::json_text::numbers;
use crate::reader::{Reader, Row};

/// The newest reviews that a median is taken of.
const REVIEWS_KEPT: i128 = 101;

/// By user: the counts (part 0), what waits to be counted (1), and what happened (2), both in the same words.
const TOLD: &str = "
    with slot as (
        select a.id, a.worker_id as worker, k.creator_id as creator, a.status,
               (select count(*) from remarks r where r.acceptance_id = a.id and r.kind = 'rejection') as rejections
        from acceptances a join tasks k on k.id = a.task_id
        where a.status in ('approved', 'split', 'refunded', 'rejected', 'disputed'))
    select x.who, x.part, x.what, x.n, x.paid, x.reviews, x.rejections, x.disputes, x.lost, x.stars, x.ratings, x.minutes, x.median
    from (select user_id as who, 0 as part, '' as what, completed as n, paid, reviews, rejections, disputes,
                 disputes_lost as lost, stars, ratings, review_minutes as minutes, median_review_minutes as median
          from reputations
          union all
          select user_id, 1, what, amount, 0, 0, 0, 0, 0, 0, 0, '', null from untallied
          union all
          select worker, 2, 'completed', 0, 0, 0, 0, 0, 0, 0, 0, '', null from slot where status in ('approved', 'split')
          union all
          select creator, 2, 'approval', 0, 0, 0, 0, 0, 0, 0, 0, '', null from slot where status = 'approved' and rejections = 0
          union all
          select creator, 2, 'rejection', 0, 0, 0, 0, 0, 0, 0, 0, '', null from slot where rejections > 0
          union all
          select creator, 2, 'paid', 0, 0, 0, 0, 0, 0, 0, 0, '', null from slot
          where status = 'split' or status = 'approved' and rejections > 0
          union all
          select worker, 2, case when status = 'refunded' then 'dispute_lost' else 'dispute' end, 0, 0, 0, 0, 0, 0, 0, 0, '', null
          from slot where status in ('split', 'refunded') or status = 'approved' and rejections > 0
          union all
          select creator, 2, case when status = 'approved' then 'dispute_lost' else 'dispute' end, 0, 0, 0, 0, 0, 0, 0, 0, '', null
          from slot where status in ('split', 'refunded') or status = 'approved' and rejections > 0
          union all
          select rated_id, 2, 'rating', stars, 0, 0, 0, 0, 0, 0, 0, '', null from ratings) x
    order by x.who, x.part";

const RATINGS: &str = "
    select r.acceptance_id, r.rater_id, r.rated_id, r.stars, a.status, a.worker_id, k.creator_id
    from ratings r left join acceptances a on a.id = r.acceptance_id left join tasks k on k.id = a.task_id
    order by r.acceptance_id, r.rater_id";

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let begin = |id| User { id, ..User::default() };
    let users = groups(reader, TOLD, begin, User::add, |user| user.close(findings))?;
    findings.count("users", users);
    ratings(reader, findings)
}

/// Counts in the order: completed, paid, reviews, rejections, disputes, lost disputes, stars, ratings.
type Counts = [i128; 8];

#[derive(Default)]
struct User {
    id: Uuid,
    rows: u64,
    known: Counts,
    waiting: Counts,
    happened: Counts,
    median_fits: bool,
}

impl User {
    fn add(&mut self, row: &Row<'_>) -> Result<(), AuditError> {
        let part = row.int(1)?;
        let counts = if part == 0 {
            self.rows += 1;
            let mut counts = Counts::default();
            for (n, count) in counts.iter_mut().enumerate() {
                *count = row.int(n + 3)?.into();
            }
            self.median_fits = median_fits(row.text(11)?, row.optional_int(12)?, counts[2]);
            counts
        } else {
            one(row.text(2)?, row.int(3)?)
        };
        let sum = [&mut self.known, &mut self.waiting, &mut self.happened].into_iter().nth(usize::try_from(part).unwrap_or(2));
        for (sum, count) in sum.into_iter().flatten().zip(counts) {
            *sum += count;
        }
        Ok(())
    }

    fn close(self, findings: &mut Findings) {
        let Self { id, rows, known, waiting, happened, median_fits } = self;
        let mut sum = known;
        sum.iter_mut().zip(waiting).for_each(|(sum, waiting)| *sum += waiting);
        findings.require(rows <= 1 && sum == happened, || {
            format!("user {id}: {known:?} in {rows} rows and {waiting:?} to be counted, expected {happened:?} in all")
        });
        findings.require(rows == 0 || median_fits, || format!("user {id}: the median is not that of his newest reviews"));
    }
}

/// What one thing that happened counts for.
fn one(what: &str, amount: i64) -> Counts {
    match what {
        "completed" => [1, 0, 0, 0, 0, 0, 0, 0],
        "approval" => [0, 1, 1, 0, 0, 0, 0, 0],
        "rejection" => [0, 0, 1, 1, 0, 0, 0, 0],
        "paid" => [0, 1, 0, 0, 0, 0, 0, 0],
        "dispute" => [0, 0, 0, 0, 1, 0, 0, 0],
        "dispute_lost" => [0, 0, 0, 0, 1, 1, 0, 0],
        "rating" => [0, 0, 0, 0, 0, 0, amount.into(), 1],
        _ => [i128::from(i64::MAX); 8],
    }
}

fn median_fits(minutes: &str, median: Option<i64>, reviews: i128) -> bool {
    let Some(mut minutes) = numbers(minutes) else { return false };
    minutes.sort_unstable();
    i128::try_from(minutes.len()) == Ok(reviews.min(REVIEWS_KEPT)) && minutes.get(minutes.len() / 2).copied() == median
}

/// Each side of a paid slot rates the other, once.
fn ratings(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let (mut ratings, mut before) = (0u64, None);
    reader.rows(RATINGS, |row| {
        ratings += 1;
        let (slot, by, of, stars) = (row.id(0)?, row.id(1)?, row.id(2)?, row.int(3)?);
        let (worker, creator) = (row.optional_id(5)?, row.optional_id(6)?);
        let sides = [(worker, creator), (creator, worker)].contains(&(Some(by), Some(of)));
        let paid = matches!(row.optional_text(4)?, Some("approved" | "split"));
        findings.require(sides && paid && (1..=5).contains(&stars) && before != Some((slot, by)), || {
            format!("rating of {of} by {by} for {slot}: {stars} stars, expected one from each side of a paid slot")
        });
        before = Some((slot, by));
        Ok(())
    })?;
    findings.count("ratings", ratings);
    Ok(())
}
