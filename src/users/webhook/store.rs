//! The table of endpoints.

use crate::base::{Context, Result, Ts, UserId};

::store::row! {
    /// An endpoint as stored; its URL stands with the user.
    #[derive(Clone, Debug)]
    pub struct Endpoint {
        /// Whether events are sent.
        pub is_on: bool,
        /// Which secret signs.
        pub secret_number: i64,
        /// Until then the one before it signs, too.
        pub former_secret_until: Option<Ts>,
        /// Every event after this one has a delivery.
        pub since_seq: Option<i64>,
        /// When failures switched it off.
        pub switched_off_at: Option<Ts>,
    }
}

impl Endpoint {
    /// Not in use yet.
    pub(super) fn new() -> Self {
        Self { is_on: false, secret_number: 1, former_secret_until: None, since_seq: None, switched_off_at: None }
    }
}

::store::statements! {
    ENDPOINT_LOCKED: (UserId,) => Endpoint =
        "select is_on, secret_number, former_secret_until, since_seq, switched_off_at from webhook_endpoints where user_id = $1 {lock}";
    ENDPOINTS_LOCKED: (UserId,) => (UserId, bool, i64, Option<Ts>, Option<i64>, Option<Ts>) =
        "select user_id, is_on, secret_number, former_secret_until, since_seq, switched_off_at from webhook_endpoints \
         where user_id in ({rows}) order by user_id {lock}";
    ENDPOINT: (UserId,) => (Option<String>, bool, i64, Option<Ts>, Option<i64>, Option<Ts>) =
        "select u.webhook_url, e.is_on, e.secret_number, e.former_secret_until, e.since_seq, e.switched_off_at \
         from webhook_endpoints e join users u on u.id = e.user_id where e.user_id = $1";
    SAVE_ENDPOINT: (UserId, bool, i64, Option<Ts>, Option<i64>, Option<Ts>) => () =
        "insert into webhook_endpoints (user_id, is_on, secret_number, former_secret_until, since_seq, switched_off_at) \
         values ($1, $2, $3, $4, $5, $6) on conflict (user_id) do update set is_on = excluded.is_on, \
                secret_number = excluded.secret_number, former_secret_until = excluded.former_secret_until, \
                since_seq = excluded.since_seq, switched_off_at = excluded.switched_off_at";
    SAVE_SINCE: (UserId, i64) => () = "update webhook_endpoints set since_seq = $2 where user_id = $1";
    SWITCH_OFF: (UserId, Ts) => () =
        "update webhook_endpoints set is_on = false, since_seq = null, switched_off_at = $2 where user_id = $1 and is_on";
}

pub(super) fn endpoint_locked(cx: &mut Context<'_, '_>, user: UserId) -> Result<Option<Endpoint>> {
    Ok(cx.tx.maybe(&ENDPOINT_LOCKED, (user,))?)
}

/// The endpoints of those of `users`, in order, who have one; locked, so that nobody switches them on or off meanwhile.
pub fn endpoints_locked(cx: &mut Context<'_, '_>, users: &[UserId]) -> Result<Vec<(UserId, Endpoint)>> {
    let keys: Vec<(UserId,)> = users.iter().map(|user| (*user,)).collect();
    let rows = cx.tx.all_of(&ENDPOINTS_LOCKED, &keys)?;
    let row = |(user, is_on, secret_number, former_secret_until, since_seq, switched_off_at)| {
        (user, Endpoint { is_on, secret_number, former_secret_until, since_seq, switched_off_at })
    };
    Ok(rows.into_iter().map(row).collect())
}

/// An endpoint and its URL.
pub fn endpoint(cx: &mut Context<'_, '_>, user: UserId) -> Result<Option<(Option<String>, Endpoint)>> {
    let row = cx.tx.maybe(&ENDPOINT, (user,))?;
    Ok(row.map(|(url, is_on, secret_number, former_secret_until, since_seq, switched_off_at)| {
        (url, Endpoint { is_on, secret_number, former_secret_until, since_seq, switched_off_at })
    }))
}

pub(super) fn save_endpoint(cx: &mut Context<'_, '_>, user: UserId, endpoint: &Endpoint) -> Result<()> {
    let Endpoint { is_on, secret_number, former_secret_until, since_seq, switched_off_at } = *endpoint;
    Ok(cx.tx.write(&SAVE_ENDPOINT, (user, is_on, secret_number, former_secret_until, since_seq, switched_off_at))?)
}

/// From the event after this one on, each has a delivery.
pub fn save_since(cx: &mut Context<'_, '_>, user: UserId, seq: i64) -> Result<()> {
    Ok(cx.tx.write(&SAVE_SINCE, (user, seq))?)
}

/// Failures switch an endpoint off; answers whether it was on.
pub fn switch_off(cx: &mut Context<'_, '_>, user: UserId) -> Result<bool> {
    let now = cx.now;
    Ok(cx.tx.change(&SWITCH_OFF, (user, now))? > 0)
}
