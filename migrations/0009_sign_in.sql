-- Users whose API keys withdraw nothing: they take money out on the site only.

create table locked_keys (
    user_id              {uuid} primary key,
    since                {int} not null
) {table};
