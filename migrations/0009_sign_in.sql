-- Users whose API keys withdraw nothing: they take money out on the site only. And mails that somebody asked for, before
-- anybody has looked whether there is such an address: the answer comes before the look.

create table locked_keys (
    user_id              {uuid} primary key,
    since                {int} not null
) {table};

create table mail_requests (
    id                   {uuid} primary key, -- in the order of asking
    email                {text} not null,
    purpose              {text} not null check (purpose = 'signup' or purpose = 'recovery' or purpose = 'magiclink'),
    created_at           {int} not null
) {table};
