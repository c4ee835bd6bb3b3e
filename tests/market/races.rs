//! Two or a hundred at once: exactly one gets what exists once, and each slot is paid at most once. On SQLite one thread
//! writes, so real races of rows are those on PostgreSQL.

use roborent::base::Span;
use roborent::on_both_engines;
use roborent::testing::{Answered, Bot, TestApp};
use serde_json::json;

use crate::deeds::{
    accept, approve, bots, cancel, close, decide, dispute, generous, make_admin, money, money_of, on_task, proof, publish, reject, seen,
    submit, task, tip, together,
};

const ROUNDS: usize = 100;
const WORKERS: usize = 20;
/// What a worker gets for a slot of 1.00.
const NET: i64 = 900_000;

/// A slot with a proof in review.
struct Slot {
    proof: String,
    acceptance: String,
    worker: usize,
}

/// `ROUNDS` slots of 1.00, each with a proof in review.
async fn slots(app: &TestApp, creator: &Bot, workers: &[Bot]) -> Vec<Slot> {
    let mut slots = Vec::new();
    for _ in 0..ROUNDS / WORKERS {
        let task = publish(app, creator, &task("1.00", WORKERS)).await;
        let proofs = together(workers.iter().map(|worker| proof(app, worker, &task))).await;
        let slot = |(worker, (proof, acceptance))| Slot { proof, acceptance, worker };
        slots.extend(proofs.into_iter().enumerate().map(slot));
    }
    slots
}

async fn creator_and_workers(app: &TestApp) -> (Bot, Vec<Bot>) {
    (app.rich_bot(10_000).await, bots(app, WORKERS).await)
}

/// What all workers have together.
async fn earned(app: &TestApp, workers: &[Bot]) -> i64 {
    let users: Vec<_> = workers.iter().map(|worker| worker.user_id).collect();
    money(app, &users).await.iter().map(|(available, _)| available).sum()
}

/// Both at once; which of them is sent first changes from round to round.
async fn both<A: Future, B: Future>(round: usize, a: A, b: B) -> (A::Output, B::Output) {
    if round.is_multiple_of(2) {
        tokio::join!(a, b)
    } else {
        let (b, a) = tokio::join!(b, a);
        (a, b)
    }
}

/// Of two answers one is good, the other a 409 with one of these codes.
fn one_of_two(a: &Answered, b: &Answered, codes: &[&str]) -> bool {
    let (good, bad) = if a.status < 300 { (a, b) } else { (b, a) };
    let shown = || format!("{} {} / {} {}", a.status, a.code(), b.status, b.code());
    assert!(good.status < 300 && bad.status == 409 && codes.contains(&bad.code().as_str()), "{}", shown());
    a.status < 300
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap()
}

