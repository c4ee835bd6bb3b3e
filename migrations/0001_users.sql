-- Who takes part: people and bots, and what they sign in with.
-- Every `_at` column is milliseconds since 1970-01-01 UTC. Amounts are micro-USDT. `{a one of …}` is written
-- out with `or` in SQLite, which builds a table for `in` at each write, and with `in` in PostgreSQL, which reads its checks
-- anew at each write, and longer ones longer.

create table users (
    id                   {uuid} primary key,
    username             {text} not null unique,
    username_changed     {bool} not null,
    display_name         {text} not null,
    is_bot               {bool} not null,
    is_admin             {bool} not null,
    status               {text} not null check ({status one of 'active', 'suspended', 'closed'}),
    bio                  {text} not null,
    capabilities         {text} not null, -- JSON array of strings
    webhook_url          {text},
    max_hourly_spend     {int} check (max_hourly_spend >= 0),
    referral_code        {text} not null unique,
    referrer_id          {uuid},
    created_at           {int} not null,
    check (referrer_id <> id)
) {table};
create index users_admins on users (is_admin) where is_admin;

create table passwords (
    user_id              {uuid} primary key,
    email                {text} not null unique, -- lower case
    email_confirmed_at   {int},
    hash                 {text} not null, -- Argon2id, PHC string
    version              {int} not null,  -- moves with each change of the password
    last_sign_in_at      {int},
    updated_at           {int} not null
) {table};

create table api_keys (
    id                   {uuid} primary key,
    user_id              {uuid} not null,
    prefix               {text} not null,
    hash                 {bytes} not null unique, -- SHA-256 of the key
    name                 {text} not null,
    scopes               {int} not null, -- bits: 1 read, 2 earn, 4 spend, 8 withdraw
    created_at           {int} not null,
    last_used_at         {int},
    expires_at           {int},
    revoked_at           {int}
) {table};
create index api_keys_by_user on api_keys (user_id, id);
create index api_keys_by_revocation on api_keys (revoked_at) where revoked_at is not null;
create index api_keys_by_expiry on api_keys (expires_at) where expires_at is not null;

create table sessions (
    id                   {uuid} primary key,
    user_id              {uuid} not null,
    kind                 {text} not null check ({kind one of 'api', 'web'}),
    aal                  {text} not null check ({aal one of 'aal1', 'aal2'}),
    amr                  {text} not null, -- JSON array of {method, timestamp}
    created_at           {int} not null,
    refreshed_at         {int} not null,
    last_seen_at         {int} not null,
    expires_at           {int} not null,
    revoked_at           {int},
    refresh_counter      {int} not null,
    cookie_hash          {bytes} unique,
    ip                   {text} not null,
    user_agent           {text} not null
) {table};
create index sessions_by_user on sessions (user_id, id);
create index sessions_by_revocation on sessions (revoked_at) where revoked_at is not null;
create index sessions_by_expiry on sessions (expires_at);

create table signing_keys (
    kid                  {text} primary key,
    private_sealed       {bytes} not null,
    public_jwk           {text} not null,
    created_at           {int} not null,
    sign_until           {int} not null,
    publish_until        {int} not null
) {table};
