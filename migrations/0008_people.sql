-- What people need beside a key: what they say of themselves, mails and the one-time tokens in them, second factors.

create table people (
    user_id              {uuid} primary key,
    user_metadata        {text} not null, -- a JSON object, the user's own
    new_email            {text}           -- waits for its confirmation
) {table};

create table mail_tokens (
    hash                 {bytes} primary key, -- SHA-256 of the token
    user_id              {uuid} not null,
    purpose              {text} not null check (purpose = 'signup' or purpose = 'recovery' or purpose = 'email_change' or purpose = 'magiclink'),
    email                {text} not null,
    created_at           {int} not null,
    expires_at           {int} not null
) {table};
create index mail_tokens_by_user on mail_tokens (user_id, purpose);
create index mail_tokens_by_expiry on mail_tokens (expires_at);

create table mails (
    id                   {uuid} primary key,
    recipient            {text} not null,
    subject              {text} not null,
    body                 {text} not null,
    created_at           {int} not null,
    next_at              {int}, -- null: sent, given up, or not to be sent
    attempts             {int} not null,
    sent_at              {int}
) {table};
create index mails_due on mails (next_at) where next_at is not null;
create index mails_by_age on mails (created_at);

create table factors (
    id                   {uuid} primary key,
    user_id              {uuid} not null,
    friendly_name        {text} not null,
    secret_sealed        {bytes} not null,
    verified_at          {int},
    last_step            {int} not null, -- the newest time step whose code was used
    challenged_at        {int},
    created_at           {int} not null,
    updated_at           {int} not null
) {table};
create index factors_by_user on factors (user_id, id);

create table challenges (
    id                   {uuid} primary key,
    factor_id            {uuid} not null,
    tries                {int} not null,
    created_at           {int} not null,
    expires_at           {int} not null
) {table};
create index challenges_by_expiry on challenges (expires_at);

create table recovery_codes (
    hash                 {bytes} primary key, -- SHA-256 of the user's id and the code
    user_id              {uuid} not null
) {table};
create index recovery_codes_by_user on recovery_codes (user_id);

-- Admins look at people and bots apart.
create index users_by_kind on users (is_bot, id);
