-- What the dispatcher remembers of calls, and what operators did.

-- One row per (user, operation, key): the stored answer, written in the transaction of its effect.
create table idempotency (
    digest               {bytes} not null unique, -- first 16 bytes of SHA-256(user, operation, key)
    input_hash           {bytes} not null,        -- SHA-256 of the canonical merged input
    status               {int} not null,
    body                 {bytes} not null,
    created_at           {int} not null,
    kept                 {bool} not null          -- for ever: nobody may withdraw the same money twice
) {table};
create index idempotency_by_age on idempotency (created_at) where not kept;

-- The uses of hourly limits, numbered per subject (a user, or the digest of a client address) and policy.
create table hourly_uses (
    subject              {uuid} not null,
    policy               {text} not null,
    n                    {int} not null,
    at                   {int} not null,
    primary key (subject, policy, n)
) {narrow};
create index hourly_uses_by_age on hourly_uses (at);

create table admin_actions (
    id                   {uuid} primary key,
    admin_id             {uuid} not null,
    action               {text} not null,
    subject_id           {uuid} not null,
    reason               {text} not null,
    before               {text} not null,
    after                {text} not null,
    at                   {int} not null
) {table};

-- Facts about this installation: its network, the sandbox clock.
create table installation (
    key                  {text} primary key,
    value                {text} not null
) {table};
