-- Counts the turns of numbering that placed something: who waits on another node sees by it that there is more.
alter table event_numbering add column turn {int} not null default 0;

-- Where a user wants his events sent: `users.webhook_url`, while `is_on`. The secret is not stored: it is made from the
-- secret of the installation, the user and the number.
create table webhook_endpoints (
    user_id              {uuid} primary key,
    is_on                {bool} not null,
    secret_number        {int} not null check (secret_number > 0),
    former_secret_until  {int}, -- until then the secret before this one signs, too
    since_seq            {int}, -- every event after this one has a delivery; null until the first one is numbered
    switched_off_at      {int}, -- by failures
    check (not is_on or switched_off_at is null)
) {table};

-- One row for each event that is or was to be sent: the queue, and what became of it.
create table webhook_deliveries (
    user_id              {uuid} not null,
    seq                  {int} not null,
    event_id             {uuid} not null unique, -- the `webhook-id`
    state                {text} not null check (state = 'waiting' or state = 'delivered' or state = 'given_up'),
    attempts             {int} not null, -- made, all together
    tries                {int} not null, -- made since it was last put into the queue
    next_at              {int},
    primary key (user_id, seq),
    check ((state = 'waiting') = (next_at is not null))
) {narrow};
create index webhook_deliveries_waiting on webhook_deliveries (user_id, next_at, seq) where next_at is not null;

-- The queue of one endpoint as a whole: when there is something to do for it, who does it, and how it has been doing.
create table webhook_lanes (
    user_id              {uuid} primary key,
    next_at              {int}, -- null: nothing waits
    leased_until         {int} not null,
    failures             {int} not null, -- attempts that failed since the last one that did not
    failing_since        {int},
    paused_until         {int}
) {table};
create index webhook_lanes_healthy on webhook_lanes (next_at) where failures = 0 and next_at is not null;
create index webhook_lanes_failing on webhook_lanes (next_at) where failures > 0 and next_at is not null;

create table webhook_attempts (
    user_id              {uuid} not null,
    seq                  {int} not null,
    n                    {int} not null, -- 1, 2, 3 … of its delivery
    at                   {int} not null,
    duration_ms          {int} not null,
    status               {int},         -- null: no answer
    note                 {text} not null, -- how the answer began, or why there is none
    primary key (user_id, seq, n)
) {table};
create index webhook_attempts_by_age on webhook_attempts (at);

-- What a user is to be told outside of the log, for whoever sends mail.
create table notices (
    id                   {uuid} primary key,
    user_id              {uuid} not null,
    kind                 {text} not null,
    data                 {text} not null, -- a JSON object
    created_at           {int} not null,
    sent_at              {int}
) {table};
create index notices_unsent on notices (created_at) where sent_at is null;