on_both_engines! {
    async fn the_last_slot_goes_to_exactly_one_of_a_hundred(app, |config| generous(config)) {
        let (creator, workers) = (app.rich_bot(100).await, bots(app, 100).await);
        for _ in 0..20 {
            let task = publish(app, &creator, &task("1.00", 1)).await;
            let answers = together(workers.iter().map(|worker| accept(app, worker, &task))).await;
            assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
            assert!(answers.iter().filter(|answer| answer.status != 201).all(|answer| answer.status == 409 && answer.code() == "task_full"));
            assert_eq!(seen(app, &creator, &task).await["slots_remaining"], 0);
        }
    }

    async fn one_worker_takes_one_slot_whatever_he_sends_at_once(app, |config| generous(config)) {
        let (creator, workers) = creator_and_workers(app).await;
        for worker in &workers {
            let task = publish(app, &creator, &task("1.00", 5)).await;
            let answers = together((0..5).map(|_| accept(app, worker, &task))).await;
            assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
            assert!(answers.iter().filter(|answer| answer.status != 201).all(|answer| answer.code() == "already_accepted"));
            let (first, second) = tokio::join!(submit(app, worker, &task), submit(app, worker, &task));
            one_of_two(&first, &second, &["already_submitted"]);
            assert_eq!(seen(app, &creator, &task).await["slots_remaining"], 4);
        }
    }

    async fn two_verdicts_at_once_are_one(app, |config| generous(config)) {
        let (creator, workers) = creator_and_workers(app).await;
        let mut paid = 0;
        for (round, slot) in slots(app, &creator, &workers).await.iter().enumerate() {
            let (first, second) = both(round, approve(app, &creator, &slot.proof), approve(app, &creator, &slot.proof)).await;
            one_of_two(&first, &second, &["not_in_review"]);
            paid += NET;
        }
        for (round, slot) in slots(app, &creator, &workers).await.iter().enumerate() {
            let (yes, no) = both(round, approve(app, &creator, &slot.proof), reject(app, &creator, &slot.proof)).await;
            paid += if one_of_two(&yes, &no, &["not_in_review"]) { NET } else { 0 };
        }
        assert_eq!(earned(app, &workers).await, paid);
    }

    async fn the_clock_and_a_verdict_at_once_pay_once(app, |config| generous(config)) {
        let (creator, workers) = creator_and_workers(app).await;
        let slots = slots(app, &creator, &workers).await;
        let (early, late) = slots.split_at(ROUNDS / 2);
        app.advance(Span::hours(48).minus_one());
        let (verdicts, ()) = tokio::join!(together(early.iter().map(|slot| approve(app, &creator, &slot.proof))), app.run_jobs());
        assert!(verdicts.iter().all(|verdict| verdict.status == 200), "a millisecond is left");
        assert_eq!(earned(app, &workers).await, NET * count(early.len()), "the clock pays nothing early");

        app.advance(Span::milliseconds(1));
        let verdict = |(round, slot): (usize, &Slot)| {
            let proof = slot.proof.clone();
            let creator = creator.clone();
            async move { if round.is_multiple_of(2) { approve(app, &creator, &proof).await } else { reject(app, &creator, &proof).await } }
        };
        let (verdicts, (), ()) = tokio::join!(together(late.iter().enumerate().map(verdict)), app.run_jobs(), app.run_jobs());
        for verdict in verdicts {
            assert!(verdict.status == 409 && ["review_window_passed", "not_in_review"].contains(&verdict.code().as_str()));
        }
        assert_eq!(earned(app, &workers).await, NET * count(ROUNDS));
        assert_eq!(money_of(app, &creator).await, (10_000_000_000 - 1_000_000 * count(ROUNDS), 0));
    }

    async fn closing_and_approving_at_once_pay_and_refund_once(app, |config| generous(config)) {
        let (creator, workers) = creator_and_workers(app).await;
        for round in 0..ROUNDS {
            let worker = &workers[round % WORKERS];
            let task = publish(app, &creator, &task("1.00", 3)).await;
            let (proof, _) = proof(app, worker, &task).await;
            let (approved, closed) = both(round, approve(app, &creator, &proof), close(app, &creator, &task)).await;
            assert_eq!((approved.status, closed.status), (200, 200));
            assert_eq!(seen(app, &creator, &task).await["status"], "completed");
        }
        assert_eq!(earned(app, &workers).await, NET * count(ROUNDS));
        assert_eq!(money_of(app, &creator).await, (10_000_000_000 - 1_000_000 * count(ROUNDS), 0));
    }

    async fn what_happens_to_different_slots_of_one_task_at_once_is_all_counted(app, |config| generous(config)) {
        let (creator, workers) = creator_and_workers(app).await;
        for round in 0..ROUNDS {
            let worker = |n: usize| &workers[(round + n) % WORKERS];
            let id = publish(app, &creator, &task("1.00", 6)).await;
            let (one, _) = proof(app, worker(0), &id).await;
            for n in 1..3 {
                drop(accept(app, worker(n), &id).await.expect(201));
            }
            let (verdict, others) = (approve(app, &creator, &one), tokio::join!(proof(app, worker(3), &id), proof(app, worker(4), &id)));
            let moves = async { tokio::join!(cancel(app, worker(1), &id), submit(app, worker(2), &id), accept(app, worker(5), &id)) };
            let (approved, (cancelled, submitted, accepted)) = both(round, verdict, moves).await;
            assert_eq!([approved.status, cancelled.status, submitted.status, accepted.status], [200, 200, 201, 201], "{others:?}");
            let seen = seen(app, &creator, &id).await;
            assert_eq!((&seen["slots_filled"], &seen["slots_remaining"], &seen["escrow_usd"]), (&json!(1), &json!(1), &json!(5.0)), "{round}");
        }
    }

    async fn two_closings_at_once_refund_once(app, |config| generous(config)) {
        let (creator, workers) = creator_and_workers(app).await;
        for round in 0..ROUNDS / 4 {
            let task = publish(app, &creator, &task("1.00", 3)).await;
            let worker = &workers[round % WORKERS];
            let (first, second) = both(round, close(app, &creator, &task), close(app, &creator, &task)).await;
            one_of_two(&first, &second, &["task_closed"]);
            assert_eq!(accept(app, worker, &task).await.code(), "task_closed");
        }
        assert_eq!(money_of(app, &creator).await, (10_000_000_000, 0));
    }

    async fn a_worker_and_the_deadline_at_once_free_a_slot_once(app, |config| generous(config)) {
        let (creator, workers) = creator_and_workers(app).await;
        let mut tasks = Vec::new();
        for _ in 0..ROUNDS / WORKERS {
            let task = publish(app, &creator, &task("1.00", WORKERS)).await;
            assert!(together(workers.iter().map(|worker| accept(app, worker, &task))).await.iter().all(|answer| answer.status == 201));
            tasks.push(task);
        }
        app.advance(Span::days(1).minus_one());
        let (in_time, ()) = tokio::join!(together(workers.iter().map(|worker| submit(app, worker, &tasks[0]))), app.run_jobs());
        assert!(in_time.iter().all(|answer| answer.status == 201));
        let (given_up, ()) = tokio::join!(together(workers.iter().map(|worker| cancel(app, worker, &tasks[1]))), app.run_jobs());
        assert!(given_up.iter().all(|answer| answer.status == 200));

        app.advance(Span::milliseconds(1));
        let proofs = together(workers.iter().map(|worker| submit(app, worker, &tasks[2])));
        let cancels = together(workers.iter().map(|worker| cancel(app, worker, &tasks[3])));
        let (proofs, cancels, ()) = tokio::join!(proofs, cancels, app.run_jobs());
        for late in proofs.iter().chain(&cancels) {
            assert!(late.status == 409 && ["deadline_passed", "not_accepted"].contains(&late.code().as_str()), "{}", late.code());
        }
        for (task, free) in tasks.iter().zip([0, WORKERS, WORKERS, WORKERS, WORKERS]) {
            let seen = seen(app, &creator, task).await;
            assert_eq!((&seen["slots_remaining"], &seen["escrow_usd"]), (&json!(free), &json!(20.0)));
        }
        assert_eq!(money_of(app, &creator).await, (9_900_000_000, 100_000_000));
    }

    async fn giving_up_and_handing_in_at_once_is_one_of_both(app, |config| generous(config)) {
        let (creator, workers) = creator_and_workers(app).await;
        let (mut free, mut tasks) = (0, Vec::new());
        for _ in 0..ROUNDS / WORKERS {
            let task = publish(app, &creator, &task("1.00", WORKERS)).await;
            for (round, worker) in workers.iter().enumerate() {
                drop(accept(app, worker, &task).await.expect(201));
                let (given_up, handed_in) = both(round, cancel(app, worker, &task), submit(app, worker, &task)).await;
                free += i64::from(one_of_two(&given_up, &handed_in, &["already_submitted", "not_accepted"]));
            }
            tasks.push(task);
        }
        let mut seen_free = 0;
        for task in &tasks {
            seen_free += seen(app, &creator, task).await["slots_remaining"].as_i64().unwrap();
        }
        assert_eq!(seen_free, free);
        app.advance(Span::days(40));
        app.run_jobs().await;
        assert_eq!(earned(app, &workers).await, NET * (count(ROUNDS) - free));
    }

    async fn a_dispute_and_the_end_of_its_time_at_once_exclude_each_other(app, |config| generous(config)) {
        let (creator, workers) = creator_and_workers(app).await;
        let slots: Vec<Slot> = slots(app, &creator, &workers).await.into_iter().enumerate().filter(|(n, _)| n % WORKERS < 6).map(|(_, slot)| slot).collect();
        // Up to 30 % of a task's slots, so that no dispute opens by itself.
        assert!(together(slots.iter().map(|slot| reject(app, &creator, &slot.proof))).await.iter().all(|answer| answer.json()["status"] == "rejected"));
        let (early, late) = slots.split_at(slots.len() / 2);
        app.advance(Span::hours(72).minus_one());
        let (opened, ()) = tokio::join!(together(early.iter().map(|slot| dispute_of(app, &workers, slot))), app.run_jobs());
        assert!(opened.iter().all(|answer| answer.status == 200 && answer.json()["status"] == "disputed"));
        let held = money_of(app, &creator).await.1;
        app.advance(Span::milliseconds(1));
        let (refused, ()) = tokio::join!(together(late.iter().map(|slot| dispute_of(app, &workers, slot))), app.run_jobs());
        assert!(refused.iter().all(|answer| answer.status == 409 && ["dispute_window_passed", "not_rejected"].contains(&answer.code().as_str())));
        assert_eq!(money_of(app, &creator).await.1, held, "the tasks are open: the slots are free again, their money stays");
    }

    async fn two_decisions_at_once_are_one(app, |config| generous(config)) {
        let (creator, workers) = creator_and_workers(app).await;
        let (one, two) = (app.bot().await, app.bot().await);
        tokio::join!(make_admin(app, &one), make_admin(app, &two));
        let slots = slots(app, &creator, &workers).await;
        let before = earned(app, &workers).await;
        assert!(together(slots.iter().map(|slot| reject(app, &creator, &slot.proof))).await.iter().all(|answer| answer.status == 200));
        drop(together(slots.iter().map(|slot| dispute_of(app, &workers, slot))).await);
        let mut paid = 0;
        for (round, slot) in slots.iter().enumerate() {
            let pay = decide(app, &one, &slot.acceptance, "pay", None);
            let other = if round % 3 == 0 { ("refund", None) } else { ("split", Some(50)) };
            let (yes, no) = both(round, pay, decide(app, &two, &slot.acceptance, other.0, other.1)).await;
            paid += match (one_of_two(&yes, &no, &["not_disputed"]), other.1) {
                (true, _) => NET,
                (false, Some(_)) => NET / 2,
                (false, None) => 0,
            };
        }
        assert_eq!(earned(app, &workers).await - before, paid);
    }

    async fn two_tips_at_once_stay_below_the_cap(app, |config| generous(config)) {
        let (creator, worker) = (app.rich_bot(1_000).await, app.bot().await);
        let task = publish(app, &creator, &task("1.00", 1)).await;
        let (proof, _) = proof(app, &worker, &task).await;
        drop(approve(app, &creator, &proof).await.expect(200));
        cap(app, &creator, "1.00").await;
        for round in 0..ROUNDS {
            app.advance(Span::hours(1));
            let (first, second) = both(round, tip(app, &creator, &proof, "0.6"), tip(app, &creator, &proof, "0.6")).await;
            let (good, bad) = if first.status == 201 { (first, second) } else { (second, first) };
            assert_eq!((good.status, bad.status, bad.code().as_str(), bad.header("retry-after")), (201, 429, "spend_cap_exceeded", Some("3600")));
        }
        assert_eq!(money_of(app, &worker).await, (NET + 600_000 * count(ROUNDS), 0));
    }

    async fn fifty_publishes_at_once_stay_below_the_cap(app, |config| generous(config)) {
        let creator = app.rich_bot(1_000).await;
        cap(app, &creator, "10.5").await;
        for hour in 1..=4 {
            let body = task("0.50", 2);
            let answers = together((0..50).map(|_| app.post("/api/v1/agent/tasks").key(&creator).json(&body).send())).await;
            assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 10);
            for refused in answers.iter().filter(|answer| answer.status != 201) {
                assert_eq!((refused.status, refused.code().as_str(), refused.header("retry-after")), (429, "spend_cap_exceeded", Some("3600")));
                assert_eq!(refused.json()["spend_cap_left_usd"], 0.5);
            }
            assert_eq!(money_of(app, &creator).await, (1_000_000_000 - 10_000_000 * hour, 10_000_000 * hour));
            app.advance(Span::hours(1).minus_one());
            assert_eq!(app.post("/api/v1/agent/tasks").key(&creator).json(&body).send().await.code(), "spend_cap_exceeded");
            app.advance(Span::milliseconds(1));
        }
    }

    async fn publishing_extending_and_tipping_at_once_share_one_cap(app, |config| generous(config)) {
        let (creator, worker) = (app.rich_bot(1_000).await, app.bot().await);
        let open = publish(app, &creator, &task("1.00", 1)).await;
        let (proof, _) = proof(app, &worker, &open).await;
        drop(approve(app, &creator, &proof).await.expect(200));
        let open = publish(app, &creator, &task("1.00", 1)).await;
        app.advance(Span::hours(1));
        cap(app, &creator, "12").await;
        let before = money_of(app, &creator).await;
        let spend = |n: usize| {
            let (creator, open, proof) = (creator.clone(), open.clone(), proof.clone());
            async move {
                match n % 3 {
                    0 => app.post("/api/v1/agent/tasks").key(&creator).json(&task("1.00", 1)).send().await,
                    1 => on_task(app, &creator, &open, "extend", &json!({ "slots_added": 1 })).await,
                    _ => tip(app, &creator, &proof, "1.00").await,
                }
            }
        };
        let answers = together((0..60).map(spend)).await;
        assert_eq!(answers.iter().filter(|answer| answer.status < 300).count(), 12);
        assert!(answers.iter().filter(|answer| answer.status >= 300).all(|answer| answer.code() == "spend_cap_exceeded"));
        let after = money_of(app, &creator).await;
        assert_eq!(before.0 - after.0, 12_000_000);
    }

    async fn one_balance_is_spent_once(app, |config| generous(config)) {
        let creator = app.rich_bot(10).await;
        let answers = together((0..50).map(|_| app.post("/api/v1/agent/tasks").key(&creator).body(task("1.00", 1).to_string()).send())).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 10);
        assert!(answers.iter().filter(|answer| answer.status != 201).all(|answer| answer.status == 402 && answer.code() == "insufficient_funds"));
        assert_eq!(money_of(app, &creator).await, (0, 10_000_000));
    }

    async fn of_64_accepts_at_once_exactly_30_pass_in_an_hour(app, |config| {
        let accept = config.limits.accept;
        generous(config);
        config.limits.accept = accept;
    }) {
        let (creator, worker) = (app.rich_bot(100).await, app.bot().await);
        let mut tasks = Vec::new();
        for _ in 0..64 {
            tasks.push(publish(app, &creator, &task("1.00", 1)).await);
        }
        let answers = together(tasks.iter().map(|task| accept(app, &worker, task))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 30);
        assert!(answers.iter().filter(|answer| answer.status != 201).all(|answer| answer.status == 429 && answer.code() == "rate_limited"));
        let listed = app.get("/api/v1/agent/tasks/mine?limit=50").key(&worker).send().await.expect(200).json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 30);
    }
}

async fn dispute_of(app: &TestApp, workers: &[Bot], slot: &Slot) -> Answered {
    dispute(app, &workers[slot.worker], &slot.proof).await
}

async fn cap(app: &TestApp, who: &Bot, usd: &str) {
    drop(app.ask("PATCH", "/api/v1/agent/profile").key(who).json(&json!({ "max_hourly_spend_usd": usd })).send().await.expect(200));
}

/// One millisecond less.
trait Before {
    fn minus_one(self) -> Self;
}

impl Before for Span {
    fn minus_one(self) -> Self {
        Self::milliseconds(self.as_milliseconds() - 1)
    }
}
